#include "archive/shard_writer.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "archive/catalog.hpp"
#include "archive/file_extents.hpp"
#include "archive/shard_reader.hpp"
#include "elves/archive.hpp"
#include "elves/codec.hpp"
#include "h5/file.hpp"
#include "restore/verify.hpp"

namespace elves::archive {
namespace {

namespace fs = std::filesystem;

/// A new archive in a temporary folder that all ranks see; removed at the end.
class ShardTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/elves-shard-test-XXXXXX";
    const auto& comm = mpi::world();
    path_ = comm.broadcast(comm.is_root() ? std::string(::mkdtemp(name)) : "");
    prepare_archive(comm, path_ + "/archive");
    directory_ = open_or_create_archive(comm, path_ + "/archive", std::uint64_t{64} << 20);
  }
  void TearDown() override {
    mpi::world().barrier();
    if (mpi::world().is_root()) fs::remove_all(path_);
  }

  std::string shard_path(std::uint32_t shard) const { return directory_.path + "/" + shard_name(shard); }
  Result<ShardReader> reopen(std::uint32_t shard) const {
    return ShardReader::open_file(shard_path(shard), directory_.identity.id);
  }

  std::string path_;
  ArchiveDir directory_;
};

/// Rank r writes r + 1 files of one extent, layer and chunk each; the content of a chunk is its text.
struct Made {
  ShardPart part;
  std::vector<std::string> contents;
};

void add_file(Made& made, const std::string& path, std::uint64_t layer_row) {
  auto& part = made.part;
  ChunkRow chunk;
  for (const auto& before : part.chunks) chunk.payload_offset += before.encoded_bytes;
  const auto& content = made.contents.emplace_back("content of " + path);
  chunk.encoded_bytes = static_cast<std::uint32_t>(content.size());
  chunk.raw_bytes = chunk.encoded_bytes;
  chunk.checksum = checksum64(std::as_bytes(std::span(content)));
  part.chunks.push_back(chunk);
  LayerRow layer;
  layer.size_bytes = content.size();
  layer.n_chunks = 1;
  const std::vector<std::uint64_t> shape{content.size()};
  layer.shape_offset = part.layer_names.add(std::span(shape));
  layer.ndim = 1;
  SketchRow sketch;
  sketch.layer = part.layers.size();
  store(sketch.model, hash128("model"));
  store(sketch.name, hash128("w"));
  const auto text = "sketch of " + path;
  sketch.name_offset = part.sketch_bytes.add(std::as_bytes(std::span(text)));
  sketch.n_bytes = static_cast<std::uint32_t>(text.size());
  part.sketches.push_back(sketch);
  part.layers.push_back(layer);
  FileRow file;
  file.path_offset = part.names.add(path);
  file.path_bytes = static_cast<std::uint32_t>(path.size());
  file.first_extent = part.extents.size();
  file.n_extents = 1;
  file.size_bytes = content.size();
  if (part.models.empty()) {
    ModelRow model;
    model.id_offset = part.names.add(std::string_view("model"));
    model.id_bytes = 5;
    part.models.push_back(model);
  }
  ExtentRow extent;
  extent.size_bytes = content.size();
  extent.layer_row = layer_row;
  extent.name_offset = part.names.add(std::string_view("w"));
  extent.name_bytes = 1;
  extent.is_layer = 1;
  part.extents.push_back(extent);
  part.files.push_back(file);
}

Made make_part() {
  Made made;
  const auto rank = static_cast<std::uint64_t>(mpi::world().rank());
  made.contents.reserve(rank + 1);
  for (std::uint64_t i = 0; i <= rank; ++i)
    add_file(made, "rank" + std::to_string(rank) + "/file" + std::to_string(i), rank * (rank + 1) / 2 + i);
  for (const auto& content : made.contents) made.part.payload.push_back(std::as_bytes(std::span(content)));
  return made;
}

