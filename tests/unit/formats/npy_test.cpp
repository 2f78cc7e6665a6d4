#include "formats/npy/npy.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "unit/formats/npy_builder.hpp"
#include "unit/formats/parsed.hpp"

namespace elves::formats {
namespace {

using namespace test;

/// The layer after the header; an empty extent if there is none.
Extent layer_of(const Bytes& file) {
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Npy) << parsed.opaque_reason;
  if (parsed.extents.size() < 2 || !parsed.extents[1].is_layer) {
    ADD_FAILURE() << "no layer: " << parsed.opaque_reason;
    return {};
  }
  return parsed.extents[1];
}

TEST(Npy, reads_every_number_type) {
  const std::map<std::string, DType> dtypes{
      {"|b1", DType::Bool}, {"|u1", DType::U8},  {"|i1", DType::I8},  {"<u2", DType::U16},   {"<i2", DType::I16},
      {"<u4", DType::U32},  {"<i4", DType::I32}, {"<u8", DType::U64}, {"<i8", DType::I64},   {"<f2", DType::F16},
      {"<f4", DType::F32},  {"<f8", DType::F64}, {"<c8", DType::C64}, {"<c16", DType::C128}, {"=f4", DType::F32},
      {"f4", DType::F32},   {">u1", DType::U8},  {"?", DType::Bool},  {"|f8", DType::F64}};
  for (const auto& [descr, dtype] : dtypes) {
    const auto file = npy_file("'" + descr + "'", "(2, 3)", 6 * size_bytes(dtype));
    const auto layer = layer_of(file);
    EXPECT_EQ(layer.dtype, dtype) << descr;
    EXPECT_EQ(layer.name, "array");
    EXPECT_EQ(layer.shape, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(layer.offset_bytes + layer.length_bytes, file.size());
    EXPECT_FALSE(layer.lossless);
  }
}

TEST(Npy, reads_versions_1_2_and_3) {
  for (const int version : {1, 2, 3}) {
    const auto file = npy_file("'<f4'", "(7,)", 28, {.version = version});
    EXPECT_EQ(layer_of(file).offset_bytes, file.size() - 28) << version;
  }
  EXPECT_EQ(parse(npy_file("'<f4'", "(7,)", 28, {.version = 4})).opaque_reason, "npy: version 4.0 is unknown");
}

TEST(Npy, reads_the_keys_in_any_order_and_any_spacing) {
  const std::vector<std::string> dicts{"{'shape': (4,), 'fortran_order': False, 'descr': '<f4'}",
                                       "{ \"fortran_order\" :True,'shape':( 4 , ),\"descr\":'<f4' , } \n",
                                       "{'descr': u'<f4', 'fortran_order': False, 'shape': (4L,), }"};
  for (const auto& dict : dicts) {
    EXPECT_EQ(layer_of(npy_file_of_dict(dict, Bytes(16))).shape, std::vector<std::uint64_t>{4}) << dict;
  }
}

TEST(Npy, shapes_are_not_reordered) {
  EXPECT_EQ(layer_of(npy_file("'<f8'", "()", 8)).shape, (std::vector<std::uint64_t>{}));
  EXPECT_EQ(layer_of(npy_file("'<f8'", "(1,)", 8)).shape, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(layer_of(npy_file("'<f4'", "(2, 0, 3)", 0)).shape, (std::vector<std::uint64_t>{2, 0, 3}));
  EXPECT_EQ(layer_of(npy_file("'<f4'", "(2, 5)", 40, {.order = "True"})).shape, (std::vector<std::uint64_t>{2, 5}))
      << "Fortran order keeps the shape";
}

TEST(Npy, types_that_are_no_plain_numbers_are_opaque_with_the_reason) {
  const std::map<std::string, std::string> reasons{
      {"'>f4'", "npy: a big-endian array ('>f4')"},
      {"'<V2'", "npy: an array of type '<V2'"},
      {"'|O'", "npy: an array of type '|O'"},
      {"'<U10'", "npy: an array of type '<U10'"},
      {"'|S4'", "npy: an array of type '|S4'"},
      {"'<M8[ns]'", "npy: an array of type '<M8[ns]'"},
      {"'<f16'", "npy: an array of type '<f16'"},
      {"[('x', '<f4'), ('y', '<i4', (2,))]", "npy: an array of structs"},
      {"[('a', [('b', '<f4')]), ((\"title\", 'c'), '|S1')]", "npy: an array of structs"}};
  for (const auto& [descr, reason] : reasons) {
    const auto file = npy_file(descr, "(4,)", 32);
    const auto parsed = parse(file);
    EXPECT_EQ(parsed.format, FormatId::Npy);
    EXPECT_EQ(parsed.opaque_reason, reason);
    EXPECT_EQ(parsed.opaque_bytes, 32u);
    EXPECT_EQ(parsed.extents.size(), 1u);
  }
}

TEST(Npy, bytes_after_the_array_are_opaque_glue) {
  const auto file = npy_file("'<f4'", "(2,)", 8 + 5);
  const auto parsed = parse(file);
  ASSERT_EQ(parsed.extents.size(), 3u);
  EXPECT_EQ(parsed.extents[1].length_bytes, 8u);
  EXPECT_EQ(parsed.opaque_bytes, 5u);
  EXPECT_EQ(parsed.opaque_reason, "npy: bytes follow the array");
}

TEST(Npy, damaged_headers_are_refused_with_the_reason) {
  const std::map<std::string, std::string> reasons{
      {"", "header: expected '{' (at its byte 54)"},
      {"[1]", "header: expected '{' (at its byte 0)"},
      {"{", "header: expected a string (at its byte 54)"},
      {"{'descr': '<f4'}", "'descr', 'fortran_order' or 'shape' is missing"},
      {"{'descr': '<f4', 'descr': '<f4'}", "duplicate key"},
      {"{'descr': '<f4', 'more': 1}", "unknown key 'more'"},
      {"{'descr' '<f4'}", "expected ':'"},
      {"{'descr': '<f4", "a string has no end"},
      {"{'descr': '<f4\\", "a string has no end"},
      {"{'descr': 7}", "expected a string"},
      {"{'descr': [('x', '<f4'", "expected a part of a type"},
      {"{'descr': [}", "expected a part of a type"},
      {"{'descr': " + std::string(1'000'0, '[') + "}", "nested too deeply"},
      {"{'fortran_order': Maybe}", "expected True or False"},
      {"{'shape': 4}", "expected '('"},
      {"{'shape': (,)}", "expected a dimension"},
      {"{'shape': (-1,)}", "expected a dimension"},
      {"{'shape': (4.5,)}", "expected ',' or ')'"},
      {"{'shape': (4 5)}", "expected ',' or ')'"},
      {"{'shape': (x,)}", "expected a dimension"},
      {"{'shape': (99999999999999999999,)}", "a dimension overflows 64 bits"},
      {"{'shape': (" +
           [] {
             std::string ones;
             for (int i = 0; i < 65; ++i) ones += "1,";
             return ones;
           }() +
           ")}",
       "too many dimensions"},
      {"{'descr': '<f4' 'shape': (4,)}", "expected ',' or '}'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4,)} + evil()", "bytes follow the dict"},
      {std::string("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}\0", 56), "bytes follow the dict"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (5,)}",
       "cut short: the array has 20 bytes, but the file only 16"},
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}", "shape whose size overflows"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8)}", "shape whose size overflows"}};
  for (const auto& [dict, reason] : reasons) {
    const auto parsed = parse(npy_file_of_dict(dict, Bytes(16)));
    EXPECT_EQ(parsed.format, FormatId::Plain) << dict;
    EXPECT_NE(parsed.opaque_reason.find(reason), std::string::npos) << dict << " gave: " << parsed.opaque_reason;
    EXPECT_LT(parsed.opaque_reason.size(), 200u);
  }
}

