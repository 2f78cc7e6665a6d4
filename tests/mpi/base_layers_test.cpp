#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "archive/shard_reader.hpp"
#include "archive/shard_writer.hpp"
#include "elves/archive.hpp"
#include "elves/codec.hpp"
#include "restore/decode/file_decoder.hpp"
#include "restore/list/family_tree.hpp"
#include "restore/list/listing.hpp"
#include "restore/verify.hpp"

namespace elves::restore {
namespace {

namespace fs = std::filesystem;
using namespace archive;
using Bytes = std::vector<std::byte>;

/// f32 values around 0.
Bytes weights(std::size_t n, std::uint32_t seed) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (static_cast<float>(seed >> 8) / 8388608.0f - 1.0f) * 0.05f;
  }
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

/// f32 values near those of `base`.
Bytes tuned(const Bytes& base, std::uint32_t seed) {
  auto bytes = base;
  const auto noise = weights(base.size() / 4, seed);
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    float value = 0;
    float change = 0;
    std::memcpy(&value, &bytes[i], 4);
    std::memcpy(&change, &noise[i], 4);
    value += change / 1000;
    std::memcpy(&bytes[i], &value, 4);
  }
  return bytes;
}

struct LayerSpec {
  Bytes bytes;
  std::optional<LayerRef> base = {};  ///< that its row names
  Bytes base_bytes = {};              ///< that its chunks were encoded with
  DType dtype = DType::F32;
  std::size_t chunk_bytes = kChunkBytes;
};

/// The part of a shard of files "<model>/weights", whose layers are "0", "1", ...
class PartBuilder {
 public:
  PartBuilder(const KeyedHash& hash, std::uint32_t shard) : hash_(hash), shard_(shard) {}

  void add_file(const std::string& model, const std::vector<LayerSpec>& layers) {
    FileRow file;
    file.first_extent = part_.extents.size();
    file.n_extents = layers.size();
    std::vector<Hash128> digests;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      add_extent(layers[i], std::to_string(i), file.size_bytes);
      file.size_bytes += layers[i].bytes.size();
      digests.push_back(to_hash(part_.layers.back().decoded));
    }
    const auto path = model + "/weights";
    file.path_offset = part_.names.add(path);
    file.path_bytes = static_cast<std::uint32_t>(path.size());
    file.model = static_cast<std::uint32_t>(part_.models.size());
    file.mode = 0644;
    store(file.digest, hash_.combine(digests));
    store(file.restored, hash_.combine(digests));
    part_.files.push_back(file);
    ModelRow row;
    row.id_offset = part_.names.add(model);
    row.id_bytes = static_cast<std::uint32_t>(model.size());
    part_.models.push_back(row);
  }

  ShardPart& part() { return part_; }
  ShardPart finish() {
    part_.payload.assign(1, encoded_);
    return part_;
  }

 private:
  void add_extent(const LayerSpec& spec, const std::string& name, std::uint64_t offset) {
    ExtentRow extent;
    extent.offset_bytes = offset;
    extent.size_bytes = spec.bytes.size();
    extent.layer_shard = shard_;
    extent.layer_row = part_.layers.size();
    extent.name_offset = part_.names.add(name);
    extent.name_bytes = static_cast<std::uint32_t>(name.size());
    extent.dtype = static_cast<std::uint8_t>(spec.dtype);
    extent.is_layer = 1;
    part_.extents.push_back(extent);
    LayerRow row;
    std::vector<Hash128> digests;
    for (std::size_t at = 0; at < spec.bytes.size(); at += spec.chunk_bytes) {
      add_chunk(spec, at);
      digests.push_back(hash_(std::span(spec.bytes).subspan(at, part_.chunks.back().raw_bytes)));
    }
    store(row.fingerprint, hash_.combine(digests));
    store(row.decoded, hash_.combine(digests));
    row.size_bytes = spec.bytes.size();
    row.n_chunks = static_cast<std::uint32_t>(digests.size());
    row.dtype = extent.dtype;
    if (spec.base) {
      row.base_shard = spec.base->shard;
      row.base_row = spec.base->row;
    }
    part_.layers.push_back(row);
  }

  void add_chunk(const LayerSpec& spec, std::size_t at) {
    const auto raw = std::span(spec.bytes).subspan(at, std::min(spec.chunk_bytes, spec.bytes.size() - at));
    Base base;
    if (at < spec.base_bytes.size())
      base.bytes = std::span(spec.base_bytes).subspan(at, std::min(raw.size(), spec.base_bytes.size() - at));
    ChunkRow chunk;
    chunk.payload_offset = encoded_.size();
    const auto stats = encoder_.encode(raw, spec.dtype, {.lossless = true}, encoded_, base);
    chunk.raw_bytes = static_cast<std::uint32_t>(raw.size());
    chunk.encoded_bytes = static_cast<std::uint32_t>(stats.encoded_bytes);
    chunk.checksum = checksum64(std::span(encoded_).last(chunk.encoded_bytes));
    chunk.transform = static_cast<std::uint8_t>(stats.transform);
    part_.chunks.push_back(chunk);
  }

  const KeyedHash& hash_;
  std::uint32_t shard_;
  Encoder encoder_;
  Bytes encoded_;
  ShardPart part_;
};

