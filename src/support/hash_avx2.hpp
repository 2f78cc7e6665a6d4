#pragma once

#include <stddef.h>
#include <stdint.h>

/// XXH3 compiled for AVX2; hash.cpp chooses, and the numbers are the same. C headers only: a file compiled for AVX2
/// must not leave behind inline functions of the C++ library, which the linker would then use on any CPU.
namespace elves::hash_avx2 {

struct Two64 {
  uint64_t low;
  uint64_t high;
};

uint64_t xxh3_64(const void* bytes, size_t n);
Two64 xxh3_128(const void* bytes, size_t n, const void* secret, size_t secret_bytes);

}  // namespace elves::hash_avx2
