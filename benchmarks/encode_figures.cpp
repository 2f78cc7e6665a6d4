// Prints size and speed of each way to encode generated weights, next to zstd -3 and memcpy of the same bytes: one
// core, chunks in memory, all ways interleaved in each repetition, medians. Usage: encode_figures [REPETITIONS]
// [LAYERS]
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>

#include "encode_data.hpp"

namespace {

using namespace elves;
using benchmarks::DataSet;

using Bytes = std::vector<std::byte>;

/// A way to encode: appends to `out`; and back.
struct Way {
  std::string name;
  std::function<void(const Bytes& raw, DType, Bytes& out)> encode;
  std::function<bool(std::span<const std::byte> encoded, DType, std::span<std::byte> out)> decode;
  std::shared_ptr<std::string> transform = std::make_shared<std::string>("");  ///< that was chosen last
  bool exact = true;
};

struct Measured {
  std::vector<double> encode_seconds;
  std::vector<double> decode_seconds;
  std::size_t encoded_bytes = 0;
};

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

template <class Work>
double seconds(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

[[noreturn]] void fail(const Way& way) {
  std::fprintf(stderr, "encode_figures: %s does not decode to what was encoded\n", way.name.c_str());
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
  const std::shared_ptr<ZSTD_CCtx> cctx(ZSTD_createCCtx(), ZSTD_freeCCtx);
  const std::shared_ptr<ZSTD_DCtx> dctx(ZSTD_createDCtx(), ZSTD_freeDCtx);
  auto buffer = std::make_shared<Bytes>(ZSTD_compressBound(kChunkBytes));
  return {.name = "zstd -" + std::to_string(level),
          .encode =
              [=](const Bytes& raw, DType, Bytes& out) {
                const auto n =
                    ZSTD_compressCCtx(cctx.get(), buffer->data(), buffer->size(), raw.data(), raw.size(), level);
                out.insert(out.end(), buffer->begin(), buffer->begin() + static_cast<std::ptrdiff_t>(n));
              },
          .decode =
              [=](std::span<const std::byte> encoded, DType, std::span<std::byte> out) {
                return ZSTD_decompressDCtx(dctx.get(), out.data(), out.size(), encoded.data(), encoded.size()) ==
                       out.size();
              }};
}

Way memcpy_way() {
  return {.name = "memcpy",
          .encode = [](const Bytes& raw, DType, Bytes& out) { out.insert(out.end(), raw.begin(), raw.end()); },
          .decode =
              [](std::span<const std::byte> encoded, DType, std::span<std::byte> out) {
                std::ranges::copy(encoded, out.begin());
                return true;
              }};
}

void measure(const DataSet& set, const Way& way, Measured& to) {
  static Bytes encoded;
  static Bytes back(kChunkBytes);
  double encode = 0;
  double decode = 0;
  to.encoded_bytes = 0;
  for (const auto& raw : set.chunks) {
    encoded.clear();
    encode += seconds([&] { way.encode(raw, set.dtype, encoded); });
    bool good = true;
    decode += seconds([&] { good = way.decode(encoded, set.dtype, std::span(back).first(raw.size())); });
    if (!good || (way.exact && !std::ranges::equal(raw, std::span(back).first(raw.size())))) fail(way);
    to.encoded_bytes += encoded.size();
  }
  to.encode_seconds.push_back(encode);
  to.decode_seconds.push_back(decode);
}

void print(const DataSet& set, std::span<const Way> ways, std::span<const Measured> measured) {
  std::size_t raw_bytes = 0;
  for (const auto& chunk : set.chunks) raw_bytes += chunk.size();
  const double mb = static_cast<double>(raw_bytes) / 1e6;
  const auto ratio_to = [](const std::vector<double>& base, const std::vector<double>& mine) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < mine.size(); ++i) ratios.push_back(base[i] / mine[i]);
    return median(ratios);
  };
  std::printf("\n%s, %zu layers, %.1f MB\n%-24s %-10s %7s %12s %12s %14s %14s %14s %14s\n", set.name.c_str(),
              set.chunks.size(), mb, "", "transform", "ratio", "encode MB/s", "decode MB/s", "enc / zstd -3",
              "dec / zstd -3", "enc / memcpy", "dec / memcpy");
  for (std::size_t w = 0; w < ways.size(); ++w) {
    const auto& m = measured[w];
    std::printf(
        "%-24s %-10s %7.4f %12.0f %12.0f %14.2f %14.2f %14.2f %14.2f\n", ways[w].name.c_str(),
        ways[w].transform->c_str(), static_cast<double>(raw_bytes) / static_cast<double>(m.encoded_bytes),
        mb / median(m.encode_seconds), mb / median(m.decode_seconds),
        ratio_to(measured[1].encode_seconds, m.encode_seconds), ratio_to(measured[1].decode_seconds, m.decode_seconds),
        ratio_to(measured[0].encode_seconds, m.encode_seconds), ratio_to(measured[0].decode_seconds, m.decode_seconds));
  }
}

void report(const DataSet& set, std::span<const Way> ways, int repetitions) {
  std::vector<Measured> measured(ways.size());
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    for (std::size_t w = 0; w < ways.size(); ++w) measure(set, ways[w], measured[w]);
  }
  print(set, ways, measured);
}

}  // namespace

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 9;
  const std::size_t layers = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 8;
  const std::vector<Way> float_ways{memcpy_way(),
                                    zstd_way(3),
                                    elves_way("default", {}),
                                    elves_way("default, and decoded()", {}, true),
                                    elves_way("fast", {.level = Level::Fast}),
                                    elves_way("paper's form, zstd -3", {.prefer_elf_packed = true}),
                                    elves_way("lossless", {.lossless = true}),
                                    elves_way("lossless, fast", {.lossless = true, .level = Level::Fast})};
  const std::vector<Way> lossless_ways{memcpy_way(), zstd_way(3), elves_way("default", {}),
                                       elves_way("fast", {.level = Level::Fast})};
  report(benchmarks::f32_weights(layers), float_ways, repetitions);
  report(benchmarks::bf16_weights(layers), lossless_ways, repetitions);
  report(benchmarks::upcast_weights(layers), lossless_ways, repetitions);
}
