#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>

namespace elves {

/// A 128-bit hash. Tables that are spread over ranks choose the rank by `low` (mpi::owner_of), so std::hash takes
/// `high`.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  auto operator<=>(const Hash128&) const = default;
};

/// XXH3-64: checksums of stored bytes, against bad disks and truncation.
std::uint64_t checksum64(std::span<const std::byte> bytes) noexcept;

/// XXH3-128 without a key: for texts that nobody gains from forging.
Hash128 hash128(std::string_view text) noexcept;

/// XXH3-128 keyed by a secret (192 bytes at least 136 of which are random): outsiders cannot construct two inputs of
/// one digest.
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

template <>
struct std::hash<elves::Hash128> {
  std::size_t operator()(const elves::Hash128& key) const noexcept { return key.high; }
};
