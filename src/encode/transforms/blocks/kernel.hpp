#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "encode/transforms/blocks/field.hpp"

/// The loops of blocks. Fields are template arguments: every shift is a constant, and the compiler can vectorize rows
/// of bytes. Blocks and streams must not overlap.
namespace elves::encode::blocks {

/// The bits of the symbols that differ only in their last digit.
struct Row {
  unsigned first = 0;
  unsigned step = 0;
  unsigned count = 0;
  unsigned width = 0;

  constexpr unsigned shift() const { return first % 8; }
  constexpr bool is_bytewise() const { return step % 8 == 0; }
  /// Number of bytes that hold the bits of one symbol, or of the whole row if its symbols share bytes.
  constexpr std::size_t n_bytes() const { return (shift() + (is_bytewise() ? 0 : step * (count - 1)) + width + 7) / 8; }
};

constexpr Row row_of(const Field& field, const Bits& bits, std::size_t row) {
  const auto c = row % field.counts[2];
  const auto b = row / field.counts[2] % field.counts[1];
  const auto a = row / field.counts[2] / field.counts[1];
  return {.first = bits.position(a, b, c, 0), .step = bits.steps[3], .count = field.counts[3], .width = bits.width};
}

constexpr std::size_t rows_of(const Field& field) {
  return field.symbols() / field.counts[3];
}

template <Row kRow>
class RowReader {
 public:
  explicit RowReader(const std::byte* block) : from_(block + kRow.first / 8) {
    if constexpr (!kRow.is_bytewise()) std::memcpy(&word_, from_, kRow.n_bytes());
  }

  unsigned operator()(std::size_t i) const {
    constexpr unsigned kMask = (1u << kRow.width) - 1;
    if constexpr (kRow.width == 0) return 0;
    if constexpr (!kRow.is_bytewise()) return static_cast<unsigned>(word_ >> (kRow.shift() + i * kRow.step)) & kMask;
    const std::byte* at = from_ + i * (kRow.step / 8);
    if constexpr (kRow.n_bytes() == 1) return static_cast<unsigned>(*at) >> kRow.shift() & kMask;
    std::uint16_t two;
    std::memcpy(&two, at, sizeof(two));
    return static_cast<unsigned>(two >> kRow.shift()) & kMask;
  }

 private:
  static_assert(kRow.n_bytes() <= (kRow.is_bytewise() ? 2 : 8));
  const std::byte* from_;
  std::uint64_t word_ = 0;
};

/// Sets bits of a block that are zero before.
template <Row kRow>
class RowWriter {
 public:
  explicit RowWriter(std::byte* block) : to_(block + kRow.first / 8) {}

  void put(std::size_t i, unsigned bits) {
    if constexpr (kRow.width == 0) return;
    if constexpr (!kRow.is_bytewise()) {
      word_ |= std::uint64_t{bits} << (kRow.shift() + i * kRow.step);
    } else if constexpr (kRow.n_bytes() == 1) {
      to_[i * (kRow.step / 8)] |= static_cast<std::byte>(bits << kRow.shift());
    } else {
      add<2>(to_ + i * (kRow.step / 8), std::uint64_t{bits} << kRow.shift());
    }
  }

  void finish() {
    if constexpr (!kRow.is_bytewise()) add<kRow.n_bytes()>(to_, word_);
  }

 private:
  template <std::size_t kBytes>
  static void add(std::byte* to, std::uint64_t bits) {
    std::uint64_t word = 0;
    std::memcpy(&word, to, kBytes);
    word |= bits;
    std::memcpy(to, &word, kBytes);
  }

  std::byte* to_;
  std::uint64_t word_ = 0;
};

/// Eight symbols at once, for rows whose low bits are in one byte per symbol and whose high bits are one bit per
/// symbol.
template <Row kLow, Row kHigh>
struct BitRun {
  static constexpr bool kFits = kLow.step == 8 && kLow.n_bytes() == 1 && kHigh.step == 1 && kHigh.width == 1 &&
                                kHigh.first % 8 == 0 && kHigh.count % 8 == 0;
  static constexpr std::uint64_t kEach = 0x0101010101010101;
  static constexpr std::uint64_t kLowMask = kEach * ((1u << kLow.width) - 1);

  static std::uint64_t load(const std::byte* from) {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof(word));
    return word;
  }

  static void split(const std::byte* block, std::byte* symbols) {
    for (std::size_t i = 0; i < kLow.count; i += 8) {
      const auto bits = static_cast<std::uint64_t>(block[(kHigh.first + i) / 8]) * kEach & 0x8040201008040201;
      const auto high = (bits + 0x7F * kEach) >> 7 & kEach;
      const auto word = (load(block + kLow.first / 8 + i) >> kLow.shift() & kLowMask) | high << kLow.width;
      std::memcpy(symbols + i, &word, sizeof(word));
    }
  }

  static void join(const std::byte* symbols, std::byte* block) {
    for (std::size_t i = 0; i < kLow.count; i += 8) {
      const auto word = load(symbols + i);
      const auto bits = (word >> kLow.width & kEach) * 0x0102040810204080 >> 56;  // the lowest bit of each byte
      block[(kHigh.first + i) / 8] |= static_cast<std::byte>(bits);
      std::byte* low = block + kLow.first / 8 + i;
      const auto both = load(low) | (word & kLowMask) << kLow.shift();
      std::memcpy(low, &both, sizeof(both));
    }
  }
};