TEST(Npy, a_header_longer_than_the_file_or_the_limit_is_refused) {
  auto file = npy_file("'<f4'", "(7,)", 28, {.version = 2});
  set(file, 8, std::uint32_t{0xFFFFFFFF});
  EXPECT_NE(parse(file).opaque_reason.find("a text of 4294967295 bytes, but at most 1048576 are allowed"),
            std::string::npos);
  set(file, 8, std::uint32_t{5000});
  EXPECT_NE(parse(file).opaque_reason.find("cut short"), std::string::npos);
}

TEST(Npy, a_file_cut_anywhere_is_glue) {
  const auto file = npy_file("'<f4'", "(2, 3)", 24);
  for (std::size_t n = 1; n < file.size(); ++n) {
    const auto parsed = parse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)));
    EXPECT_EQ(parsed.format, FormatId::Plain) << n;
    EXPECT_EQ(parsed.opaque_reason.empty(), n < 6) << n;
  }
}

TEST(Npy, matches_the_magic_number) {
  EXPECT_TRUE(kNpy.matches(MemorySource(npy_file("'<f4'", "(1,)", 4))));
  EXPECT_FALSE(kNpy.matches(MemorySource(bytes_of("\x92NUMPY\1"))));
  EXPECT_FALSE(kNpy.matches(MemorySource(bytes_of("NUMPY, a text"))));
}

}  // namespace
}  // namespace elves::formats
