#include "formats/hdf5/fractal_heap.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>

#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

struct HeapHeader {
  unsigned filter_bytes = 0;
  unsigned width = 4;
  std::uint64_t start_bytes = 64;
  std::uint64_t root = 0;
  unsigned n_rows = 0;
};

Bytes heap_header(const HeapHeader& h) {
  return Writer()
      .text("FRHP")
      .u8(0)
      .u16(7)
      .u16(h.filter_bytes)
      .u8(0)
      .u32(4096)
      .u64(0)
      .u64(kNone)
      .u64(0)
      .u64(kNone)
      .zeros(64)
      .u16(h.width)
      .u64(h.start_bytes)
      .u64(1024)
      .u16(32)
      .u16(1)
      .u64(h.root)
      .u16(h.n_rows)
      .u32(0);
}

/// A file whose root group has one link in a heap, under the heap ID `id`.
Bytes dense_group(const std::function<Bytes(std::uint64_t block)>& heap, const Bytes& id) {
  File builder;
  const auto array = builder.put_array({2});
  const auto block =
      builder.put(Writer().text("FHDB").u8(0).u64(0).u32(0).bytes(link("x", array).body).zeros(64 - 17 - 12).u32(0));
  const auto heap_address = builder.put(heap(block));
  const auto leaf = builder.put(Writer().text("BTLF").u8(0).u8(5).u32(0).bytes(id).zeros(64));
  const auto tree = builder.put(tree_header(5, 64, 11, 0, leaf, 1));
  return builder.finish(builder.put(header_v2({{0x02, Writer().u8(0).u8(0).u64(heap_address).u64(tree)}})));
}

Bytes heap_id(unsigned kind, std::uint64_t at, std::uint64_t n_bytes) {
  return Writer().u8(kind << 4).u32(at).u16(n_bytes);
}

TEST(Hdf5FractalHeap, links_in_the_root_block_and_in_indirect_blocks_are_found) {
  const auto in_root =
      dense_group([](std::uint64_t block) { return heap_header({.root = block}); }, heap_id(0, 17, 12));
  EXPECT_EQ(only_layer(in_root).name, "x");

  File builder;
  const auto array = builder.put_array({2});
  // A table of 1 block a row: blocks of 64, 64, 128, 256, 512 and 1024 bytes, then indirect ones.
  const auto block = builder.put(Writer().zeros(5).bytes(link("x", array).body).zeros(64));
  Writer inner;
  inner.text("FHIB").u8(0).u64(0).u32(0).u64(kNone).u64(block);
  for (int i = 0; i < 4; ++i) inner.u64(kNone);
  const auto indirect = builder.put(inner.u32(0));
  Writer outer;
  outer.text("FHIB").u8(0).u64(0).u32(0);
  for (int i = 0; i < 6; ++i) outer.u64(kNone);
  const auto root = builder.put(outer.u64(indirect).u32(0));
  const auto heap = builder.put(heap_header({.width = 1, .root = root, .n_rows = 7}));
  // The indirect block stands for the bytes from 2048 on, its second row for those from 2112 on.
  const auto leaf =
      builder.put(Writer().text("BTLF").u8(0).u8(5).u32(0).bytes(heap_id(0, 2048 + 64 + 5, 12)).zeros(64));
  const auto tree = builder.put(tree_header(5, 64, 11, 0, leaf, 1));
  const auto file = builder.finish(builder.put(header_v2({{0x02, Writer().u8(0).u8(0).u64(heap).u64(tree)}})));
  EXPECT_EQ(only_layer(file).name, "x");
}

TEST(Hdf5FractalHeap, damaged_heaps_are_refused) {
  const auto with_heap = [](const HeapHeader& header) {
    return dense_group(
        [&](std::uint64_t block) {
          auto each = header;
          each.root = header.root == 0 ? block : header.root;
          return heap_header(each);
        },
        heap_id(0, 17, 12));
  };
  const auto with_id = [](const Bytes& id) {
    return dense_group([](std::uint64_t block) { return heap_header({.root = block}); }, id);
  };
  // A block of pointers to itself: its row is the first that holds indirect blocks.
  File circle;
  const auto at = circle.next();
  Writer block;
  block.text("FHIB").u8(0).u64(0).u32(0);
  for (int i = 0; i < 7 * 4; ++i) block.u64(i < 6 * 4 ? kNone : at);
  circle.put(block);
  const auto heap = circle.put(heap_header({.root = at, .n_rows = 7}));
  const auto root = circle.put(header_v2({{0x02, Writer().u8(0).u8(0).u64(heap).u64(48)}}));
  expect_refused({
      {"fractal heap is compressed", with_heap({.filter_bytes = 3})},
      {"fractal heap has a damaged header", with_heap({.width = 0})},
      {"fractal heap has a damaged header", with_heap({.start_bytes = 3})},
      {"fractal heap has a damaged header", with_heap({.start_bytes = 2048})},
      {"fractal heap has too many rows of blocks", with_heap({.n_rows = 65535})},
      {"fractal heap passes the end of the file", with_heap({.width = 1 << 15, .n_rows = 1})},
      {"does not begin with FHIB", with_heap({.n_rows = 2})},
      {"fractal heap has no object at the offset that a group gives", with_id(heap_id(0, 60, 12))},
      {"fractal heap has no object at the offset that a group gives", with_id(heap_id(0, 0xFFFFFFFF, 12))},
      {"fractal heap has a link outside of its blocks", with_id(heap_id(1, 17, 12))},
      {"does not begin with BTHD", circle.finish(root)},
  });
}

}  // namespace
}  // namespace elves::formats