TEST_F(ShardTest, holds_the_parts_of_all_ranks_in_order_of_rank) {
  const auto made = make_part();
  const auto bytes = ShardWriter(mpi::world(), directory_, true).write({0, 1, 0, "test"}, made.part);
  EXPECT_EQ(bytes, fs::file_size(shard_path(0)));
  auto reader = reopen(0);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto n = static_cast<std::uint64_t>(mpi::world().size());
  ASSERT_EQ(reader->rows(FileRow::kTable), n * (n + 1) / 2);
  std::uint64_t row = 0;
  for (std::uint64_t r = 0; r < n; ++r) {
    for (std::uint64_t i = 0; i <= r; ++i, ++row) {
      const auto file = reader->file(row);
      ASSERT_TRUE(file) << file.error().message;
      const auto path = "rank" + std::to_string(r) + "/file" + std::to_string(i);
      EXPECT_EQ(*reader->path(*file), path);
      const auto extent = reader->extent(file->first_extent);
      const auto layer = reader->layer(extent->layer_row);
      EXPECT_EQ(reader->shape(layer->shape_offset, layer->ndim)->at(0), +file->size_bytes);
      const auto chunk = reader->chunk(layer->first_chunk);
      std::string content(chunk->encoded_bytes, '\0');
      ASSERT_TRUE(reader->read_encoded(*chunk, std::as_writable_bytes(std::span(content))));
      EXPECT_EQ(content, "content of " + path);
      const auto sketch = reader->sketch(row);
      ASSERT_TRUE(sketch) << sketch.error().message;
      EXPECT_EQ(+sketch->layer, row);
      EXPECT_EQ(*reader->names(sketch->name_offset, sketch->n_bytes), "sketch of " + path);
    }
  }
}

TEST_F(ShardTest, the_catalog_has_the_sketches_of_standalone_layers_with_model_and_name) {
  const auto& comm = mpi::world();
  for (std::uint32_t shard = 0; shard < 2; ++shard) {
    auto made = make_part();
    for (auto& extent : made.part.extents) extent.layer_shard = shard;
    auto& first = made.part.layers[0];
    if (shard == 1) first.base_shard = 0;  // a delta: no base of others
    ShardWriter(comm, directory_, false).write({shard, 1, shard, "test"}, made.part);
  }
  const auto archive = open_archive(comm, directory_.path);
  FileHistory history(KeyedHash(archive.identity.hash_secret));
  std::uint64_t n_layers = 0;
  std::vector<KnownBase> bases;
  std::vector<KnownBase> small;
  std::uint64_t calls = 0;
  const auto catalog = load_catalog(
      comm, archive, history, [&](const std::vector<KnownLayer>& layers) { n_layers += layers.size(); },
      [&](std::vector<KnownBase> some) {
        calls = comm.sum(std::uint64_t{1});  // it may be collective
        for (auto& base : some) (base.sketch.empty() ? small : bases).push_back(std::move(base));
      });
  const auto n = static_cast<std::uint64_t>(comm.size());
  EXPECT_EQ(calls, n);
  EXPECT_EQ(comm.sum(n_layers), n * (n + 1));
  EXPECT_EQ(comm.sum(std::uint64_t{history.size()}), n * (n + 1));
  EXPECT_EQ(comm.sum(std::uint64_t{catalog.known_files.size()}), n * (n + 1) / 2);  // the second shard has new versions
  EXPECT_EQ(comm.sum(std::uint64_t{bases.size()}), n * (n + 1) - n);
  EXPECT_EQ(comm.sum(std::uint64_t{small.size()}), n * (n + 1));  // with or without base
  for (const auto& base : small) EXPECT_EQ(base.name, hash128("w"));
  EXPECT_TRUE(comm.any(catalog.model_names == std::map<Hash128, std::string>{{hash128("model"), "model"}}));
  for (const auto& base : bases) {
    EXPECT_EQ(base.model, hash128("model"));
    EXPECT_EQ(base.name, hash128("w"));
    const std::string text(reinterpret_cast<const char*>(base.sketch.data()), base.sketch.size());
    ASSERT_TRUE(text.starts_with("sketch of rank"));
    const auto rank = std::stoull(text.substr(14));
    const auto file = std::stoull(text.substr(text.find("file") + 4));
    EXPECT_EQ(base.place.row, rank * (rank + 1) / 2 + file);
    EXPECT_FALSE(base.place.shard == 1 && file == 0);
    EXPECT_EQ(base.size_bytes, text.size() + 1);  // "content" has a letter more than "sketch"
    EXPECT_EQ(base.part, 0u);
  }
}

