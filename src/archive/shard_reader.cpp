#include "archive/shard_reader.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::archive {
namespace {

constexpr std::uint64_t kRowsPerBlock = 1024;
constexpr std::uint64_t kNamesPerBlock = std::uint64_t{256} << 10;
constexpr std::size_t kBlocksPerTable = 16;
constexpr std::size_t kOpenShards = 32;

/// A full cache is emptied: rows are mostly read in order.
template <class Blocks>
void make_room(Blocks& blocks) {
  if (blocks.size() >= kBlocksPerTable) blocks.clear();
}

}  // namespace

Result<ShardReader> ShardReader::open(const ArchiveDir& directory, std::uint32_t shard) {
  if (!std::binary_search(directory.shards.begin(), directory.shards.end(), shard))
    return Error{fmt::format("{}: {} is missing", directory.path, shard_name(shard))};
  ELVES_TRY(auto reader, open_file(directory.path + "/" + shard_name(shard), directory.identity.id));
  const auto number = reader.h5_.attribute_number("shard");
  if (!number || *number != shard)
    return Error{fmt::format("{} was renamed: it is another shard of this archive", reader.path_)};
  return reader;
}

Result<ShardReader> ShardReader::open_file(const std::string& path, const std::string& archive_id) {
  ShardReader reader;
  reader.path_ = path;
  ELVES_TRY(reader.h5_, h5::File::open(path));
  ELVES_CHECK(reader.read_attributes(archive_id));
  if (auto read = reader.read_sizes(); !read) return Error{fmt::format("{}: {}", path, read.error().message)};
  reader.raw_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!reader.raw_) return Error{fmt::format("{}: {}", path, errno_text(errno))};
  return reader;
}

Result<void> ShardReader::read_attributes(const std::string& archive_id) {
  const auto format = h5_.attribute_text("format");
  if (!format || *format != "elves-shard") return Error{path_ + " is not a shard of an elves archive"};
  const auto version = h5_.attribute_number("version");
  if (!version) return Error{path_ + ": the format version is missing"};
  if (*version > kFormatVersion)
    return Error{fmt::format("{} has format version {}, but this elves reads up to {}: use a newer elves", path_,
                             *version, kFormatVersion)};
  const auto complete = h5_.attribute_number("complete");
  if (!complete || *complete != 1) return Error{path_ + " is not complete"};
  const auto id = h5_.attribute_text("archive");
  if (!id || *id != archive_id) return Error{path_ + " belongs to another archive"};
  const auto sweep = h5_.attribute_number("sweep");
  const auto options = h5_.attribute_text("options");
  if (!sweep || !options) return Error{path_ + ": attributes are missing"};
  sweep_ = *sweep;
  options_ = *options;
  return {};
}

Result<void> ShardReader::read_sizes() {
  ELVES_CHECK(read_size(chunks_));
  ELVES_CHECK(read_size(layers_));
  ELVES_CHECK(read_size(extents_));
  ELVES_CHECK(read_size(files_));
  ELVES_CHECK(read_size(models_));
  if (h5_.has(SketchRow::kTable)) ELVES_CHECK(read_size(sketches_));
  const auto payload_bytes = h5_.checked_size(kPayload, 1);
  const auto payload_at = h5_.offset_bytes(kPayload);
  const auto names_bytes = h5_.checked_size(kNames, 1);
  if (!payload_bytes || !payload_at || !names_bytes) return Error{"payload or names are missing"};
  payload_bytes_ = *payload_bytes;
  payload_at_ = *payload_at;
  names_bytes_ = *names_bytes;
  return {};
}

template <class Row>
Result<void> ShardReader::read_size(Table<Row>& table) {
  ELVES_TRY(table.size, h5_.checked_size(Row::kTable, sizeof(Row)));
  return {};
}

std::uint64_t ShardReader::rows(const std::string& table) const {
  if (table == ChunkRow::kTable) return chunks_.size;
  if (table == LayerRow::kTable) return layers_.size;
  if (table == ExtentRow::kTable) return extents_.size;
  if (table == FileRow::kTable) return files_.size;
  if (table == SketchRow::kTable) return sketches_.size;
  return models_.size;
}

template <class Row>
Result<Row> ShardReader::get(Table<Row>& table, std::uint64_t row) {
  const auto failed = [&](const std::string& why) {
    return Error{fmt::format("{}: {} row {}{}", path_, Row::kTable, row, why)};
  };
  if (row >= table.size) return failed(" does not exist");
  const auto block = row / kRowsPerBlock;
  auto at = table.blocks.find(block);
  if (at == table.blocks.end()) {
    make_room(table.blocks);
    std::vector<Row> rows(std::min(kRowsPerBlock, table.size - block * kRowsPerBlock));
    const auto done =
        h5_.read_rows(Row::kTable, row_type<Row>(), block * kRowsPerBlock, std::as_writable_bytes(std::span(rows)));
    if (!done) return failed(": " + done.error().message);
    at = table.blocks.emplace(block, std::move(rows)).first;
  }
  const Row& found = at->second[row % kRowsPerBlock];
  const auto range = names_of(found);
  const auto text = names(range.offset, range.size_bytes);
  if (!text || found.check != row_check(found, std::as_bytes(std::span(*text)))) return failed(" is damaged (check)");
  return found;
}

