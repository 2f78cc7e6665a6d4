#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "formats/byte_source.hpp"
#include "formats/shared/zip/zip_checksums.hpp"
#include "restore/decode/file_decoder.hpp"

namespace elves::restore {

/// Zips keep a CRC-32 of each file in them. Where a layer comes back with loss, that of its entry no longer holds; this
/// tells what to write over the decoded bytes of a file so that readers accept it. Files without loss are left alone.
class ContainerChecksums {
 public:
  explicit ContainerChecksums(const archive::FileRow& row);

  /// Any thread, in any order: the pieces of the file.
  void take(std::span<const DecodedPiece> pieces);

  /// After all pieces: the corrections, for the decoded bytes as `file` gives them. Reads the entries that have lossy
  /// layers once more.
  Result<std::vector<formats::zip::Patch>> corrections(const formats::ByteSource& file);

 private:
  bool has_checksums_ = false;
  std::mutex mutex_;
  std::vector<formats::zip::ByteRange> lossy_;
};

}  // namespace elves::restore