TEST_F(ShardTest, a_sketch_without_layer_is_an_error) {
  const auto& comm = mpi::world();
  auto made = make_part();
  made.part.sketches[0].layer = 1000;
  ShardWriter(comm, directory_, false).write({0, 1, 0, "test"}, made.part);
  auto reader = reopen(0);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto sketch = reader->sketch(0);
  ASSERT_FALSE(sketch);
  EXPECT_NE(sketch.error().message.find("of no layer"), std::string::npos) << sketch.error().message;
  const auto archive = open_archive(comm, directory_.path);
  FileHistory history(KeyedHash(archive.identity.hash_secret));
  EXPECT_THROW(load_catalog(
                   comm, archive, history, [](const auto&) {}, [](auto) {}),
               AgreedFailure);
}

/// One layer of quantized blocks in chunks of the given sizes, in a file of its own.
ShardPart part_of(std::span<const std::byte> layer, std::span<const std::uint32_t> chunk_sizes, std::uint32_t shard,
                  const KeyedHash& hash, std::vector<std::byte>& encoded) {
  ShardPart part;
  std::vector<Hash128> digests;
  Encoder encoder;
  for (std::size_t at = 0; const auto size : chunk_sizes) {
    const auto raw = layer.subspan(at, size);
    ChunkRow chunk;
    chunk.payload_offset = encoded.size();
    chunk.raw_bytes = size;
    chunk.encoded_bytes = static_cast<std::uint32_t>(
        encoder.encode(raw, DType::Q4_0, {.use_planes = false, .use_entropy_coding = false}, encoded).encoded_bytes);
    chunk.checksum = checksum64(std::span(encoded).last(chunk.encoded_bytes));
    part.chunks.push_back(chunk);
    digests.push_back(hash(raw));
    at += size;
  }
  part.payload.push_back(encoded);
  const auto whole = hash.combine(digests);
  LayerRow row;
  store(row.fingerprint, whole);
  store(row.decoded, whole);
  row.size_bytes = layer.size();
  row.n_chunks = static_cast<std::uint32_t>(chunk_sizes.size());
  row.dtype = static_cast<std::uint8_t>(DType::Q4_0);
  part.layers.push_back(row);
  ExtentRow extent;
  extent.size_bytes = layer.size();
  extent.layer_shard = shard;
  extent.dtype = row.dtype;
  extent.is_layer = 1;
  part.extents.push_back(extent);
  FileRow file;
  file.path_offset = part.names.add(std::string_view("weights"));
  file.path_bytes = 7;
  file.n_extents = 1;
  file.size_bytes = layer.size();
  store(file.digest, hash.combine(std::span(&whole, 1)));
  store(file.restored, hash.combine(std::span(&whole, 1)));
  part.files.push_back(file);
  part.models.emplace_back();
  return part;
}

TEST_F(ShardTest, a_layer_may_be_cut_into_chunks_anywhere) {
  const auto& comm = mpi::world();
  std::vector<std::byte> layer(kChunkBytes + 18 * 1000);
  for (std::size_t i = 0; i < layer.size(); ++i) layer[i] = static_cast<std::byte>(i * i >> 5);
  const std::vector<std::uint32_t> old_cut{kChunkBytes, 18 * 1000};  // the first ends within a block
  const std::vector<std::uint32_t> any_cut{17, 1, kChunkBytes - 18, 17 * 1000, 1000};
  std::uint32_t shard = 0;
  for (const auto& cut : {old_cut, any_cut}) {
    std::vector<std::byte> encoded;
    const auto part =
        comm.is_root() ? part_of(layer, cut, shard, KeyedHash(directory_.identity.hash_secret), encoded) : ShardPart{};
    ShardWriter(comm, directory_, false).write({shard++, 1, 0, "test"}, part);
    const auto archive = read_archive(directory_.path);
    ASSERT_TRUE(archive) << archive.error().message;
    const auto summary = restore::verify(comm, *archive, 1);
    for (const auto& difference : summary.differences) ADD_FAILURE() << difference.path << ": " << difference.reason;
    auto reader = Archive::open(directory_.path);
    ASSERT_TRUE(reader) << reader.error().message;
    const auto file = reader->read_file("weights");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(*file == layer);
    comm.barrier();
  }
}

