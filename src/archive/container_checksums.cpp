#include "archive/container_checksums.hpp"

namespace elves::archive {

void ContainerChecksums::begin(const FileRow& row) {
  has_checksums_ = corpus::zip::has_checksums(static_cast<corpus::ContainerId>(row.container));
  lossy_.clear();
}

void ContainerChecksums::take(const DecodedPiece& piece) {
  if (!has_checksums_ || piece.exact || piece.bytes.empty()) return;
  if (!lossy_.empty() && lossy_.back().offset_bytes + lossy_.back().size_bytes == piece.offset_bytes)
    lossy_.back().size_bytes += piece.bytes.size();
  else
    lossy_.push_back({piece.offset_bytes, piece.bytes.size()});
}

Result<std::vector<corpus::zip::Patch>> ContainerChecksums::corrections(const corpus::ByteSource& file) const {
  if (lossy_.empty()) return std::vector<corpus::zip::Patch>{};
  return corpus::zip::recompute_checksums(file, lossy_);
}

}  // namespace elves::archive
