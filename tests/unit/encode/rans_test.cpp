#include "encode/rans/rans.hpp"

#include <gtest/gtest.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "chunk_data.hpp"
#include "encode/rans/kernel.hpp"

namespace elves::encode::rans {
namespace {

using testing::Bytes;
using testing::Random;

struct Kind {
  std::string name;
  std::function<Bytes(std::size_t n)> make;
};

Bytes generate(std::size_t n, std::uint64_t seed, const std::function<unsigned(Random&)>& next) {
  Random random(seed);
  Bytes bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::byte>(next(random));
  return bytes;
}

// A geometric distribution with p = 1/2, similar to that of the exponents of weights.
unsigned geometric(Random& random) {
  return static_cast<unsigned>(std::countr_zero(random.below(1u << 30) | 1u << 30));
}

std::vector<Kind> kinds() {
  return {
      {"geometric", [](std::size_t n) { return generate(n, 1, geometric); }},
      {"uniform",
       [](std::size_t n) { return generate(n, 2, [](Random& r) { return static_cast<unsigned>(r.below(256)); }); }},
      {"constant", [](std::size_t n) { return Bytes(n, std::byte{200}); }},
      {"mostly zero",
       [](std::size_t n) {
         return generate(n, 3, [](Random& r) { return r.below(1000) == 0 ? static_cast<unsigned>(r.below(256)) : 0; });
       }},
      {"three values", [](std::size_t n) { return generate(n, 4, [](Random& r) { return r.below(3) * 127; }); }},
      {"many rare values",
       [](std::size_t n) {
         return generate(
             n, 5, [](Random& r) { return r.below(3) == 0 ? static_cast<unsigned>(r.below(256)) : geometric(r); });
       }},
      {"changes in the middle",
       [](std::size_t n) {
         auto bytes = generate(n, 6, geometric);
         for (std::size_t i = n / 2; i < n; ++i) bytes[i] ^= std::byte{0x70};
         return bytes;
       }},
  };
}

constexpr std::size_t kSizes[] = {1,     2,     63,    64,     65,     127,    1000,    4096,
                                  32767, 32768, 32769, 131072, 131073, 300001, 1u << 20};

Bytes coded(const Bytes& raw) {
  Scratch scratch;
  Bytes out;
  EXPECT_TRUE(encode(raw, raw.size() * 3 + 1000, scratch, out));
  return out;
}

TEST(Rans, round_trips_all_kinds_of_streams) {
  for (const Kind& kind : kinds()) {
    for (const std::size_t n : kSizes) {
      SCOPED_TRACE(kind.name + ", " + std::to_string(n));
      const Bytes raw = kind.make(n);
      Bytes back(n);
      Scratch scratch;
      const auto done = decode(coded(raw), scratch, back);
      ASSERT_TRUE(done.has_value()) << done.error().message;
      ASSERT_TRUE(back == raw);
    }
  }
}

TEST(Rans, gives_the_same_bytes_on_every_target) {
  for (const Kind& kind : kinds()) {
    for (const std::size_t n : kSizes) {
      SCOPED_TRACE(kind.name + ", " + std::to_string(n));
      const Bytes raw = kind.make(n);
      const Bytes expected = coded(raw);
      for (const auto target : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(target);
        ASSERT_TRUE(coded(raw) == expected) << hwy::TargetName(target);
        Bytes back(n);
        Scratch scratch;
        ASSERT_TRUE(decode(expected, scratch, back).has_value()) << hwy::TargetName(target);
        ASSERT_TRUE(back == raw) << hwy::TargetName(target);
        hwy::SetSupportedTargetsForTest(0);
      }
    }
  }
}

double entropy_bytes(const Bytes& raw) {
  std::array<double, 256> counts{};
  for (const auto byte : raw) ++counts[static_cast<std::uint8_t>(byte)];
  double bits = 0;
  for (const double count : counts) bits += count == 0 ? 0 : count * std::log2(static_cast<double>(raw.size()) / count);
  return bits / 8;
}

TEST(Rans, is_within_1_percent_of_the_entropy) {
  for (const Kind& kind : kinds()) {
    if (kind.name == "constant" || kind.name == "mostly zero") continue;
    const Bytes raw = kind.make(1u << 20);
    const double entropy = entropy_bytes(raw);
    EXPECT_LT(static_cast<double>(coded(raw).size()), entropy * 1.01 + 300) << kind.name;
    std::printf("%s: %.4f of the entropy\n", kind.name.c_str(), static_cast<double>(coded(raw).size()) / entropy);
  }
}

TEST(Rans, makes_a_new_table_if_the_distribution_changes) {
  const Bytes raw = kinds().back().make(1u << 20);
  EXPECT_LT(static_cast<double>(coded(raw).size()), entropy_bytes(raw) * 0.7);
}

TEST(Rans, gives_up_if_the_result_would_be_too_large) {
  Scratch scratch;
  Bytes out(5);
  EXPECT_FALSE(encode(kinds()[1].make(100000), 100000, scratch, out));
  EXPECT_EQ(out.size(), 5u);
}

TEST(Rans, rejects_truncated_data_and_trailing_bytes) {
  for (const Kind& kind : kinds()) {
    const Bytes raw = kind.make(700);
    const Bytes whole = coded(raw);
    Bytes back(raw.size());
    Scratch scratch;
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
      ASSERT_FALSE(decode(part, scratch, back).has_value()) << kind.name << " cut to " << n;
    }
    auto longer = whole;
    longer.push_back(std::byte{0});
    ASSERT_FALSE(decode(longer, scratch, back).has_value()) << kind.name;
    for (const std::size_t n : {0u, 1u, 699u, 701u, 1400u}) {
      Bytes other(n);
      ASSERT_FALSE(decode(whole, scratch, other).has_value()) << kind.name << " as " << n;
    }
  }
}

TEST(Rans, survives_flipped_bits_on_every_target) {
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    Random random(7);
    for (const Kind& kind : kinds()) {
      for (const std::size_t n : {300u, 40000u}) {
        const Bytes raw = kind.make(n);
        const Bytes whole = coded(raw);
        Bytes back(n);
        Scratch scratch;
        for (int round = 0; round < 60; ++round) {
          auto damaged = whole;
          const auto reach = round % 2 ? damaged.size() : std::min<std::size_t>(damaged.size(), 300);
          damaged[random.below(reach)] ^= static_cast<std::byte>(1 << random.below(8));
          (void)decode(damaged, scratch, back).has_value();  // the sanitizers watch
        }
        ASSERT_TRUE(decode(whole, scratch, back).has_value());
        ASSERT_TRUE(back == raw);
      }
    }
    hwy::SetSupportedTargetsForTest(0);
  }
}

