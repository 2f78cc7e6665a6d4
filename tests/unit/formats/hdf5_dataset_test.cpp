#include "formats/hdf5/dataset.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

TEST(Hdf5Dataset, data_layouts_of_versions_1_and_2_are_read) {
  for (const unsigned version : {1, 2}) {
    const auto start = [&](unsigned n, unsigned kind) { return Writer().u8(version).u8(n).u8(kind).zeros(5); };
    File builder;
    const auto data = builder.put(Bytes(24, std::byte{7}));
    const Message in_one_piece{0x08, start(2, 1).u64(data).u32(2).u32(3)};
    const auto layer = only_layer(builder.finish_with({dataspace({2, 3}), datatype(f32_type()), in_one_piece}));
    EXPECT_EQ(layer.offset_bytes, data);

    File inside;
    const Message in_header{0x08, start(1, 0).u32(2).u32(8).zeros(4).u32(0x12345678)};
    const auto file = inside.finish_with({dataspace({2}), datatype(f32_type()), in_header});
    EXPECT_EQ(file[only_layer(file).offset_bytes + 4], std::byte{0x78});

    File chunks;
    const auto tree = chunks.next() + 24;
    chunks.put(Bytes(24));
    chunks.put(Writer().text("TREE").u8(1).u8(0).u16(1).u64(kNone).u64(kNone).u32(24).u32(0).u64(6).u64(0).u64(48));
    const Message chunked{0x08, start(2, 2).u64(tree).u32(6).u32(4)};
    EXPECT_EQ(only_layer(chunks.finish_with({dataspace({10}), datatype(f32_type()), chunked})).name, "x[6]")
        << "the key has the origin in elements";
  }
}

TEST(Hdf5Dataset, data_in_a_header_with_a_checksum_is_lossless) {
  const std::vector<Message> messages{dataspace({2}), datatype(f32_type()), compact(Bytes(8, std::byte{7}))};
  File with;
  EXPECT_TRUE(only_layer(with.finish_with(with.put(header_v2(messages)))).lossless);
  File without;
  EXPECT_FALSE(only_layer(without.finish_with(without.put(header_v1(messages)))).lossless);
  File outside;
  EXPECT_FALSE(only_layer(outside.finish_with(outside.put_array({2}))).lossless);
}

TEST(Hdf5Dataset, datasets_without_data_in_the_file_have_no_layer) {
  const Message other_file{0x07, Writer().u8(1).zeros(7)};
  const Message null_space{0x01, Writer().u8(2).u8(0).u8(0).u8(2)};
  const Message virtual_layout{0x08, Writer().u8(4).u8(3).u64(48).u32(0)};
  const std::vector<std::vector<Message>> datasets{
      {dataspace({2}), datatype(f32_type()), contiguous(kNone, 8)},
      {dataspace({2}), datatype(f32_type()), contiguous(0, 8), other_file},
      {null_space, datatype(f32_type()), contiguous(0, 8)},
      {dataspace({2}), datatype(f32_type()), virtual_layout},
      {dataspace({2}), datatype(f32_type()), chunked(kNone, {2})},
  };
  for (const auto& messages : datasets) {
    File builder;
    const auto parsed = parse(builder.finish_with(messages));
    EXPECT_EQ(parsed.format, FormatId::Hdf5) << parsed.opaque_reason;
    EXPECT_EQ(parsed.extents.size(), 1u);
  }
}

TEST(Hdf5Dataset, a_datatype_in_another_object_is_found) {
  File builder;
  const auto named = builder.put(header_v1({datatype(f32_type())}));
  const auto data = builder.put(Bytes(8));
  for (const auto& body : {Writer().u8(1).u8(0).zeros(6).u64(0).u64(named), Writer().u8(2).u8(0).u64(named),
                           Writer().u8(3).u8(2).u64(named)}) {
    auto each = builder;
    const auto layer = only_layer(each.finish_with({dataspace({2}), {0x03, body, 0x02}, contiguous(data, 8)}));
    EXPECT_EQ(layer.dtype, DType::F32);
  }
}

