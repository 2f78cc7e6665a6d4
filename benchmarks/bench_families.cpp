// Prints the size of fine-tunes stored as deltas of their bases, in bits per weight, beside models of BitX and TensorX
// and the entropies that such schemes aim at; and the speed of encoding and decoding relative to that without a base
// (one core, chunks in memory, in turns within each repetition, CPU time, medians). Layers that are equal in both are
// left out.
//
// Usage: bench_families [REPETITIONS]. First the families of the real corpus: a model whose name is the name of its
// base and a suffix ("x-ft" for "x" or "x-base"), in the same folder. Then generated ones: base N(0, 0.02), noise 5e-5
// to 0.5 of its sigma.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <unordered_map>

#include "elves/codec.hpp"
#include "measure/order0.hpp"
#include "measure/peers.hpp"
#include "measure/real_corpus.hpp"
#include "measure/timing.hpp"
#include "support/weights.hpp"

namespace {

using namespace elves;
using Bytes = std::vector<std::byte>;

/// A chunk of a model, and the chunk of its base at the same place.
struct Pair {
  DType dtype = DType::Bytes;
  Bytes own;
  Bytes base;
};

struct Family {
  std::string name;
  std::vector<Pair> pairs;
};

// Real families

std::string model_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

bool is_family(const std::string& model, const std::string& base) {
  constexpr std::string_view kBase = "-base";
  const auto stem = base.ends_with(kBase) ? base.substr(0, base.size() - kBase.size()) : base;
  return model != base && model.starts_with(stem + "-");
}

// Pairs the chunks of layers with equal name, dtype and size in files of equal name. Other chunks are left out.
std::vector<Pair> pairs_of(const std::string& hub, const std::vector<measure::LayerChunk>& chunks,
                           const std::string& model, const std::string& base) {
  const auto key = [](const measure::LayerChunk& chunk, std::size_t part) {
    const auto file = chunk.path.substr(chunk.path.rfind('/') + 1);
    return file + '\n' + chunk.layer + '\n' + std::to_string(part) + '\n' + std::to_string(chunk.size_bytes) + '\n' +
           std::string(name(chunk.dtype));
  };
  const auto for_each_of = [&](const std::string& wanted, auto with) {
    std::size_t part = 0;
    for (const auto& chunk : chunks) {
      part = chunk.begins_layer ? 0 : part + 1;
      if (model_of(chunk.path) == wanted) with(chunk, key(chunk, part));
    }
  };
  std::unordered_map<std::string, const measure::LayerChunk*> of_base;
  for_each_of(base, [&](const auto& chunk, const std::string& at) { of_base[at] = &chunk; });
  std::vector<Pair> pairs;
  for_each_of(model, [&](const auto& chunk, const std::string& at) {
    const auto found = of_base.find(at);
    if (found == of_base.end()) return;
    Pair pair{chunk.dtype, read_chunk(hub, chunk), read_chunk(hub, *found->second)};
    if (pair.own != pair.base) pairs.push_back(std::move(pair));
  });
  return pairs;
}

std::vector<Family> real_families() {
  const auto hub = measure::find_real_hub();
  if (!hub) return {};
  const auto chunks = measure::list_chunks(*hub);
  std::vector<std::string> models;
  for (const auto& chunk : chunks) {
    if (models.empty() || models.back() != model_of(chunk.path)) models.push_back(model_of(chunk.path));
  }
  std::vector<Family> families;
  for (const auto& model : models) {
    for (const auto& base : models) {
      if (!is_family(model, base)) continue;
      auto pairs = pairs_of(*hub, chunks, model, base);
      if (!pairs.empty()) families.push_back({model + " on " + base, std::move(pairs)});
    }
  }
  return families;
}

// Generated families

Family generated(DType dtype, double noise) {
  constexpr std::uint64_t kChunks = 2;
  Family family{fmt::format("generated {}, noise {} sigma", name(dtype), noise), {}};
  for (std::uint64_t i = 0; i < kChunks; ++i) {
    auto made = weights::fine_tune(dtype, kChunkBytes / size_bytes(dtype), noise, i + 1);
    family.pairs.push_back({dtype, std::move(made.own), std::move(made.base)});
  }
  return family;
}

// Entropies

std::uint64_t word_at(const Bytes& bytes, std::size_t i, std::size_t word_bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + i * word_bytes, word_bytes);
  return word;
}

std::uint64_t zigzag_difference(std::uint64_t own, std::uint64_t base, unsigned bits) {
  const auto place = [&](std::uint64_t word) {
    const auto magnitude = static_cast<std::int64_t>(word & ((std::uint64_t{1} << (bits - 1)) - 1));
    return word >> (bits - 1) != 0 ? -1 - magnitude : magnitude;
  };
  const auto difference = place(own) - place(base);
  return difference >= 0 ? 2 * static_cast<std::uint64_t>(difference)
                         : 2 * static_cast<std::uint64_t>(-1 - difference) + 1;
}

double entropy_of(const std::map<std::uint64_t, double>& counts) {
  double n = 0;
  double bits = 0;
  for (const auto& [symbol, count] : counts) n += count;
  for (const auto& [symbol, count] : counts) bits += count * std::log2(n / count);
  return bits;
}

