#include "formats/hdf5/btree_v1.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "formats/hdf5/btree_v2.hpp"
#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

/// 24 nodes, each with two pointers to the next: 16 million paths to the last.
TEST(Hdf5Btree, stops_if_shared_nodes_make_exponentially_many_paths) {
  File builder;
  auto node = builder.put(chunk_leaf(kNone));
  for (unsigned level = 1; level <= 24; ++level) {
    Writer out;
    out.text("TREE").u8(1).u8(level).u16(2).u64(kNone).u64(kNone);
    node = builder.put(out.zeros(24).u64(node).zeros(24).u64(node));
  }
  const auto file = builder.finish_with({dataspace({8}), datatype(f32_type()), chunked(node, {2})});

  const auto start = std::chrono::steady_clock::now();
  const auto parsed = parse(file);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

  EXPECT_EQ(parsed.opaque_reason, "hdf5: 'x': more metadata than a file of this size can need");
  EXPECT_LT(took.count(), 10);
}

TEST(Hdf5Btree, all_levels_of_a_tree_of_version_2_are_read) {
  ChunkedArray array;
  const auto record = [&](std::uint64_t row) { return Bytes(Writer().u64(array.put_chunk()).u64(row).u64(0)); };
  const auto leaf = [&](std::uint64_t row) {
    const auto only = record(row);
    return array.file.put(Writer().text("BTLF").u8(0).u8(10).bytes(only).zeros(30));
  };
  // Nodes of 64 bytes: 2 records in a leaf, 1 above. A pointer above level 1 has the number of records below it, too.
  const auto first = leaf(0);
  const auto own = record(1);
  const auto second = leaf(2);
  const auto left =
      array.file.put(Writer().text("BTIN").u8(0).u8(10).bytes(own).u64(first).u8(1).u64(second).u8(1).zeros(16));
  const auto root_own = record(3);
  const auto third = leaf(4);
  const auto right = array.file.put(Writer().text("BTIN").u8(0).u8(10).u64(third).u8(1).zeros(50));
  const auto root = array.file.put(
      Writer().text("BTIN").u8(0).u8(10).bytes(root_own).u64(left).u8(1).u8(3).u64(right).u8(0).u8(1).zeros(14));
  const auto tree = array.file.put(tree_header(10, 64, 24, 2, root, 1));
  const auto parsed = parse(array.file.finish_with(
      {dataspace({10, 2}, {kNone, kNone}), datatype(f32_type()), chunked_v4(5, Bytes(6), tree, {2, 2})}));
  EXPECT_EQ(names_of(parsed), (std::vector<std::string>{"x[0,0]", "x[2,0]", "x[4,0]", "x[6,0]", "x[8,0]"}))
      << parsed.opaque_reason;
}

TEST(Hdf5Btree, damaged_trees_of_version_2_are_refused) {
  const auto with_tree = [](const Bytes& header, const Bytes& node = Bytes(64)) {
    File builder;
    builder.put(node);
    const auto tree = builder.put(header);
    return builder.finish_with(
        {dataspace({8, 8}, {kNone, kNone}), datatype(f32_type()), chunked_v4(5, Bytes(6), tree, {2, 2})});
  };
  const Bytes to_itself = Writer().text("BTIN").u8(0).u8(10).u64(48).u8(0).zeros(64);
  expect_refused({
      {"'x': B-tree (version 2) holds records of another type", with_tree(tree_header(5, 64, 24, 0, 48, 1))},
      {"'x': B-tree (version 2) is too deep", with_tree(tree_header(10, 64, 24, 17, 48, 1))},
      {"'x': B-tree (version 2) has nodes of a wrong size", with_tree(tree_header(10, 64, 0, 0, 48, 1))},
      {"'x': B-tree (version 2) has nodes of a wrong size", with_tree(tree_header(10, 9, 24, 0, 48, 1))},
      {"'x': B-tree (version 2) has nodes of a wrong size", with_tree(tree_header(10, 34, 24, 1, 48, 1))},
      {"'x': B-tree (version 2) has nodes of a wrong size", with_tree(tree_header(10, 0xFFFFFFFF, 24, 16, 48, 1))},
      {"'x': B-tree (version 2) has a node with too many records", with_tree(tree_header(10, 64, 24, 0, 48, 3))},
      {"'x': B-tree (version 2) at address 48 does not begin with BTLF", with_tree(tree_header(10, 64, 24, 0, 48, 1))},
      {"'x': B-tree (version 2) at address 48 does not begin with BTLF",
       with_tree(tree_header(10, 64, 24, 3, 48, 0), to_itself)},
      {"'x': B-tree (version 2) has records that are too short",
       with_tree(tree_header(10, 64, 20, 0, 48, 1), Writer().text("BTLF").u8(0).u8(10).zeros(64))},
      {"'x': B-tree (version 2) passes the end of the file", with_tree(tree_header(10, 4096, 24, 0, 48, 1))},
  });
}

}  // namespace
}  // namespace elves::formats