TEST(RansTable, has_a_slot_for_each_of_256_equally_frequent_values) {
  Histogram counts;
  counts.fill(3);
  for (const bool complete : {false, true}) {
    const auto table = Table::of(counts, complete);
    EXPECT_EQ(table.escape_slots, 0u);
    EXPECT_TRUE(std::ranges::all_of(table.slots, [](std::uint8_t slots) { return slots == 1; }));
  }
}

TEST(RansTable, distributes_all_slots_for_any_histogram) {
  Random random(9);
  for (int round = 0; round < 2000; ++round) {
    Histogram counts{};
    const auto n = 1 + random.below(256);
    const auto skew = 1 + random.below(20);
    for (std::size_t k = 0; k < n; ++k)
      counts[random.below(256)] += static_cast<std::uint32_t>(1 + random.below(1u << skew));
    for (const bool complete : {false, true}) {
      const auto table = Table::of(counts, complete);
      unsigned used = table.escape_slots;
      for (const auto slots : table.slots) used += slots;
      ASSERT_EQ(used, 256u);
      ASSERT_LT(table.escape_slots, 256u);
      for (std::size_t value = 0; value < 256; ++value) {
        ASSERT_TRUE(table.slots[value] != 0 || counts[value] == 0 || table.escape_slots > 0);
      }
      Bytes stored;
      ByteWriter writer(stored);
      table.write(writer);
      ByteCursor cursor(stored);
      const auto back = Table::read(cursor);
      ASSERT_TRUE(back && back->slots == table.slots && back->escape_slots == table.escape_slots);
    }
  }
}

}  // namespace
}  // namespace elves::encode::rans
