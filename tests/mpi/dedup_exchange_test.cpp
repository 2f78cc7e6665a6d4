#include "dedup/exchange.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace elves::dedup {
namespace {

/// Layers of a corpus: the n-th has content `contents[n]`; rank r holds a contiguous part of them.
struct Corpus {
  std::vector<std::uint64_t> contents;

  std::size_t first(int rank) const {
    return contents.size() * static_cast<std::size_t>(rank) / static_cast<std::size_t>(mpi::world().size());
  }

  std::vector<LayerKey> mine() const {
    std::vector<LayerKey> keys;
    for (auto i = first(mpi::world().rank()); i < first(mpi::world().rank() + 1); ++i) keys.push_back(key(contents[i]));
    return keys;
  }

  static LayerKey key(std::uint64_t content) {
    return {{content * 0x9E3779B97F4A7C15u, content ^ 0xABCDEF}, content % 7 * 100, DType::F32};
  }
};

Corpus corpus_with_repeats(std::size_t n) {
  Corpus corpus;
  for (std::size_t i = 0; i < n; ++i) corpus.contents.push_back(i * i % 31);
  return corpus;
}

/// Runs both exchanges and gives each New layer the row that is its place among all layers.
std::vector<StoredLayer> run(LayerTable& table, const Corpus& corpus, std::vector<DedupResult>& results,
                             std::uint32_t shard, LossId loss = kExact, std::vector<LossId> allowed = {}) {
  const auto keys = corpus.mine();
  if (allowed.empty()) allowed.assign(keys.size(), loss);
  results = deduplicate(mpi::world(), table, keys, allowed);
  std::vector<StoredLayer> layers(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto place = corpus.first(mpi::world().rank()) + i;
    if (results[i].kind == Dedup::First) layers[i] = {{shard, place}, keys[i].fingerprint, results[i].allowed};
    if (results[i].kind == Dedup::Stored) layers[i] = results[i].stored;
  }
  settle(mpi::world(), table, keys, results, layers);
  return layers;
}

TEST(Dedup, the_first_in_corpus_order_is_stored_and_duplicates_get_its_place) {
  const auto corpus = corpus_with_repeats(200);
  LayerTable table;
  std::vector<DedupResult> results;
  const auto layers = run(table, corpus, results, 3);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto place = corpus.first(mpi::world().rank()) + i;
    const auto first = static_cast<std::size_t>(
        std::find(corpus.contents.begin(), corpus.contents.end(), corpus.contents[place]) - corpus.contents.begin());
    EXPECT_EQ(results[i].kind, first == place ? Dedup::First : Dedup::DuplicateInWave);
    EXPECT_EQ(layers[i].place, (LayerRef{3, first}));
    EXPECT_EQ(layers[i].decoded, Corpus::key(corpus.contents[place]).fingerprint);
  }
}

TEST(Dedup, layers_of_an_earlier_wave_are_stored_already) {
  const auto corpus = corpus_with_repeats(100);
  LayerTable table;
  std::vector<DedupResult> results;
  const auto before = run(table, corpus, results, 0);
  const auto again = run(table, corpus, results, 1);
  for (std::size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(results[i].kind, Dedup::Stored);
    EXPECT_EQ(again[i].place, before[i].place);
  }
  EXPECT_EQ(mpi::world().sum(std::uint64_t{table.size()}), 16u) << "squares modulo 31 take 16 values";
}

TEST(Dedup, a_sweep_that_allows_no_loss_stores_lossy_layers_again) {
  const auto corpus = corpus_with_repeats(100);
  LayerTable table;
  std::vector<DedupResult> results;
  run(table, corpus, results, 0, LossId{77});
  const auto exact = run(table, corpus, results, 1, kExact);
  for (const auto& layer : exact) EXPECT_EQ(layer.place.shard, 1u);
  run(table, corpus, results, 2, LossId{77});
  for (const auto& result : results) {
    EXPECT_EQ(result.kind, Dedup::Stored) << "an exact layer serves every sweep";
    EXPECT_EQ(result.stored.place.shard, 1u);
  }
}

TEST(Dedup, one_request_for_an_exact_layer_makes_it_exact_for_its_duplicates) {
  const auto corpus = corpus_with_repeats(120);
  const auto is_last = [&](std::size_t place) {  // the last of its kind asks for no loss
    return std::find(corpus.contents.begin() + static_cast<std::ptrdiff_t>(place) + 1, corpus.contents.end(),
                     corpus.contents[place]) == corpus.contents.end() &&
           corpus.contents[place] % 2 == 0;
  };
  std::vector<LossId> allowed;
  const auto first = corpus.first(mpi::world().rank());
  for (auto i = first; i < corpus.first(mpi::world().rank() + 1); ++i)
    allowed.push_back(is_last(i) ? kExact : LossId{77});
  LayerTable table;
  std::vector<DedupResult> results;
  const auto layers = run(table, corpus, results, 0, LossId{77}, allowed);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(layers[i].loss, corpus.contents[first + i] % 2 == 0 ? kExact : LossId{77}) << "layer " << first + i;
  }
  run(table, corpus, results, 1, kExact);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(results[i].kind == Dedup::Stored, corpus.contents[first + i] % 2 == 0)
        << "what was stored with loss does not serve it";
  }
}

TEST(Dedup, ranks_without_layers_take_part) {
  Corpus corpus;
  corpus.contents = {4};
  LayerTable table;
  std::vector<DedupResult> results;
  const auto layers = run(table, corpus, results, 0);
  EXPECT_EQ(mpi::world().sum(std::uint64_t{layers.size()}), 1u);
}

}  // namespace
}  // namespace elves::dedup
