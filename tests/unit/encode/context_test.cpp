#include "encode/context/context.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "chunk_data.hpp"
#include "encode/entropy.hpp"
#include "support/byte_cursor.hpp"

namespace elves::encode::context {
namespace {

using testing::Bytes;
using testing::Random;

/// A kind of streams, and the period that they are coded with.
struct Kind {
  std::string name;
  std::function<Bytes(std::size_t n)> make;
  std::size_t period = 1;
};

Bytes generate(std::size_t n, std::uint64_t seed, const std::function<unsigned(Random&, std::size_t)>& next) {
  Random random(seed);
  Bytes bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(next(random, i));
  return bytes;
}

Bytes skewed(std::size_t n, std::uint64_t seed = 1) {
  return generate(n, seed,
                  [](Random& r, std::size_t) { return static_cast<unsigned>(std::max(0.0, 128 + 2 * r.normal())); });
}

/// Columns of different levels.
Bytes columns(std::size_t n, std::size_t period) {
  const auto levels = testing::random_bytes(period, 15);
  return generate(n, 2,
                  [&](Random& r, std::size_t i) { return std::to_integer<unsigned>(levels[i % period]) + r.below(8); });
}

std::vector<Kind> kinds() {
  return {
      {"skewed", [](std::size_t n) { return skewed(n); }},
      {"random", [](std::size_t n) { return testing::random_bytes(n, 3); }},
      {"constant", [](std::size_t n) { return Bytes(n, std::byte{200}); }},
      {"zero, then random",
       [](std::size_t n) {
         auto bytes = testing::random_bytes(n, 4);
         std::fill_n(bytes.begin(), n / 2, std::byte{0});
         return bytes;
       }},
      {"columns", [](std::size_t n) { return columns(n, 37); }, 37},
      {"the largest period", [](std::size_t n) { return columns(n, 4096); }, 4096},
  };
}

std::vector<Before> befores(const Bytes& first, const Bytes& second) {
  return {{}, {first, {}}, {first, second}};
}

Bytes coded(const Bytes& raw, const Before& before = {}, std::size_t period = 1) {
  Scratch scratch;
  Bytes out;
  EXPECT_TRUE(encode(raw, before, period, 2 * raw.size() + 100, scratch, out));
  return out;
}

Result<void> decoded(const Bytes& from, const Before& before, Bytes& to) {
  Scratch scratch;
  return decode(from, before, scratch, to);
}

void expect_back(const Bytes& raw, const Before& before, std::size_t period) {
  Bytes back(raw.size(), std::byte{0xEE});
  const auto done = decoded(coded(raw, before, period), before, back);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  ASSERT_TRUE(back == raw);
}

TEST(Context, round_trips_all_kinds_of_streams) {
  for (const Kind& kind : kinds()) {
    for (const std::size_t n : {1u, 2u, 3u, 31u, 1000u, 1024u, 1025u, 8193u, 20000u, 70001u}) {
      SCOPED_TRACE(kind.name + ", " + std::to_string(n));
      const auto raw = kind.make(n);
      const auto first = skewed(n, 5);
      const auto second = testing::random_bytes(n, 6);
      for (const auto& before : befores(first, second)) expect_back(raw, before, kind.period);
    }
  }
}

TEST(Context, round_trips_all_sizes_up_to_300) {
  for (std::size_t n = 1; n <= 300; ++n) {
    SCOPED_TRACE(n);
    expect_back(columns(n, 7), {}, 7);
    const auto last = skewed(n, 7);
    expect_back(skewed(n), {last, {}}, 1);
  }
}

TEST(Context, is_near_the_entropy_of_independent_bytes) {
  const auto raw = skewed(200000);
  const auto entropy = static_cast<double>(entropy_bits(histogram(raw))) / 8;
  EXPECT_LT(static_cast<double>(coded(raw).size()), 1.005 * entropy);
  const auto random = testing::random_bytes(200000, 8);
  EXPECT_LT(static_cast<double>(coded(random).size()), 1.002 * 200000);
}

TEST(Context, uses_the_two_preceding_streams) {
  const auto first = testing::random_bytes(100000, 9);
  const auto second = testing::random_bytes(100000, 10);
  Bytes sum(first.size());
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] = static_cast<std::byte>(std::to_integer<int>(first[i]) / 16 + std::to_integer<int>(second[i]) / 16);
  }
  EXPECT_GT(coded(sum).size(), 50000u);
  EXPECT_LT(coded(sum, {first, {}}).size(), 53000u);
  EXPECT_LT(coded(first, {first, {}}).size(), 2000u);
  EXPECT_LT(coded(sum, {first, second}).size(), coded(sum, {first, {}}).size());
}

