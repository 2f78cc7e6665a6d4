#include "support/hash_avx2.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace elves::hash_avx2 {

uint64_t xxh3_64(const void* bytes, size_t n) {
  return XXH3_64bits(bytes, n);
}

Two64 xxh3_128(const void* bytes, size_t n, const void* secret, size_t secret_bytes) {
  const auto hash = XXH3_128bits_withSecret(bytes, n, secret, secret_bytes);
  return {hash.low64, hash.high64};
}

}  // namespace elves::hash_avx2
