#include "formats/hdf5/hdf5.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "support/posix.hpp"
#include "unit/formats/hdf5_builder.hpp"
#include "unit/formats/parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;
using Shape = std::vector<std::uint64_t>;

std::vector<Extent> layers_by_name(const ParsedFile& file) {
  auto layers = layers_of(file);
  std::sort(layers.begin(), layers.end(), [](const Extent& a, const Extent& b) { return a.name < b.name; });
  return layers;
}

std::vector<std::string> names_of(const ParsedFile& file) {
  std::vector<std::string> names;
  for (const auto& layer : layers_by_name(file)) names.push_back(layer.name);
  return names;
}

/// The only layer of a file that has one.
Extent only_layer(const Bytes& file) {
  const auto parsed = parse(file);
  const auto layers = layers_by_name(parsed);
  EXPECT_EQ(layers.size(), 1u) << parsed.opaque_reason;
  return layers.empty() ? Extent{} : layers[0];
}

Bytes read_golden(const std::filesystem::path& path) {
  const auto contents = read_small_file(path.string(), 1 << 20);
  EXPECT_TRUE(contents) << path;
  const auto bytes = std::as_bytes(std::span(*contents));
  return {bytes.begin(), bytes.end()};
}

std::filesystem::path golden_folder() {
  return std::filesystem::path(ELVES_GOLDEN_DIR) / "containers" / "hdf5";
}

