#include "support/hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "support/assert.hpp"

namespace elves {

std::uint64_t checksum64(std::span<const std::byte> bytes) noexcept {
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
  const auto hash = XXH3_128bits_withSecret(bytes.data(), bytes.size(), secret_, kSecretBytes);
  return {hash.low64, hash.high64};
}

Hash128 KeyedHash::combine(std::span<const Hash128> digests) const noexcept {
  return (*this)(std::as_bytes(digests));
}

}  // namespace elves
