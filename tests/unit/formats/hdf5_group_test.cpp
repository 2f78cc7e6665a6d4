#include "formats/hdf5/group.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

TEST(Hdf5Group, groups_in_a_cycle_are_read_once) {
  File builder;
  const auto array = builder.put_array({2});
  const auto group = builder.put_group({{"a", 0}, {"up", 0}, {"w", 0}});
  const auto root = builder.put_group({{"b", group}, {"c", 0}, {"z", array}});
  builder.replace(group, header_v2({link("a", group), link("up", root), link("w", array)}));
  builder.replace(root, header_v2({link("b", group), link("c", root), link("z", array)}));
  EXPECT_EQ(names_of(parse(builder.finish(root))), std::vector<std::string>{"b/w"});
}

TEST(Hdf5Group, damaged_groups_are_refused) {
  const auto table = [](const Bytes& heap_text, const Bytes& node, std::uint64_t heap_bytes) {
    File builder;
    const auto text = builder.put(heap_text);
    const auto heap = builder.put(Writer().text("HEAP").u32(0).u64(heap_bytes).u64(0).u64(text));
    const auto entries = builder.put(node);
    const auto tree = builder.put(tree_leaf(0, 0, entries, 8));
    return builder.finish(builder.put(header_v1({{0x11, Writer().u64(tree).u64(heap)}})));
  };
  const auto entry = [](std::uint64_t name_at) {
    return Writer().text("SNOD").u8(1).u8(0).u16(1).u64(name_at).u64(0).zeros(24);
  };
  const Bytes text = Writer().text("name");
  File same;
  const auto array = same.put_array({2});
  File deep;
  auto group = deep.put_group({});
  for (int i = 0; i < 300; ++i) group = deep.put_group({{"g", group}});
  const Message endless_name{0x06, Writer().u8(1).u8(3).u64(std::uint64_t{1} << 60).text("name").u64(48)};
  expect_refused({
      {"local heap has no name at its byte 0", table(text, entry(0), 4)},
      {"local heap has no name at its byte 1152921504606846976", table(text, entry(std::uint64_t{1} << 60), 4)},
      {"local heap passes the end of the file", table(text, entry(0), std::uint64_t{1} << 60)},
      {"does not begin with SNOD", table(text, Bytes(64), 4)},
      {"symbol table node passes the end of the file", table(text, Writer().text("SNOD").u8(1).u8(0).u16(0xFFFF), 4)},
      {"damaged symbol table message", one_dataset({{0x11, Writer().u64(48)}})},
      {"damaged link message", one_dataset({endless_name})},
      {"damaged link message", one_dataset({{0x06, Writer().u8(2).u8(0).u8(1).text("n").u64(48)}})},
      {"damaged link info message", one_dataset({{0x02, Writer().u8(0).u8(0).u64(48)}})},
      {"two links of a group are named 'w'", same.finish(same.put_group({{"w", array}, {"w", array}}))},
      {"groups are nested too deeply", deep.finish(group)},
  });
}

}  // namespace
}  // namespace elves::formats