template <Field kField, std::size_t kRow>
void split_row(const std::byte* __restrict block, std::byte* __restrict symbols) {
  constexpr Row kLow = row_of(kField, kField.low, kRow);
  constexpr Row kHigh = row_of(kField, kField.high, kRow);
  if constexpr (BitRun<kLow, kHigh>::kFits) return BitRun<kLow, kHigh>::split(block, symbols);
  const RowReader<kLow> low(block);
  const RowReader<kHigh> high(block);
  for (std::size_t i = 0; i < kLow.count; ++i) symbols[i] = static_cast<std::byte>(low(i) | high(i) << kLow.width);
}

template <Field kField>
void split_field(const std::byte* blocks, std::size_t block_bytes, std::size_t n_blocks, std::byte* symbols) {
  for (; n_blocks > 0; --n_blocks, blocks += block_bytes, symbols += kField.symbols()) {
    [&]<std::size_t... kRows>(std::index_sequence<kRows...>) {
      (split_row<kField, kRows>(blocks, symbols + kRows * kField.counts[3]), ...);
    }
    (std::make_index_sequence<rows_of(kField)>());
  }
}

template <Field kField, std::size_t kRow>
void join_row(const std::byte* __restrict symbols, std::byte* __restrict block) {
  constexpr Row kLow = row_of(kField, kField.low, kRow);
  constexpr Row kHigh = row_of(kField, kField.high, kRow);
  if constexpr (BitRun<kLow, kHigh>::kFits) return BitRun<kLow, kHigh>::join(symbols, block);
  RowWriter<kLow> low(block);
  RowWriter<kHigh> high(block);
  for (std::size_t i = 0; i < kLow.count; ++i) {
    low.put(i, static_cast<unsigned>(symbols[i]) & ((1u << kLow.width) - 1));
    high.put(i, static_cast<unsigned>(symbols[i]) >> kLow.width);
  }
  low.finish();
  high.finish();
}

template <Field kField>
void join_field(const std::byte* symbols, std::size_t block_bytes, std::size_t n_blocks, std::byte* blocks) {
  for (; n_blocks > 0; --n_blocks, blocks += block_bytes, symbols += kField.symbols()) {
    [&]<std::size_t... kRows>(std::index_sequence<kRows...>) {
      (join_row<kField, kRows>(symbols + kRows * kField.counts[3], blocks), ...);
    }
    (std::make_index_sequence<rows_of(kField)>());
  }
}

/// True if all symbols are below 2^n_bits.
inline bool fit(const std::byte* symbols, std::size_t n, unsigned n_bits) {
  std::byte any{0};
  for (std::size_t i = 0; i < n; ++i) any |= symbols[i];
  return static_cast<unsigned>(any) >> n_bits == 0;
}

inline constexpr std::size_t kBlocksAtOnce = 64;  // they stay in the L1 cache while all fields are read

template <std::size_t kBlockBytes, Field... kFields>
void split_blocks(const std::byte* blocks, std::size_t n_blocks, std::byte* const* streams) {
  for (std::size_t at = 0; at < n_blocks; at += kBlocksAtOnce) {
    const auto n = std::min(kBlocksAtOnce, n_blocks - at);
    std::size_t k = 0;
    (split_field<kFields>(blocks + at * kBlockBytes, kBlockBytes, n, streams[k++] + at * kFields.symbols()), ...);
  }
}

template <std::size_t kBlockBytes, Field... kFields>
bool join_blocks(const std::byte* const* streams, std::size_t n_blocks, std::byte* blocks) {
  for (std::size_t at = 0; at < n_blocks; at += kBlocksAtOnce) {
    const auto n = std::min(kBlocksAtOnce, n_blocks - at);
    std::size_t k = 0;
    if (!(fit(streams[k++] + at * kFields.symbols(), n * kFields.symbols(), kFields.width()) && ...)) return false;
    std::memset(blocks + at * kBlockBytes, 0, n * kBlockBytes);
    k = 0;
    (join_field<kFields>(streams[k++] + at * kFields.symbols(), kBlockBytes, n, blocks + at * kBlockBytes), ...);
  }
  return true;
}

/// True if each bit of a block belongs to exactly one field and no row reads beyond the block.
template <std::size_t kBlockBytes, Field... kFields>
constexpr bool is_partition() {
  std::array<unsigned, 8 * kBlockBytes> uses{};
  bool good = true;
  const auto use = [&](const Field& field, const Bits& bits) {
    for (std::size_t r = 0; r < rows_of(field); ++r) {
      const auto row = row_of(field, bits, r);
      for (std::size_t i = 0; i < row.count; ++i) {
        for (unsigned b = 0; b < row.width; ++b) {
          const auto at = row.first + i * row.step + b;
          good = good && at < uses.size();
          if (good) ++uses[at];
        }
      }
    }
  };
  ((use(kFields, kFields.low), use(kFields, kFields.high)), ...);
  for (const auto n : uses) good = good && n == 1;
  return good && ((kFields.width() <= 8) && ...);
}

}  // namespace elves::encode::blocks
