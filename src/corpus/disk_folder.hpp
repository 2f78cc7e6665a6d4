#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/format.hpp"

namespace elves::corpus {

/// A folder of the file system. Regular files only; symbolic links are not followed. Lists itself once for each suffix:
/// one object serves all files of the folder, but one thread only.
class DiskFolder final : public formats::Folder {
 public:
  explicit DiskFolder(std::string path) : path_(std::move(path)) {}
  Result<std::unique_ptr<formats::ByteSource>> open(std::string_view name) const override;
  std::vector<std::string> names(std::string_view suffix) const override;

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  mutable std::map<std::string, std::vector<std::string>, std::less<>> listed_;  ///< by suffix
};

}  // namespace elves::corpus
