// How accurate the sizes predicted from sketches are, and which bases the planner finds: for generated pairs (base N(0,
// 0.02), a fine-tune with noise of 5e-5 to 0.5 sigma), and for the layers of the real corpus without lineage. "Exact"
// is computed from all elements: the entropy of the bit length of the ordered difference given the exponent of the
// base, plus the bits below the highest one. One thread.
//
// Usage: bench_prediction. The corpus: $ELVES_CORPUS, default ../shared/corpus.
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "families/planner.hpp"
#include "families/prediction.hpp"
#include "measure/real_corpus.hpp"
#include "support/weights.hpp"

namespace {

using namespace elves;
using namespace elves::families;
using Bytes = std::vector<std::byte>;

double entropy(const std::map<unsigned, double>& counts) {
  double n = 0;
  for (const auto& [symbol, count] : counts) n += count;
  double bits = 0;
  for (const auto& [symbol, count] : counts) bits += count * std::log2(n / count);
  return bits;
}

std::uint64_t word_at(DType dtype, const Bytes& bytes, std::size_t i) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + i * size_bytes(dtype), size_bytes(dtype));
  return word;
}

std::uint64_t ordered(DType dtype, std::uint64_t word) {
  const unsigned bits = static_cast<unsigned>(8 * size_bytes(dtype));
  const std::uint64_t all = ~std::uint64_t{0} >> (64 - bits);
  const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
  return (word & sign) != 0 ? ~word & all : word | sign;
}

unsigned exponent(DType dtype, std::uint64_t word) {
  const SampleFormat format = sample_format(dtype);
  return static_cast<unsigned>(word >> (format.mantissa_bits + format.missing_bits())) &
         ((1u << format.exponent_bits) - 1);
}

double exact_alone(DType dtype, const Bytes& own) {
  const SampleFormat format = sample_format(dtype);
  const std::size_t n = own.size() / size_bytes(dtype);
  std::map<unsigned, double> counts;
  for (std::size_t i = 0; i < n; ++i) ++counts[exponent(dtype, word_at(dtype, own, i))];
  return entropy(counts) / static_cast<double>(n) + 1 + format.mantissa_bits + format.missing_bits();
}

double exact_delta(DType dtype, const Bytes& own, const Bytes& base) {
  const std::size_t n = own.size() / size_bytes(dtype);
  std::map<unsigned, std::map<unsigned, double>> counts;
  double bits = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto a = ordered(dtype, word_at(dtype, own, i));
    const auto b = ordered(dtype, word_at(dtype, base, i));
    const auto zigzag = a >= b ? 2 * (a - b) : 2 * (b - a) - 1;
    const auto length = static_cast<unsigned>(std::bit_width(zigzag));
    ++counts[exponent(dtype, word_at(dtype, base, i))][length];
    bits += length == 0 ? 0 : length - 1;
  }
  for (const auto& [context, of_context] : counts) bits += entropy(of_context);
  return bits / static_cast<double>(n);
}

struct Layer {
  std::string model;
  DType dtype = DType::F32;
  Bytes bytes;
  Bytes sketch;
};

Layer make_layer(std::string model, DType dtype, Bytes bytes) {
  Layer layer{std::move(model), dtype, std::move(bytes), {}};
  layer.sketch.resize(sketch_bytes(dtype, layer.bytes.size()));
  sample(dtype, layer.bytes.size(), 0, layer.bytes, layer.sketch);
  return layer;
}

Bits predicted(const Layer& own, const Layer* base) {
  const auto load = [](const Layer& layer) {
    Samples samples;
    load_samples(layer.dtype, layer.bytes.size(), layer.sketch, Words::Patterns, samples);
    find_contexts(samples);
    return samples;
  };
  const Samples samples = load(own);
  const Bits alone = predict_standalone(samples);
  return base == nullptr ? alone : predict_delta(samples, load(*base), alone);
}

double as_bits(Bits bits) {
  return static_cast<double>(bits) / kOneBit;
}

void print_generated(DType dtype, std::size_t n) {
  constexpr std::array kNoises{5e-5, 5e-4, 5e-3, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0};
  constexpr int kPairs = 20;
  for (const double noise : kNoises) {
    double exact[2] = {};
    double error[2] = {};
    double largest = 0;
    for (int pair = 0; pair < kPairs; ++pair) {
      auto made = weights::fine_tune(dtype, n, noise, static_cast<std::uint64_t>(pair) + 1);
      const Layer base_layer = make_layer("base", dtype, std::move(made.base));
      const Layer own_layer = make_layer("own", dtype, std::move(made.own));
      const double true_bits[2] = {exact_alone(dtype, own_layer.bytes),
                                   exact_delta(dtype, own_layer.bytes, base_layer.bytes)};
      const double guess[2] = {as_bits(predicted(own_layer, nullptr)), as_bits(predicted(own_layer, &base_layer))};
      for (int k = 0; k < 2; ++k) {
        exact[k] += true_bits[k] / kPairs;
        error[k] += (guess[k] - true_bits[k]) / kPairs;
        largest = std::max(largest, std::abs(guess[k] - true_bits[k]));
      }
    }
    std::printf("| %s | %zu | %g | %.2f | %+.2f | %.2f | %+.2f | %.2f |\n", std::string(name(dtype)).c_str(),
                sample_count(n * size_bytes(dtype)), noise, exact[0], error[0], exact[1], error[1], largest);
  }
}

