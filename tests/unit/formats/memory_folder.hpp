#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/byte_source.hpp"

namespace elves::formats {

/// A folder with files in memory.
class MemoryFolder final : public Folder {
 public:
  void add(std::string name, std::span<const std::byte> bytes) {
    files_[std::move(name)] = {bytes.begin(), bytes.end()};
  }

  Result<std::unique_ptr<ByteSource>> open(std::string_view name) const override {
    const auto found = files_.find(name);
    if (found == files_.end()) return Error{"no such file"};
    return std::unique_ptr<ByteSource>(std::make_unique<MemorySource>(found->second));
  }

  std::vector<std::string> names(std::string_view suffix) const override {
    std::vector<std::string> found;
    for (const auto& [name, bytes] : files_) {
      if (std::string_view(name).ends_with(suffix)) found.push_back(name);
    }
    return found;
  }

 private:
  std::map<std::string, std::vector<std::byte>, std::less<>> files_{};
};

}  // namespace elves::formats
