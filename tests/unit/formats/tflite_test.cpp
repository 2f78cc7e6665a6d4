#include "formats/tflite/tflite.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "formats/tflite/flatbuffer.hpp"
#include "support/byte_cursor.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {
namespace {

using Bytes = std::vector<std::byte>;
using Shape = std::vector<std::uint64_t>;
using Dims = std::vector<std::int32_t>;

struct Field {
  unsigned bytes = 0;  ///< 0: absent
  std::uint64_t value = 0;
};
constexpr Field kOffset{4, 0};
constexpr Field kAbsent{};

/// Writes a flatbuffer from front to back. A table is written with offsets of 0; each offset is set when its target is
/// written after it.
class FlatWriter {
 public:
  FlatWriter() {
    put<std::uint32_t>(0);
    text("TFL3");
  }

  template <class T>
  void put(T value) {
    ByteWriter(bytes_).write(value);
  }
  void text(std::string_view value) { ByteWriter(bytes_).bytes(std::as_bytes(std::span(value))); }
  template <class T>
  void set(std::size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }

  /// Offsets of the fields that were written.
  using Table = std::vector<std::size_t>;

  /// Writes a table with a vtable of its own, and sets the offset at `from` to it.
  Table table(std::size_t from, const std::vector<Field>& fields) {
    const auto vtable = bytes_.size();
    std::uint16_t size = 4;
    put(static_cast<std::uint16_t>(4 + 2 * fields.size()));
    put<std::uint16_t>(0);
    for (const auto& field : fields) {
      put(field.bytes == 0 ? std::uint16_t{0} : size);
      size = static_cast<std::uint16_t>(size + field.bytes);
    }
    set(vtable + 2, size);
    return fields_at(link(from), vtable, fields);
  }
  /// Sets the offset at `from` to the next byte.
  std::size_t link(std::size_t from) {
    set(from, static_cast<std::uint32_t>(bytes_.size() - from));
    return bytes_.size();
  }
  /// Places of the offsets in a vector.
  std::vector<std::size_t> offsets(std::size_t from, std::uint32_t n) {
    link(from);
    put(n);
    std::vector<std::size_t> at;
    for (std::uint32_t i = 0; i < n; ++i) {
      at.push_back(bytes_.size());
      put<std::uint32_t>(0);
    }
    return at;
  }
  void bytes(std::size_t from, std::size_t n) {
    link(from);
    put(static_cast<std::uint32_t>(n));
    for (std::size_t i = 0; i < n; ++i) put(static_cast<std::uint8_t>(i * 37 + 1));
  }
  void string(std::size_t from, std::string_view value) {
    link(from);
    put(static_cast<std::uint32_t>(value.size()));
    text(value);
    put('\0');
  }
  void numbers(std::size_t from, const Dims& values) {
    link(from);
    put(static_cast<std::uint32_t>(values.size()));
    for (const auto value : values) put(value);
  }
  const Bytes& file() const { return bytes_; }

 private:
  Table fields_at(std::size_t at, std::size_t vtable, const std::vector<Field>& fields) {
    put(static_cast<std::int32_t>(at - vtable));
    Table table;
    for (const auto& field : fields) {
      table.push_back(bytes_.size());
      for (unsigned i = 0; i < field.bytes; ++i) put(static_cast<std::uint8_t>(field.value >> (8 * i)));
    }
    return table;
  }

  Bytes bytes_;
};

struct Tensor {
  std::string name;
  Dims shape;
  std::int8_t type;
  std::uint32_t buffer;
  bool sparse = false;
};

struct Model {
  std::vector<std::vector<Tensor>> subgraphs;
  std::vector<std::size_t> buffers;  ///< their sizes; 0 for one without data
};

constexpr std::int8_t kF32 = 0;
constexpr std::int8_t kI8 = 9;
constexpr std::int8_t kString = 5;
constexpr std::int8_t kInt4 = 17;

void write_tensor(FlatWriter& out, std::size_t from, const Tensor& tensor) {
  const auto sparsity = tensor.sparse ? kOffset : kAbsent;
  const auto at = out.table(
      from,
      {kOffset, {1, static_cast<std::uint8_t>(tensor.type)}, {4, tensor.buffer}, kOffset, kAbsent, kAbsent, sparsity});
  out.numbers(at[0], tensor.shape);
  out.string(at[3], tensor.name);
  if (tensor.sparse) out.table(at[6], {});
}

FlatWriter written(const Model& model) {
  FlatWriter out;
  const auto root = out.table(0, {{4, 3}, kAbsent, kOffset, kAbsent, kOffset});
  const auto subgraphs = out.offsets(root[2], static_cast<std::uint32_t>(model.subgraphs.size()));
  for (std::size_t i = 0; i < subgraphs.size(); ++i) {
    const auto subgraph = out.table(subgraphs[i], {kOffset});
    const auto tensors = out.offsets(subgraph[0], static_cast<std::uint32_t>(model.subgraphs[i].size()));
    for (std::size_t k = 0; k < tensors.size(); ++k) write_tensor(out, tensors[k], model.subgraphs[i][k]);
  }
  const auto buffers = out.offsets(root[4], static_cast<std::uint32_t>(model.buffers.size()));
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (model.buffers[i] == 0) {
      out.table(buffers[i], {});
    } else {
      out.bytes(out.table(buffers[i], {kOffset})[0], model.buffers[i]);
    }
  }
  return out;
}

