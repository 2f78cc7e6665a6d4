#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/catalog.hpp"
#include "archive/shard_reader.hpp"
#include "corpus/file_entry.hpp"
#include "elves/dtype.hpp"

namespace elves::restore {

/// A file of the archive, its names resolved.
struct ArchivedFile {
  archive::FileRow row;
  std::string path;
  std::string target;
  FileKind kind() const { return static_cast<FileKind>(row.kind); }
};

/// Decoded bytes of one chunk, and how far they may be from the original.
struct DecodedPiece {
  std::uint64_t offset_bytes = 0;  ///< in the file
  std::span<const std::byte> bytes;
  DType dtype = DType::Bytes;
  bool exact = true;
  double max_abs_error = 0;  ///< recorded for the layer
};

/// A visitor may hold a descriptor for each: a process usually has 1024.
inline constexpr std::size_t kOpenFiles = 256;

/// Takes the files of decode_files() as they come.
class FileVisitor {
 public:
  virtual ~FileVisitor() = default;
  /// Main thread: a file begins. At most kOpenFiles have begun and not ended. An Error leaves the file out (end() gets
  /// it). Files come in the given order, but those that share bases come together.
  virtual Result<void> begin(std::size_t index, const ArchivedFile& file) = 0;
  /// Any thread, several at once, in any order, also while others begin and end. Pieces that lie side by side in the
  /// file and in memory, at most kChunkBytes in all; each byte of a file comes once.
  virtual Result<void> pieces(std::size_t index, std::span<const DecodedPiece> pieces) = 0;
  /// Main thread, files in the order in which they began: the last call for a file. `outcome` is good where all pieces
  /// came and were taken, and all digests are as recorded.
  virtual void end(std::size_t index, const ArchivedFile& file, const Result<void>& outcome) = 0;
};

/// Reads the row and the names of a file.
Result<ArchivedFile> read_file_row(archive::ShardSet& shards, const archive::FileRef& file);

struct DecodeSummary {
  std::uint64_t shared_chunks = 0;  ///< times that a chunk was decoded which others are differences from
};

/// Not collective. Decodes files: chunks in parallel by OpenMP, handed to the visitor while they are in the cache,
/// checked against their checksums, the decoded digests of their layers, and the file's digest. What is damaged ends
/// its file with an Error; the others go on. Files whose layers rest on the same bases are decoded side by side, so
/// that each chunk of a base is decoded once for all of them (once for each kOpenFiles / 2 of a larger family).
/// Memory: two chunks and a Decoder for each thread, and three more chunks where there are bases.
DecodeSummary decode_files(archive::ShardSet& shards, const archive::Directory& directory,
                           std::span<const archive::FileRef> files, int threads, FileVisitor& visitor);

}  // namespace elves::restore
