#include "formats/tensorflow_data/tensorflow_data.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "formats/tensorflow_data/table.hpp"
#include "unit/formats/memory_folder.hpp"
#include "unit/formats/partition.hpp"
#include "unit/formats/protobuf_builder.hpp"

namespace elves::formats {
namespace {

using Shape = std::vector<std::uint64_t>;
using Entries = std::map<std::string, std::string>;
using tensorflow_data::for_each_entry;

std::string little_endian(std::uint64_t value, int n_bytes) {
  std::string out;
  for (int i = 0; i < n_bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string entry_bytes(std::uint64_t n_shared, std::string_view own, std::string_view value) {
  return varint(n_shared) + varint(own.size()) + varint(value.size()) + std::string(own) + std::string(value);
}

/// Every second key is stored in full.
std::string block(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out;
  std::string restarts;
  std::string last;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [key, value] = entries[i];
    std::size_t n_shared = 0;
    if (i % 2 == 0) {
      restarts += little_endian(out.size(), 4);
    } else {
      while (n_shared < std::min(key.size(), last.size()) && key[n_shared] == last[n_shared]) ++n_shared;
    }
    out += entry_bytes(n_shared, std::string_view(key).substr(n_shared), value);
    last = key;
  }
  return out + restarts + little_endian(restarts.size() / 4, 4);
}

/// A table under construction, block by block.
class TableBuilder {
 public:
  void add_block(const std::string& last_key, const std::string& contents, char kind = 0) {
    index_.emplace_back(last_key, add(contents, kind));
  }
  void add_index_entry(const std::string& key, const std::string& handle) { index_.emplace_back(key, handle); }
  std::string finish() {
    auto footer = add(block({}), 0);
    footer += add(block(index_), 0);
    return file_ + footer + std::string(40 - footer.size(), '\0') + little_endian(0xDB4775248B80FB57, 8);
  }

 private:
  std::string add(const std::string& contents, char kind) {
    const auto handle = varint(file_.size()) + varint(contents.size());
    file_ += contents + kind + "\1\2\3\4";
    return handle;
  }

  std::string file_;
  std::vector<std::pair<std::string, std::string>> index_;
};

/// Three entries a block.
std::string table(const Entries& entries) {
  TableBuilder builder;
  std::vector<std::pair<std::string, std::string>> part;
  for (const auto& each : entries) {
    part.push_back(each);
    if (part.size() < 3) continue;
    builder.add_block(part.back().first, block(part));
    part.clear();
  }
  if (!part.empty()) builder.add_block(part.back().first, block(part));
  return builder.finish();
}

std::string header(std::uint64_t n_shards = 1) {
  return Message().number(1, n_shards).message(3, Message().number(1, 1)).bytes();
}

std::string entry(std::uint64_t dtype, const Shape& shape, std::uint64_t offset, std::uint64_t size,
                  std::uint64_t shard = 0) {
  Message shape_message;
  for (const auto each : shape) shape_message.message(2, Message().number(1, each));
  return Message()
      .number(1, dtype)
      .message(2, shape_message)
      .number(3, shard)
      .number(4, offset)
      .number(5, size)
      .fixed32(6, 1.0F)
      .bytes();
}

const std::string kNumbers = "0123456789abcdef0123456789ABCDEF";

ParsedFile parse(const std::string& index, const std::string& file = kNumbers,
                 const std::string& name = "v.data-00000-of-00001", const std::string& index_name = "v.index") {
  MemoryFolder folder;
  folder.add(index_name, bytes_of(index));
  auto parsed = parse_file(MemorySource(bytes_of(file)), {.name = name, .folder = &folder});
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}

/// The reason after the name of the format.
std::string error_of(const std::string& index) {
  const auto parsed = parse(index);
  EXPECT_EQ(parsed.format, FormatId::Plain);
  const std::string prefix = "tensorflow-data: ";
  EXPECT_EQ(parsed.opaque_reason.find(prefix), 0u) << parsed.opaque_reason;
  return parsed.opaque_reason.substr(std::min(prefix.size(), parsed.opaque_reason.size()));
}

TEST(TensorflowData, layers_are_the_tensors_of_this_part_and_are_lossless) {
  Entries entries{{"", header(2)}};
  for (std::uint64_t i = 0; i < 8; ++i) {
    entries["layer-" + std::to_string(i) + "/kernel/.ATTRIBUTES/VARIABLE_VALUE"] = entry(1, {2}, i / 2 * 8, 8, i % 2);
  }
  const auto parsed = parse(table(entries), kNumbers, "v.data-00001-of-00002");
  EXPECT_EQ(parsed.format, FormatId::TensorflowData);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(layers[i].name, "layer-" + std::to_string(2 * i + 1) + "/kernel/.ATTRIBUTES/VARIABLE_VALUE");
    EXPECT_EQ(layers[i].offset_bytes, 8 * i);
    EXPECT_EQ(layers[i].dtype, DType::F32);
    EXPECT_EQ(layers[i].shape, (Shape{2}));
    EXPECT_TRUE(layers[i].lossless);
  }
}

TEST(TensorflowData, strings_are_glue_and_partitioned_variables_are_their_slices) {
  const auto partitioned = entry(1, {4}, 0, 0) + Message().message(7, Message()).bytes();
  const auto parsed = parse(table({{"", header()},
                                   {"_OBJECTS", entry(7, {}, 16, 16)},
                                   {"w", partitioned},
                                   {std::string("\0w\0\1\2", 5), entry(1, {2}, 0, 8)},
                                   {std::string("\0w\0\1\3", 5), entry(1, {2}, 8, 8)}}));
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, std::string("\0w\0\1\2", 5));
  EXPECT_EQ(layers[1].offset_bytes, 8u);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
}

TEST(TensorflowData, empty_arrays_are_layers_and_unknown_types_are_opaque) {
  const std::string file(2048, 'r');
  const auto parsed =
      parse(table({{"", header()}, {"empty", entry(1, {0, 3}, 8, 0)}, {"resource", entry(20, {}, 8, 2040)}}), file);
  ASSERT_EQ(layers_of(parsed).size(), 1u);
  EXPECT_EQ(layers_of(parsed)[0].shape, (Shape{0, 3}));
  EXPECT_EQ(parsed.opaque_bytes, 2040u);
  EXPECT_EQ(parsed.opaque_reason, "tensorflow-data: 1 of 2 arrays are not stored as plain numbers");
}

TEST(TensorflowData, a_name_without_parts_or_without_an_index_is_opaque) {
  const auto good = table({{"", header()}, {"w", entry(1, {2}, 0, 8)}});
  EXPECT_EQ(parse(good).format, FormatId::TensorflowData);
  for (const std::string name :
       {"v.data", "v.data-00000", "v.data-0-of-1", "v.data-00000-of-0000x", "v.data-0000a-of-00001",
        "v.data--0000-of-00001", "v.data-00000-of-00001.bak", "w.data-00000-of-00001"}) {
    EXPECT_EQ(parse(good, kNumbers, name).opaque_reason, "") << name;
    EXPECT_EQ(parse(good, kNumbers, name).format, FormatId::Plain) << name;
  }
  EXPECT_EQ(parse(good, kNumbers, "v.data-00000-of-00001", "w.index").opaque_reason, "");
}

TEST(TensorflowData, big_endian_numbers_are_opaque) {
  const auto big = Message().number(1, 1).number(2, 1).bytes();
  const auto parsed = parse(table({{"", big}, {"w", entry(1, {2}, 0, 8)}}));
  EXPECT_EQ(parsed.format, FormatId::TensorflowData);
  EXPECT_TRUE(layers_of(parsed).empty());
  EXPECT_EQ(parsed.opaque_bytes, kNumbers.size());
  EXPECT_EQ(parsed.opaque_reason, "tensorflow-data: its numbers are big-endian");
}

TEST(TensorflowData, tensors_that_do_not_fit_are_refused_with_the_reason) {
  const auto with = [](const std::string& value) { return table({{"", header()}, {"w", value}}); };
  EXPECT_EQ(error_of(with(entry(1, {8}, 8, 32))), "layer 'w' passes the end of the file");
  EXPECT_EQ(error_of(with(entry(1, {2}, ~std::uint64_t{0} - 7, 8))), "layer 'w' passes the end of the file");
  EXPECT_EQ(error_of(with(entry(20, {2}, 0, std::uint64_t{1} << 60))), "layer '' passes the end of the file");
  EXPECT_EQ(error_of(with(entry(1, {3}, 0, 8))), "layer 'w' has 8 bytes, but its dtype and shape need 12");
  EXPECT_EQ(error_of(with(entry(1, {1ULL << 40, 1ULL << 40}, 0, 8))), "layer 'w' has a shape whose size overflows");
  EXPECT_EQ(error_of(with(entry(1, {~std::uint64_t{0}}, 0, 8))), "layer 'w' has a negative dimension");
  EXPECT_EQ(error_of(with("\x0B")), "described by its .index: a field has the wire type 3 (at byte 0)");
  EXPECT_EQ(error_of(table({{"", header(3)}})),
            "described by its .index: the index counts 3 parts, the name of the file 1");
  EXPECT_EQ(error_of(table({{"w", entry(1, {2}, 0, 8)}})), "the index has no header");
  EXPECT_EQ(error_of(table({{"", header()}, {"a", entry(1, {2}, 0, 8)}, {"b", entry(1, {2}, 4, 8)}})),
            "layer 'b' overlaps another layer");
}

/// The error of for_each_entry, or "".
std::string flaw_of(const std::string& table_bytes) {
  const auto walked = for_each_entry(MemorySource(bytes_of(table_bytes)), [](auto, auto) { return Result<void>(); });
  return walked ? "" : walked.error().message;
}

std::string flaw_of_block(const std::string& contents) {
  TableBuilder builder;
  builder.add_block("z", contents);
  return flaw_of(builder.finish());
}

TEST(TensorflowTable, gives_the_entries_in_order) {
  Entries entries;
  for (int i = 0; i < 100; ++i) entries["key/" + std::to_string(i)] = std::string(static_cast<std::size_t>(i), 'v');
  const auto bytes = table(entries);
  Entries found;
  ASSERT_TRUE(
      for_each_entry(MemorySource(bytes_of(bytes)), [&](std::string_view key, std::span<const std::byte> value) {
        EXPECT_TRUE(found.empty() || found.rbegin()->first < key);
        found[std::string(key)] = std::string(reinterpret_cast<const char*>(value.data()), value.size());
        return Result<void>();
      }));
  EXPECT_EQ(found, entries);
}

TEST(TensorflowTable, stops_at_an_error_of_the_visitor) {
  int n = 0;
  const auto bytes = table({{"a", ""}, {"b", ""}, {"c", ""}});
  const auto walked = for_each_entry(MemorySource(bytes_of(bytes)), [&](auto, auto) -> Result<void> {
    return ++n == 2 ? Result<void>(Error{"enough"}) : Result<void>();
  });
  ASSERT_FALSE(walked);
  EXPECT_EQ(walked.error().message, "enough");
  EXPECT_EQ(n, 2);
}

TEST(TensorflowTable, files_that_are_no_table_are_refused) {
  const auto good = table({{"a", "1"}});
  EXPECT_EQ(flaw_of(good), "");
  EXPECT_EQ(flaw_of(""), "too short for a table");
  EXPECT_EQ(flaw_of(std::string(47, '\0')), "too short for a table");
  EXPECT_EQ(flaw_of(good.substr(0, good.size() - 1)), "no table: its last bytes are not the magic number");
  EXPECT_EQ(flaw_of(std::string(40, '\xFF') + good.substr(good.size() - 8)), "a block handle is cut short");
}

TEST(TensorflowTable, wrong_handles_are_refused) {
  const auto with_handle = [](std::uint64_t offset, std::uint64_t size) {
    TableBuilder builder;
    builder.add_index_entry("z", varint(offset) + varint(size));
    return flaw_of(builder.finish());
  };
  EXPECT_EQ(with_handle(0, 1000), "a block passes the end of the table (at byte 0)");
  EXPECT_EQ(with_handle(0, ~std::uint64_t{0}), "a block passes the end of the table (at byte 0)");
  EXPECT_EQ(with_handle(std::uint64_t{1} << 60, 1),
            "a block passes the end of the table (at byte 1152921504606846976)");
  EXPECT_EQ(with_handle(~std::uint64_t{0}, ~std::uint64_t{0}),
            "a block passes the end of the table (at byte 18446744073709551615)");
  TableBuilder cut;
  cut.add_index_entry("z", "\x80");
  EXPECT_EQ(flaw_of(cut.finish()), "a block handle is cut short");
  TableBuilder twice;
  twice.add_block("a", block({{"a", "1"}}));
  twice.add_index_entry("b", varint(0) + varint(block({{"a", "1"}}).size()));
  EXPECT_EQ(flaw_of(twice.finish()), "blocks overlap or are out of order");
  TableBuilder snappy;
  snappy.add_block("a", block({{"a", "1"}}), 1);
  EXPECT_EQ(flaw_of(snappy.finish()), "a compressed block (at byte 0)");
}

TEST(TensorflowTable, damaged_blocks_are_refused) {
  const auto one_restart = little_endian(0, 4) + little_endian(1, 4);
  EXPECT_EQ(flaw_of_block(entry_bytes(0, "a", "1") + one_restart), "");
  EXPECT_EQ(flaw_of_block(little_endian(0, 4)), "") << "no entries";
  EXPECT_EQ(flaw_of_block("123"), "a block without restarts");
  EXPECT_EQ(flaw_of_block(little_endian(1, 4)), "a block has more restarts than bytes");
  EXPECT_EQ(flaw_of_block(entry_bytes(0, "a", "1") + little_endian(0xFFFFFFFF, 4)),
            "a block has more restarts than bytes");
  EXPECT_EQ(flaw_of_block(entry_bytes(0, "key", "1") + entry_bytes(4, "x", "2") + one_restart),
            "an entry shares more bytes than the last key has");
  EXPECT_EQ(flaw_of_block(varint(0) + varint(std::uint64_t{1} << 60) + varint(0) + "a" + one_restart),
            "an entry is cut short");
  EXPECT_EQ(flaw_of_block(varint(0) + varint(1) + varint(std::uint64_t{1} << 60) + "a" + one_restart),
            "an entry is cut short");
  EXPECT_EQ(flaw_of_block(std::string(11, '\xFF') + one_restart), "an entry is cut short");
}

TEST(TensorflowTable, the_length_of_all_keys_is_limited) {
  auto contents = entry_bytes(0, std::string(10'000, 'k'), "");
  for (int i = 0; i < 10'000; ++i) contents += entry_bytes(10'000, "", "");
  EXPECT_EQ(flaw_of_block(contents + little_endian(0, 4) + little_endian(1, 4)),
            "its keys are far longer than the table");
}

TEST(TensorflowTable, a_table_cut_or_changed_anywhere_gives_entries_or_an_error) {
  const auto good =
      table({{"", header()}, {"a", entry(1, {2}, 0, 8)}, {"b", entry(1, {2}, 8, 8)}, {"c", entry(2, {1}, 16, 8)}});
  int damaged = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    EXPECT_NE(flaw_of(good.substr(0, at)), "") << at;
    for (const unsigned flip : {0x01u, 0x10u, 0x80u, 0xFFu}) {
      auto file = good;
      file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ flip);
      damaged += parse(file).format == FormatId::Plain;
    }
  }
  EXPECT_GT(damaged, 100);
}

}  // namespace
}  // namespace elves::formats
