// Times each kernel on 4 MiB, beside memcpy of the same bytes. `of_memcpy` is the speed of the kernel over that of
// memcpy; both are medians of one run in which they take turns. --benchmark_filter=NAME chooses kernels; --target=AVX2
// (or another name that Highway gives) makes all of them run on that target.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "hwy/highway.h"
#include "kernels.hpp"

namespace {

using namespace elves;

constexpr std::size_t kBytes = kChunkBytes;

template <class Work>
double seconds(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  benchmark::ClobberMemory();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

void time_kernel(benchmark::State& state, const benchmarks::Kernel& kernel) {
  const auto run = kernel.make(kBytes);
  benchmarks::KernelData data;
  const auto from = data.noise(kBytes);
  const auto to = data.noise(kBytes);
  std::vector<double> kernel_seconds;
  std::vector<double> copy_seconds;
  for (auto _ : state) {
    copy_seconds.push_back(seconds([&] { std::memcpy(to.data(), from.data(), kBytes); }));
    kernel_seconds.push_back(seconds(run));
    state.SetIterationTime(kernel_seconds.back());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBytes));
  state.counters["of_memcpy"] = median(copy_seconds) / median(kernel_seconds);
}

bool run_on(std::string_view name) {
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    if (name != hwy::TargetName(target)) continue;
    hwy::SetSupportedTargetsForTest(target);
    return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view kTarget = "--target=";
  if (argc > 1 && std::string_view(argv[1]).starts_with(kTarget)) {
    if (!run_on(argv[1] + kTarget.size())) return std::fputs("kernel_bench: no such target on this CPU\n", stderr), 1;
    argv[1] = argv[0];
    ++argv;
    --argc;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const auto kernels = benchmarks::all_kernels();
  for (const auto& kernel : kernels) {
    benchmark::RegisterBenchmark(kernel.name.c_str(), time_kernel, kernel)->UseManualTime();
  }
  benchmark::RunSpecifiedBenchmarks();
}
