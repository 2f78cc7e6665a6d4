// Each kernel on 4 MiB, next to memcpy of the same bytes: `of_memcpy` is the kernel's speed over memcpy's, both medians
// of one run in which they take turns. --benchmark_filter=NAME chooses.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "encode/scratch.hpp"
#include "encode/transforms/planes/kernel.hpp"
#include "encode_data.hpp"

namespace {

using namespace elves;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kBytes = kChunkBytes;

double seconds_of(const std::function<void()>& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  benchmark::ClobberMemory();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::span<std::byte> filled(std::span<std::byte> bytes) {
  std::mt19937_64 random(1);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

void time(benchmark::State& state, const std::function<void()>& kernel) {
  static encode::Scratch scratch;
  static const auto from = filled(scratch.take(kBytes));
  static const auto to = filled(scratch.take(kBytes));
  std::vector<double> kernel_seconds;
  std::vector<double> copy_seconds;
  for (auto _ : state) {
    copy_seconds.push_back(seconds_of([&] { std::memcpy(to.data(), from.data(), kBytes); }));
    kernel_seconds.push_back(seconds_of(kernel));
    state.SetIterationTime(kernel_seconds.back());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBytes));
  state.counters["of_memcpy"] = median(copy_seconds) / median(kernel_seconds);
}

const Bytes& values_of(unsigned n_bytes) {
  static const auto bf16 = benchmarks::bf16_weights(2).chunks[0];
  static const auto f32 = benchmarks::f32_weights(2).chunks[0];
  return n_bytes <= 2 ? bf16 : f32;
}

void split_planes(benchmark::State& state, encode::WordShape shape) {
  const auto& words = values_of(shape.n_bytes);
  const std::size_t n = kBytes / shape.n_bytes;
  encode::Scratch scratch;
  std::vector<std::byte*> planes(shape.n_bytes);
  for (auto& plane : planes) plane = scratch.take(n).data();
  time(state, [&] { encode::split_planes(shape, words.data(), n, planes); });
}

void join_planes(benchmark::State& state, encode::WordShape shape) {
  const std::size_t n = kBytes / shape.n_bytes;
  encode::Scratch scratch;
  std::vector<const std::byte*> planes(shape.n_bytes);
  for (auto& plane : planes) plane = filled(scratch.take(n)).data();
  const auto words = scratch.take(kBytes);
  time(state, [&] { encode::join_planes(shape, planes, n, words.data()); });
}

void register_all() {
  for (const unsigned n_bytes : {1u, 2u, 4u, 8u}) {
    for (const bool rotate : {true, false}) {
      if (n_bytes == 1 && !rotate) continue;
      const auto suffix = "/" + std::to_string(n_bytes) + (rotate ? "_rotated" : "");
      const encode::WordShape shape{.n_bytes = n_bytes, .rotate = rotate};
      const auto add = [&](const std::string& name, auto function) {
        benchmark::RegisterBenchmark((name + suffix).c_str(), function, shape)->UseManualTime();
      };
      add("split_planes", split_planes);
      add("join_planes", join_planes);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  register_all();
  benchmark::RunSpecifiedBenchmarks();
}
