// Prints size and speed of each way to encode generated data, beside memcpy, zstd and ZipNN's scheme on the same bytes:
// one core, chunks in memory, all ways in turns within each repetition, CPU time, medians. Ratios of speeds are
// computed within each repetition. Ends with the table of docs/measurements/speed.md.
//
// Usage: bench_codec [--large] [REPETITIONS]. By default 8 chunks of 4 MiB, whose outputs share a
// buffer, 9 times. --large: 128 chunks (512 MiB), each with buffers of its own, 3 times.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string_view>

#include "encode_data.hpp"
#include "measure/paper_elf.hpp"
#include "measure/peers.hpp"
#include "measure/timing.hpp"

namespace {

using namespace elves;
using benchmarks::DataSet;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kDistinctLayers = 8;
constexpr std::size_t kLargeLayers = 128;
constexpr const char* kMemcpy = "memcpy";
constexpr const char* kZstd3 = "zstd -3";
constexpr const char* kZipNn = "ZipNN's scheme";
constexpr const char* kDefault = "default";
constexpr const char* kLossless = "lossless";

/// A way to encode and decode. `encode` appends to `out`.
struct Way {
  std::string name;
  std::function<void(const Bytes& raw, DType, Bytes& out)> encode;
  std::function<bool(std::span<const std::byte> encoded, DType, std::span<std::byte> out)> decode;
  std::shared_ptr<std::string> transform = std::make_shared<std::string>("");  ///< the last one that was chosen
  bool exact = true;
};

struct Measured {
  std::vector<double> encode_seconds;
  std::vector<double> decode_seconds;
  std::size_t encoded_bytes = 0;
};

using MeasuredWays = std::map<std::string, Measured>;

/// Buffers for encoded and decoded chunks. Chunks are encoded and decoded in groups of as many as there are buffers.
struct Buffers {
  std::vector<Bytes> encoded;
  std::vector<Bytes> back;

  explicit Buffers(std::size_t n) : encoded(n, Bytes(kChunkBytes + kChunkBytes / 128)), back(n, Bytes(kChunkBytes)) {}
};

[[noreturn]] void fail(const Way& way) {
  std::fprintf(stderr, "bench_codec: %s does not decode to what was encoded\n", way.name.c_str());
  std::exit(1);
}

Way elves_way(std::string name, EncodeOptions options, bool with_decoded = false) {
  auto encoder = std::make_shared<Encoder>();
  auto decoder = std::make_shared<Decoder>();
  auto transform = std::make_shared<std::string>();
  return {.name = std::move(name),
          .encode =
              [=](const Bytes& raw, DType dtype, Bytes& out) {
                *transform = elves::name(encoder->encode(raw, dtype, options, out).transform);
                if (with_decoded) encoder->decoded();
              },
          .decode = [=](std::span<const std::byte> encoded, DType dtype,
                        std::span<std::byte> out) { return decoder->decode(encoded, dtype, out).has_value(); },
          .transform = transform,
          .exact = options.lossless};
}

Way zstd_way(int level) {
  const auto zstd = std::make_shared<measure::ZstdPeer>(level);
  return {.name = "zstd -" + std::to_string(level),
          .encode = [=](const Bytes& raw, DType, Bytes& out) { zstd->encode(raw, out); },
          .decode = [=](std::span<const std::byte> encoded, DType,
                        std::span<std::byte> out) { return zstd->decode(encoded, out); }};
}

Way zipnn_way() {
  const auto zipnn = std::make_shared<measure::ZipNnPeer>();
  return {.name = kZipNn,
          .encode = [=](const Bytes& raw, DType dtype, Bytes& out) { zipnn->encode(raw, dtype, out); },
          .decode = [=](std::span<const std::byte> encoded, DType dtype,
                        std::span<std::byte> out) { return zipnn->decode(encoded, dtype, out); }};
}

Way paper_elf_way() {
  const auto elf = std::make_shared<measure::PaperElfPeer>();
  return {.name = "paper's form, zstd -3",
          .encode = [=](const Bytes& raw, DType dtype, Bytes& out) { elf->encode(raw, dtype, out); },
          .decode = [=](std::span<const std::byte> encoded, DType dtype,
                        std::span<std::byte> out) { return elf->decode(encoded, dtype, out); },
          .exact = false};
}

Way memcpy_way() {
  return {.name = kMemcpy,
          .encode = [](const Bytes& raw, DType, Bytes& out) { out.insert(out.end(), raw.begin(), raw.end()); },
          .decode =
              [](std::span<const std::byte> encoded, DType, std::span<std::byte> out) {
                std::ranges::copy(encoded, out.begin());
                return true;
              }};
}

std::vector<Way> peers() {
  return {memcpy_way(), zstd_way(1), zstd_way(3), zipnn_way()};
}

/// For dtypes that are always stored exactly.
std::vector<Way> exact_ways() {
  auto ways = peers();
  ways.push_back(elves_way(kDefault, {}));
  ways.push_back(elves_way("fast", {.level = Level::Fast}));
  return ways;
}

std::vector<Way> elf_ways() {
  auto ways = exact_ways();
  ways.push_back(elves_way("default, and decoded()", {}, true));
  ways.push_back(paper_elf_way());
  ways.push_back(elves_way(kLossless, {.lossless = true}));
  ways.push_back(elves_way("lossless, fast", {.lossless = true, .level = Level::Fast}));
  return ways;
}

/// Encodes and decodes the data once. Only the calls are timed.
void measure_once(const DataSet& set, const Way& way, Buffers& buffers, Measured& to) {
  double encode = 0;
  double decode = 0;
  to.encoded_bytes = 0;
  for (std::size_t first = 0; first < set.chunks.size(); first += buffers.encoded.size()) {
    const auto batch =
        std::span(set.chunks).subspan(first, std::min(buffers.encoded.size(), set.chunks.size() - first));
    for (std::size_t k = 0; k < batch.size(); ++k) {
      buffers.encoded[k].clear();
      encode += measure::cpu_seconds_of([&] { way.encode(batch[k], set.dtype, buffers.encoded[k]); });
      to.encoded_bytes += buffers.encoded[k].size();
    }
    for (std::size_t k = 0; k < batch.size(); ++k) {
      bool good = true;
      decode += measure::cpu_seconds_of([&] { good = way.decode(buffers.encoded[k], set.dtype, buffers.back[k]); });
      if (!good || (way.exact && batch[k] != buffers.back[k])) fail(way);
    }
  }
  to.encode_seconds.push_back(encode);
  to.decode_seconds.push_back(decode);
}

double times_as_fast(const std::vector<double>& mine, const std::vector<double>& base) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < mine.size(); ++i) ratios.push_back(base[i] / mine[i]);
  return measure::median(ratios);
}