std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& each : std::filesystem::directory_iterator(golden_folder())) {
    if (each.path().extension() == ".h5") files.push_back(each.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0u;
  for (const auto byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

/// What a .layers file says.
std::string listing_of(const ParsedFile& parsed, const Bytes& file) {
  std::ostringstream out;
  for (const auto& layer : layers_by_name(parsed)) {
    std::string shape;
    for (const auto n : layer.shape) shape += (shape.empty() ? "" : "x") + std::to_string(n);
    char crc[9];
    std::snprintf(crc, sizeof crc, "%08x", crc32(std::span(file).subspan(layer.offset_bytes, layer.length_bytes)));
    out << name(layer.dtype) << ' ' << (shape.empty() ? "scalar" : shape) << ' ' << crc << ' ' << layer.name << '\n';
  }
  out << "opaque " << parsed.opaque_bytes;
  if (parsed.opaque_bytes > 0) out << ' ' << parsed.opaque_reason.substr(std::string("hdf5: ").size());
  out << '\n';
  return out.str();
}

TEST(Hdf5, golden_files_give_the_layers_that_h5py_shows) {
  const auto files = golden_files();
  EXPECT_GE(files.size(), 20u);
  for (const auto& path : files) {
    const auto file = read_golden(path);
    const auto parsed = parse(file);
    auto expected_path = path;
    const auto expected = read_small_file(expected_path.replace_extension(".layers").string(), 1 << 20);
    ASSERT_TRUE(expected) << path;
    EXPECT_EQ(parsed.container, ContainerId::Hdf5) << path << parsed.opaque_reason;
    EXPECT_EQ(listing_of(parsed, file), *expected) << path;
  }
}

TEST(Hdf5, is_recognised_by_its_signature_wherever_a_user_block_may_end) {
  File builder;
  const auto file = builder.finish_with(builder.put_array({2}));
  for (const std::size_t at : {0, 512, 1024, 2048, 65536, 1 << 20}) {
    Bytes moved(at, std::byte{'x'});
    moved.insert(moved.end(), file.begin(), file.end());
    EXPECT_TRUE(kHdf5.recognizes(MemorySource(moved))) << at;
    EXPECT_EQ(only_layer(moved).offset_bytes, 48 + at) << "addresses count from the superblock";
  }
  for (const std::size_t at : {1, 8, 100, 511, 1536}) {
    Bytes moved(at, std::byte{'x'});
    moved.insert(moved.end(), file.begin(), file.end());
    EXPECT_FALSE(kHdf5.recognizes(MemorySource(moved))) << at;
  }
  EXPECT_FALSE(kHdf5.recognizes(MemorySource({})));
  EXPECT_FALSE(kHdf5.recognizes(MemorySource(std::span(file).first(7))));
  const std::string text = "\x89PNG\r\n\x1a\n and so on";
  EXPECT_FALSE(kHdf5.recognizes(MemorySource(std::as_bytes(std::span(text)))));
}

TEST(Hdf5, superblocks_of_all_versions_lead_to_the_root_group) {
  for (const unsigned version : {0, 1, 2, 3}) {
    File builder(version);
    const auto layer = only_layer(builder.finish_with(builder.put_array({2, 3})));
    EXPECT_EQ(layer.name, "x") << version;
    EXPECT_EQ(layer.shape, (Shape{2, 3}));
    EXPECT_EQ(layer.length_bytes, 24u);
  }
}

TEST(Hdf5, a_file_whose_superblock_says_another_base_is_read_from_where_it_stands) {
  File builder;
  const auto object = builder.put_array({2});
  const auto root = builder.put_group({{"x", object}});
  EXPECT_EQ(only_layer(builder.finish(root, 4096)).name, "x");
}

TEST(Hdf5, every_type_of_numbers_is_known) {
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

/// A compound of two f32, or what is nearly one.
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

TEST(Hdf5, complex_numbers_and_booleans_are_known_in_every_version_of_the_datatype_message) {
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

TEST(Hdf5, numbers_that_no_dtype_stands_for_are_opaque_and_stand_alone) {
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
    EXPECT_EQ(parsed.opaque_reason, "hdf5: 1 of 1 datasets of another type");
    EXPECT_EQ(parsed.opaque_bytes, 300 * element_bytes);
    ASSERT_EQ(parsed.extents.size(), 3u);
    EXPECT_EQ(parsed.extents[1].offset_bytes, 48u);
    EXPECT_EQ(parsed.extents[1].length_bytes, 300 * element_bytes);
  }
}

TEST(Hdf5, text_and_references_are_glue_without_further_words) {
  const Bytes text = Writer().u8(0x13).u8(0).u16(0).u32(16);
  const Bytes reference = Writer().u8(0x17).u8(0).u16(0).u32(8);
  const Bytes any_text = Writer().u8(0x19).u8(1).u16(0).u32(16).bytes(integer_type(1, false));
  for (const auto& [type, n] : {std::pair(text, 16), std::pair(reference, 8), std::pair(any_text, 16)}) {
    const auto parsed = parse_array_of(type, static_cast<std::uint64_t>(n));
    EXPECT_EQ(parsed.container, ContainerId::Hdf5);
    EXPECT_EQ(parsed.opaque_reason, "");
    EXPECT_EQ(parsed.extents.size(), 1u);
  }
  const Bytes sequence = Writer().u8(0x19).u8(0).u16(0).u32(16).bytes(f32_type());
  EXPECT_EQ(parse_array_of(sequence, 16).opaque_bytes, 4800u) << "sequences of numbers are not text";
}

TEST(Hdf5, a_few_bytes_of_another_type_are_not_worth_a_word) {
  for (const std::uint64_t n : {63, 64}) {
    File builder;
    const auto data = builder.put(Bytes(4 * n));
    const auto file =
        builder.finish_with({dataspace({n}), datatype(integer_type(4, true, true)), contiguous(data, 4 * n)});
    EXPECT_EQ(parse(file).opaque_bytes, n == 64 ? 256u : 0u);
  }
}

TEST(Hdf5, data_in_a_header_with_a_checksum_are_never_coded_with_loss) {
  const std::vector<Message> messages{dataspace({2}), datatype(f32_type()), compact(Bytes(8, std::byte{7}))};
  File with;
  EXPECT_TRUE(only_layer(with.finish_with(with.put(header_v2(messages)))).lossless);
  File without;
  EXPECT_FALSE(only_layer(without.finish_with(without.put(header_v1(messages)))).lossless);
  File outside;
  EXPECT_FALSE(only_layer(outside.finish_with(outside.put_array({2}))).lossless);
}

TEST(Hdf5, data_layouts_of_versions_1_and_2_are_read) {
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

TEST(Hdf5, arrays_that_were_never_written_or_lie_elsewhere_give_nothing) {
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
    EXPECT_EQ(parsed.container, ContainerId::Hdf5) << parsed.opaque_reason;
    EXPECT_EQ(parsed.extents.size(), 1u);
  }
}

TEST(Hdf5, a_type_that_another_object_holds_is_found) {
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

TEST(Hdf5, groups_that_contain_each_other_are_walked_once) {
  File builder;
  const auto array = builder.put_array({2});
  const auto group = builder.put_group({{"a", 0}, {"up", 0}, {"w", 0}});
  const auto root = builder.put_group({{"b", group}, {"c", 0}, {"z", array}});
  builder.replace(group, header_v2({link("a", group), link("up", root), link("w", array)}));
  builder.replace(root, header_v2({link("b", group), link("c", root), link("z", array)}));
  EXPECT_EQ(names_of(parse(builder.finish(root))), std::vector<std::string>{"b/w"});
}

TEST(Hdf5, continued_headers_are_read_to_their_end) {
  File builder;
  const auto data = builder.put(Bytes(8));
  const auto piece = [](const std::vector<Message>& messages) {
    Writer all;
    all.text("OCHK");
    for (const auto& each : messages) all.u8(each.type).u16(each.body.size()).u8(0).bytes(each.body);
    return Bytes(all.u32(0));
  };
  const auto last_piece = piece({contiguous(data, 8)});
  const auto last = builder.put(last_piece);
  const auto middle_piece = piece({datatype(f32_type()), {0x10, Writer().u64(last).u64(last_piece.size())}});
  const auto middle = builder.put(middle_piece);
  const auto file = builder.finish_with({dataspace({2}), {0x10, Writer().u64(middle).u64(middle_piece.size())}});
  EXPECT_EQ(only_layer(file).offset_bytes, data);
}

Bytes tree_leaf(unsigned kind, unsigned level, std::uint64_t child, unsigned key_bytes) {
  return Writer().text("TREE").u8(kind).u8(level).u16(1).u64(kNone).u64(kNone).zeros(key_bytes).u64(child).zeros(
      key_bytes);
}

/// A node of one f32 chunk of 2 elements, at the start.
Bytes chunk_leaf(std::uint64_t chunk, std::uint64_t n_bytes = 8, std::uint64_t origin = 0) {
  return Writer().text("TREE").u8(1).u8(0).u16(1).u64(kNone).u64(kNone).u32(n_bytes).u32(0).u64(origin).u64(0).u64(
      chunk);
}

TEST(Hdf5, an_array_with_filters_is_opaque_and_its_chunks_stand_together) {
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
  EXPECT_EQ(parsed.opaque_reason, "hdf5: 1 of 3 datasets compressed");
  EXPECT_EQ(parsed.opaque_bytes, 250u);
  ASSERT_EQ(parsed.extents.size(), 3u);
  EXPECT_EQ(parsed.extents[1].offset_bytes, data);
  EXPECT_EQ(parsed.extents[1].length_bytes, 250u);
}

/// Arrays of 2 x 2 chunks (f32), of which the file holds `chunks`.
struct PagedArray {
  File file;
  std::vector<std::uint64_t> chunks;
  std::uint64_t put_chunk() { return chunks.emplace_back(file.put(Bytes(16, std::byte{7}))); }
};

TEST(Hdf5, pages_of_a_fixed_array_that_were_never_written_are_passed_over) {
  PagedArray array;
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

TEST(Hdf5, an_array_that_grows_is_read_through_its_index_block_its_super_blocks_and_its_pages) {
  PagedArray array;
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
  // Entry i is the chunk in row i % 2 and column i / 2: the dimension without end counts as the slowest.
  const std::map<std::string, std::uint64_t> expected{{"x[0,0]", direct},    {"x[0,2]", chunk_2},
                                                      {"x[0,4]", chunk_4},   {"x[2,8]", chunk_9},
                                                      {"x[2,10]", chunk_11}, {"x[2,12]", chunk_13}};
  EXPECT_EQ(found, expected) << parsed.opaque_reason;
}

Bytes tree_header(unsigned type, std::uint64_t node_bytes, unsigned record_bytes, unsigned depth, std::uint64_t root,
                  unsigned n_records) {
  return Writer()
      .text("BTHD")
      .u8(0)
      .u8(type)
      .u32(node_bytes)
      .u16(record_bytes)
      .u16(depth)
      .u8(100)
      .u8(40)
      .u64(root)
      .u16(n_records)
      .u64(1)
      .u32(0);
}

TEST(Hdf5, a_newer_b_tree_of_several_levels_is_read_to_its_leaves) {
  PagedArray array;
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

/// A group with one link in a heap, whose ID is `id`.
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

TEST(Hdf5, a_link_in_a_heap_is_found_in_a_root_block_and_under_indirect_blocks) {
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

/// Files that lie, and a part of what must be said of them.
struct Lie {
  std::string words;
  Bytes file;
};

void expect_refused(const std::vector<Lie>& lies) {
  for (const auto& [words, file] : lies) {
    EXPECT_TRUE(kHdf5.recognizes(MemorySource(file))) << words;
    const auto parsed = parse(file);
    EXPECT_EQ(parsed.container, ContainerId::Opaque) << words;
    EXPECT_NE(parsed.opaque_reason.find(words), std::string::npos) << words << ", but: " << parsed.opaque_reason;
  }
}

Bytes one_dataset(const std::vector<Message>& messages) {
  File builder;
  builder.put(Bytes(64));
  return builder.finish_with(messages);
}

Bytes with_byte(Bytes file, std::size_t at, unsigned value) {
  file[at] = static_cast<std::byte>(value);
  return file;
}

TEST(Hdf5, superblocks_that_lie_are_refused) {
  File builder;
  const auto good = builder.finish_with(builder.put_array({2}));
  File old(0);
  const auto good_old = old.finish_with(old.put_array({2}));
  auto shorter = good;
  shorter.pop_back();
  File away;
  File base;
  expect_refused({
      {"superblock of version 7", with_byte(good, 8, 7)},
      {"superblock with a wrong size of addresses", with_byte(good, 9, 3)},
      {"superblock with a wrong size of addresses", with_byte(good_old, 14, 0)},
      {"superblock lies beyond the end of the file", Bytes(good.begin(), good.begin() + 10)},
      {"superblock is cut short", Bytes(good.begin(), good.begin() + 30)},
      {"cut short: ends at byte " + std::to_string(shorter.size()) + " where the superblock says " +
           std::to_string(good.size()),
       shorter},
      {"object header lies beyond the end of the file (6 bytes at address 1152921504606846976)",
       away.finish(std::uint64_t{1} << 60)},
      {"object header lies beyond the end of the file", base.finish(kNone)},
  });
}

TEST(Hdf5, object_headers_that_lie_are_refused) {
  const auto with_header = [](const Bytes& header) {
    File builder;
    return builder.finish(builder.put(header));
  };
  Writer long_message;
  long_message.text("OHDR").u8(2).u8(0).u8(6).u8(1).u16(500).u8(0).zeros(6);
  File circle;
  const auto at = circle.next();
  circle.put(header_v2({{0x10, Writer().u64(at + 10).u64(20)}}));
  File other_circle;
  const auto piece_at =
      other_circle.put(Writer().text("OCHK").u8(0x10).u16(16).u8(0).u64(other_circle.next()).u64(28).u32(0));
  expect_refused({
      {"object header at address 48 has an unknown version", with_header(Bytes(32))},
      {"object header at address 48 has an unknown version", with_header(with_byte(header_v2({}), 4, 3))},
      {"object header at address 48 has a message that is longer than the header", with_header(long_message)},
      {"object header lies beyond the end of the file (4294967295 bytes",
       with_header(Writer().u8(1).u8(0).u16(1).u32(1).u32(0xFFFFFFFF).u32(0))},
      {"object header at address 48 continues in a circle", circle.finish(at)},
      {"continues in a circle", other_circle.finish_with({{0x10, Writer().u64(piece_at).u64(28)}})},
      {"object header lies beyond the end of the file",
       one_dataset({{0x10, Writer().u64(48).u64(std::uint64_t{1} << 62)}})},
      {"has a continuation that is too short", one_dataset({{0x10, Writer().u64(48).u64(3)}})},
      {"has a damaged continuation", one_dataset({{0x10, Writer().u64(48).u64(20)}})},
      {"has a damaged continuation", one_dataset({{0x10, Writer().u64(48)}})},
  });
}

TEST(Hdf5, datasets_that_lie_are_refused) {
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
      {"'x': a shape whose size overflows", one_dataset({dataspace({huge, huge}), f32, contiguous(48, 8)})},
      {"'x': a shape whose size overflows", one_dataset({dataspace({huge * 8}), f32, contiguous(48, 8)})},
      {"'x': less storage than its shape needs", one_dataset({dataspace({3}), f32, contiguous(48, 11)})},
      {"'x': less storage than its shape needs", one_dataset({dataspace({3}), f32, compact(Bytes(11))})},
      {"'x': data beyond the end of the file", one_dataset({dataspace({3}), f32, contiguous(huge, 12)})},
      {"layer 'x' lies beyond the end of the file", one_dataset({dataspace({1000}), f32, contiguous(48, 4000)})},
      {"layer 'x' lies beyond the end of the file", one_dataset({dataspace({huge}), f32, contiguous(48, kNone)})},
      {"'x': damaged datatype message", one_dataset({dataspace({2}), datatype(Bytes(7)), contiguous(48, 8)})},
      {"'x': damaged datatype message",
       one_dataset({dataspace({2}), datatype(Writer().u8(0x11).zeros(3).u32(4)), contiguous(48, 8)})},
      {"'x': damaged datatype message",
       one_dataset(
           {dataspace({2}), datatype(Writer().u8(0x36).u16(2).u8(0).u32(8).text("no end")), contiguous(48, 8)})},
      {"'x': datatype of 0 bytes",
       one_dataset({dataspace({2}), datatype(Writer().u8(0x13).zeros(7)), contiguous(48, 8)})},
      {"'x': data layout of version 5", one_dataset({dataspace({2}), f32, {0x08, Writer().u8(5).u8(1).zeros(16)}})},
      {"'x': data layout of an unknown class", one_dataset({dataspace({2}), f32, {0x08, Writer().u8(3).u8(7)}})},
      {"'x': damaged data layout message", one_dataset({dataspace({2}), f32, {0x08, Writer().u8(3).u8(1).u64(48)}})},
      {"'x': damaged data layout message", one_dataset({dataspace({2}), f32, {0x08, Writer().u8(3).u8(0).u16(9)}})},
      {"'x': messages shared by means of a heap", one_dataset(shared_in_heap)},
      {"object header at address 48 has an unknown version", one_dataset(shared_nowhere)},
      {"layer 'b' overlaps another layer", twice.finish(twice.put_group({{"a", a}, {"b", b}}))},
  });
}

TEST(Hdf5, chunks_that_lie_are_refused) {
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
      {"'x': chunks with a dimension of 0", with_layout(chunked(48, {0}))},
      {"'x': chunks of a wrong rank", with_layout(chunked(48, {}))},
      {"'x': chunks of a wrong rank", with_layout(chunked(48, Shape(33, 1)))},
      {"'x': chunks of another rank or element", with_layout(chunked(48, {2, 2}))},
      {"'x': a shape whose size overflows", with_layout(chunked_v4(2, {}, 48, {huge * 8}))},
      {"'x': chunks with an unknown index", with_layout(chunked_v4(9, {}, 48, {2}))},
      {"'x': chunks beyond the end of the file", with_layout(chunked_v4(2, {}, 48, {1000}))},
      {"layer 'x[0]' lies beyond the end of the file", with_layout(chunked_v4(1, {}, 48, {1000}))},
      {"'x': B-tree (version 1) at address 48 does not begin with TREE", with_layout(chunked(48, {2}))},
      {"'x': a chunk of a wrong size", with_tree(leaf(48, 12, 0))},
      {"'x': a chunk at a wrong place", with_tree(leaf(48, 8, 3))},
      {"'x': two chunks at the same place", with_tree([&](std::uint64_t) { return two; })},
      {"'x': data beyond the end of the file", with_tree(leaf(huge, 8, 0))},
      {"'x': data beyond the end of the file", with_tree(leaf(huge, 8, 0), 1)},
      {"lies beyond the end of the file", with_tree(leaf(48, 0xFFFFFFFF, 0), 1)},
      {"'x': B-tree (version 1) has a node of a wrong level",
       with_tree([](std::uint64_t at) { return tree_leaf(1, 1, at, 24); })},
      {"'x': B-tree (version 1) has a node of another kind",
       with_tree([](std::uint64_t at) { return tree_leaf(0, 0, at, 24); })},
      {"'x': B-tree (version 1) is too deep", with_tree([](std::uint64_t at) { return tree_leaf(1, 200, at, 24); })},
      {"'x': B-tree (version 1) lies beyond the end of the file",
       with_tree([](std::uint64_t) { return Writer().text("TREE").u8(1).u8(0).u16(65535).u64(kNone).u64(kNone); })},
  });
  EXPECT_EQ(parse(with_tree(leaf(48, 8, 8))).container, ContainerId::Hdf5) << "a chunk outside is passed over";
}

TEST(Hdf5, arrays_of_chunks_that_lie_are_refused) {
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
      {"'x': fixed array lies beyond the end of the file", fixed(8, 60, huge)},
      {"'x': fixed array lies beyond the end of the file", fixed(8, 2, huge)},
      {"'x': index of chunks beyond the end of the file", fixed(8, 63, kNone)},
      {"'x': chunks that cannot be numbered",
       [&] {
         File builder;
         return builder.finish_with(
             {dataspace({8, 8, 8}, {8, kNone, kNone}), datatype(f32_type()), chunked_v4(3, Bytes(1), 48, {2, 2, 2})});
       }()},
      {"'x': an index that grows, and no dimension that does", growing(10, 2, 2, dataspace({8}))},
      {"'x': damaged index of chunks", growing(10, 3, 2, endless)},
      {"'x': damaged index of chunks", growing(10, 2, 0, endless)},
      {"'x': damaged index of chunks", growing(65, 2, 2, endless)},
      {"'x': damaged index of chunks", growing(0, 1, 2, endless)},
      {"'x': damaged index of chunks", growing(4, 16, 2, endless)},
      {"'x': extensible array lies beyond the end of the file", growing(64, 128, 128, endless)},
      {"'x': extensible array at address 0 does not begin with EADB", growing(3, 2, 2, endless)},
  });
}

TEST(Hdf5, newer_b_trees_that_lie_are_refused) {
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
      {"'x': B-tree (version 2) lies beyond the end of the file", with_tree(tree_header(10, 4096, 24, 0, 48, 1))},
  });
}

