#include "formats/torch_zip/torch_zip.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/formats/parsed.hpp"
#include "unit/formats/pickle_writer.hpp"
#include "unit/formats/zip_builder.hpp"

namespace elves::formats {
namespace {

using namespace test;

/// A record as PyTorch writes it: data aligned to 64 bytes, with a descriptor after it.
Member record(const std::string& name, Bytes data) {
  return {.name = name, .data = std::move(data), .descriptor = Descriptor::Signed, .align = 64};
}

const std::string kWeight = pickled::tensor(pickled::storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1});
const std::string kBias = pickled::tensor(pickled::storage("HalfStorage", "1", 5), 0, {5}, {1});
const std::string kState = pickled::dict({{"fc.weight", kWeight}, {"fc.bias", kBias}});

Bytes pickle_of(const std::string& value) {
  return bytes_of(pickled::pickle_of(value));
}

/// torch.save of a state dict, with the records of its tensors.
std::vector<Member> saved(const std::string& folder = "archive/") {
  return {record(folder + "data.pkl", pickle_of(kState)), record(folder + "data/0", Bytes(24)),
          record(folder + "data/1", Bytes(10)), record(folder + "version", bytes_of("3\n"))};
}

std::vector<Member> with(std::vector<Member> members, Member more) {
  members.push_back(std::move(more));
  return members;
}

TEST(TorchZip, tensors_of_torch_save_are_layers_under_their_keys) {
  for (const std::string folder : {"archive/", "pytorch_model/", "a name of 2 words/"}) {
    const auto zip = build_zip(saved(folder), {.zip64 = true});
    const auto parsed = parse(zip.file);
    EXPECT_EQ(parsed.format, FormatId::TorchZip);
    EXPECT_EQ(parsed.opaque_reason, "");
    const auto layers = layers_in(parsed);
    ASSERT_EQ(layers.size(), 2u);
    EXPECT_EQ(layers[0].name, "fc.weight");
    EXPECT_EQ(layers[0].dtype, DType::F32);
    EXPECT_EQ(layers[0].shape, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(layers[0].offset_bytes, zip.data_at[1]);
    EXPECT_FALSE(layers[0].lossless) << "its checksum can be computed again";
    EXPECT_EQ(layers[1].name, "fc.bias");
    EXPECT_EQ(layers[1].dtype, DType::F16);
    EXPECT_EQ(layers[1].offset_bytes, zip.data_at[2]);
  }
}

TEST(TorchZip, other_records_are_ignored) {
  auto members = saved();
  for (const std::string more : {"byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}) {
    members.push_back(record("archive/" + more, bytes_of("little")));
  }
  const auto parsed = parse(build_zip(members).file);
  EXPECT_EQ(layers_in(parsed).size(), 2u);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
}

TEST(TorchZip, script_modules_give_nested_names_and_their_constants) {
  const auto encoder = pickled::instance(pickled::global("__torch__.nn", "Encoder"), kState);
  const auto net = pickled::instance(pickled::global("__torch__", "Net"),
                                     pickled::dict({{"training", pickled::kFalse}, {"encoder", encoder}}));
  const auto constants = pickled::tuple({pickled::tensor(pickled::storage("FloatStorage", "1", 0), 0, {0}, {1}),
                                         pickled::tensor(pickled::storage("FloatStorage", "0", 3), 0, {3}, {1})});
  const auto zip = build_zip({record("net/data/0", Bytes(24)),
                              record("net/data/1", Bytes(10)),
                              record("net/data.pkl", pickle_of(net)),
                              {.name = "net/code/__torch__.py", .data = Bytes(30), .method = 8, .full_bytes = 90},
                              record("net/constants/0", Bytes(12)),
                              record("net/constants/1", {}),
                              record("net/constants.pkl", pickle_of(constants)),
                              record("net/version", bytes_of("3\n"))});
  const auto parsed = parse(zip.file);
  EXPECT_EQ(parsed.format, FormatId::TorchZip);
  EXPECT_EQ(parsed.opaque_reason, "");
  const auto layers = layers_in(parsed);
  ASSERT_EQ(layers.size(), 4u);
  EXPECT_EQ(layers[0].name, "encoder.fc.weight");
  EXPECT_EQ(layers[1].name, "encoder.fc.bias");
  EXPECT_EQ(layers[2].name, "constants.1");
  EXPECT_EQ(layers[2].offset_bytes, zip.data_at[4]);
  EXPECT_EQ(layers[3].name, "constants.0");
  EXPECT_EQ(layers[3].length_bytes, 0u);
}

TEST(TorchZip, deflated_records_and_records_that_no_pickle_names_are_opaque) {
  auto members = saved();
  members[1].method = 8;
  members[1].full_bytes = 100;
  members.push_back(record("archive/data/77", Bytes(50)));
  members.push_back(record("archive/data/", {}));
  const auto parsed = parse(build_zip(members).file);
  const auto layers = layers_in(parsed);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].name, "fc.bias");
  EXPECT_EQ(parsed.opaque_bytes, 74u);
  EXPECT_EQ(parsed.opaque_reason, "torch-zip: 1 of 3 records are deflated; 1 of 3 records are named by no pickle");
}

TEST(TorchZip, damaged_files_are_refused_with_the_reason) {
  const auto why = [](const std::vector<Member>& members) {
    const auto parsed = parse(build_zip(members).file);
    EXPECT_EQ(parsed.format, FormatId::Plain);
    return parsed.opaque_reason;
  };
  EXPECT_EQ(why(with(saved(), record("archive/byteorder", bytes_of("big")))), "torch-zip: its numbers are big-endian");
  auto missing = saved();
  missing.erase(missing.begin() + 2);
  EXPECT_EQ(why(missing), "torch-zip: the record 'data/1' is missing");
  auto packed = saved();
  packed[0].method = 8;
  packed[0].full_bytes = 1000;
  EXPECT_EQ(why(packed), "torch-zip: data.pkl is compressed or encrypted");
  auto broken = saved();
  broken[0].data = bytes_of("\x80\x02}(no");
  EXPECT_NE(why(broken).find("torch-zip: data.pkl: "), std::string::npos);
  auto short_record = saved();
  short_record[1].data.resize(20);
  EXPECT_NE(why(short_record).find("fc.weight"), std::string::npos) << why(short_record);
}

TEST(TorchZip, matches_data_pkl_in_the_folder_of_the_first_entry) {
  const auto matches = [](const std::vector<Member>& members) {
    return kTorchZip.matches(MemorySource(build_zip(members).file));
  };
  EXPECT_TRUE(matches(saved()));
  EXPECT_FALSE(matches({record("data.pkl", {}), record("data/0", {})})) << "no folder";
  EXPECT_FALSE(matches({record("a/data/0", {}), record("b/data.pkl", {})})) << "another folder";
  EXPECT_FALSE(matches({record("a/data/0", {}), record("a/data/1", {})}));
  EXPECT_FALSE(matches({}));
  EXPECT_FALSE(kTorchZip.matches(MemorySource(bytes_of("PK\3\4 archive/data.pkl"))));
}

TEST(TorchZip, matches_many_records_whose_data_pkl_comes_late) {
  std::vector<Member> members;
  for (int i = 0; i < 10'000; ++i) members.push_back({.name = "net/data/" + std::to_string(i), .data = Bytes(4)});
  EXPECT_TRUE(kTorchZip.matches(MemorySource(build_zip(members).file)));
  members.insert(members.begin() + 5, {.name = "net/data/readme.txt"});
  EXPECT_FALSE(kTorchZip.matches(MemorySource(build_zip(members).file))) << "these are no records";
}

TEST(TorchZip, a_file_cut_after_its_first_name_is_opaque_with_a_reason) {
  for (const bool script : {false, true}) {
    auto members = saved();
    if (script) std::swap(members[0], members[1]);
    const auto zip = build_zip(members, {.zip64 = true});
    for (std::size_t n = 1; n < zip.file.size(); ++n) {
      const auto parsed = parse(Bytes(zip.file.begin(), zip.file.begin() + static_cast<std::ptrdiff_t>(n)));
      ASSERT_EQ(parsed.format, FormatId::Plain) << n;
      const bool is_named = n >= 30 + members[0].name.size();
      EXPECT_EQ(parsed.opaque_reason, is_named ? "torch-zip: no end record: cut short?" : "") << n;
    }
  }
}

}  // namespace
}  // namespace elves::formats
