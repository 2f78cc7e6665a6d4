#include "restore/container_checksums.hpp"

#include <algorithm>

namespace elves::restore {
namespace {

using formats::zip::ByteRange;

/// Sorts the ranges and joins adjacent ones.
std::vector<ByteRange> merged(std::vector<ByteRange> ranges) {
  std::ranges::sort(ranges, {}, &ByteRange::offset_bytes);
  std::vector<ByteRange> result;
  for (const auto& range : ranges) {
    if (!result.empty() && result.back().offset_bytes + result.back().size_bytes == range.offset_bytes)
      result.back().size_bytes += range.size_bytes;
    else
      result.push_back(range);
  }
  return result;
}

}  // namespace

ContainerChecksums::ContainerChecksums(const archive::FileRow& row)
    : has_checksums_(formats::zip::has_checksums(static_cast<formats::FormatId>(row.container))) {}

void ContainerChecksums::take(std::span<const DecodedPiece> pieces) {
  if (!has_checksums_) return;
  const std::lock_guard lock(mutex_);
  for (const auto& piece : pieces) {
    if (!piece.exact) lossy_.push_back({piece.offset_bytes, piece.bytes.size()});
  }
}

Result<std::vector<formats::zip::Patch>> ContainerChecksums::corrections(const formats::ByteSource& file) {
  if (lossy_.empty()) return std::vector<formats::zip::Patch>{};
  lossy_ = merged(std::move(lossy_));
  return formats::zip::recompute_checksums(file, lossy_);
}

}  // namespace elves::restore