TEST(Hdf5Dataset, damaged_messages_are_refused) {
  const auto f32 = datatype(f32_type());
  const auto huge = std::uint64_t{1} << 60;
  const std::vector<Message> shared_in_heap{dataspace({2}), {0x03, Writer().u8(3).u8(1).u64(0), 2}, contiguous(48, 8)};
  const std::vector<Message> shared_nowhere{dataspace({2}), {0x03, Writer().u8(3).u8(2).u64(48), 2}, contiguous(48, 8)};
  File twice;
  const auto data = twice.put(Bytes(16));
  const auto a = twice.put(header_v2({dataspace({2}), f32, contiguous(data, 8)}));
  const auto b = twice.put(header_v2({dataspace({2}), f32, contiguous(data + 4, 8)}));
  expect_refused({
      {"'x': damaged dataspace message",
       one_dataset({{0x01, Writer().u8(2).u8(33).u8(0).u8(1).zeros(264)}, f32, contiguous(48, 8)})},
      {"'x': damaged dataspace message",
       one_dataset({{0x01, Writer().u8(2).u8(2).u8(0).u8(1).u64(1)}, f32, contiguous(48, 8)})},
      {"'x': damaged dataspace message",
       one_dataset({{0x01, Writer().u8(9).u8(0).u8(0).u8(1)}, f32, contiguous(48, 8)})},
      {"'x': has a shape whose size overflows", one_dataset({dataspace({huge, huge}), f32, contiguous(48, 8)})},
      {"'x': has a shape whose size overflows", one_dataset({dataspace({huge * 8}), f32, contiguous(48, 8)})},
      {"'x': has less storage than its shape needs", one_dataset({dataspace({3}), f32, contiguous(48, 11)})},
      {"'x': has less storage than its shape needs", one_dataset({dataspace({3}), f32, compact(Bytes(11))})},
      {"'x': its data passes the end of the file", one_dataset({dataspace({3}), f32, contiguous(huge, 12)})},
      {"layer 'x' passes the end of the file", one_dataset({dataspace({1000}), f32, contiguous(48, 4000)})},
      {"layer 'x' passes the end of the file", one_dataset({dataspace({huge}), f32, contiguous(48, kNone)})},
      {"'x': damaged datatype message", one_dataset({dataspace({2}), datatype(Bytes(7)), contiguous(48, 8)})},
      {"'x': damaged datatype message",
       one_dataset({dataspace({2}), datatype(Writer().u8(0x11).zeros(3).u32(4)), contiguous(48, 8)})},
      {"'x': damaged datatype message",
       one_dataset(
           {dataspace({2}), datatype(Writer().u8(0x36).u16(2).u8(0).u32(8).text("no end")), contiguous(48, 8)})},
      {"'x': datatype of 0 bytes",
       one_dataset({dataspace({2}), datatype(Writer().u8(0x13).zeros(7)), contiguous(48, 8)})},
      {"'x': data layout of unknown version 5",
       one_dataset({dataspace({2}), f32, {0x08, Writer().u8(5).u8(1).zeros(16)}})},
      {"'x': data layout of an unknown class", one_dataset({dataspace({2}), f32, {0x08, Writer().u8(3).u8(7)}})},
      {"'x': damaged data layout message", one_dataset({dataspace({2}), f32, {0x08, Writer().u8(3).u8(1).u64(48)}})},
      {"'x': damaged data layout message", one_dataset({dataspace({2}), f32, {0x08, Writer().u8(3).u8(0).u16(9)}})},
      {"'x': a message is shared in a heap", one_dataset(shared_in_heap)},
      {"object header at address 48 has an unknown version", one_dataset(shared_nowhere)},
      {"layer 'b' overlaps another layer", twice.finish(twice.put_group({{"a", a}, {"b", b}}))},
  });
}

}  // namespace
}  // namespace elves::formats
