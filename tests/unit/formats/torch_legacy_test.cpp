#include "formats/torch_legacy/torch_legacy.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/formats/pickle_writer.hpp"

namespace elves::formats {
namespace {

using namespace elves::formats::pickled;
using namespace std::string_literals;

const std::string kMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;

struct StorageData {
  std::string key;
  std::int64_t n_elements = 0;
  std::string data;
};

std::string storage_data(const std::vector<StorageData>& storages) {
  Values keys;
  std::string data;
  for (const auto& each : storages) {
    keys.push_back(text(each.key));
    data += raw(each.n_elements) + each.data;
  }
  return pickle_of(list(keys)) + data;
}

std::string file_of(const std::string& object, const std::vector<StorageData>& storages) {
  const auto system = dict({{"protocol_version", number(1001)}, {"little_endian", kTrue}});
  return kMagic + pickle_of(number(1001)) + pickle_of(system) + pickle_of(object) + storage_data(storages);
}

std::string floats(std::size_t n) {
  return std::string(n * 4, 'f');
}

/// A state dict of a matrix [2, 3] and a vector [3], stored the other way round.
std::string small_file() {
  return file_of(
      ordered_dict() + set_items({{text("fc.weight"), tensor(storage("FloatStorage", "b", 6), 0, {2, 3}, {3, 1})},
                                  {text("fc.bias"), tensor(storage("LongStorage", "a", 3), 0, {3}, {1})}}),
      {{"a", 3, std::string(24, 'l')}, {"b", 6, floats(6)}});
}

ParsedFile parse(const std::string& file) {
  auto parsed = parse_file(source(file));
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}

TEST(TorchLegacy, layers_are_in_the_order_of_the_keys) {
  const auto file = small_file();
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::TorchLegacy);
  const auto layers = layers_in(parsed);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "fc.bias");
  EXPECT_EQ(layers[0].dtype, DType::I64);
  EXPECT_EQ(layers[0].shape, std::vector<std::uint64_t>{3});
  EXPECT_EQ(file.substr(layers[0].offset_bytes, 24), std::string(24, 'l'));
  EXPECT_EQ(layers[1].name, "fc.weight");
  EXPECT_EQ(layers[1].dtype, DType::F32);
  EXPECT_EQ(layers[1].shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(layers[1].offset_bytes, file.size() - 24);
}

TEST(TorchLegacy, matches_the_magic_number_in_all_protocols) {
  const auto rest = small_file().substr(kMagic.size());
  const auto since_4 = "\x80\x04\x95\x0d\x00\x00\x00\x00\x00\x00\x00"s + kMagic.substr(2);
  const auto before_2 = "L119547037146038801333356L\n."s;
  for (const auto& start : {kMagic, since_4, before_2}) {
    const auto parsed = parse(start + rest);
    EXPECT_EQ(parsed.format, FormatId::TorchLegacy) << parsed.opaque_reason;
    EXPECT_EQ(layers_in(parsed).size(), 2u);
  }
  EXPECT_FALSE(kTorchLegacy.matches(source(pickle_of(number(1001)) + rest)));
  EXPECT_FALSE(kTorchLegacy.matches(source(kMagic.substr(0, 13))));
  EXPECT_FALSE(kTorchLegacy.matches(source("")));
}

TEST(TorchLegacy, the_source_code_of_modules_is_ignored) {
  const auto type =
      persistent(tuple({text("module"), global("models", "Net"), text("net.py"), text("class Net: ...")}));
  const auto net = type + ")\x81" +
                   dict({{"_parameters", dict({{"w", tensor(storage("FloatStorage", "a", 2), 0, {2}, {1})}})}}) + "b";
  EXPECT_EQ(names_in(layers_in(parse(file_of(net, {{"a", 2, floats(2)}})))), std::vector<std::string>{"w"});
}

TEST(TorchLegacy, numpy_arrays_in_the_object_are_layers) {
  const auto object = dict({{"w", tensor(storage("FloatStorage", "a", 2), 0, {2}, {1})},
                            {"n", array({2}, dtype("f8"), bytes(std::string(16, 'n')))}});
  EXPECT_EQ(names_in(layers_in(parse(file_of(object, {{"a", 2, floats(2)}})))), (std::vector<std::string>{"n", "w"}));
}

TEST(TorchLegacy, big_endian_files_are_opaque) {
  const auto file = kMagic + pickle_of(number(1001)) + pickle_of(dict({{"little_endian", kFalse}})) +
                    pickle_of(tensor(storage("FloatStorage", "a", 2), 0, {2}, {1})) +
                    storage_data({{"a", 2, floats(2)}});
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::TorchLegacy);
  EXPECT_EQ(parsed.opaque_reason, "torch-legacy: its numbers are big-endian");
  EXPECT_EQ(parsed.opaque_bytes, 16u);
}

