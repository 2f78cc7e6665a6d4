#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/byte_source.hpp"

namespace elves::corpus {

/// A folder of the file system. Only regular files; symbolic links are not followed. The folder is listed once for each
/// suffix, so use one object for all files of a folder. Not for several threads.
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
