#include "encode/rans/table.hpp"

#include <algorithm>
#include <bit>

#include "support/entropy.hpp"

namespace elves::encode::rans {
namespace {

constexpr unsigned kSlots = 256;
constexpr unsigned kMostSlots = 255;  // of one value, or of the escapes: a number of slots is stored as a byte
constexpr unsigned kEscapedBits = 8;  // the byte of an escape, in addition to its slot

// log2(n) * 65536 for n = 1 .. 256.
const std::array<std::uint32_t, kSlots + 1>& slot_bits() {
  static const auto table = [] {
    std::array<std::uint32_t, kSlots + 1> bits{};
    for (unsigned n = 1; n <= kSlots; ++n) bits[n] = log2_fixed(n);
    return bits;
  }();
  return table;
}

struct Share {
  std::uint32_t count = 0;
  unsigned slots = 0;
  unsigned value = 0;
};

/// The values that have slots, then the escapes.
class Shares {
 public:
  /// Values that occur less than `least` times in 1024 get no slots. Empty if no value would get slots.
  Shares(const Histogram& counts, std::uint64_t total, unsigned least, bool complete) {
    for (unsigned value = 0; value < counts.size(); ++value) {
      const std::uint64_t count = counts[value];
      if (count == 0) continue;
      if (count * 1024 < least * total)
        escaped_ += count;
      else
        shares_[n_++] = {counts[value], 1, value};
    }
    if (n_ == 0) return;
    const bool may_escape = escaped_ > 0 || (!complete && n_ < counts.size());
    if (may_escape || n_ < 2) shares_[n_++] = {static_cast<std::uint32_t>(escaped_), 1, kSlots};
    share_out(total);
  }

  std::uint64_t cost() const {
    const auto& bits = slot_bits();
    std::uint64_t cost = escaped_ * kEscapedBits << 16;
    for (const Share& share : list()) cost += share.count * std::uint64_t{(8u << 16) - bits[share.slots]};
    return cost;
  }

  std::span<const Share> list() const { return std::span(shares_).first(n_); }

 private:
  // Shares that are due at most one slot get one; the other slots are distributed in proportion. Then the error of
  // rounding is corrected slot by slot.
  void share_out(std::uint64_t total) {
    const auto shares = std::span(shares_).first(n_);
    std::uint64_t large_total = 0;
    unsigned budget = kSlots;
    const auto is_large = [&](const Share& share) { return std::uint64_t{share.count} * kSlots > total; };
    for (const Share& share : shares) {
      if (is_large(share))
        large_total += share.count;
      else
        --budget;
    }
    for (Share& share : shares) {
      if (is_large(share)) {
        const auto due = (std::uint64_t{share.count} * budget + large_total / 2) / large_total;
        share.slots = std::clamp<unsigned>(static_cast<unsigned>(due), 1, kMostSlots);
      }
      used_ += share.slots;
    }
    while (used_ > kSlots) take_one();
    while (used_ < kSlots) give_one();
  }

  // Takes a slot from the share that loses least by it.
  void take_one() {
    const auto& bits = slot_bits();
    Share* best = nullptr;
    std::uint64_t least = ~std::uint64_t{0};
    for (Share& share : std::span(shares_).first(n_)) {
      if (share.slots == 1) continue;
      const auto loss = share.count * std::uint64_t{bits[share.slots] - bits[share.slots - 1]};
      if (loss < least) {
        least = loss;
        best = &share;
      }
    }
    --best->slots;
    --used_;
  }

  // Gives a slot to the share that gains most by it.
  void give_one() {
    const auto& bits = slot_bits();
    Share* best = nullptr;
    std::uint64_t most = 0;
    for (Share& share : std::span(shares_).first(n_)) {
      if (share.slots == kMostSlots) continue;
      const auto gain = share.count * std::uint64_t{bits[share.slots + 1] - bits[share.slots]};
      if (best == nullptr || gain > most) {
        most = gain;
        best = &share;
      }
    }
    ++best->slots;
    ++used_;
  }

  std::array<Share, kSlots + 1> shares_;
  std::size_t n_ = 0;
  std::uint64_t escaped_ = 0;
  unsigned used_ = 0;
};

}  // namespace

Table Table::of(const Histogram& counts, bool complete) {
  std::uint64_t total = 0;
  for (const auto count : counts) total += count;
  Shares best(counts, total, complete ? 0 : 1, complete);
  for (const unsigned least : {2u, 4u, 8u}) {
    const Shares fewer(counts, total, least, complete);
    if (fewer.list().empty() || fewer.cost() > best.cost()) break;
    best = fewer;
  }
  Table table;
  for (const Share& share : best.list()) {
    if (share.value == kSlots)
      table.escape_slots = share.slots;
    else
      table.slots[share.value] = static_cast<std::uint8_t>(share.slots);
  }
  return table;
}

std::uint64_t Table::cost_bits(const Histogram& counts) const {
  const auto& bits = slot_bits();
  std::uint64_t cost = 0;
  for (std::size_t value = 0; value < counts.size(); ++value) {
    if (counts[value] == 0) continue;
    const std::uint32_t escape = (8u + kEscapedBits) << 16;
    const std::uint32_t each = slots[value] != 0   ? (8u << 16) - bits[slots[value]]
                               : escape_slots != 0 ? escape - bits[escape_slots]
                                                   : escape;
    cost += counts[value] * std::uint64_t{each};
  }
  return cost >> 16;
}

void Table::write(ByteWriter& to) const {
  const auto used = [](std::uint8_t n) { return n != 0; };
  const auto first = std::ranges::find_if(slots, used);
  const auto last = std::find_if(slots.rbegin(), slots.rend(), used).base();
  to.write(static_cast<std::uint8_t>(first - slots.begin()));
  to.write(static_cast<std::uint8_t>(last - first - 1));
  to.bytes(std::as_bytes(std::span(first, last)));
}

std::optional<Table> Table::read(ByteCursor& from) {
  const auto first = from.read<std::uint8_t>();
  const auto n = from.read<std::uint8_t>() + std::size_t{1};
  const auto stored = from.take(n);
  if (from.failed() || first + n > kSlots) return std::nullopt;
  Table table;
  unsigned used = 0;
  for (std::size_t i = 0; i < n; ++i) {
    table.slots[first + i] = static_cast<std::uint8_t>(stored[i]);
    used += table.slots[first + i];
  }
  if (used > kSlots || used == 0) return std::nullopt;
  table.escape_slots = kSlots - used;
  return table;
}

}  // namespace elves::encode::rans
