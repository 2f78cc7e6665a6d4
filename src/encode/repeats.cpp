#include "encode/repeats.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace elves::encode {
namespace {

constexpr std::size_t kPieceBytes = 2u << 10;
constexpr std::size_t kWordBytes = 8;
constexpr std::size_t kLeastShare = 64;  // a piece repeats itself if more than one word in 64 does

std::uint64_t word_at(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t word;
  std::memcpy(&word, bytes.data() + at, kWordBytes);
  return word;
}

bool piece_repeats_itself(std::span<const std::byte> piece) {
  std::array<std::uint16_t, 1024> seen{};
  std::size_t repeated = 0;
  for (std::size_t at = 0; at + kWordBytes <= piece.size(); ++at) {
    const auto word = word_at(piece, at);
    auto& slot = seen[word * 0x9E3779B97F4A7C15 >> 54];
    if (at > 0 && word_at(piece, slot) == word) ++repeated;
    slot = static_cast<std::uint16_t>(at);
  }
  return repeated * kLeastShare > piece.size();
}

}  // namespace

bool repeats_itself(std::span<const std::byte> bytes) {
  if (bytes.size() <= kPieceBytes) return piece_repeats_itself(bytes);
  return piece_repeats_itself(bytes.first(kPieceBytes)) ||
         piece_repeats_itself(bytes.subspan((bytes.size() - kPieceBytes) / 2, kPieceBytes));
}

}  // namespace elves::encode