std::string model_of(const std::string& path) {
  return path.substr(0, path.find('/', path.find('/') + 1)) + path.substr(path.find_last_of('/'));
}

std::vector<Layer> read_layers(const std::string& hub) {
  std::vector<Layer> layers;
  std::set<std::pair<DType, Bytes>> known;
  const auto chunks = measure::list_chunks(hub);
  for (std::size_t i = 0; i < chunks.size();) {
    const auto& first = chunks[i];
    Bytes bytes;
    do {
      const Bytes more = measure::read_chunk(hub, chunks[i]);
      bytes.insert(bytes.end(), more.begin(), more.end());
    } while (++i < chunks.size() && !chunks[i].begins_layer);
    if (sketch_bytes(first.dtype, bytes.size()) == 0 || !known.emplace(first.dtype, bytes).second) continue;
    layers.push_back(make_layer(model_of(first.path), first.dtype, std::move(bytes)));
  }
  return layers;
}

void print_real(const std::string& hub) {
  const auto layers = read_layers(hub);
  std::vector<FamilyLayer> new_layers;
  Bytes sketches;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    FamilyLayer layer;
    layer.group = hash128(std::string(name(layers[i].dtype)) + std::to_string(layers[i].bytes.size()));
    layer.model = hash128(layers[i].model);
    layer.size_bytes = layers[i].bytes.size();
    layer.place.row = i;
    layer.dtype = layers[i].dtype;
    new_layers.push_back(layer);
    sketches.insert(sketches.end(), layers[i].sketch.begin(), layers[i].sketch.end());
  }
  const auto start = std::chrono::steady_clock::now();
  const auto choices = FamilyPlanner().plan(new_layers, sketches);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  struct Row {
    std::size_t n_layers = 0;
    double n_elements = 0;
    double exact[2] = {};
    double predicted[2] = {};
  };
  std::map<std::string, Row> rows;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!choices[i].found) continue;
    const Layer& own = layers[i];
    const Layer& base = layers[choices[i].base.place.row];
    Row& row = rows[own.model + " | " + base.model + " | " + std::string(name(own.dtype))];
    const double n = static_cast<double>(own.bytes.size() / size_bytes(own.dtype));
    ++row.n_layers;
    row.n_elements += n;
    row.exact[0] += n * exact_alone(own.dtype, own.bytes);
    row.exact[1] += n * exact_delta(own.dtype, own.bytes, base.bytes);
    row.predicted[0] += n * static_cast<double>(choices[i].standalone_bits);
    row.predicted[1] += n * static_cast<double>(choices[i].delta_bits);
  }
  std::printf("\n%zu different layers with a sketch, planned in %.0f ms\n", layers.size(), 1000 * seconds.count());
  std::puts("| file | base | dtype | layers | alone exact | predicted | delta exact | predicted |");
  std::puts("|---|---|---|---|---|---|---|---|");
  for (const auto& [files, row] : rows)
    std::printf("| %s | %zu | %.2f | %.2f | %.2f | %.2f |\n", files.c_str(), row.n_layers,
                row.exact[0] / row.n_elements, row.predicted[0] / row.n_elements, row.exact[1] / row.n_elements,
                row.predicted[1] / row.n_elements);
}

// Samples one layer after the other; none of them is in the cache.
void print_sampling(DType dtype, std::size_t layer_bytes) {
  constexpr std::size_t kTotal = 256u << 20;
  const Bytes bytes(kTotal, std::byte{1});
  Bytes sketch(sketch_bytes(dtype, layer_bytes));
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t at = 0; at < kTotal; at += layer_bytes)
    sample(dtype, layer_bytes, 0, std::span(bytes).subspan(at, layer_bytes), sketch);
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
  const double n = static_cast<double>(kTotal / layer_bytes);
  std::printf("| %s | %zu | %zu | %.1f |\n", std::string(name(dtype)).c_str(), layer_bytes >> 10,
              sample_count(layer_bytes), time.count() / n);
}

}  // namespace

int main() {
  std::puts("| dtype | KiB | samples | us |");
  std::puts("|---|---|---|---|");
  for (const DType dtype : {DType::BF16, DType::F32})
    for (const std::size_t kib : {64, 256, 1024, 4096}) print_sampling(dtype, kib << 10);
  std::puts("| dtype | samples | noise / sigma | alone exact | error | delta exact | error | largest error of 20 |");
  std::puts("|---|---|---|---|---|---|---|---|");
  for (const DType dtype : {DType::BF16, DType::F32})
    for (const std::size_t layer_bytes : {128u << 10, 1u << 20})
      print_generated(dtype, layer_bytes / size_bytes(dtype));
  if (const auto hub = measure::find_real_hub()) print_real(*hub);
}
