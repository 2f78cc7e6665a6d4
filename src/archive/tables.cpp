#include "archive/tables.hpp"

#include <cstdio>

namespace elves::archive {
namespace {
using h5::Scalar;
}  // namespace

// offsetof of packed, standard-layout rows: the file's layout is the struct's.
#define ELVES_FIELD(Row, member, type) \
  { #member, offsetof(Row, member), Scalar::type }
#define ELVES_DIGEST(Row, member) \
  { #member, offsetof(Row, member), Scalar::U8, 16 }

template <>
const h5::RowType& row_type<ChunkRow>() {
  static const h5::RowType type{sizeof(ChunkRow),
                                {ELVES_FIELD(ChunkRow, payload_offset, U64), ELVES_FIELD(ChunkRow, encoded_bytes, U32),
                                 ELVES_FIELD(ChunkRow, raw_bytes, U32), ELVES_FIELD(ChunkRow, checksum, U64),
                                 ELVES_FIELD(ChunkRow, max_abs_error, F64), ELVES_FIELD(ChunkRow, transform, U8),
                                 ELVES_FIELD(ChunkRow, exact, U8), ELVES_FIELD(ChunkRow, check, U32)}};
  return type;
}

template <>
const h5::RowType& row_type<LayerRow>() {
  static const h5::RowType type{
      sizeof(LayerRow),
      {ELVES_DIGEST(LayerRow, fingerprint), ELVES_DIGEST(LayerRow, decoded), ELVES_FIELD(LayerRow, size_bytes, U64),
       ELVES_FIELD(LayerRow, first_chunk, U64), ELVES_FIELD(LayerRow, n_chunks, U32),
       ELVES_FIELD(LayerRow, loss_id, U32), ELVES_FIELD(LayerRow, max_abs_error, F64),
       ELVES_FIELD(LayerRow, shape_offset, U64), ELVES_FIELD(LayerRow, ndim, U16), ELVES_FIELD(LayerRow, dtype, U8),
       ELVES_FIELD(LayerRow, transform, U8), ELVES_FIELD(LayerRow, base_shard, U32),
       ELVES_FIELD(LayerRow, base_row, U64), ELVES_FIELD(LayerRow, standalone_bytes, U64),
       ELVES_FIELD(LayerRow, check, U32)}};
  return type;
}

template <>
const h5::RowType& row_type<ExtentRow>() {
  static const h5::RowType type{
      sizeof(ExtentRow),
      {ELVES_FIELD(ExtentRow, offset_bytes, U64), ELVES_FIELD(ExtentRow, size_bytes, U64),
       ELVES_FIELD(ExtentRow, layer_shard, U32), ELVES_FIELD(ExtentRow, layer_row, U64),
       ELVES_FIELD(ExtentRow, name_offset, U64), ELVES_FIELD(ExtentRow, name_bytes, U32),
       ELVES_FIELD(ExtentRow, ndim, U16), ELVES_FIELD(ExtentRow, dtype, U8), ELVES_FIELD(ExtentRow, is_layer, U8),
       ELVES_FIELD(ExtentRow, part, U32), ELVES_FIELD(ExtentRow, n_parts, U32), ELVES_FIELD(ExtentRow, check, U32)}};
  return type;
}

template <>
const h5::RowType& row_type<FileRow>() {
  static const h5::RowType type{
      sizeof(FileRow),
      {ELVES_FIELD(FileRow, path_offset, U64), ELVES_FIELD(FileRow, path_bytes, U32),
       ELVES_FIELD(FileRow, target_bytes, U32), ELVES_FIELD(FileRow, model, U32), ELVES_FIELD(FileRow, kind, U8),
       ELVES_FIELD(FileRow, container, U16), ELVES_FIELD(FileRow, mode, U32), ELVES_FIELD(FileRow, uid, U32),
       ELVES_FIELD(FileRow, gid, U32), ELVES_FIELD(FileRow, mtime_seconds, I64),
       ELVES_FIELD(FileRow, mtime_nanoseconds, U32), ELVES_FIELD(FileRow, size_bytes, U64),
       ELVES_FIELD(FileRow, first_extent, U64), ELVES_FIELD(FileRow, n_extents, U64),
       ELVES_FIELD(FileRow, loss_id, U32), ELVES_FIELD(FileRow, state, U64), ELVES_DIGEST(FileRow, digest),
       ELVES_DIGEST(FileRow, restored), ELVES_FIELD(FileRow, check, U32)}};
  return type;
}

template <>
const h5::RowType& row_type<ModelRow>() {
  static const h5::RowType type{
      sizeof(ModelRow),
      {ELVES_FIELD(ModelRow, id_offset, U64), ELVES_FIELD(ModelRow, id_bytes, U32), ELVES_FIELD(ModelRow, check, U32)}};
  return type;
}

template <>
const h5::RowType& row_type<SketchRow>() {
  static const h5::RowType type{
      sizeof(SketchRow),
      {ELVES_FIELD(SketchRow, layer, U64), ELVES_DIGEST(SketchRow, model), ELVES_DIGEST(SketchRow, name),
       ELVES_FIELD(SketchRow, part, U32), ELVES_FIELD(SketchRow, name_offset, U64),
       ELVES_FIELD(SketchRow, n_bytes, U32), ELVES_FIELD(SketchRow, check, U32)}};
  return type;
}

#undef ELVES_FIELD
#undef ELVES_DIGEST

NamesRange names_of(const ChunkRow&) {
  return {};
}
NamesRange names_of(const LayerRow& row) {
  return {row.shape_offset, std::uint64_t{row.ndim} * 8};
}
NamesRange names_of(const ExtentRow& row) {
  return {row.name_offset, row.name_bytes + std::uint64_t{row.ndim} * 8};
}
NamesRange names_of(const FileRow& row) {
  return {row.path_offset, std::uint64_t{row.path_bytes} + row.target_bytes};
}
NamesRange names_of(const ModelRow& row) {
  return {row.id_offset, row.id_bytes};
}

NamesRange names_of(const SketchRow& row) {
  return {row.name_offset, row.n_bytes};
}

std::string shard_name(std::uint32_t shard) {
  char text[32];
  std::snprintf(text, sizeof text, "shard-%08u.h5", shard);
  return text;
}

}  // namespace elves::archive