void print(const DataSet& set, std::span<const Way> ways, const MeasuredWays& measured) {
  std::size_t raw_bytes = 0;
  for (const auto& chunk : set.chunks) raw_bytes += chunk.size();
  const double mb = static_cast<double>(raw_bytes) / 1e6;
  std::printf("\n%s, %zu chunks, %.1f MB\n%-24s %-10s %7s %17s", set.name.c_str(), set.chunks.size(), mb, "",
              "transform", "ratio", "enc, dec MB/s");
  const auto bases = {kMemcpy, kZstd3, kZipNn};
  for (const auto* base : bases) std::printf(" %8s %-14s", "enc, dec", (std::string("/ ") + base).c_str());
  std::printf("\n");
  for (const Way& way : ways) {
    const auto& m = measured.at(way.name);
    std::printf("%-24s %-10s %7.4f %8.0f %8.0f", way.name.c_str(), way.transform->c_str(),
                static_cast<double>(raw_bytes) / static_cast<double>(m.encoded_bytes),
                mb / measure::median(m.encode_seconds), mb / measure::median(m.decode_seconds));
    for (const auto* base : bases) {
      std::printf(" %11.2f %11.2f", times_as_fast(m.encode_seconds, measured.at(base).encode_seconds),
                  times_as_fast(m.decode_seconds, measured.at(base).decode_seconds));
    }
    std::printf("\n");
  }
}

/// The first repetition warms up and does not count.
MeasuredWays report(const DataSet& set, std::span<const Way> ways, Buffers& buffers, int repetitions) {
  MeasuredWays measured;
  for (int repetition = -1; repetition < repetitions; ++repetition) {
    if (repetition == 0) measured.clear();
    for (const Way& way : ways) measure_once(set, way, buffers, measured[way.name]);
  }
  print(set, ways, measured);
  return measured;
}

void print_target(const char* what, const MeasuredWays& measured, const char* mine, const char* base, double encode,
                  double decode) {
  const auto& m = measured.at(mine);
  const auto& b = measured.at(base);
  std::printf("%-34s %-9s %8.2f %8.2f %8.2f %8.2f\n", what, base, times_as_fast(m.encode_seconds, b.encode_seconds),
              encode, times_as_fast(m.decode_seconds, b.decode_seconds), decode);
}

}  // namespace

int main(int argc, char** argv) {
  const bool large = argc > 1 && std::string_view(argv[1]) == "--large";
  const int at = large ? 2 : 1;
  const int repetitions = argc > at ? std::atoi(argv[at]) : large ? 3 : 9;
  if (repetitions < 1) {
    std::fprintf(stderr, "usage: bench_codec [--large] [REPETITIONS]\n");
    return 2;
  }
  Buffers buffers(large ? kLargeLayers : 1);
  const auto report_kind = [&](const benchmarks::DataKind& kind, const std::vector<Way>& ways) {
    const auto set = repeated(data_set(kind, kDistinctLayers), large ? kLargeLayers : kDistinctLayers);
    return report(set, ways, buffers, repetitions);
  };
  const auto f32 = report_kind(benchmarks::kF32, elf_ways());
  const auto bf16 = report_kind(benchmarks::kBf16, exact_ways());
  for (const auto& kind :
       {benchmarks::kF32FromBf16, benchmarks::kF16, benchmarks::kF8E4M3, benchmarks::kI32, benchmarks::kI8}) {
    report_kind(kind, exact_ways());
  }
  std::printf("\n%-34s %-9s %8s %8s %8s %8s\n", "", "against", "encode", "asked", "decode", "asked");
  print_target("elf float32", f32, kDefault, kMemcpy, 1.0 / 3, 1.0 / 2);
  print_target("planes bf16", bf16, kDefault, kMemcpy, 1.0 / 4, 2.0 / 5);
  print_target("planes float32 lossless", f32, kLossless, kZstd3, 4, 3);
}