/// Collects the bytes and errors of files.
class Collected final : public FileVisitor {
 public:
  Result<void> begin(std::size_t index, const ArchivedFile& file) override {
    files[index].resize(file.row.size_bytes);
    most_open = std::max(most_open, ++n_open);
    return {};
  }
  Result<void> pieces(std::size_t index, std::span<const DecodedPiece> pieces) override {
    for (const auto& piece : pieces)
      std::ranges::copy(piece.bytes, files.at(index).begin() + static_cast<std::ptrdiff_t>(piece.offset_bytes));
    return {};
  }
  void end(std::size_t index, const ArchivedFile&, const Result<void>& outcome) override {
    --n_open;
    if (!outcome) errors[index] = outcome.error().message;
    ++n_ended;
  }

  std::map<std::size_t, Bytes> files;
  std::map<std::size_t, std::string> errors;
  std::size_t n_open = 0, most_open = 0, n_ended = 0;
};

class BaseLayers : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/elves-base-test-XXXXXX";
    path_ = comm_.broadcast(comm_.is_root() ? std::string(::mkdtemp(name)) : "");
    prepare_archive(comm_, path_ + "/archive");
    directory_ = open_or_create_archive(comm_, path_ + "/archive", std::uint64_t{64} << 20);
    hash_.emplace(directory_.identity.hash_secret);
  }
  void TearDown() override {
    comm_.barrier();
    if (comm_.is_root()) fs::remove_all(path_);
  }

  PartBuilder builder() const { return {*hash_, next_shard_}; }

  void write(PartBuilder& built) {
    ShardWriter(comm_, directory_, false)
        .write({next_shard_++, 1, 0, "test"}, comm_.is_root() ? built.finish() : ShardPart{});
    comm_.barrier();
    directory_ = open_archive(comm_, directory_.path);
  }

  /// The content of a file, or the error of reading it.
  Result<Bytes> read(const std::string& model) const {
    auto archive = Archive::open(directory_.path);
    if (!archive) return archive.error();
    return archive->read_file(model + "/weights");
  }

  /// The differences that verify finds, of all ranks on all ranks: "<shard>: layer <row>" -> reason.
  std::map<std::string, std::string> damage(VerifySummary* summary = nullptr) const {
    const auto found = verify(comm_, directory_, 2);
    if (summary != nullptr) *summary = found;
    std::string text;
    for (const auto& difference : found.differences) text += difference.path + "\t" + difference.reason + "\n";
    std::map<std::string, std::string> all;
    for (const auto& from :
         comm_.alltoallv(mpi::PerRank<char>(static_cast<std::size_t>(comm_.size()), {text.begin(), text.end()}))) {
      std::istringstream lines(std::string(from.begin(), from.end()));
      for (std::string line; std::getline(lines, line);)
        all[line.substr(0, line.find('\t'))] = line.substr(line.find('\t') + 1);
    }
    return all;
  }

  /// Flips a bit of a chunk in the payload of its shard.
  void damage_chunk(std::uint32_t shard, std::uint64_t chunk) {
    comm_.barrier();
    if (comm_.is_root()) {
      auto reader = ShardReader::open(directory_, shard);
      ASSERT_TRUE(reader) << reader.error().message;
      const auto path = directory_.path + "/" + shard_name(shard);
      const auto at = *h5::File::open(path)->offset_bytes(kPayload) + reader->chunk(chunk)->payload_offset + 40;
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(at));
      const auto byte = static_cast<char>(file.get() ^ 1);
      file.seekp(static_cast<std::streamoff>(at));
      file.put(byte);
    }
    comm_.barrier();
  }

  const mpi::Comm& comm_ = mpi::world();
  std::string path_;
  ArchiveDir directory_;
  std::optional<KeyedHash> hash_;
  std::uint32_t next_shard_ = 0;
};