TEST(Hdf5, groups_that_lie_are_refused) {
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
      {"local heap lies beyond the end of the file", table(text, entry(0), std::uint64_t{1} << 60)},
      {"does not begin with SNOD", table(text, Bytes(64), 4)},
      {"symbol table node lies beyond the end of the file",
       table(text, Writer().text("SNOD").u8(1).u8(0).u16(0xFFFF), 4)},
      {"damaged symbol table message", one_dataset({{0x11, Writer().u64(48)}})},
      {"damaged link message", one_dataset({endless_name})},
      {"damaged link message", one_dataset({{0x06, Writer().u8(2).u8(0).u8(1).text("n").u64(48)}})},
      {"damaged link info message", one_dataset({{0x02, Writer().u8(0).u8(0).u64(48)}})},
      {"two links named 'w' in a group", same.finish(same.put_group({{"w", array}, {"w", array}}))},
      {"groups nested too deeply", deep.finish(group)},
  });
}

TEST(Hdf5, heaps_of_links_that_lie_are_refused) {
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
      {"fractal heap lies beyond the end of the file", with_heap({.width = 1 << 15, .n_rows = 1})},
      {"does not begin with FHIB", with_heap({.n_rows = 2})},
      {"fractal heap has no object where a group says", with_id(heap_id(0, 60, 12))},
      {"fractal heap has no object where a group says", with_id(heap_id(0, 0xFFFFFFFF, 12))},
      {"fractal heap keeps a link apart", with_id(heap_id(1, 17, 12))},
      {"does not begin with BTHD", circle.finish(root)},
  });
}