TEST_F(ShardTest, chunks_of_another_size_than_their_layer_are_an_error) {
  const auto& comm = mpi::world();
  const std::vector<std::byte> layer(360, std::byte{7});
  const std::vector<std::uint32_t> cut{180, 180};
  std::uint32_t shard = 0;
  for (const int n_chunks : {1, 3}) {
    std::vector<std::byte> encoded;
    auto part = part_of(layer, cut, shard, KeyedHash(directory_.identity.hash_secret), encoded);
    part.chunks.push_back(part.chunks.back());
    part.layers[0].n_chunks = static_cast<std::uint32_t>(n_chunks);
    ShardWriter(comm, directory_, false).write({shard++, 1, 0, "test"}, comm.is_root() ? part : ShardPart{});
    const auto archive = read_archive(directory_.path);
    ASSERT_TRUE(archive) << archive.error().message;
    auto reader = Archive::open(directory_.path);
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_FALSE(reader->read_file("weights"));
    const auto found = restore::verify(comm, *archive, 1).differences.size();
    EXPECT_GE(comm.sum(static_cast<std::uint64_t>(found)), shard);
    comm.barrier();
  }
}

TEST_F(ShardTest, extents_that_do_not_partition_their_file_are_an_error) {
  struct Case {
    std::function<void(ShardPart&)> change;
    std::string why;  ///< empty: none
  };
  const std::vector<Case> cases{
      {[](ShardPart&) {}, ""},
      {[](ShardPart& part) { part.extents[0].offset_bytes = 1; }, "gap at byte 0"},
      {[](ShardPart& part) { part.extents[0].size_bytes += 1; }, "another size than its layer"},
      {[](ShardPart& part) { part.files[0].size_bytes += 1; }, "end at byte 12 of 13"},
      {[](ShardPart& part) { part.files[0].n_extents = 0; }, "end at byte 0 of 12"},
      {[](ShardPart& part) { part.files[0].n_extents = 2; }, "extents row 1 does not exist"},
      {[](ShardPart& part) { part.extents[0].layer_row = 7; }, "layers row 7 does not exist"},
      {[](ShardPart& part) { part.extents[0].layer_shard = 99; }, "shard-00000099.h5 is missing"}};
  const auto& comm = mpi::world();
  for (std::uint32_t number = 0; number < cases.size(); ++number) {
    Made made;
    add_file(made, "w", 0);
    made.part.payload.push_back(std::as_bytes(std::span(made.contents[0])));
    made.part.extents[0].layer_shard = number;
    cases[number].change(made.part);
    ShardWriter(comm, directory_, false).write({number, 1, 0, ""}, comm.is_root() ? made.part : ShardPart{});
  }
  const auto archive = open_archive(comm, directory_.path);
  ShardSet shards(archive);
  for (std::uint32_t number = 0; number < cases.size(); ++number) {
    const auto file = (*shards.at(number))->file(0);
    ASSERT_TRUE(file) << file.error().message;
    const auto extents = extents_of(shards, number, *file);
    ASSERT_EQ(extents.has_value(), cases[number].why.empty()) << cases[number].why;
    if (extents) {
      ASSERT_EQ(extents->size(), 1u);
      EXPECT_EQ(extents->front().place(), (LayerRef{number, 0}));
      EXPECT_EQ(+extents->front().layer.size_bytes, 12u);
    } else {
      EXPECT_NE(extents.error().message.find(cases[number].why), std::string::npos) << extents.error().message;
    }
  }
}

TEST_F(ShardTest, a_wave_without_rows_writes_nothing) {
  EXPECT_EQ(ShardWriter(mpi::world(), directory_, false).write({0, 1, 0, ""}, {}), 0u);
  EXPECT_FALSE(fs::exists(shard_path(0)));
}