constexpr std::size_t kTwoAndAHalfChunks = kChunkBytes / 4 * 5 / 2;

TEST_F(BaseLayers, decodes_a_base_once_for_all_its_deltas) {
  const std::vector<Bytes> base{weights(kTwoAndAHalfChunks, 1), weights(kTwoAndAHalfChunks, 2)};
  std::vector<std::vector<Bytes>> models{base};
  for (std::uint32_t t = 1; t <= 4; ++t) {
    const auto& last = models.emplace_back(std::vector<Bytes>{tuned(base[0], 2 * t), tuned(base[1], 2 * t + 1)});
    auto built = builder();
    if (t == 1) built.add_file("base", {{base[0]}, {base[1]}});
    built.add_file("tuned" + std::to_string(t), {{last[0], {{0, 0}}, base[0]}, {last[1], {{0, 1}}, base[1]}});
    write(built);
  }
  std::vector<FileRef> files{{0, 0, 0, 0}, {0, 0, 1, 0}, {1, 0, 0, 0}, {2, 0, 0, 0}, {3, 0, 0, 0}};
  for (const int threads : {1, 3}) {
    ShardSet shards(directory_);
    Collected collected;
    const auto summary = decode_files(shards, directory_, files, threads, collected);
    EXPECT_EQ(summary.shared_chunks, 6u) << threads;
    for (std::size_t f = 0; f < files.size(); ++f) {
      auto whole = models[f][0];
      whole.insert(whole.end(), models[f][1].begin(), models[f][1].end());
      EXPECT_TRUE(collected.files[f] == whole) << f;
      EXPECT_EQ(collected.errors[f], "");
    }
  }
  VerifySummary summary;
  EXPECT_TRUE(damage(&summary).empty());
  EXPECT_EQ(summary.deltas, 8u);
  EXPECT_EQ(summary.layers, 10u);
  EXPECT_EQ(summary.shared_chunks,
            6u * static_cast<std::uint64_t>(std::min(comm_.size(), 4)));  // once on each rank with a shard
}

TEST_F(BaseLayers, reads_a_single_layer_and_a_single_file) {
  const auto base = weights(kTwoAndAHalfChunks, 1);
  const auto own = tuned(base, 5);
  auto built = builder();
  built.add_file("base", {{base}});
  built.add_file("tuned", {{own, {{0, 0}}, base}, {own, {{0, 0}}, base}});
  write(built);
  auto archive = Archive::open(directory_.path);
  ASSERT_TRUE(archive) << archive.error().message;
  const auto layer = archive->read_layer("tuned/weights", "1");
  ASSERT_TRUE(layer) << layer.error().message;
  EXPECT_TRUE(*layer == own);
  const auto file = read("tuned");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->size(), 2 * own.size());
  EXPECT_TRUE(std::equal(own.begin(), own.end(), file->begin() + static_cast<std::ptrdiff_t>(own.size())));
}