ParsedFile parse(const Bytes& file) {
  auto parsed = parse_file(MemorySource(file));
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}
ParsedFile parse(const Model& model) {
  return parse(written(model).file());
}

std::vector<Extent> layers_of(const ParsedFile& file) {
  EXPECT_EQ(file.format, FormatId::TfLite) << file.opaque_reason;
  auto layers = file.extents;
  std::erase_if(layers, [](const Extent& extent) { return !extent.is_layer; });
  return layers;
}

std::string refusal(const Bytes& file) {
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Plain);
  EXPECT_EQ(parsed.opaque_bytes, file.size());
  return parsed.opaque_reason;
}

bool begins_with(const std::string& text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

TEST(TfLite, tensors_that_have_data_are_layers) {
  const auto layers = layers_of(parse(Model{.subgraphs = {{{"input", {1, 4}, kF32, 0},
                                                           {"conv/kernel", {2, 3}, kF32, 1},
                                                           {"hidden", {1, 3}, kF32, 2},
                                                           {"scale", {}, kF32, 3},
                                                           {"bias", {5}, kI8, 4}}},
                                            .buffers = {0, 24, 0, 4, 5}}));
  ASSERT_EQ(layers.size(), 3u);
  EXPECT_EQ(layers[0].name, "conv/kernel");
  EXPECT_EQ(layers[0].dtype, DType::F32);
  EXPECT_EQ(layers[0].shape, (Shape{2, 3}));
  EXPECT_EQ(layers[1].name, "scale");
  EXPECT_EQ(layers[1].shape, Shape{});
  EXPECT_EQ(layers[2].name, "bias");
  EXPECT_EQ(layers[2].dtype, DType::I8);
}

TEST(TfLite, reads_every_type_of_numbers) {
  const std::map<std::int8_t, DType> types{
      {0, DType::F32},  {1, DType::F16},  {2, DType::I32},   {3, DType::U8},      {4, DType::I64},    {6, DType::Bool},
      {7, DType::I16},  {8, DType::C64},  {9, DType::I8},    {10, DType::F64},    {11, DType::C128},  {12, DType::U64},
      {15, DType::U32}, {16, DType::U16}, {18, DType::BF16}, {21, DType::F8E4M3}, {22, DType::F8E5M2}};
  for (const auto& [number, dtype] : types) {
    const auto layers = layers_of(parse(Model{{{{"w", {3, 1, 2}, number, 0}}}, {6 * size_bytes(dtype)}}));
    ASSERT_EQ(layers.size(), 1u) << int{number};
    EXPECT_EQ(layers[0].dtype, dtype) << int{number};
    EXPECT_EQ(layers[0].shape, (Shape{3, 1, 2}));
  }
}

TEST(TfLite, tensors_that_share_data_are_one_layer_with_the_first_name) {
  const auto layers = layers_of(parse(Model{
      {{{"first", {6}, kF32, 1}, {"second", {2, 3}, kF32, 1}}, {{"other/graph", {6}, kF32, 1}, {"own", {1}, kF32, 2}}},
      {0, 24, 4}}));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "first");
  EXPECT_EQ(layers[0].shape, Shape{6});
  EXPECT_EQ(layers[1].name, "own");
}

TEST(TfLite, buffers_that_share_data_are_one_layer) {
  FlatWriter out = written({{{{"first", {6}, kF32, 0}, {"second", {6}, kF32, 1}}}, {24, 24}});
  const auto apart = layers_of(parse(out.file()));
  ASSERT_EQ(apart.size(), 2u);
  // The offset of a table with one field is before the vector: both buffers point to the last data.
  const auto first = apart[0].offset_bytes - 8;
  out.set(first, static_cast<std::uint32_t>(apart[1].offset_bytes - 4 - first));
  const auto shared = layers_of(parse(out.file()));
  ASSERT_EQ(shared.size(), 1u);
  EXPECT_EQ(shared[0].name, "first");
  EXPECT_EQ(shared[0].offset_bytes, apart[1].offset_bytes);
}

