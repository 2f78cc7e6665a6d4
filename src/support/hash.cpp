#include "support/hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "support/assert.hpp"
#include "support/hash_avx2.hpp"

namespace elves {
namespace {

#if defined(__x86_64__)
/// Below this size wide vectors do not help, so the CPU is not queried.
bool use_avx2(std::size_t n) noexcept {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return n >= 4096 && has;
}
#endif

}  // namespace

std::uint64_t checksum64(std::span<const std::byte> bytes) noexcept {
#if defined(__x86_64__)
  if (use_avx2(bytes.size())) return hash_avx2::xxh3_64(bytes.data(), bytes.size());
#endif
  return XXH3_64bits(bytes.data(), bytes.size());
}

Hash128 hash128(std::string_view text) noexcept {
  const auto hash = XXH3_128bits(text.data(), text.size());
  return {hash.low64, hash.high64};
}

KeyedHash::KeyedHash(std::span<const std::byte> secret) {
  ELVES_ASSERT(secret.size() == kSecretBytes);
  std::memcpy(secret_, secret.data(), kSecretBytes);
}

Hash128 KeyedHash::operator()(std::span<const std::byte> bytes) const noexcept {
#if defined(__x86_64__)
  if (use_avx2(bytes.size())) {
    const auto hash = hash_avx2::xxh3_128(bytes.data(), bytes.size(), secret_, kSecretBytes);
    return {hash.low, hash.high};
  }
#endif
  const auto hash = XXH3_128bits_withSecret(bytes.data(), bytes.size(), secret_, kSecretBytes);
  return {hash.low64, hash.high64};
}

Hash128 KeyedHash::combine(std::span<const Hash128> digests) const noexcept {
  return (*this)(std::as_bytes(digests));
}

}  // namespace elves
