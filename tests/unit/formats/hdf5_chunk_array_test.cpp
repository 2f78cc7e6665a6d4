#include "formats/hdf5/chunk_array.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

TEST(Hdf5ChunkArray, pages_of_a_fixed_array_that_were_never_written_are_skipped) {
  ChunkedArray array;
  Writer block;
  // 7 x 3 chunks in pages of 4: pages 0 and 5 were written, and 1 has the bytes of something else.
  block.text("FADB").u8(0).u8(0).u64(0).u8(0b1000'0100).u32(0);
  for (std::uint64_t page = 0; page < 6; ++page) {
    for (std::uint64_t i = 0; i < (page == 5 ? 1 : 4); ++i) {
      block.u64(page == 0 ? (i == 1 ? kNone : array.put_chunk()) : page == 5 ? array.put_chunk() : 0xABABABAB);
    }
    block.u32(0);
  }
  const auto data_block = array.file.put(block);
  const auto index = array.file.put(Writer().text("FAHD").u8(0).u8(0).u8(8).u8(2).u64(21).u64(data_block).u32(0));
  const auto file = array.file.finish_with(
      {dataspace({13, 5}, {14, 6}), datatype(f32_type()), chunked_v4(3, Writer().u8(2), index, {2, 2})});
  EXPECT_EQ(names_of(parse(file)), (std::vector<std::string>{"x[0,0]", "x[0,4]", "x[12,4]", "x[2,0]"}));
}

TEST(Hdf5ChunkArray, an_extensible_array_is_read_through_super_blocks_and_pages) {
  ChunkedArray array;
  const auto block_start = [](std::string_view signature) {
    return Writer().text(signature).u8(0).u8(0).u64(0).u16(0);
  };
  constexpr std::uint64_t kGarbage = 0xABABABAB;
  const auto direct = array.put_chunk();
  const auto chunk_2 = array.put_chunk();
  const auto first_block = array.file.put(block_start("EADB").u64(kNone).u64(chunk_2).u32(0));
  const auto chunk_4 = array.put_chunk();
  const auto second_block = array.file.put(block_start("EADB").u64(kNone).u64(chunk_4).u64(kNone).u64(kNone).u32(0));
  const auto chunk_9 = array.put_chunk();
  const auto third_block =
      array.file.put(block_start("EADB").u32(0).u64(kGarbage).u64(kGarbage).u32(0).u64(chunk_9).u64(kNone).u32(0));
  const auto chunk_11 = array.put_chunk();
  const auto chunk_13 = array.put_chunk();
  const auto fourth_block =
      array.file.put(block_start("EADB").u32(0).u64(chunk_11).u64(kNone).u32(0).u64(chunk_13).u64(kGarbage).u32(0));
  // Blocks of 4 entries in pages of 2: page 0 of the first was never written.
  const auto super_block =
      array.file.put(block_start("EASB").u8(0b0111'0000).u8(0).u64(third_block).u64(fourth_block).u32(0));
  Writer index;
  index.text("EAIB").u8(0).u8(0).u64(0).u64(direct).u64(first_block).u64(second_block).u64(super_block);
  for (int i = 0; i < 7; ++i) index.u64(kNone);
  const auto index_block = array.file.put(index.u32(0));
  Writer header;
  header.text("EAHD").u8(0).u8(0).u8(8).u8(10).u8(1).u8(2).u8(2).u8(1).zeros(32).u64(14).u64(0);
  const auto address = array.file.put(header.u64(index_block).u32(0));

  const auto parsed = parse(array.file.finish_with(
      {dataspace({4, 100}, {4, kNone}), datatype(f32_type()), chunked_v4(4, Bytes(5), address, {2, 2})}));

  std::map<std::string, std::uint64_t> found;
  for (const auto& layer : layers_by_name(parsed)) found[layer.name] = layer.offset_bytes;
  // Entry i is the chunk in row i % 2 and column i / 2: the unlimited dimension is the slowest.
  const std::map<std::string, std::uint64_t> expected{{"x[0,0]", direct},    {"x[0,2]", chunk_2},
                                                      {"x[0,4]", chunk_4},   {"x[2,8]", chunk_9},
                                                      {"x[2,10]", chunk_11}, {"x[2,12]", chunk_13}};
  EXPECT_EQ(found, expected) << parsed.opaque_reason;
}

TEST(Hdf5ChunkArray, damaged_arrays_are_refused) {
  const auto with_index = [](unsigned kind, const Bytes& parameters, const Bytes& index, const Message& space) {
    File builder;
    const auto address = builder.put(index);
    return builder.finish_with({space, datatype(f32_type()), chunked_v4(kind, parameters, address, {2})});
  };
  const auto fixed = [&](unsigned entry_bytes, unsigned page_bits, std::uint64_t n_entries) {
    return with_index(3, Bytes(1),
                      Writer()
                          .text("FAHD")
                          .u8(0)
                          .u8(0)
                          .u8(entry_bytes)
                          .u8(page_bits)
                          .u64(n_entries)
                          .u64(48 + 28)
                          .u32(0)
                          .text("FADB")
                          .zeros(100),
                      dataspace({8}));
  };
  const auto growing = [&](unsigned max_bits, unsigned least_entries, unsigned least_pointers, const Message& space) {
    Writer header;
    header.text("EAHD").u8(0).u8(0).u8(8).u8(max_bits).u8(1).u8(least_entries).u8(least_pointers).u8(1).zeros(32);
    header.u64(1000).u64(0).u64(48 + 72).u32(0);
    return with_index(4, Bytes(5), header.text("EAIB").zeros(40), space);
  };
  const auto endless = dataspace({8}, {kNone});
  const auto huge = std::uint64_t{1} << 60;
  expect_refused({
      {"'x': damaged index of chunks", fixed(7, 2, 4)},
      {"'x': damaged index of chunks", fixed(8, 64, 4)},
      {"'x': fixed array passes the end of the file", fixed(8, 60, huge)},
      {"'x': fixed array passes the end of the file", fixed(8, 2, huge)},
      {"'x': the index of chunks passes the end of the file", fixed(8, 63, kNone)},
      {"'x': too many chunks",
       [&] {
         File builder;
         return builder.finish_with(
             {dataspace({8, 8, 8}, {8, kNone, kNone}), datatype(f32_type()), chunked_v4(3, Bytes(1), 48, {2, 2, 2})});
       }()},
      {"'x': an extensible array, but no unlimited dimension", growing(10, 2, 2, dataspace({8}))},
      {"'x': damaged index of chunks", growing(10, 3, 2, endless)},
      {"'x': damaged index of chunks", growing(10, 2, 0, endless)},
      {"'x': damaged index of chunks", growing(65, 2, 2, endless)},
      {"'x': damaged index of chunks", growing(0, 1, 2, endless)},
      {"'x': damaged index of chunks", growing(4, 16, 2, endless)},
      {"'x': extensible array passes the end of the file", growing(64, 128, 128, endless)},
      {"'x': extensible array at address 0 does not begin with EADB", growing(3, 2, 2, endless)},
  });
}

}  // namespace
}  // namespace elves::formats