TEST_F(ShardTest, a_shard_that_exists_is_never_replaced) {
  ShardWriter(mpi::world(), directory_, false).write({0, 1, 0, "first"}, make_part().part);
  mpi::world().barrier();
  const auto made = make_part();
  EXPECT_THROW(ShardWriter(mpi::world(), directory_, false).write({0, 2, 0, "second"}, made.part), AgreedFailure);
  auto reader = reopen(0);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->options(), "first");
  mpi::world().barrier();
  for (const auto& entry : fs::directory_iterator(directory_.path))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".tmp-")) << entry.path();
}

TEST_F(ShardTest, a_file_without_the_completion_mark_is_not_read) {
  const auto& comm = mpi::world();
  {
    const auto access = h5::SharedAccess::create(comm);
    auto file = h5::File::create(*access, shard_path(0));
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->set_attribute("format", std::string("elves-shard")));
    EXPECT_TRUE(file->set_attribute("version", std::uint64_t{1}));
    EXPECT_TRUE(file->close());
  }
  comm.barrier();
  const auto reader = reopen(0);
  ASSERT_FALSE(reader);
  EXPECT_NE(reader.error().message.find("not complete"), std::string::npos) << reader.error().message;
}

/// True where every row, name and chunk of a shard can be read.
bool reads_whole(Result<ShardReader> reader) {
  bool good = reader.has_value();
  for (std::uint64_t row = 0; good && row < reader->rows(FileRow::kTable); ++row) {
    const auto file = reader->file(row);
    const auto chunk = reader->chunk(row);
    good = file && chunk && reader->extent(row) && reader->layer(row);
    std::vector<std::byte> content(good ? chunk->encoded_bytes : 0);
    good = good && reader->read_encoded(*chunk, content);
  }
  for (std::uint64_t row = 0; good && row < reader->rows(ModelRow::kTable); ++row)
    good = reader->model(row).has_value();
  for (std::uint64_t row = 0; good && row < reader->rows(SketchRow::kTable); ++row)
    good = reader->sketch(row).has_value();
  return good;
}

TEST_F(ShardTest, a_flipped_byte_of_any_dataset_is_found) {
  const auto made = make_part();
  ShardWriter(mpi::world(), directory_, false).write({0, 1, 0, ""}, made.part);
  mpi::world().barrier();
  if (!mpi::world().is_root()) return;
  struct Range {
    std::string name;
    std::uint64_t begin, end;
  };
  std::vector<Range> ranges;
  {
    const auto file = h5::File::open(shard_path(0));
    ASSERT_TRUE(file);
    const std::pair<const char*, std::size_t> datasets[] = {{kPayload, 1},
                                                            {kNames, 1},
                                                            {ChunkRow::kTable, sizeof(ChunkRow)},
                                                            {LayerRow::kTable, sizeof(LayerRow)},
                                                            {FileRow::kTable, sizeof(FileRow)},
                                                            {ExtentRow::kTable, sizeof(ExtentRow)},
                                                            {ModelRow::kTable, sizeof(ModelRow)},
                                                            {SketchRow::kTable, sizeof(SketchRow)}};
    for (const auto& [name, row_bytes] : datasets) {
      const auto at = *file->offset_bytes(name);
      ranges.push_back({name, at, at + *file->size(name) * row_bytes});
    }
  }
  for (const auto& range : ranges) {
    for (auto at = range.begin; at < range.end; at += 3) {
      std::fstream file(shard_path(0), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(at));
      const auto byte = static_cast<char>(file.get());
      const auto put = [&](char value) {
        file.seekp(static_cast<std::streamoff>(at));
        file.put(value);
        file.flush();
      };
      put(static_cast<char>(byte ^ 0x10));
      EXPECT_FALSE(reads_whole(reopen(0))) << range.name << " byte " << at - range.begin;
      put(byte);
    }
  }
  EXPECT_TRUE(reads_whole(reopen(0)));
}

TEST_F(ShardTest, a_shard_of_another_archive_is_refused) {
  ShardWriter(mpi::world(), directory_, false).write({0, 1, 0, ""}, make_part().part);
  mpi::world().barrier();
  const auto reader = ShardReader::open_file(shard_path(0), std::string(32, '0'));
  ASSERT_FALSE(reader);
  EXPECT_NE(reader.error().message.find("another archive"), std::string::npos);
}

}  // namespace
}  // namespace elves::archive
