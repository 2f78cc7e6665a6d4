#include "pipeline/buffers.hpp"

#include <gtest/gtest.h>

namespace elves::pipeline {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

Arena::Place append(Arena& arena, std::size_t room, std::size_t n, std::byte value) {
  auto& block = arena.block_for(room);
  const auto begin = block.size();
  block.insert(block.end(), n, value);
  return arena.place_from(begin);
}

bool holds(const Arena& arena, const Arena::Place& place, std::size_t n, std::byte value) {
  const auto bytes = arena.bytes(place);
  return bytes.size() == n && std::all_of(bytes.begin(), bytes.end(), [&](std::byte byte) { return byte == value; });
}

TEST(Arena, keeps_what_was_appended_over_many_blocks) {
  Arena arena;
  std::vector<Arena::Place> places;
  for (int i = 0; i < 100; ++i) places.push_back(append(arena, 2 * kMiB, kMiB, static_cast<std::byte>(i)));
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(holds(arena, places[static_cast<std::size_t>(i)], kMiB, static_cast<std::byte>(i))) << i;
}

TEST(Arena, lays_neighbours_side_by_side) {
  Arena arena;
  const auto first = arena.bytes(append(arena, kMiB, 1000, std::byte{1}));
  const auto second = arena.bytes(append(arena, kMiB, 10, std::byte{2}));
  EXPECT_EQ(first.data() + first.size(), second.data());
}

TEST(Arena, gives_the_right_bytes_where_more_is_appended_than_was_asked_for) {
  Arena arena;
  const auto before = append(arena, 1, 1000, std::byte{1});
  const auto large = append(arena, 1, 100 * kMiB, std::byte{2});
  const auto after = append(arena, kMiB, 10, std::byte{3});
  EXPECT_TRUE(holds(arena, before, 1000, std::byte{1}));
  EXPECT_TRUE(holds(arena, large, 100 * kMiB, std::byte{2}));
  EXPECT_TRUE(holds(arena, after, 10, std::byte{3}));
}

TEST(Arena, uses_its_memory_again_after_clear) {
  Arena arena;
  const auto* first = arena.bytes(append(arena, kMiB, 1000, std::byte{1})).data();
  arena.clear();
  const auto again = append(arena, kMiB, 10, std::byte{2});
  EXPECT_EQ(arena.bytes(again).data(), first);
  EXPECT_TRUE(holds(arena, again, 10, std::byte{2}));
}

TEST(Buffer, keeps_its_memory_where_less_is_asked_for) {
  Buffer buffer;
  const auto* first = buffer.resize(kMiB).data();
  EXPECT_EQ(buffer.resize(10).data(), first);
  EXPECT_EQ(buffer.bytes().size(), 10u);
}

}  // namespace
}  // namespace elves::pipeline
