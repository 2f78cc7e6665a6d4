#pragma once

#include <atomic>

#define ELVES_ALWAYS_INLINE [[gnu::always_inline]] inline

#if defined(__x86_64__)
#define ELVES_TARGET_AVX2 __attribute__((target("avx2")))
#else
#define ELVES_TARGET_AVX2
#endif

namespace elves::encode {

/// Tests set this to see that both builds of a kernel give the same bits.
inline std::atomic<bool> baseline_only{false};

inline bool cpu_has_avx2() noexcept {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has && !baseline_only.load(std::memory_order_relaxed);
#else
  return false;
#endif
}

template <class Kernel, class... Args>
ELVES_TARGET_AVX2 void run_avx2(Args... args) {
  Kernel::run(args...);
}

template <class Kernel, class... Args>
void run_baseline(Args... args) {
  Kernel::run(args...);
}

/// Runs `Kernel::run(args...)`, an ELVES_ALWAYS_INLINE function of plain loops that the compiler turns into vector
/// code, compiled once for this build's CPU and once for AVX2. No fused multiply-add in either, so the bits are the
/// same.
template <class Kernel, class... Args>
void run_kernel(Args... args) {
  if (cpu_has_avx2()) return run_avx2<Kernel>(args...);
  return run_baseline<Kernel>(args...);
}

}  // namespace elves::encode
