#include "formats/keras/keras.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/formats/hdf5_builder.hpp"
#include "unit/formats/parsed.hpp"
#include "unit/formats/zip_builder.hpp"

namespace elves::formats {
namespace {

using namespace test;

constexpr std::size_t kDataAt = 48;  ///< behind the superblock

/// An HDF5 file with one dataset of 6 f32 in its root group; the file gives `data_at` as the offset of its data.
Bytes hdf5_file(const std::string& name, std::uint64_t data_at = kDataAt) {
  hdf5_test::File file;
  EXPECT_EQ(file.put(Bytes(24, std::byte{7})), kDataAt);
  const auto dataset = file.put(hdf5_test::header_v2(
      {hdf5_test::dataspace({6}), hdf5_test::datatype(hdf5_test::f32_type()), hdf5_test::contiguous(data_at, 24)}));
  return file.finish(file.put_group({{name, dataset}}));
}

std::vector<Member> model(Member weights) {
  return {{.name = "metadata.json", .data = bytes_of(R"({"keras_version": "3.0.5"})")},
          {.name = "config.json", .data = bytes_of("{}")},
          std::move(weights)};
}

TEST(Keras, datasets_of_stored_weights_are_layers) {
  const auto zip = build_zip(model({.name = "model.weights.h5", .data = hdf5_file("kernel")}));
  const auto parsed = parse(zip.file);
  EXPECT_EQ(parsed.format, FormatId::Keras);
  EXPECT_EQ(parsed.opaque_reason, "");
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].name, "kernel");
  EXPECT_EQ(layers[0].dtype, DType::F32);
  EXPECT_EQ(layers[0].shape, std::vector<std::uint64_t>{6});
  EXPECT_EQ(layers[0].offset_bytes, zip.data_at[2] + kDataAt);
}

TEST(Keras, a_zip_with_an_hdf5_file_after_512_bytes_is_a_zip) {
  const auto zip = build_zip(model({.name = "model.weights.h5", .data = hdf5_file("kernel"), .align = 512}));
  ASSERT_EQ(zip.data_at[2], 512u);
  EXPECT_EQ(parse(zip.file).format, FormatId::Keras);
}

TEST(Keras, weights_in_several_files_are_read) {
  auto members = model({.name = "model_00000.weights.h5", .data = hdf5_file("a")});
  members.push_back({.name = "model_00001.weights.h5", .data = hdf5_file("b")});
  members.push_back({.name = "model_00002.weights.h5", .data = Bytes(40), .method = 8, .full_bytes = 90});
  const auto parsed = parse(build_zip(members).file);
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "a");
  EXPECT_EQ(layers[1].name, "b");
  EXPECT_EQ(parsed.opaque_reason, "keras: 1 of 3 weight files are deflated");
  EXPECT_EQ(parsed.opaque_bytes, 40u);
}

TEST(Keras, damaged_weights_are_refused_with_the_reason) {
  const auto cut = hdf5_file("kernel");
  const Bytes half(cut.begin(), cut.begin() + 80);
  const auto parsed = parse(build_zip(model({.name = "model.weights.h5", .data = half})).file);
  EXPECT_EQ(parsed.format, FormatId::Plain);
  EXPECT_EQ(parsed.opaque_reason.rfind("keras: 'model.weights.h5': ", 0), 0u) << parsed.opaque_reason;
}

TEST(Keras, a_dataset_that_passes_the_end_of_its_entry_is_refused) {
  auto members = model({.name = "model.weights.h5", .data = hdf5_file("kernel", 500)});
  members.push_back({.name = "assets", .data = Bytes(1000)});
  const auto parsed = parse(build_zip(members).file);
  EXPECT_EQ(parsed.format, FormatId::Plain);
  EXPECT_NE(parsed.opaque_reason.find("passes the end of the file"), std::string::npos) << parsed.opaque_reason;
}

TEST(Keras, matches_a_configuration_with_weights) {
  const Member weights{.name = "model.weights.h5", .data = hdf5_file("kernel")};
  EXPECT_TRUE(kKeras.matches(MemorySource(build_zip(model(weights)).file)));
  EXPECT_FALSE(kKeras.matches(MemorySource(build_zip({weights}).file)));
  EXPECT_FALSE(kKeras.matches(MemorySource(build_zip(model({.name = "notes.txt"})).file)));
}

TEST(Keras, a_file_cut_short_in_its_weights_is_opaque_with_a_reason) {
  const auto zip = build_zip(model({.name = "model.weights.h5", .data = hdf5_file("kernel")}));
  for (std::size_t n = zip.data_at[2]; n < zip.file.size(); ++n) {
    const auto parsed = parse(Bytes(zip.file.begin(), zip.file.begin() + static_cast<std::ptrdiff_t>(n)));
    ASSERT_EQ(parsed.opaque_reason, "keras: no end record: cut short?") << n;
  }
}

}  // namespace
}  // namespace elves::formats