TEST(TfLite, buffers_that_no_tensor_names_are_glue) {
  const auto parsed = parse(Model{{{{"w", {2}, kF32, 1}}}, {100, 8, 50}});
  EXPECT_EQ(layers_of(parsed).size(), 1u);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
}

TEST(TfLite, packed_integers_are_flat_bytes) {
  for (const std::int8_t type : {std::int8_t{17}, std::int8_t{19}, std::int8_t{20}}) {
    const auto layers = layers_of(parse(Model{{{{"w", {3, 5}, type, 0}}}, {8}}));
    ASSERT_EQ(layers.size(), 1u) << int{type};
    EXPECT_EQ(layers[0].dtype, DType::U8);
    EXPECT_EQ(layers[0].shape, Shape{8});
  }
}

TEST(TfLite, a_sparse_tensor_is_a_list_of_its_values) {
  const auto layers = layers_of(parse(Model{{{{"w", {100, 100}, kF32, 0, true}}}, {44}}));
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].dtype, DType::F32);
  EXPECT_EQ(layers[0].shape, Shape{11});
}

TEST(TfLite, strings_are_glue_and_not_opaque) {
  const auto parsed = parse(Model{{{{"labels", {2}, kString, 0}, {"w", {2}, kF32, 1}}}, {30, 8}});
  EXPECT_EQ(layers_of(parsed).size(), 1u);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
}

TEST(TfLite, data_of_an_unknown_type_or_size_is_opaque) {
  const auto parsed = parse(Model{{{{"short", {3}, kF32, 0},
                                    {"w", {2}, kF32, 1},
                                    {"unknown dimension", {-1, 2}, kF32, 2},
                                    {"new", {4}, 23, 3},
                                    {"negative type", {4}, -1, 4},
                                    {"odd and sparse", {9}, kF32, 5, true}}},
                                  {8, 8, 8, 4, 4, 7}});
  EXPECT_EQ(layers_of(parsed).size(), 1u);
  EXPECT_EQ(parsed.opaque_bytes, 31u);
  EXPECT_EQ(parsed.opaque_reason,
            "tflite: 5 of 6 tensors are of an unknown type, or their data does not fit their shape");
  EXPECT_EQ(parsed.extents[1].length_bytes, 8u) << "the data of the first alone";
}

TEST(TfLite, data_may_follow_the_flatbuffer) {
  FlatWriter out;
  const auto root = out.table(0, {{4, 3}, kAbsent, kOffset, kAbsent, kOffset});
  const auto subgraph = out.table(out.offsets(root[2], 1)[0], {kOffset});
  const auto tensors = out.offsets(subgraph[0], 3);
  write_tensor(out, tensors[0], {"a", {2}, kF32, 0});
  write_tensor(out, tensors[1], {"not filled in", {2}, kF32, 1});
  write_tensor(out, tensors[2], {"b", {3}, kI8, 2});
  const auto buffers = out.offsets(root[4], 3);
  const auto a = out.table(buffers[0], {kAbsent, {8, 0}, {8, 8}});
  out.table(buffers[1], {kAbsent, {8, 1}, {8, 8}});
  const auto b = out.table(buffers[2], {kAbsent, {8, 0}, {8, 3}});
  const auto end = out.file().size();
  out.set(a[1], std::uint64_t{end + 16});
  out.set(b[1], std::uint64_t{end});
  out.text("BBB.............AAAAAAAA");
  const auto layers = layers_of(parse(out.file()));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "b");
  EXPECT_EQ(layers[0].offset_bytes, end);
  EXPECT_EQ(layers[1].name, "a");
  EXPECT_EQ(layers[1].offset_bytes, end + 16);

  for (const auto offset : {std::uint64_t{end + 17}, ~std::uint64_t{3}, std::uint64_t{1} << 63}) {
    out.set(a[1], offset);
    EXPECT_EQ(refusal(out.file()), "tflite: layer 'a' passes the end of the file");
  }
  out.set(a[1], std::uint64_t{end + 1});
  EXPECT_EQ(refusal(out.file()), "tflite: layer 'a' overlaps another layer");
}