TEST_F(BaseLayers, deltas_may_be_longer_or_shorter_than_their_base) {
  const auto base = weights(kChunkBytes / 4 + 1000, 1);
  auto grown = tuned(base, 2);
  const auto rows = weights(3000, 3);
  grown.insert(grown.end(), rows.begin(), rows.end());
  auto cut = tuned(base, 4);
  cut.resize(cut.size() - 800);
  auto built = builder();
  built.add_file("base", {{base}});
  built.add_file("grown", {{grown, {{0, 0}}, base}});
  built.add_file("cut", {{cut, {{0, 0}}, base}});
  write(built);
  EXPECT_TRUE(damage().empty());
  for (const auto& [model, bytes] : {std::pair("grown", grown), std::pair("cut", cut)}) {
    const auto file = read(model);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(*file == bytes) << model;
  }
}

TEST_F(BaseLayers, names_the_deltas_of_a_damaged_chunk_and_reads_the_other_layers) {
  const auto base = weights(kTwoAndAHalfChunks, 1);
  const auto other = weights(20000, 2);
  auto built = builder();
  built.add_file("base", {{base}});
  built.add_file("other", {{other}});
  built.add_file("on-base", {{tuned(base, 3), {{0, 0}}, base}});
  write(built);
  auto later = builder();
  later.add_file("later", {{tuned(base, 4), {{0, 0}}, base}});
  later.add_file("on-other", {{tuned(other, 5), {{0, 1}}, other}});
  write(later);
  damage_chunk(0, 1);
  const auto found = damage();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_NE(found.at("shard-00000000.h5: layer 0").find("checksum"), std::string::npos);
  for (const auto* layer : {"shard-00000000.h5: layer 2", "shard-00000001.h5: layer 0"}) {
    EXPECT_NE(found.at(layer).find("delta of layer 0 of shard-00000000.h5"), std::string::npos) << found.at(layer);
    EXPECT_NE(found.at(layer).find("checksum"), std::string::npos) << found.at(layer);
  }
  std::vector<FileRef> files{{0, 0, 0, 0}, {0, 0, 1, 0}, {0, 0, 2, 0}, {1, 0, 0, 0}, {1, 0, 1, 0}};
  ShardSet shards(directory_);
  Collected collected;
  decode_files(shards, directory_, files, 2, collected);
  EXPECT_EQ(collected.n_ended, files.size());
  EXPECT_TRUE(collected.files[1] == other);
  std::set<std::size_t> failed;
  for (const auto& [file, why] : collected.errors) failed.insert(file);
  EXPECT_EQ(failed, (std::set<std::size_t>{0, 2, 3}));
  EXPECT_NE(collected.errors[3].find("layer 0: delta of layer 0 of shard-00000000.h5"), std::string::npos)
      << collected.errors[3];
  const auto file = read("later");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("delta of"), std::string::npos) << file.error().message;
}

TEST_F(BaseLayers, chunks_stored_without_base_need_none) {
  const auto base = weights(kTwoAndAHalfChunks, 1);
  auto own = tuned(base, 2);
  auto built = builder();
  built.add_file("base", {{base}});
  auto first_chunk = base;
  first_chunk.resize(kChunkBytes);
  built.add_file("tuned", {{own, {{0, 0}}, first_chunk}});  // its other chunks have no base
  write(built);
  damage_chunk(0, 1);
  const auto found = damage();
  EXPECT_EQ(found.size(), 1u);
  EXPECT_TRUE(found.contains("shard-00000000.h5: layer 0"));
  const auto file = read("tuned");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(*file == own);
}

