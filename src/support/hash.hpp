#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace elves {

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  auto operator<=>(const Hash128&) const = default;
};

/// XXH3-64: checksums of stored bytes, against bad disks and truncation.
std::uint64_t checksum64(std::span<const std::byte> bytes) noexcept;

/// XXH3-128 without a key: where a text that nobody gains from forging belongs.
Hash128 hash128(std::string_view text) noexcept;

/// XXH3-128 keyed by a secret (192 bytes at least 136 of which are random): digests that outsiders cannot aim at.
class KeyedHash {
 public:
  static constexpr std::size_t kSecretBytes = 192;
  explicit KeyedHash(std::span<const std::byte> secret);
  Hash128 operator()(std::span<const std::byte> bytes) const noexcept;
  Hash128 operator()(std::string_view text) const noexcept { return (*this)(std::as_bytes(std::span(text))); }
  /// The hash of digests: of a layer from its chunks, of a file from its layers.
  Hash128 combine(std::span<const Hash128> digests) const noexcept;

 private:
  std::byte secret_[kSecretBytes];
};

}  // namespace elves
