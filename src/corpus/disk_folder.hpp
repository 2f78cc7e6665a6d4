#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "corpus/container.hpp"

namespace elves::corpus {

/// A folder of the file system. Regular files only; symbolic links are not followed.
class DiskFolder final : public Folder {
 public:
  explicit DiskFolder(std::string path) : path_(std::move(path)) {}
  Result<std::unique_ptr<ByteSource>> open(std::string_view name) const override;
  std::vector<std::string> names(std::string_view suffix) const override;

 private:
  std::string path_;
};

}  // namespace elves::corpus