/// Twenty-four nodes, each with two pointers to the next: sixteen million ways to the last.
TEST(Hdf5, a_thicket_of_nodes_is_given_up_soon) {
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

  EXPECT_EQ(parsed.opaque_reason, "hdf5: 'x': more metadata than a file of this size can have");
  EXPECT_LT(took.count(), 10);
}

/// Chunks of one byte take no metadata at all under an implicit index: only the budget bounds what they cost.
TEST(Hdf5, chunks_without_an_index_are_not_free) {
  File builder;
  const std::uint64_t n = 4 << 20;
  const auto data = builder.put(Bytes(n));
  Message layout{0x08, Writer().u8(4).u8(2).u8(0).u8(2).u8(1).u8(1).u8(1).u8(2).u64(data)};
  const auto file = builder.finish_with({dataspace({n}), datatype(integer_type(1, false)), layout});
  EXPECT_EQ(parse(file).opaque_reason, "hdf5: 'x': more metadata than a file of this size can have");
}

TEST(Hdf5, golden_files_cut_anywhere_stay_whole_as_glue) {
  for (const auto& path : golden_files()) {
    const auto file = read_golden(path);
    for (std::size_t n = 0; n < file.size(); n += 97) {
      const auto parsed = parse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)));
      EXPECT_EQ(parsed.container, ContainerId::Opaque) << path << " cut at " << n;
    }
  }
}

TEST(Hdf5, the_names_of_a_file_do_not_spoil_a_message) {
  File builder;
  const auto bad = builder.put(Bytes(16));
  std::string name(200, 'n');
  name[0] = '\0';
  name[1] = '\n';
  const auto parsed = parse(builder.finish(builder.put_group({{name, bad}})));
  EXPECT_NE(parsed.opaque_reason.find("has an unknown version"), std::string::npos);
  EXPECT_EQ(parsed.opaque_reason.find('\0'), std::string::npos);
  EXPECT_EQ(parsed.opaque_reason.find('\n'), std::string::npos);
  EXPECT_LT(parsed.opaque_reason.size(), 200u);
}

}  // namespace
}  // namespace elves::formats
