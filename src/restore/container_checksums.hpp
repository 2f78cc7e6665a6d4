#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "formats/byte_source.hpp"
#include "formats/shared/zip/zip_checksums.hpp"
#include "restore/decode/file_decoder.hpp"

namespace elves::restore {

/// The CRC-32 of entries in a restored zip. A layer that was stored with loss decodes to other bytes, so the recorded
/// CRC of its entry is wrong and readers would refuse the file. This class computes the right ones; corrections() are
/// to be written over the decoded bytes. A file without loss needs none.
class ContainerChecksums {
 public:
  explicit ContainerChecksums(const archive::FileRow& row);

  /// Any thread, in any order: the pieces of the file.
  void take(std::span<const DecodedPiece> pieces);

  /// After all pieces. `file`: the decoded bytes; entries with lossy layers are read again.
  Result<std::vector<formats::zip::Patch>> corrections(const formats::ByteSource& file);

 private:
  bool has_checksums_ = false;
  std::mutex mutex_;
  std::vector<formats::zip::ByteRange> lossy_;  ///< bytes of layers that were stored with loss
};

}  // namespace elves::restore