TEST_F(BaseLayers, a_base_that_cannot_be_one_is_an_error_that_says_why) {
  struct Case {
    LayerRef base;
    std::string why;
  };
  const auto base = weights(30000, 1);
  const auto own = tuned(base, 2);
  const auto halves = weights(30000, 3);
  const std::vector<Case> cases{
      {{1, 0}, "base of itself"}, {{1, 1}, "delta itself"},      {{2, 0}, "earlier shard"},
      {{77, 0}, "earlier shard"}, {{0, 1000}, "does not exist"}, {{0, ~std::uint64_t{0}}, "does not exist"},
      {{0, 1}, "another dtype"},  {{0, 2}, "no chunk at byte"},  {{kNoShard, 0}, "names no base"}};
  for (const auto& [reference, why] : cases) {
    TearDown();
    SetUp();
    next_shard_ = 0;
    auto first = builder();
    first.add_file("base", {{base}, {halves, {}, {}, DType::F16}, {{}}});
    write(first);
    auto second = builder();
    second.add_file("bad", {{own, reference, base}});
    second.add_file("loop", {{own, {{1, 0}}, base}});
    second.add_file("good", {{own, {{0, 0}}, base}});
    write(second);
    auto third = builder();
    third.add_file("last", {{base}});
    write(third);
    const auto found = damage();
    ASSERT_TRUE(found.contains("shard-00000001.h5: layer 0")) << why;
    EXPECT_NE(found.at("shard-00000001.h5: layer 0").find(why), std::string::npos)
        << found.at("shard-00000001.h5: layer 0");
    EXPECT_FALSE(found.contains("shard-00000001.h5: layer 2")) << why;
    const auto bad = read("bad");
    ASSERT_FALSE(bad) << why;
    EXPECT_NE(bad.error().message.find(why), std::string::npos) << bad.error().message;
    EXPECT_TRUE(*read("good") == own) << why;
    auto archive = Archive::open(directory_.path);
    EXPECT_FALSE(archive->read_layer("bad/weights", "0"));
    comm_.barrier();
  }
}

TEST_F(BaseLayers, a_base_must_have_chunks_at_the_same_bytes) {
  const auto base = weights(30000, 1);
  const auto own = tuned(base, 2);
  auto built = builder();
  built.add_file("base", {{base, {}, {}, DType::F32, 50000}});
  built.add_file("tuned", {{own, {{0, 0}}, base, DType::F32, 40000}});
  write(built);
  const auto found = damage();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found.begin()->second.find("no chunk at byte 40000"), std::string::npos) << found.begin()->second;
  EXPECT_FALSE(read("tuned"));
}

TEST_F(BaseLayers, the_listing_has_the_base_of_each_layer_and_model) {
  const auto base = weights(50000, 1);
  const auto frozen = weights(50000, 2);
  auto built = builder();
  built.add_file("acme/base", {{base}, {frozen}});
  built.add_file("acme/alone", {{weights(1000, 9)}});
  write(built);
  auto later = builder();
  later.add_file("acme/tuned", {{tuned(base, 3), {{0, 0}}, base}, {frozen}});
  auto& copied = later.part().extents[1];  // stored by the base
  copied.layer_shard = 0;
  copied.layer_row = 1;
  later.part().layers[0].standalone_bytes = 190000;
  write(later);
  const auto listing = list_files(directory_, {.name = "", .with_layers = true});
  ASSERT_TRUE(listing) << listing.error().message;
  ASSERT_EQ(listing->files.size(), 3u);
  const auto& layers = listing->files[2].layers;
  ASSERT_EQ(layers.size(), 2u);
  ASSERT_TRUE(layers[0].base);
  EXPECT_EQ(layers[0].base->place, (LayerRef{0, 0}));
  EXPECT_EQ(layers[0].base->model, "acme/base");
  EXPECT_EQ(layers[0].base->layer, "0");
  EXPECT_FALSE(layers[1].base);

  const auto models = sum_by_model(listing->files);
  ASSERT_EQ(models.size(), 3u);
  EXPECT_EQ(models[0].base(), nullptr);
  EXPECT_EQ(models[1].base(), nullptr);
  const auto* relative = models[2].base();
  ASSERT_NE(relative, nullptr);
  EXPECT_EQ(relative->model, "acme/base");
  EXPECT_EQ(relative->n_elements, 50000u);
  EXPECT_EQ(relative->duplicate_bytes, 200000u);
  EXPECT_EQ(relative->stored_bytes, models[2].stored_bytes);
  EXPECT_EQ(relative->saved_bytes(), 190000 - static_cast<std::int64_t>(relative->stored_bytes));
  EXPECT_EQ(models[2].delta_bytes(), 200000u);
  EXPECT_EQ(models[2].duplicate_bytes, 200000u);

  const auto tree = family_tree(models);
  ASSERT_EQ(tree.size(), 2u);
  EXPECT_EQ(tree[0].model->id, "acme/base");
  EXPECT_EQ(tree[1].model->id, "acme/tuned");
  EXPECT_EQ(tree[1].depth, 1u);
  EXPECT_EQ(tree[1].base, relative);
}

