#include "support/hash.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>  // as this file's CPU runs it: the baseline

namespace elves {
namespace {

std::vector<std::byte> random_bytes(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

constexpr std::size_t kSizes[] = {0, 1, 17, 240, 241, 1024, 4095, 4096, 4097, 100'001, (4u << 20) - 3, 4u << 20};

TEST(Hash, checksums_are_those_of_the_baseline_for_every_length) {
  const auto bytes = random_bytes((4u << 20) + 1, 1);
  for (const auto size : kSizes) {
    for (const std::size_t from : {0u, 1u}) {  // aligned and not
      const auto part = std::span(bytes).subspan(from, size);
      EXPECT_EQ(checksum64(part), XXH3_64bits(part.data(), part.size())) << size;
    }
  }
}

TEST(Hash, keyed_digests_are_those_of_the_baseline_for_every_length) {
  const auto bytes = random_bytes((4u << 20) + 1, 2);
  const auto secret = random_bytes(KeyedHash::kSecretBytes, 3);
  const KeyedHash hash(secret);
  for (const auto size : kSizes) {
    for (const std::size_t from : {0u, 1u}) {
      const auto part = std::span(bytes).subspan(from, size);
      const auto expected = XXH3_128bits_withSecret(part.data(), part.size(), secret.data(), secret.size());
      EXPECT_EQ(hash(part), (Hash128{expected.low64, expected.high64})) << size;
    }
  }
}

TEST(Hash, digests_depend_on_the_secret) {
  const auto bytes = random_bytes(1u << 20, 4);
  const KeyedHash one(random_bytes(KeyedHash::kSecretBytes, 5));
  const KeyedHash other(random_bytes(KeyedHash::kSecretBytes, 6));
  EXPECT_NE(one(bytes), other(bytes));
}

}  // namespace
}  // namespace elves
