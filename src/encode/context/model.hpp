#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "encode/scratch.hpp"

/// The model of docs/format/transforms/context.md: the probability that the next bit of a byte is a one. It adapts to
/// the coded bits. Integer arithmetic only: the same on every CPU.
namespace elves::encode::context {

inline constexpr std::size_t kContexts = 5;

/// The contexts of a byte: a number below 2^27 each.
using Contexts = std::array<std::uint32_t, kContexts>;

/// Tables of log(p / (1 - p)), in units of 1/256 from -2047 to 2047, and of its inverse, in units of 1/65536.
struct Odds {
  static constexpr int kMost = 2047;
  std::array<std::uint16_t, 4096> probability{};  ///< index: logarithm + 2048
  std::array<std::int16_t, 4096> logarithm{};     ///< index: probability in units of 1/4096

  constexpr Odds() {
    constexpr std::array<unsigned, 33> kAnchors{22,    36,    60,    98,    162,   267,   439,   720,   1179,
                                                1921,  3108,  4971,  7812,  11955, 17625, 24743, 32768, 40793,
                                                47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097,
                                                65269, 65374, 65438, 65476, 65500, 65514};
    for (std::size_t i = 0; i < probability.size(); ++i) {
      const auto part = static_cast<unsigned>(i % 128);
      const auto sum = kAnchors[i / 128] * (128 - part) + kAnchors[i / 128 + 1] * part;
      probability[i] = static_cast<std::uint16_t>((sum + 64) / 128);
    }
    int least = -kMost;
    for (std::size_t i = 0; i < logarithm.size(); ++i) {
      while (least < kMost && probability[static_cast<std::size_t>(least + 2048)] < i * 16 + 8) ++least;
      logarithm[i] = static_cast<std::int16_t>(least);
    }
  }
};
inline constexpr Odds kOdds;

/// A slot: in the upper 24 bits the probability of a one in units of 2^-24, in the lower 8 bits the number of uses.
inline constexpr unsigned kCountBits = 8;
inline constexpr std::uint32_t kMostCount = 255;
inline constexpr std::uint32_t kNewSlot = 1u << 31;

inline constexpr auto kRates = [] {
  std::array<std::int32_t, kMostCount + 1> rates{};
  for (std::size_t n = 0; n < rates.size(); ++n) rates[n] = static_cast<std::int32_t>(131072 / (2 * n + 3));
  return rates;
}();

inline constexpr auto kConfidence = [] {
  std::array<std::uint8_t, kMostCount + 1> confidence{};
  for (std::uint32_t n = 0; n <= kMostCount; ++n) confidence[n] = static_cast<std::uint8_t>(std::bit_width(n));
  return confidence;
}();

class Model {
 public:
  /// For a stream of `n_bytes`. Takes 3 MiB from the scratch, less for small streams.
  Model(std::size_t n_bytes, Scratch& scratch) {
    std::array<unsigned, kContexts> bits;
    std::size_t n_lines = 0;
    for (std::size_t j = 0; j < kContexts; ++j) {
      bits[j] = std::clamp(static_cast<unsigned>(std::bit_width(n_bytes)), kLeastLinesBits, kMostLinesBits[j]);
      hash_shifts_[j] = 32 - bits[j];
      n_lines += std::size_t{1} << bits[j];
    }
    const auto lines = scratch.take_array<Line>(n_lines);
    std::ranges::fill(lines, kNewLine);
    Line* begin = lines.data();
    for (std::size_t j = 0; j < kContexts; begin += std::size_t{1} << bits[j], ++j) lines_[j] = begin;
    for (auto& of_bit : weights_) {
      for (auto& of_context : of_bit) {
        for (std::size_t n = 0; n < of_context.size(); ++n) of_context[n] = kWeightStep * static_cast<std::int64_t>(n);
      }
    }
  }

  /// Codes a byte bit by bit, the highest first. `code(probability, number)` is called with the probability of a one in
  /// units of 1/65536 (1 to 65535) and the number of the bit, and returns the bit.
  template <class Code>
  unsigned code_byte(const Contexts& contexts, Code&& code) {
    weight_shift_ = weight_shift(n_coded_++);
    const auto upper = code_nibble(contexts, 0, 0, code);
    return upper << 4 | code_nibble(contexts, (16 + upper) << 27, 4, code);
  }