/// The entropy of the widths of the ordered differences given the exponent of the base, plus the bits below the highest
/// one.
double conditional_bits(const Pair& pair) {
  const auto word_bytes = size_bytes(pair.dtype);
  const auto bits = static_cast<unsigned>(8 * word_bytes);
  const unsigned exponent_bits = pair.dtype == DType::F16 ? 5 : word_bytes == 8 ? 11 : 8;
  std::map<std::uint64_t, std::map<std::uint64_t, double>> widths;
  double below_first = 0;
  for (std::size_t i = 0; i < pair.own.size() / word_bytes; ++i) {
    const auto base = word_at(pair.base, i, word_bytes);
    const auto difference = zigzag_difference(word_at(pair.own, i, word_bytes), base, bits);
    const auto width = static_cast<std::uint64_t>(std::bit_width(difference));
    const auto exponent = (base & ((std::uint64_t{1} << (bits - 1)) - 1)) >> (bits - 1 - exponent_bits);
    ++widths[exponent][width];
    below_first += width > 1 ? static_cast<double>(width - 1) : 0;
  }
  for (const auto& [exponent, counts] : widths) below_first += entropy_of(counts);
  return below_first;
}

// Measuring

struct Row {
  double weights = 0;
  std::map<std::string, double> bits;
  std::vector<double> encode_speed;  ///< with base over without, by repetition
  std::vector<double> decode_speed;
};

double bits_of(std::size_t bytes) {
  return 8 * static_cast<double>(bytes);
}

void add_sizes(const Pair& pair, Encoder& encoder, Row& row) {
  const auto encoded = [&](EncodeOptions options, bool with_base) {
    Bytes out;
    const auto base = std::span(pair.base).first(with_base ? pair.base.size() : 0);
    return bits_of(encoder.encode(pair.own, pair.dtype, options, out, {base}).encoded_bytes);
  };
  row.weights += static_cast<double>(pair.own.size() / size_bytes(pair.dtype));
  row.bits["alone"] += encoded({.lossless = true}, false);
  row.bits["BitX"] += bits_of(measure::BitXPeer().encoded_bytes(pair.own, pair.base, pair.dtype));
  row.bits["TensorX"] += bits_of(measure::TensorXPeer().encoded_bytes(pair.own, pair.base, pair.dtype));
  row.bits["elves"] += encoded({.lossless = true}, true);
  row.bits["entropy"] += conditional_bits(pair);
  row.bits["elf"] += encoded({}, false);
  row.bits["elf, base"] += encoded({}, true);
}

[[noreturn]] void fail(const Family& family) {
  std::fprintf(stderr, "bench_families: %s does not decode to what was encoded\n", family.name.c_str());
  std::exit(1);
}

void add_times(const Family& family, Encoder& encoder, Decoder& decoder, Row& row) {
  double encode_seconds[2] = {};
  double decode_seconds[2] = {};
  Bytes encoded;
  Bytes back;
  for (const Pair& pair : family.pairs) {
    for (const bool with_base : {false, true}) {
      const std::span<const std::byte> base = with_base ? pair.base : std::span<const std::byte>();
      encoded.clear();
      back.resize(pair.own.size());
      encode_seconds[with_base] +=
          measure::cpu_seconds_of([&] { encoder.encode(pair.own, pair.dtype, {.lossless = true}, encoded, {base}); });
      decode_seconds[with_base] += measure::cpu_seconds_of([&] {
        if (!decoder.decode(encoded, pair.dtype, back, base)) fail(family);
      });
      if (back != pair.own) fail(family);
    }
  }
  row.encode_speed.push_back(encode_seconds[0] / encode_seconds[1]);
  row.decode_speed.push_back(decode_seconds[0] / decode_seconds[1]);
}

void print(const Family& family, int repetitions) {
  static Encoder encoder;
  static Decoder decoder;
  Row row;
  for (const Pair& pair : family.pairs) add_sizes(pair, encoder, row);
  for (int i = 0; i < repetitions; ++i) add_times(family, encoder, decoder, row);
  std::printf("| %s |", family.name.c_str());
  for (const char* way : {"alone", "BitX", "TensorX", "entropy", "elves", "elf", "elf, base"}) {
    std::printf(" %.2f |", row.bits[way] / row.weights);
  }
  std::printf(" %.3f | %.3f | %.2f | %.2f |\n", row.bits["elves"] / std::min(row.bits["BitX"], row.bits["TensorX"]),
              row.bits["elf, base"] / row.bits["elf"], measure::median(row.encode_speed),
              measure::median(row.decode_speed));
}

}  // namespace

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 9;
  std::printf(
      "| family | alone | BitX | TensorX | entropy | elves, lossless | elf alone | elves | over the better peer |"
      " over elf alone | encode speed | decode speed |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Family& family : real_families()) print(family, repetitions);
  for (const DType dtype : {DType::BF16, DType::F32}) {
    for (const double noise : {5e-5, 5e-4, 5e-3, 5e-2, 0.5}) print(generated(dtype, noise), repetitions);
  }
}