template Result<ChunkRow> ShardReader::get(Table<ChunkRow>&, std::uint64_t);
template Result<LayerRow> ShardReader::get(Table<LayerRow>&, std::uint64_t);
template Result<ExtentRow> ShardReader::get(Table<ExtentRow>&, std::uint64_t);
template Result<FileRow> ShardReader::get(Table<FileRow>&, std::uint64_t);
template Result<ModelRow> ShardReader::get(Table<ModelRow>&, std::uint64_t);
template Result<SketchRow> ShardReader::get(Table<SketchRow>&, std::uint64_t);

Result<SketchRow> ShardReader::sketch(std::uint64_t row) {
  ELVES_TRY(const auto found, get(sketches_, row));
  if (found.layer >= layers_.size || found.n_bytes > kMostSketchBytes)
    return Error{fmt::format("{}: sketches row {} is of no layer, or too large", path_, row)};
  return found;
}

Result<std::string> ShardReader::model_id(const FileRow& file) {
  ELVES_TRY(const auto row, model(file.model));
  return names(row.id_offset, row.id_bytes);
}

Result<std::string> ShardReader::names(std::uint64_t offset, std::uint64_t n) {
  if (n == 0) return std::string();
  if (offset > names_bytes_ || n > names_bytes_ - offset) return Error{path_ + ": a name lies beyond the end of names"};
  std::string text;
  while (n > 0) {
    const auto block = offset / kNamesPerBlock;
    auto at = name_blocks_.find(block);
    if (at == name_blocks_.end()) {
      make_room(name_blocks_);
      std::vector<std::byte> bytes(std::min(kNamesPerBlock, names_bytes_ - block * kNamesPerBlock));
      ELVES_CHECK(h5_.read_bytes(kNames, block * kNamesPerBlock, bytes));
      at = name_blocks_.emplace(block, std::move(bytes)).first;
    }
    const auto within = offset % kNamesPerBlock;
    const auto part = std::min<std::uint64_t>(n, at->second.size() - within);
    text.append(reinterpret_cast<const char*>(at->second.data()) + within, part);
    offset += part;
    n -= part;
  }
  return text;
}

Result<std::vector<std::uint64_t>> ShardReader::shape(std::uint64_t offset, std::uint16_t ndim) {
  ELVES_TRY(const auto bytes, names(offset, std::uint64_t{ndim} * 8));
  std::vector<std::uint64_t> shape(ndim);
  if (ndim > 0) std::memcpy(shape.data(), bytes.data(), bytes.size());
  return shape;
}

Result<void> ShardReader::read_encoded(const ChunkRow& row, std::span<std::byte> out) const {
  if (row.payload_offset > payload_bytes_ || row.encoded_bytes > payload_bytes_ - row.payload_offset ||
      out.size() != row.encoded_bytes)
    return Error{path_ + ": a chunk lies beyond the end of the payload"};
  FileDescriptor opened;
  if (!raw_) opened = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  const auto& file = raw_ ? raw_ : opened;
  if (!file) return Error{fmt::format("{}: {}", path_, errno_text(errno))};
  if (const auto done = pread_exactly(file.get(), out, payload_at_ + row.payload_offset); !done)
    return Error{fmt::format("{}: {}", path_, done.error().message)};
  if (checksum64(out) != row.checksum)
    return Error{fmt::format("{}: checksum of the chunk at payload byte {} is wrong", path_, +row.payload_offset)};
  return {};
}

void ShardReader::let_go() {
  h5_ = {};
  raw_.reset();
  chunks_.blocks.clear();
  layers_.blocks.clear();
  extents_.blocks.clear();
  files_.blocks.clear();
  models_.blocks.clear();
  sketches_.blocks.clear();
  name_blocks_.clear();
}

Result<std::shared_ptr<ShardReader>> ShardSet::at(std::uint32_t shard) {
  auto found = std::find_if(open_.begin(), open_.end(), [&](const OpenShard& open) { return open.shard == shard; });
  if (found != open_.end()) {
    std::rotate(found, found + 1, open_.end());
    return open_.back().reader;
  }
  ELVES_TRY(auto reader, ShardReader::open(*directory_, shard));
  if (open_.size() >= kOpenShards) open_.erase(open_.begin());
  open_.push_back({shard, std::make_shared<ShardReader>(std::move(reader))});
  return open_.back().reader;
}

}  // namespace elves::archive