 private:
  /// The slots of four bits of a byte in one context: one for the first bit, two for the second (after a zero, after a
  /// one), and so on.
  struct alignas(64) Line {
    std::uint32_t hash;
    std::array<std::uint32_t, 15> slots;
  };
  static constexpr Line kNewLine = [] {
    Line line{};
    line.slots.fill(kNewSlot);
    return line;
  }();
  static constexpr unsigned kLeastLinesBits = 5;
  static constexpr std::array<unsigned, kContexts> kMostLinesBits{5, 13, 13, 14, 14};
  static constexpr std::int64_t kWeightStep = 2640;

  // Weights change more slowly the more bytes were coded.
  static unsigned weight_shift(std::size_t n_coded) {
    return 14 + (n_coded >= 1u << 10 ? 1 : 0) + (n_coded >= 1u << 13 ? 1 : 0) + (n_coded >= 1u << 16 ? 1 : 0);
  }

  std::uint32_t* slots_of(std::size_t j, std::uint32_t number) {
    const std::uint32_t hash = number * 0x9E3779B1u;
    Line& line = lines_[j][hash >> hash_shifts_[j]];
    if (line.hash != hash) {
      line = kNewLine;
      line.hash = hash;
    }
    return line.slots.data();
  }

  template <class Code>
  unsigned code_nibble(const Contexts& contexts, std::uint32_t stage, unsigned first_bit, Code&& code) {
    std::array<std::uint32_t*, kContexts> slots;
    for (std::size_t j = 0; j < kContexts; ++j) slots[j] = slots_of(j, contexts[j] + stage);
    std::size_t node = 1;
    for (unsigned at = first_bit; at < first_bit + 4; ++at) node = 2 * node + code_bit(slots, node, at, code);
    return static_cast<unsigned>(node - 16);
  }

  // Works on local copies: the compiler can then see that stores do not change what is read later.
  template <class Code>
  unsigned code_bit(const std::array<std::uint32_t*, kContexts>& slots, std::size_t node, unsigned at, Code&& code) {
    const unsigned shift = weight_shift_;
    std::array<std::int64_t*, kContexts> weights;
    std::array<std::int32_t, kContexts> logarithms;
    std::array<std::uint32_t, kContexts> used;
    std::int64_t sum = 0;
    for (std::size_t j = 0; j < kContexts; ++j) {
      used[j] = slots[j][node - 1];
      logarithms[j] = kOdds.logarithm[used[j] >> 20];
      weights[j] = &weights_[at][j][kConfidence[used[j] % (1u << kCountBits)]];
      sum += *weights[j] * logarithms[j];
    }
    const auto mixed = std::clamp<std::int64_t>(sum >> 16, -Odds::kMost, Odds::kMost);
    const std::int32_t probability = kOdds.probability[static_cast<std::size_t>(mixed + 2048)];
    const unsigned bit = code(static_cast<unsigned>(probability), at);
    const auto error = static_cast<std::int32_t>(bit << 16) - probability;
    const auto target = static_cast<std::int32_t>(bit << 24) - static_cast<std::int32_t>(bit);
    const auto round = 1 << (shift - 1);
    for (std::size_t j = 0; j < kContexts; ++j) {
      *weights[j] += (logarithms[j] * error + round) >> shift;
      slots[j][node - 1] = next_slot(used[j], target);
    }
    return bit;
  }

  static std::uint32_t next_slot(std::uint32_t slot, std::int32_t target) {
    const auto count = slot % (1u << kCountBits);
    const auto before = static_cast<std::int32_t>(slot >> kCountBits);
    const auto after = before + static_cast<std::int32_t>(std::int64_t{target - before} * kRates[count] >> 16);
    return static_cast<std::uint32_t>(after) << kCountBits | (count + (count < kMostCount ? 1 : 0));
  }

  std::size_t n_coded_ = 0;  ///< bytes
  unsigned weight_shift_ = 0;
  std::array<Line*, kContexts> lines_{};
  std::array<unsigned, kContexts> hash_shifts_{};
  /// Indexed by bit, context and confidence; in units of 1/65536.
  std::array<std::array<std::array<std::int64_t, 9>, kContexts>, 8> weights_;
};

}  // namespace elves::encode::context
