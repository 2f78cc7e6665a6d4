#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "archive/file_decoder.hpp"
#include "corpus/container.hpp"
#include "corpus/zip/zip_checksums.hpp"

namespace elves::archive {

/// Zips keep a CRC-32 of each file in them. Where a layer comes back with loss, that of its entry no longer holds; this
/// tells what to write over the decoded bytes of a file so that readers accept it. Files without loss are left alone.
class ContainerChecksums {
 public:
  explicit ContainerChecksums(const FileRow& row);

  /// Any thread, in any order: the pieces of the file.
  void take(std::span<const DecodedPiece> pieces);

  /// After all pieces: the corrections, for the decoded bytes as `file` gives them. Reads the entries that have lossy
  /// layers once more.
  Result<std::vector<corpus::zip::Patch>> corrections(const corpus::ByteSource& file);

 private:
  bool has_checksums_ = false;
  std::mutex mutex_;
  std::vector<corpus::zip::ByteRange> lossy_;
};

}  // namespace elves::archive
