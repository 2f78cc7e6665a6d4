#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/catalog.hpp"
#include "archive/shard_reader.hpp"
#include "corpus/file_entry.hpp"
#include "elves/dtype.hpp"

namespace elves::archive {

/// A file of the archive, its names resolved.
struct ArchivedFile {
  FileRow row;
  std::string path;
  std::string target;
  corpus::FileKind kind() const { return static_cast<corpus::FileKind>(row.kind); }
};

/// Decoded bytes of one chunk, and how far they may be from the original.
struct DecodedPiece {
  std::uint64_t offset_bytes = 0;  ///< in the file
  std::span<const std::byte> bytes;
  DType dtype = DType::Bytes;
  bool exact = true;
  double max_abs_error = 0;  ///< recorded for the layer
};

/// Takes the files of decode_files() as they come. Called by the main thread, in order.
class FileVisitor {
 public:
  virtual ~FileVisitor() = default;
  /// A file begins; an Error leaves it out (end() gets it).
  virtual Result<void> begin(std::size_t index, const ArchivedFile& file) = 0;
  /// The next bytes of the file, from front to back, without gaps.
  virtual Result<void> piece(std::size_t index, const DecodedPiece& piece) = 0;
  /// The last call for a file. `outcome` is good where all pieces came and all digests are as recorded.
  virtual void end(std::size_t index, const ArchivedFile& file, const Result<void>& outcome) = 0;
};

/// Reads the row and the names of a file.
Result<ArchivedFile> read_file_row(ShardSet& shards, const FileRef& file);

/// Not collective. Decodes files in the given order: batches of up to 64 MiB, chunks in parallel by OpenMP, checked
/// against their checksums, the decoded digests of their layers, and the file's digest. What is damaged ends its file
/// with an Error; the others go on. Memory: 64 MiB and one chunk for each thread.
void decode_files(ShardSet& shards, const Directory& directory, std::span<const FileRef> files, int threads,
                  FileVisitor& visitor);

}  // namespace elves::archive