TEST_F(BaseLayers, keeps_few_files_open_in_large_families) {
  const auto base = weights(20000, 1);
  constexpr std::size_t kTuned = 600;
  auto built = builder();
  built.add_file("base", {{base}});
  for (std::size_t t = 0; t < kTuned; ++t)
    built.add_file("tuned" + std::to_string(t), {{tuned(base, static_cast<std::uint32_t>(t)), {{0, 0}}, base}});
  write(built);
  std::vector<FileRef> files;
  for (std::size_t f = 0; f <= kTuned; ++f) files.push_back({0, 0, f, 0});
  ShardSet shards(directory_);
  Collected collected;
  const auto summary = decode_files(shards, directory_, files, 2, collected);
  EXPECT_EQ(collected.n_ended, files.size());
  EXPECT_TRUE(collected.errors.empty());
  EXPECT_LE(collected.most_open, kOpenFiles);
  EXPECT_EQ(summary.shared_chunks, 1u);
}

/// Lets this process open no more than `n` files.
class FewFiles {
 public:
  explicit FewFiles(rlim_t n) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few{std::min(n, before_.rlim_max), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;

 private:
  rlimit before_{};
};

TEST_F(BaseLayers, verify_opens_few_files_for_a_base_with_deltas_in_many_shards) {
  const auto base = weights(1000, 1);
  constexpr std::uint32_t kShards = 100;
  for (std::uint32_t s = 0; s < kShards; ++s) {
    auto built = builder();
    if (s == 0)
      built.add_file("base", {{base}, {weights(900, 2)}});
    else
      built.add_file("tuned" + std::to_string(s),
                     {{tuned(base, s), {{0, 0}}, base}, {tuned(base, ~s), {{0, 0}}, base}});
    write(built);
  }
  const FewFiles limit(180);
  VerifySummary summary;
  EXPECT_EQ(damage(&summary), (std::map<std::string, std::string>{}));
  EXPECT_EQ(summary.layers, 2 * kShards);
  EXPECT_EQ(summary.deltas, 2 * (kShards - 1));
}

TEST_F(BaseLayers, reads_chunks_of_a_shard_after_let_go) {
  auto built = builder();
  built.add_file("base", {{weights(1000, 1)}});
  write(built);
  auto reader = ShardReader::open(directory_, 0);
  ASSERT_TRUE(reader);
  const auto row = reader->chunk(0);
  ASSERT_TRUE(row);
  Bytes before(row->encoded_bytes), after(row->encoded_bytes);
  ASSERT_TRUE(reader->read_encoded(*row, before));
  reader->let_go();
  ASSERT_TRUE(reader->read_encoded(*row, after));
  EXPECT_EQ(before, after);
  const auto missing = directory_.path + "/" + shard_name(0);
  comm_.barrier();
  if (comm_.is_root()) fs::remove(missing);
  comm_.barrier();
  EXPECT_FALSE(reader->read_encoded(*row, after));
}

}  // namespace
}  // namespace elves::restore
