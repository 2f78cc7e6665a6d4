#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/file_ref.hpp"
#include "archive/shard_reader.hpp"
#include "corpus/file_entry.hpp"
#include "elves/dtype.hpp"

namespace elves::restore {

/// A row of /files with its texts.
struct ArchivedFile {
  archive::FileRow row;
  std::string path;
  std::string target;  ///< of a link
  FileKind kind() const { return static_cast<FileKind>(row.kind); }
};

/// Decoded bytes of one chunk.
struct DecodedPiece {
  std::uint64_t offset_bytes = 0;  ///< in the file
  std::span<const std::byte> bytes;
  DType dtype = DType::Bytes;
  bool exact = true;         ///< the bytes are the original ones
  double max_abs_error = 0;  ///< recorded for the layer
};

/// A visitor may hold a file descriptor for each: a process usually has 1024.
inline constexpr std::size_t kOpenFiles = 256;

/// Receives the files of decode_files() while they are decoded.
class FileVisitor {
 public:
  virtual ~FileVisitor() = default;
  /// Main thread: a file begins. At most kOpenFiles have begun and not ended. An Error leaves the file out; end() gets
  /// it. Files begin in the given order, except that files which share bases begin together.
  virtual Result<void> begin(std::size_t index, const ArchivedFile& file) = 0;
  /// Any thread, several at once, in any order, also while other files begin and end. The pieces are adjacent in the
  /// file and in memory, at most kChunkBytes in all. Each byte of a file is passed once.
  virtual Result<void> pieces(std::size_t index, std::span<const DecodedPiece> pieces) = 0;
  /// Main thread, in the order of begin(): the last call for a file. `outcome` is good where all pieces were decoded
  /// and accepted, and all digests are the recorded ones.
  virtual void end(std::size_t index, const ArchivedFile& file, const Result<void>& outcome) = 0;
};

/// Reads the row and the texts of a file.
Result<ArchivedFile> read_file_row(archive::ShardSet& shards, const archive::FileRef& file);

struct DecodeSummary {
  std::uint64_t shared_chunks = 0;  ///< how often a base chunk was decoded
};

/// Not collective. Decodes files: chunks in parallel by OpenMP, passed to the visitor while they are in the cache.
/// Checked are the checksums of chunks, the decoded digests of layers, and the digest of the file. A damaged file ends
/// with an Error, the others go on. Files with deltas of the same bases are decoded side by side, so that each base
/// chunk is decoded once for all of them (once for each kOpenFiles / 2 files of a larger family).
/// Memory: that of a ChunkScheduler, 4 MB of planned chunks, and 200 bytes for each extent of the files of a family.
DecodeSummary decode_files(archive::ShardSet& shards, const archive::ArchiveDir& directory,
                           std::span<const archive::FileRef> files, int threads, FileVisitor& visitor);

}  // namespace elves::restore
