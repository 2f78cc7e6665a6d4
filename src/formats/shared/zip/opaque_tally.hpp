#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "formats/format.hpp"
#include "formats/shared/zip/zip_directory.hpp"

namespace elves::formats::zip {

/// Counts the entries of a zip that stay opaque, by reason.
class OpaqueTally {
 public:
  /// `reason` follows the words "3 of 14 arrays": " are deflated".
  void add(const std::string& reason, std::uint64_t bytes) {
    if (bytes == 0) return;
    bytes_ += bytes;
    auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& each) { return each.reason == reason; });
    if (row == rows_.end() && rows_.size() == kMaxRows) row = rows_.end() - 1;
    if (row == rows_.end()) row = rows_.insert(rows_.end(), {rows_.size() + 1 == kMaxRows ? kOthers : reason, 0});
    ++row->n;
  }

  /// Counts an entry that is not stored as it is.
  void add_packed(const Entry& entry) {
    const char* how = entry.is_encrypted() ? " are encrypted" : entry.method == 8 ? " are deflated" : " are compressed";
    add(how, entry.compressed_bytes);
  }

  /// Adds the counts to `found`: "3 of 14 arrays are deflated; 1 of 14 arrays: ...". `of` is "of 14 arrays".
  void write_to(FoundExtents& found, std::string_view of) const {
    found.opaque_bytes += bytes_;
    for (const auto& row : rows_) {
      if (!found.opaque_reason.empty()) found.opaque_reason += "; ";
      found.opaque_reason += fmt::format("{} {}{}", row.n, of, row.reason);
    }
  }

 private:
  static constexpr std::size_t kMaxRows = 4;
  static constexpr const char* kOthers = " for other reasons";

  struct Row {
    std::string reason;
    std::uint64_t n = 0;
  };

  std::vector<Row> rows_;
  std::uint64_t bytes_ = 0;
};

}  // namespace elves::formats::zip