TEST(TorchLegacy, storages_without_tensors_are_layers_and_bytes_after_the_last_are_glue) {
  const auto file = file_of(list({storage("HalfStorage", "a", 4)}), {{"a", 4, "halfhalf"}}) + "trailing";
  const auto layers = layers_in(parse(file));
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].name, "storage.a");
  EXPECT_EQ(layers[0].dtype, DType::F16);
  EXPECT_EQ(layers[0].shape, std::vector<std::uint64_t>{4});
}

TEST(TorchLegacy, a_storage_that_is_not_listed_is_left_out) {
  const auto parsed = parse(file_of(tensor(storage("FloatStorage", "a", 2), 0, {2}, {1}), {}));
  EXPECT_EQ(parsed.format, FormatId::TorchLegacy);
  EXPECT_TRUE(layers_in(parsed).empty());
}

std::string reason(const std::string& file) {
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Plain);
  return parsed.opaque_reason;
}

TEST(TorchLegacy, damaged_files_are_refused_with_the_reason) {
  const auto object = tensor(storage("FloatStorage", "a", 2), 0, {2}, {1});
  EXPECT_EQ(reason(kMagic + pickle_of(number(1002))), "torch-legacy: protocol 1002 is unknown");
  EXPECT_EQ(reason(kMagic.substr(0, 14) + "N."), "torch-legacy: magic number is wrong");
  EXPECT_EQ(reason(kMagic), "torch-legacy: protocol: cut short, or a size in it is wrong (at byte 15)");
  EXPECT_EQ(reason(file_of(object, {{"a", 2, floats(2)}, {"a", 2, floats(2)}})),
            "torch-legacy: storage 'a' is listed twice");
  EXPECT_EQ(reason(file_of(object, {{"b", 2, floats(2)}})), "torch-legacy: storage 'b' is not in the pickle");
  EXPECT_EQ(reason(file_of(object, {{"a", 3, floats(3)}})),
            "torch-legacy: storage 'a' has 3 elements, but 2 in the pickle");
  EXPECT_EQ(reason(file_of(object, {{"a", -2, floats(2)}})),
            "torch-legacy: storage 'a' has -2 elements, but 2 in the pickle");
  EXPECT_EQ(reason(file_of(object, {{"a", 2, floats(1)}})), "torch-legacy: storage 'a' passes the end of the file");
  EXPECT_EQ(reason(file_of(tensor(storage("FloatStorage", "a", 2), 1, {2}, {1}), {{"a", 2, floats(2)}})),
            "torch-legacy: tensor '' passes the end of storage 'a'");
  EXPECT_EQ(reason(file_of(storage("TernaryStorage", "a", 2), {{"a", 2, floats(2)}})),
            "torch-legacy: storage 'a' is of an unknown class");
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_EQ(reason(file_of(storage("FloatStorage", "a", huge), {{"a", huge, floats(2)}})),
            "torch-legacy: storage 'a' passes the end of the file");
  const auto start = kMagic + pickle_of(number(1001)) + pickle_of(dict({})) + pickle_of(object);
  EXPECT_EQ(reason(start + pickle_of(kNone)), "torch-legacy: storage keys are no list");
}

TEST(TorchLegacy, a_file_cut_anywhere_is_glue) {
  const auto file = small_file();
  for (std::size_t n = kMagic.size(); n < file.size(); ++n) EXPECT_NE(reason(file.substr(0, n)), "") << n;
}

TEST(TorchLegacy, a_file_with_any_byte_changed_is_still_partitioned) {
  const auto good = small_file();
  int n_damaged = 0;
  for (std::size_t at = 0; at < good.size() - 48; ++at) {
    for (const unsigned flip : {0x01u, 0x10u, 0x80u, 0xFFu}) {
      auto file = good;
      file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ flip);
      n_damaged += parse(file).format == FormatId::Plain;
    }
  }
  EXPECT_GT(n_damaged, 100);
}

}  // namespace
}  // namespace elves::formats