TEST(Context, uses_columns) {
  const auto raw = columns(100000, 37);
  EXPECT_LT(static_cast<double>(coded(raw, {}, 37).size()), 1.03 * 100000 * 3 / 8);
  EXPECT_GT(static_cast<double>(coded(raw, {}, 1).size()), 1.05 * 100000 * 3 / 8);
}

TEST(Context, gives_up_if_the_result_would_be_too_large) {
  Scratch scratch;
  for (const std::size_t n : {100u, 500000u}) {
    Bytes out(5);
    EXPECT_FALSE(encode(testing::random_bytes(n, 11), {}, 1, n, scratch, out));
    EXPECT_EQ(out.size(), 5u);
  }
}

// A truncated number can be the valid number of other bytes: about one time in a hundred.
TEST(Context, rejects_most_truncated_data) {
  std::size_t n_cut = 0;
  std::size_t n_taken = 0;
  for (const Kind& kind : kinds()) {
    const auto raw = kind.make(400);
    const auto last = skewed(raw.size(), 12);
    for (const auto& before : befores(last, last)) {
      const auto whole = coded(raw, before, kind.period);
      Bytes back(raw.size());
      for (std::size_t n = 0; n < whole.size(); ++n, ++n_cut) {
        const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
        n_taken += decoded(part, before, back).has_value() ? 1 : 0;
      }
    }
  }
  EXPECT_LE(n_taken, n_cut / 50) << "of " << n_cut;
}

TEST(Context, rejects_trailing_bytes) {
  for (const Kind& kind : kinds()) {
    const auto raw = kind.make(400);
    for (const int byte : {0, 1, 255}) {
      auto longer = coded(raw, {}, kind.period);
      longer.push_back(static_cast<std::byte>(byte));
      Bytes back(raw.size());
      ASSERT_FALSE(decoded(longer, {}, back).has_value()) << kind.name << " and " << byte;
    }
  }
}

TEST(Context, rejects_another_raw_size) {
  const auto whole = coded(testing::random_bytes(700, 16));
  for (const std::size_t n : {0u, 1u, 600u, 698u, 720u, 1400u, 1u << 20}) {
    Bytes other(n);
    EXPECT_FALSE(decoded(whole, {}, other).has_value()) << n;
  }
}

TEST(Context, rejects_periods_out_of_range) {
  for (const std::uint64_t period : {std::uint64_t{0}, std::uint64_t{4097}, std::uint64_t{1} << 63}) {
    Bytes lie;
    ByteWriter(lie).varint(period);
    const auto rest = coded(skewed(100));
    lie.insert(lie.end(), rest.begin() + 1, rest.end());
    Bytes back(100);
    EXPECT_FALSE(decoded(lie, {}, back).has_value()) << period;
  }
}

TEST(Context, survives_flipped_bits) {
  Random random(13);
  for (const Kind& kind : kinds()) {
    const auto raw = kind.make(3000);
    const auto whole = coded(raw, {}, kind.period);
    Bytes back(raw.size());
    std::size_t n_refused = 0;
    for (int round = 0; round < 40; ++round) {
      auto damaged = whole;
      damaged[random.below(damaged.size())] ^= static_cast<std::byte>(1 << random.below(8));
      n_refused += decoded(damaged, {}, back).has_value() ? 0 : 1;  // the sanitizers watch
    }
    EXPECT_GT(n_refused, 30u) << kind.name;
  }
}

TEST(Context, history_gives_preceding_streams_of_the_same_size) {
  const Bytes four(4);
  const Bytes also_four(4);
  const Bytes five(5);
  History history;
  EXPECT_TRUE(history.before(4).last.empty());
  history.add(four);
  EXPECT_EQ(history.before(4).last.data(), four.data());
  EXPECT_TRUE(history.before(4).last_but_one.empty());
  EXPECT_TRUE(history.before(5).last.empty());
  history.add(also_four);
  EXPECT_EQ(history.before(4).last.data(), also_four.data());
  EXPECT_EQ(history.before(4).last_but_one.data(), four.data());
  history.add(five);
  EXPECT_TRUE(history.before(4).last.empty());
  EXPECT_TRUE(history.before(4).last_but_one.empty());
  EXPECT_TRUE(history.before(5).last_but_one.empty());
}

TEST(Context, finds_the_shortest_period) {
  EXPECT_EQ(find_period(columns(30000, 37)), 37u);
  EXPECT_EQ(find_period(columns(500000, 4096)), 4096u);
  EXPECT_EQ(find_period(testing::random_bytes(30000, 14)), 1u);
  EXPECT_EQ(find_period(Bytes(30000)), 1u);
  for (std::size_t n = 0; n < 20; ++n) EXPECT_LE(find_period(columns(n, 3)), 5u) << n;
}

}  // namespace
}  // namespace elves::encode::context
