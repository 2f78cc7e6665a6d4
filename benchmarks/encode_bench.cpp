// Times encoding and decoding of one chunk, by data, level and mode. The figures in docs/measurements come from
// bench_codec.
#include <benchmark/benchmark.h>

#include "encode_data.hpp"

namespace {

using namespace elves;

enum Data { kF32, kBf16, kUpcast };

const std::vector<std::byte>& chunk_of(Data data) {
  static const auto f32 = benchmarks::kF32.make(kChunkBytes, 0.01, 1);
  static const auto bf16 = benchmarks::kBf16.make(kChunkBytes, 0.01, 1);
  static const auto upcast = benchmarks::kF32FromBf16.make(kChunkBytes, 0.01, 1);
  return data == kF32 ? f32 : data == kBf16 ? bf16 : upcast;
}

DType dtype_of(Data data) {
  return data == kBf16 ? DType::BF16 : DType::F32;
}

void encode(benchmark::State& state, Data data, EncodeOptions options) {
  const auto& raw = chunk_of(data);
  Encoder encoder;
  std::vector<std::byte> out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(encoder.encode(raw, dtype_of(data), options, out));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(raw.size()) * state.iterations());
  state.counters["ratio"] = static_cast<double>(raw.size()) / static_cast<double>(out.size());
}

void decode(benchmark::State& state, Data data, EncodeOptions options) {
  const auto& raw = chunk_of(data);
  Encoder encoder;
  Decoder decoder;
  std::vector<std::byte> encoded;
  std::vector<std::byte> out(raw.size());
  encoder.encode(raw, dtype_of(data), options, encoded);
  for (auto _ : state) {
    if (!decoder.decode(encoded, dtype_of(data), out)) state.SkipWithError("does not decode");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(raw.size()) * state.iterations());
}

constexpr EncodeOptions kLossless{.lossless = true};
constexpr EncodeOptions kFast{.level = Level::Fast};

BENCHMARK_CAPTURE(encode, f32_elf, kF32, EncodeOptions{});
BENCHMARK_CAPTURE(encode, f32_elf_fast, kF32, kFast);
BENCHMARK_CAPTURE(encode, f32_planes, kF32, kLossless);
BENCHMARK_CAPTURE(encode, bf16_planes, kBf16, kLossless);
BENCHMARK_CAPTURE(encode, upcast_planes, kUpcast, kLossless);
BENCHMARK_CAPTURE(decode, f32_elf, kF32, EncodeOptions{});
BENCHMARK_CAPTURE(decode, f32_planes, kF32, kLossless);
BENCHMARK_CAPTURE(decode, bf16_planes, kBf16, kLossless);
BENCHMARK_CAPTURE(decode, upcast_planes, kUpcast, kLossless);

}  // namespace

BENCHMARK_MAIN();
