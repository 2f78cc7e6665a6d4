#include "formats/hdf5/chunk_index.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

using Shape = std::vector<std::uint64_t>;

TEST(Hdf5ChunkIndex, a_dataset_with_filters_is_opaque_and_adjacent_chunks_are_one_extent) {
  File builder;
  const auto data = builder.put(Bytes(300));
  Writer tree;
  tree.text("TREE").u8(1).u8(0).u16(3).u64(kNone).u64(kNone);
  for (const std::uint64_t i : {0, 1, 2}) tree.u32(i == 2 ? 50 : 100).u32(0).u64(2 * i).u64(0).u64(data + 100 * i);
  const auto index = builder.put(tree);
  const auto gone = builder.put(header_v2({dataspace({6}), datatype(f32_type()), chunked(kNone, {2}), filters(1)}));
  const auto none = builder.put(header_v2({dataspace({6}), datatype(f32_type()), chunked(kNone, {2}), filters(0)}));
  const auto packed = builder.put(header_v2({dataspace({6}), datatype(f32_type()), chunked(index, {2}), filters(2)}));
  const auto parsed = parse(builder.finish(builder.put_group({{"gone", gone}, {"none", none}, {"packed", packed}})));
  EXPECT_EQ(parsed.opaque_reason, "hdf5: 1 of 3 datasets are compressed");
  EXPECT_EQ(parsed.opaque_bytes, 250u);
  ASSERT_EQ(parsed.extents.size(), 3u);
  EXPECT_EQ(parsed.extents[1].offset_bytes, data);
  EXPECT_EQ(parsed.extents[1].length_bytes, 250u);
}

TEST(Hdf5ChunkIndex, damaged_chunks_are_refused) {
  const auto f32 = datatype(f32_type());
  const auto with_layout = [&](const Message& layout) { return one_dataset({dataspace({8}), f32, layout}); };
  const auto with_tree = [&](const std::function<Bytes(std::uint64_t at)>& node, unsigned n_filters = 0) {
    File builder;
    builder.put(Bytes(64));
    const auto tree = builder.put(node(builder.next()));
    return builder.finish_with({dataspace({8}), f32, chunked(tree, {2}), filters(n_filters)});
  };
  const auto leaf = [](std::uint64_t chunk, std::uint64_t n_bytes, std::uint64_t origin) {
    return [=](std::uint64_t) { return chunk_leaf(chunk, n_bytes, origin); };
  };
  Writer two;
  two.text("TREE").u8(1).u8(0).u16(2).u64(kNone).u64(kNone);
  for (int i = 0; i < 2; ++i) two.u32(8).u32(0).u64(2).u64(0).u64(48 + 8 * i);
  const auto huge = std::uint64_t{1} << 60;
  expect_refused({
      {"'x': chunks have a dimension of 0", with_layout(chunked(48, {0}))},
      {"'x': chunks have a wrong rank", with_layout(chunked(48, {}))},
      {"'x': chunks have a wrong rank", with_layout(chunked(48, Shape(33, 1)))},
      {"'x': chunks have another rank or element size", with_layout(chunked(48, {2, 2}))},
      {"'x': has a shape whose size overflows", with_layout(chunked_v4(2, {}, 48, {huge * 8}))},
      {"'x': chunks have an unknown index", with_layout(chunked_v4(9, {}, 48, {2}))},
      {"'x': chunks pass the end of the file", with_layout(chunked_v4(2, {}, 48, {1000}))},
      {"layer 'x[0]' passes the end of the file", with_layout(chunked_v4(1, {}, 48, {1000}))},
      {"'x': B-tree (version 1) at address 48 does not begin with TREE", with_layout(chunked(48, {2}))},
      {"'x': a chunk has a wrong size", with_tree(leaf(48, 12, 0))},
      {"'x': a chunk has a wrong origin", with_tree(leaf(48, 8, 3))},
      {"'x': two chunks have the same origin", with_tree([&](std::uint64_t) { return two; })},
      {"'x': its data passes the end of the file", with_tree(leaf(huge, 8, 0))},
      {"'x': its data passes the end of the file", with_tree(leaf(huge, 8, 0), 1)},
      {"passes the end of the file", with_tree(leaf(48, 0xFFFFFFFF, 0), 1)},
      {"'x': B-tree (version 1) has a node of a wrong level",
       with_tree([](std::uint64_t at) { return tree_leaf(1, 1, at, 24); })},
      {"'x': B-tree (version 1) has a node of another kind",
       with_tree([](std::uint64_t at) { return tree_leaf(0, 0, at, 24); })},
      {"'x': B-tree (version 1) is too deep", with_tree([](std::uint64_t at) { return tree_leaf(1, 200, at, 24); })},
      {"'x': B-tree (version 1) passes the end of the file",
       with_tree([](std::uint64_t) { return Writer().text("TREE").u8(1).u8(0).u16(65535).u64(kNone).u64(kNone); })},
  });
  EXPECT_EQ(parse(with_tree(leaf(48, 8, 8))).format, FormatId::Hdf5) << "a chunk outside of the dataset is skipped";
}

/// Chunks of one byte need no metadata under an implicit index: only the budget limits their number.
TEST(Hdf5ChunkIndex, chunks_without_an_index_count_in_the_budget) {
  File builder;
  const std::uint64_t n = 4 << 20;
  const auto data = builder.put(Bytes(n));
  Message layout{0x08, Writer().u8(4).u8(2).u8(0).u8(2).u8(1).u8(1).u8(1).u8(2).u64(data)};
  const auto file = builder.finish_with({dataspace({n}), datatype(integer_type(1, false)), layout});
  EXPECT_EQ(parse(file).opaque_reason, "hdf5: 'x': more metadata than a file of this size can need");
}

}  // namespace
}  // namespace elves::formats