TEST(TfLite, a_zip_of_metadata_may_follow) {
  auto out = written({{{{"w", {2}, kF32, 0}}}, {8}});
  out.text("PK\3\4 labels.txt PK\5\6");
  const auto parsed = parse(out.file());
  EXPECT_EQ(layers_of(parsed).size(), 1u);
  EXPECT_EQ(parsed.extents.size(), 3u);
}

TEST(TfLite, a_model_without_tensors_or_buffers_has_no_layers) {
  EXPECT_TRUE(layers_of(parse(Model{})).empty());
  EXPECT_TRUE(layers_of(parse(Model{{{{"input", {1}, kF32, 0}}}, {}})).empty());
  FlatWriter bare;
  bare.table(0, {});
  EXPECT_TRUE(layers_of(parse(bare.file())).empty());
}

TEST(TfLite, matches_content_but_not_text) {
  EXPECT_TRUE(kTfLite.matches(MemorySource(written({}).file())));
  for (const std::string text : {"the TFL3 identifier", "abcdTFL3 and so on", "\4\0\0\0TFL3", "\x1C\0\0\0TFL"}) {
    EXPECT_FALSE(kTfLite.matches(MemorySource(std::as_bytes(std::span(text))))) << text;
  }
}

TEST(TfLite, a_missing_buffer_is_refused) {
  EXPECT_EQ(refusal(written({{{{"w", {2}, kF32, 7}}}, {8, 8}}).file()), "tflite: a tensor has buffer 7 of 2");
  EXPECT_EQ(refusal(written({{{{"w", {2}, kF32, 0xFFFFFFFF}}}, {}}).file()),
            "tflite: a tensor has buffer 4294967295 of 0");
}

// Offsets of the first parts of these files: the root table, its two offsets, and the vector of subgraphs.
constexpr std::size_t kVtable = 8;
constexpr std::size_t kRoot = 22;
constexpr std::uint32_t kSubgraphs = 30;
constexpr std::uint32_t kBuffers = 34;
constexpr std::size_t kFirstVector = 38;

TEST(TfLite, hostile_vtables_are_refused) {
  const auto model = Model{{{{"w", {2}, kF32, 0}}}, {8}};
  const auto with = [&](std::size_t at, auto value) {
    auto out = written(model);
    out.set(at, value);
    return refusal(out.file());
  };
  ASSERT_EQ(layers_of(parse(model)).size(), 1u);
  for (const auto size : std::vector<std::uint16_t>{0, 2, 3, 15, 0xFFFE}) {
    EXPECT_EQ(with(kVtable, size), "tflite: a vtable has a wrong size (at byte 8)") << size;
  }
  for (const auto size : std::vector<std::uint16_t>{0, 3, 0xFFFF}) {
    EXPECT_EQ(with(kVtable + 2, size), "tflite: a table has a wrong size (at byte 22)") << size;
  }
  for (const auto offset : std::vector<std::uint16_t>{1, 3, 13, 0xFFFF}) {
    EXPECT_EQ(with(kVtable + 4 + 2 * 2, offset), "tflite: a field lies outside of its table (at byte 22)") << offset;
  }
  for (const std::int32_t back : {1000, -100000, INT32_MIN, INT32_MAX}) {
    EXPECT_TRUE(begins_with(with(kRoot, back), "tflite: cut short, or a size in it is wrong")) << back;
  }
}

TEST(TfLite, hostile_offsets_and_vectors_are_refused) {
  const auto model = Model{{{{"w", {2}, kF32, 0}}}, {8}};
  const auto size = static_cast<std::uint32_t>(written(model).file().size());
  const auto with = [&](std::size_t at, std::uint32_t value) {
    auto out = written(model);
    out.set(at, value);
    return refusal(out.file());
  };
  EXPECT_EQ(with(kBuffers, 0xFFFFFFFF), "tflite: cut short, or a size in it is wrong (at byte 38)");
  EXPECT_TRUE(begins_with(with(kSubgraphs, 0xFFFFFFFF), "tflite: cut short, or a size in it is wrong"));
  EXPECT_TRUE(begins_with(with(kSubgraphs, size - kSubgraphs), "tflite: cut short, or a size in it is wrong"));
  for (const std::uint32_t count : {size, 0x40000000u, 0xFFFFFFFFu}) {
    EXPECT_EQ(with(kFirstVector, count), "tflite: a vector passes the end of the file (at byte 38)") << count;
  }
  EXPECT_TRUE(begins_with(with(0, size - 2), "tflite: cut short, or a size in it is wrong"));
}

TEST(TfLite, an_offset_to_itself_is_refused) {
  auto out = written({{{{"w", {2}, kF32, 0}}}, {8}});
  out.set(kFirstVector + 4, std::uint32_t{0});
  EXPECT_EQ(refusal(out.file()), "tflite: a vtable has a wrong size (at byte 42)");
}

