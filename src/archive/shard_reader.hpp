#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "archive/archive_dir.hpp"
#include "archive/tables.hpp"
#include "elves/error.hpp"
#include "h5/file.hpp"
#include "support/posix.hpp"

namespace elves::archive {

/// Reads one shard. Rows are read in blocks, which are cached, and each row is checked (row_check): a damaged one is an
/// Error that names shard, table and row. Main thread only, except read_encoded(), which any thread may call.
class ShardReader {
 public:
  /// An Error where the shard is missing, incomplete, of another archive or of a newer format version.
  static Result<ShardReader> open(const ArchiveDir& directory, std::uint32_t shard);
  static Result<ShardReader> open_file(const std::string& path, const std::string& archive_id);

  /// Number of rows of a table; 0 where the shard has no such table (only /sketches may be absent).
  std::uint64_t rows(const std::string& table) const;

  Result<ChunkRow> chunk(std::uint64_t row) { return get(chunks_, row); }
  Result<LayerRow> layer(std::uint64_t row) { return get(layers_, row); }
  Result<ExtentRow> extent(std::uint64_t row) { return get(extents_, row); }
  Result<FileRow> file(std::uint64_t row) { return get(files_, row); }
  Result<ModelRow> model(std::uint64_t row) { return get(models_, row); }
  /// The identifier of a file's model.
  Result<std::string> model_id(const FileRow& file);
  /// An Error also where the shard has no such layer, or the sketch is too large.
  Result<SketchRow> sketch(std::uint64_t row);

  /// Bytes of /names; an Error beyond its end.
  Result<std::string> names(std::uint64_t offset, std::uint64_t n);
  Result<std::string> path(const FileRow& row) { return names(row.path_offset, row.path_bytes); }
  Result<std::string> target(const FileRow& row) { return names(row.path_offset + row.path_bytes, row.target_bytes); }
  Result<std::vector<std::uint64_t>> shape(std::uint64_t offset, std::uint16_t ndim);

  /// Any thread. Reads the encoded bytes of a chunk (`out` has row.encoded_bytes) and checks their checksum.
  Result<void> read_encoded(const ChunkRow& row, std::span<std::byte> out) const;

  /// Releases file descriptors and caches, so that any number of readers may be held. After it only read_encoded() may
  /// be called; it then opens the file each time.
  void let_go();

  std::uint64_t sweep() const noexcept { return sweep_; }
  const std::string& options() const noexcept { return options_; }

 private:
  template <class Row>
  struct Table {
    std::uint64_t size = 0;
    std::map<std::uint64_t, std::vector<Row>> blocks;  ///< cached rows
  };
  template <class Row>
  Result<Row> get(Table<Row>& table, std::uint64_t row);
  Result<void> read_attributes(const std::string& archive_id);
  Result<void> read_sizes();
  template <class Row>
  Result<void> read_size(Table<Row>& table);

  std::string path_;
  h5::File h5_;
  FileDescriptor raw_;
  std::uint64_t payload_at_ = 0;  ///< first byte of /payload in the file
  std::uint64_t payload_bytes_ = 0;
  std::uint64_t names_bytes_ = 0;
  std::uint64_t sweep_ = 0;
  std::string options_;
  Table<ChunkRow> chunks_;
  Table<LayerRow> layers_;
  Table<ExtentRow> extents_;
  Table<FileRow> files_;
  Table<ModelRow> models_;
  Table<SketchRow> sketches_;
  std::map<std::uint64_t, std::vector<std::byte>> name_blocks_;
};

/// The shards of an archive, opened on request. Main thread only. The 32 used last stay open, and those that callers
/// hold.
class ShardSet {
 public:
  explicit ShardSet(const ArchiveDir& directory) : directory_(&directory) {}
  Result<std::shared_ptr<ShardReader>> at(std::uint32_t shard);

 private:
  const ArchiveDir* directory_;
  struct OpenShard {
    std::uint32_t shard = 0;
    std::shared_ptr<ShardReader> reader;
  };
  std::vector<OpenShard> open_;  ///< in order of use
};

}  // namespace elves::archive
