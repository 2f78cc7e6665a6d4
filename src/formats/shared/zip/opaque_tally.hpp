#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "formats/format.hpp"
#include "formats/shared/zip/zip_directory.hpp"

namespace elves::formats::zip {

/// Counts what stays opaque in a zip, by reason.
class OpaqueTally {
 public:
  /// `what` follows the words "3 of 14 arrays": " are deflated".
  void add(const std::string& what, std::uint64_t bytes) {
    if (bytes == 0) return;
    bytes_ += bytes;
    auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& each) { return each.what == what; });
    if (row == rows_.end() && rows_.size() == kMaxRows) row = rows_.end() - 1;
    if (row == rows_.end()) row = rows_.insert(rows_.end(), {rows_.size() + 1 == kMaxRows ? kOthers : what, 0});
    ++row->n;
  }

  /// An entry whose bytes are not the file's own.
  void add_packed(const Entry& entry) {
    const char* how = entry.is_encrypted() ? " are encrypted" : entry.method == 8 ? " are deflated" : " are compressed";
    add(how, entry.compressed_bytes);
  }

  /// Adds all to the layout: "3 of 14 arrays are deflated; 1 of 14 arrays: ...". `of` is " of 14 arrays".
  void write_to(Layout& layout, const std::string& of) const {
    layout.opaque_bytes += bytes_;
    for (const auto& row : rows_) {
      layout.opaque_reason += (layout.opaque_reason.empty() ? "" : "; ") + std::to_string(row.n) + of + row.what;
    }
  }

 private:
  static constexpr std::size_t kMaxRows = 4;
  static constexpr const char* kOthers = " for other reasons";

  struct Row {
    std::string what;
    std::uint64_t n = 0;
  };

  std::vector<Row> rows_;
  std::uint64_t bytes_ = 0;
};

}  // namespace elves::formats::zip
