#include "formats/hdf5/datatype.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>
#include <vector>

#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

TEST(Hdf5Datatype, integers_and_floats_have_a_dtype) {
  const std::vector<std::pair<Bytes, DType>> types{
      {integer_type(1, false), DType::U8},
      {integer_type(1, true), DType::I8},
      {integer_type(1, true, true), DType::I8},
      {integer_type(2, false), DType::U16},
      {integer_type(2, true), DType::I16},
      {integer_type(4, false), DType::U32},
      {integer_type(4, true), DType::I32},
      {integer_type(8, false), DType::U64},
      {integer_type(8, true), DType::I64},
      {float_type({2, 15, 10, 5, 10, 15}), DType::F16},
      {float_type({2, 15, 7, 8, 7, 127}), DType::BF16},
      {float_type({4, 31, 23, 8, 23, 127}), DType::F32},
      {float_type({8, 63, 52, 11, 52, 1023}), DType::F64},
      {float_type({1, 7, 3, 4, 3, 7}), DType::F8E4M3},
      {float_type({1, 7, 2, 5, 2, 15}), DType::F8E5M2},
  };
  for (const auto& [type, dtype] : types) {
    File builder;
    const auto data = builder.put(Bytes(2 * size_bytes(dtype)));
    const auto layer =
        only_layer(builder.finish_with({dataspace({2}), datatype(type), contiguous(data, 2 * size_bytes(dtype))}));
    EXPECT_EQ(layer.dtype, dtype) << name(dtype);
    EXPECT_EQ(layer.offset_bytes, data);
  }
}

/// A compound of two f32.
Bytes compound_type(unsigned version, std::string_view first, std::string_view second, unsigned second_at = 4) {
  Writer out;
  out.u8(0x06 | (version << 4)).u16(2).u8(0).u32(8);
  for (const auto& [name, at] : {std::pair(first, 0u), std::pair(second, second_at)}) {
    out.text(name).zeros(version < 3 ? 8 - name.size() : 1);
    out.number(at, version < 3 ? 4 : 1);
    if (version == 1) out.zeros(28);
    out.bytes(f32_type());
  }
  return out;
}

Bytes enum_type(unsigned version, std::string_view first, std::string_view second) {
  Writer out;
  out.u8(0x08 | (version << 4)).u16(2).u8(0).u32(1).bytes(integer_type(1, true));
  for (const auto name : {first, second}) out.text(name).zeros(version < 3 ? 8 - name.size() : 1);
  return out.u8(0).u8(1);
}

TEST(Hdf5Datatype, complex_numbers_and_booleans_are_known_in_every_message_version) {
  for (const unsigned version : {1, 2, 3}) {
    const std::vector<std::pair<Bytes, DType>> types{{compound_type(version, "r", "i"), DType::C64},
                                                     {enum_type(version, "FALSE", "TRUE"), DType::Bool},
                                                     {enum_type(version, "RED", "BLUE"), DType::I8}};
    for (const auto& [type, dtype] : types) {
      File builder;
      const auto data = builder.put(Bytes(24));
      const auto layer = only_layer(builder.finish_with({dataspace({3}), datatype(type), contiguous(data, 24)}));
      EXPECT_EQ(layer.dtype, dtype) << version;
    }
  }
}

/// One dataset of 300 elements of a type.
ParsedFile parse_array_of(const Bytes& type, std::uint64_t element_bytes) {
  File builder;
  const auto data = builder.put(Bytes(300 * element_bytes));
  return parse(builder.finish_with({dataspace({300}), datatype(type), contiguous(data, 300 * element_bytes)}));
}

TEST(Hdf5Datatype, numbers_without_a_dtype_are_opaque_extents_of_their_own) {
  auto unusual_pad = f32_type();
  unusual_pad[8] = std::byte{1};
  auto no_implied_bit = f32_type();
  no_implied_bit[1] = std::byte{0};
  auto vax = f32_type();
  vax[1] = std::byte{0x61};
  auto narrow = integer_type(4, true);
  narrow[10] = std::byte{24};
  const std::vector<std::pair<Bytes, std::uint64_t>> types{
      {integer_type(4, true, true), 4},
      {float_type({4, 31, 23, 8, 23, 127, true}), 4},
      {float_type({1, 7, 3, 4, 3, 8}), 1},
      {unusual_pad, 4},
      {no_implied_bit, 4},
      {vax, 4},
      {narrow, 4},
      {compound_type(3, "r", "j"), 8},
      {compound_type(3, "r", "i", 0), 8},
      {compound_type(3, "a", "b"), 8},
      {integer_type(3, true), 3},
  };
  for (const auto& [type, element_bytes] : types) {
    const auto parsed = parse_array_of(type, element_bytes);
    EXPECT_EQ(parsed.opaque_reason, "hdf5: 1 of 1 datasets are of another type");
    EXPECT_EQ(parsed.opaque_bytes, 300 * element_bytes);
    ASSERT_EQ(parsed.extents.size(), 3u);
    EXPECT_EQ(parsed.extents[1].offset_bytes, 48u);
    EXPECT_EQ(parsed.extents[1].length_bytes, 300 * element_bytes);
  }
}

TEST(Hdf5Datatype, text_and_references_are_glue_without_a_reason) {
  const Bytes text = Writer().u8(0x13).u8(0).u16(0).u32(16);
  const Bytes reference = Writer().u8(0x17).u8(0).u16(0).u32(8);
  const Bytes any_text = Writer().u8(0x19).u8(1).u16(0).u32(16).bytes(integer_type(1, false));
  for (const auto& [type, n] : {std::pair(text, 16), std::pair(reference, 8), std::pair(any_text, 16)}) {
    const auto parsed = parse_array_of(type, static_cast<std::uint64_t>(n));
    EXPECT_EQ(parsed.format, FormatId::Hdf5);
    EXPECT_EQ(parsed.opaque_reason, "");
    EXPECT_EQ(parsed.extents.size(), 1u);
  }
  const Bytes sequence = Writer().u8(0x19).u8(0).u16(0).u32(16).bytes(f32_type());
  EXPECT_EQ(parse_array_of(sequence, 16).opaque_bytes, 4800u) << "sequences of numbers are not text";
}

TEST(Hdf5Datatype, less_than_256_bytes_of_another_type_are_not_opaque) {
  for (const std::uint64_t n : {63, 64}) {
    File builder;
    const auto data = builder.put(Bytes(4 * n));
    const auto file =
        builder.finish_with({dataspace({n}), datatype(integer_type(4, true, true)), contiguous(data, 4 * n)});
    EXPECT_EQ(parse(file).opaque_bytes, n == 64 ? 256u : 0u);
  }
}

}  // namespace
}  // namespace elves::formats
