#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "h5/file.hpp"
#include "support/hash.hpp"

/// The tables of a shard (docs/format/archive.md). Rows are packed, little endian, and the same in
/// memory and in the file. `check` is the checksum of a row (see row_check).
namespace elves::archive {

inline constexpr std::uint64_t kFormatVersion = 1;
inline constexpr std::uint32_t kNoShard = 0xFFFFFFFF;

/// The most bytes of a sketch.
inline constexpr std::uint32_t kMostSketchBytes = 2048;

inline constexpr const char* kPayload = "payload";
inline constexpr const char* kNames = "names";

using DigestBytes = std::uint8_t[16];

#pragma pack(push, 1)

// Members of packed rows are not aligned: pass them by value (+row.member), never by reference.

/// Place, sizes and checksum of one encoded chunk.
struct ChunkRow {
  static constexpr const char* kTable = "chunks";
  std::uint64_t payload_offset = 0;
  std::uint32_t encoded_bytes = 0;
  std::uint32_t raw_bytes = 0;
  std::uint64_t checksum = 0;  ///< XXH3-64 of the encoded bytes
  double max_abs_error = 0;
  std::uint8_t transform = 0;
  std::uint8_t exact = 1;
  std::uint32_t check = 0;
};

/// One unique layer, or one part of it, or unique glue.
struct LayerRow {
  static constexpr const char* kTable = "layers";
  DigestBytes fingerprint{};  ///< of the original bytes
  DigestBytes decoded{};      ///< of the bytes that decoding gives
  std::uint64_t size_bytes = 0;
  std::uint64_t first_chunk = 0;
  std::uint32_t n_chunks = 0;
  std::uint32_t loss_id = 0;  ///< 0: decoding gives the original bits
  double max_abs_error = 0;
  std::uint64_t shape_offset = 0;  ///< in /names: ndim numbers u64
  std::uint16_t ndim = 0;
  std::uint8_t dtype = 0;
  std::uint8_t transform = 0;  ///< of most of its chunks
  std::uint32_t base_shard = kNoShard;
  std::uint64_t base_row = 0;
  /// What the encoder expected the layer to take without its base: the sum over its chunks of
  /// ChunkStats::standalone_bytes. 0 where the layer has no base.
  std::uint64_t standalone_bytes = 0;
  std::uint32_t check = 0;
};

/// One extent of a file, or one part of an extent that is larger than the archive's part_bytes.
struct ExtentRow {
  static constexpr const char* kTable = "extents";
  std::uint64_t offset_bytes = 0;  ///< in the file
  std::uint64_t size_bytes = 0;
  std::uint32_t layer_shard = 0;
  std::uint64_t layer_row = 0;
  std::uint64_t name_offset = 0;  ///< in /names: name_bytes bytes, then ndim numbers u64 (the shape of the whole layer)
  std::uint32_t name_bytes = 0;
  std::uint16_t ndim = 0;
  std::uint8_t dtype = 0;
  std::uint8_t is_layer = 0;  ///< 0: glue
  std::uint32_t part = 0;
  std::uint32_t n_parts = 1;
  std::uint32_t check = 0;
};

/// One path of the corpus as it was at one sweep.
struct FileRow {
  static constexpr const char* kTable = "files";
  std::uint64_t path_offset = 0;  ///< in /names: path_bytes bytes, then target_bytes bytes (of a link's target)
  std::uint32_t path_bytes = 0;
  std::uint32_t target_bytes = 0;
  std::uint32_t model = 0;  ///< row of /models
  std::uint8_t kind = 0;
  std::uint16_t container = 0;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t first_extent = 0;
  std::uint64_t n_extents = 0;
  std::uint32_t loss_id = 0;  ///< 0: restore gives the original bits
  std::uint64_t state = 0;    ///< of size and times: a later sweep compares it to find changed files
  DigestBytes digest{};       ///< of the original: combined fingerprints of its extents
  DigestBytes restored{};     ///< of the restored file: combined decoded fingerprints
  std::uint32_t check = 0;
};

struct ModelRow {
  static constexpr const char* kTable = "models";
  std::uint64_t id_offset = 0;  ///< in /names
  std::uint32_t id_bytes = 0;
  std::uint32_t check = 0;
};

/// The sketch of a layer that may be the base of others. The table may be absent.
struct SketchRow {
  static constexpr const char* kTable = "sketches";
  std::uint64_t layer = 0;        ///< row of /layers of this shard
  DigestBytes model{};            ///< hash128 of the identifier of the model that first stored it
  DigestBytes name{};             ///< hash128 of its name in that model
  std::uint32_t part = 0;         ///< which part of a large layer
  std::uint64_t name_offset = 0;  ///< in /names: n_bytes bytes, the sketch
  std::uint32_t n_bytes = 0;      ///< at most kMostSketchBytes
  std::uint32_t check = 0;
};

#pragma pack(pop)

template <class Row>
const h5::RowType& row_type();
template <>
const h5::RowType& row_type<ChunkRow>();
template <>
const h5::RowType& row_type<LayerRow>();
template <>
const h5::RowType& row_type<ExtentRow>();
template <>
const h5::RowType& row_type<FileRow>();
template <>
const h5::RowType& row_type<ModelRow>();
template <>
const h5::RowType& row_type<SketchRow>();

/// The bytes of /names that belong to a row.
struct NamesRange {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};
NamesRange names_of(const ChunkRow& row);
NamesRange names_of(const LayerRow& row);
NamesRange names_of(const ExtentRow& row);
NamesRange names_of(const FileRow& row);
NamesRange names_of(const ModelRow& row);
NamesRange names_of(const SketchRow& row);

/// The value of `check`: the low half of the XXH3-64 of two numbers u64. These are the XXH3-64 of the row with check =
/// 0 and the XXH3-64 of its bytes of /names.
template <class Row>
std::uint32_t row_check(Row row, std::span<const std::byte> names) {
  row.check = 0;
  std::byte bytes[sizeof(Row)];
  std::memcpy(bytes, &row, sizeof row);
  const std::uint64_t both[2] = {checksum64(bytes), checksum64(names)};
  return static_cast<std::uint32_t>(checksum64(std::as_bytes(std::span(both))));
}

inline Hash128 to_hash(const DigestBytes& digest) {
  Hash128 hash;
  std::memcpy(&hash, digest, sizeof hash);
  return hash;
}
inline void store(DigestBytes& digest, const Hash128& hash) {
  std::memcpy(digest, &hash, sizeof hash);
}

/// "shard-00000042.h5"
std::string shard_name(std::uint32_t shard);

}  // namespace elves::archive