TEST(TfLite, a_shape_of_a_million_dimensions_is_refused) {
  const auto file = written({{{{"w", Dims(1'000'000, 1), kF32, 0}}}, {4}}).file();
  EXPECT_TRUE(begins_with(refusal(file), "tflite: a vector is too long (at byte "));
}

TEST(TfLite, a_shape_that_overflows_does_not_fit_its_data) {
  const auto parsed = parse(Model{{{{"w", Dims(9, 0x7FFFFFFF), kF32, 0}}}, {4}});
  EXPECT_EQ(parsed.opaque_bytes, 4u);
}

/// Subgraphs that share one table, whose tensors share one table.
Bytes repeated(std::uint32_t n_subgraphs, std::uint32_t n_tensors) {
  FlatWriter out;
  const auto root = out.table(0, {{4, 3}, kAbsent, kOffset, kAbsent, kOffset});
  const auto subgraphs = out.offsets(root[2], n_subgraphs);
  const auto subgraph = out.table(subgraphs[0], {kOffset});
  for (const auto at : subgraphs) out.set(at, static_cast<std::uint32_t>(subgraph[0] - 4 - at));
  const auto tensors = out.offsets(subgraph[0], n_tensors);
  const auto start = out.file().size() + 4 + 2 * 7;
  write_tensor(out, tensors[0], {"w", {2}, kF32, 0});
  for (const auto at : tensors) out.set(at, static_cast<std::uint32_t>(start - at));
  out.bytes(out.table(out.offsets(root[4], 1)[0], {kOffset})[0], 8);
  return out.file();
}

TEST(TfLite, the_number_of_tables_is_limited) {
  EXPECT_EQ(layers_of(parse(repeated(300, 300))).size(), 1u);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(begins_with(refusal(repeated(100'000, 100'000)), "tflite: it has too many tables (at byte "));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 20) << "ten thousand million visits take minutes";
}

/// Tensors with a buffer each that share one long name.
Bytes one_name(std::uint32_t n, std::size_t name_bytes) {
  Model model{.subgraphs = {{}}, .buffers = std::vector<std::size_t>(n, 1)};
  for (std::uint32_t i = 0; i < n; ++i) model.subgraphs[0].push_back({"", {1}, kI8, i});
  auto out = written(model);
  const auto name = out.file().size();
  out.put(static_cast<std::uint32_t>(name_bytes));
  out.text(std::string(name_bytes, 'n'));
  // A tensor: vtable of 18 bytes, table of 17 with the name's offset last, shape of 8, empty name of 5.
  const auto first = kRoot + 16 + 4 + 4 + 6 + 8 + 4 + 4 * std::size_t{n};
  for (std::uint32_t i = 0; i < n; ++i) {
    const auto at = first + i * (18 + 17 + 8 + 5) + 18 + 13;
    out.set(at, static_cast<std::uint32_t>(name - at));
  }
  return out.file();
}

TEST(TfLite, the_length_of_all_names_is_limited) {
  EXPECT_EQ(layers_of(parse(one_name(10, 5))).at(9).name, "nnnnn");
  EXPECT_TRUE(begins_with(refusal(one_name(100, 100'000)), "tflite: its texts are longer than the file (at byte "));
}

TEST(TfLite, a_file_cut_anywhere_is_complete_or_glue) {
  const auto file = written({{{{"w", {2}, kF32, 0}, {"v", {3}, kI8, 1}}}, {8, 3}}).file();
  ASSERT_EQ(layers_of(parse(file)).size(), 2u);
  for (std::size_t n = 0; n < file.size(); ++n) {
    const auto parsed = parse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)));
    EXPECT_EQ(parsed.format, FormatId::Plain) << n;
    EXPECT_EQ(parsed.opaque_reason.empty(), n <= kRoot) << "cut at " << n << ": " << parsed.opaque_reason;
  }
}

TEST(TfLite, a_file_with_any_byte_changed_is_still_partitioned) {
  const auto good = written({{{{"w", {2}, kF32, 0}, {"v", {3}, kI8, 1, true}}}, {8, 3}}).file();
  int refused = 0;
  for (std::size_t at = 8; at < good.size(); ++at) {
    for (const unsigned flip : {0x01u, 0x10u, 0x80u, 0xFFu}) {
      auto file = good;
      file[at] ^= static_cast<std::byte>(flip);
      refused += parse(file).format == FormatId::Plain;
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace elves::formats
