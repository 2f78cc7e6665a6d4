// Runs a kernel a fixed number of times, for instructions.sh to count under valgrind.
//   kernel_instructions          prints the best target of this CPU, then the names of the kernels, one a line
//   kernel_instructions NAME     runs it kRuns times on kBytes, within count_this(), and prints kRuns * kBytes
#include <cstdio>
#include <string_view>

#include "hwy/highway.h"
#include "kernels.hpp"

namespace {

constexpr std::size_t kBytes = 64u << 10;
constexpr int kRuns = 4;

}  // namespace

// instructions.sh makes valgrind count in the function of this name.
extern "C" [[gnu::noinline]] void count_this(const std::function<void()>& kernel) {
  for (int run = 0; run < kRuns; ++run) kernel();
}

int main(int argc, char** argv) {
  const auto kernels = elves::benchmarks::all_kernels();
  if (argc < 2) {
    std::puts(hwy::TargetName(hwy::SupportedAndGeneratedTargets().front()));
    for (const auto& kernel : kernels) std::puts(kernel.name.c_str());
    return 0;
  }
  for (const auto& kernel : kernels) {
    if (kernel.name != std::string_view(argv[1])) continue;
    const auto run = kernel.make(kBytes);
    run();  // Highway asks for the CPU once
    count_this(run);
    std::printf("%zu\n", kRuns * kBytes);
    return 0;
  }
  std::fprintf(stderr, "kernel_instructions: there is no kernel %s\n", argv[1]);
  return 1;
}
