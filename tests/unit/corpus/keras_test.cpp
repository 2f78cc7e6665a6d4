#include "corpus/containers/keras/keras.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/corpus/partition.hpp"
#include "unit/corpus/zip_builder.hpp"

namespace elves::corpus {
namespace {

using namespace test;

constexpr std::uint64_t kUndefined = ~std::uint64_t{0};
constexpr std::size_t kDatasetAt = 200;
constexpr std::size_t kDataAt = 400;

void put_message(Bytes& messages, std::uint8_t type, const Bytes& data) {
  put(messages, type);
  put(messages, static_cast<std::uint16_t>(data.size()));
  put(messages, std::uint8_t{0});
  messages.insert(messages.end(), data.begin(), data.end());
}

void put_object_header(Bytes& file, const Bytes& messages) {
  put(file, std::string_view("OHDR\2\0", 6));
  put(file, static_cast<std::uint8_t>(messages.size()));
  file.insert(file.end(), messages.begin(), messages.end());
  put(file, std::uint32_t{0});  // a checksum
}

/// An HDF5 file with one dataset of `n` f32 in its root group.
Bytes hdf5_file(const std::string& name, std::uint64_t n, std::uint64_t data_at = kDataAt) {
  Bytes file = bytes_of(std::string_view("\x89HDF\r\n\x1a\n\2\x8\x8\0", 12));
  put(file, std::uint64_t{0}), put(file, kUndefined), put(file, kDataAt + n * 4), put(file, std::uint64_t{48});
  put(file, std::uint32_t{0});  // a checksum

  Bytes link;
  put(link, std::string_view("\1\0", 2)), put(link, static_cast<std::uint8_t>(name.size())), put(link, name);
  put(link, std::uint64_t{kDatasetAt});
  Bytes root;
  put_message(root, 6, link);
  put_object_header(file, root);

  Bytes space = bytes_of(std::string_view("\2\1\0\1", 4));
  put(space, n);
  const Bytes f32 = bytes_of(std::string_view("\x11\x20\x1f\0\4\0\0\0\0\0\x20\0\x17\x8\0\x17\x7f\0\0\0", 20));
  Bytes layout = bytes_of("\3\1");
  put(layout, data_at), put(layout, n * 4);
  Bytes dataset;
  put_message(dataset, 1, space), put_message(dataset, 3, f32), put_message(dataset, 8, layout);
  file.resize(kDatasetAt);
  put_object_header(file, dataset);
  file.resize(kDataAt + n * 4, std::byte{7});
  return file;
}

ParsedFile parse(const Bytes& file) {
  auto parsed = parse_file(MemorySource(file));
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}

std::vector<Extent> layers_of(const ParsedFile& file) {
  auto layers = file.extents;
  std::erase_if(layers, [](const Extent& extent) { return !extent.is_layer; });
  return layers;
}

std::vector<Member> model(Member weights) {
  return {{.name = "metadata.json", .data = bytes_of(R"({"keras_version": "3.0.5"})")},
          {.name = "config.json", .data = bytes_of("{}")},
          std::move(weights)};
}

TEST(Keras, datasets_of_the_stored_weights_are_layers_at_their_places_in_the_zip) {
  const auto zip = build_zip(model({.name = "model.weights.h5", .data = hdf5_file("kernel", 6)}));
  const auto parsed = parse(zip.file);
  EXPECT_EQ(parsed.container, ContainerId::Keras);
  EXPECT_EQ(parsed.opaque_reason, "");
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].name, "kernel");
  EXPECT_EQ(layers[0].dtype, DType::F32);
  EXPECT_EQ(layers[0].shape, std::vector<std::uint64_t>{6});
  EXPECT_EQ(layers[0].offset_bytes, zip.data_at[2] + kDataAt);
}

TEST(Keras, a_zip_is_asked_before_the_hdf5_file_that_it_holds_at_a_user_block_s_end) {
  const auto zip = build_zip(model({.name = "model.weights.h5", .data = hdf5_file("kernel", 6), .align = 512}));
  ASSERT_EQ(zip.data_at[2], 512u);
  EXPECT_EQ(parse(zip.file).container, ContainerId::Keras);
}

TEST(Keras, weights_in_several_files_are_all_read) {
  auto members = model({.name = "model_00000.weights.h5", .data = hdf5_file("a", 6)});
  members.push_back({.name = "model_00001.weights.h5", .data = hdf5_file("b", 7)});
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
  const auto cut = hdf5_file("kernel", 6);
  const Bytes half(cut.begin(), cut.begin() + 60);
  const auto parsed = parse(build_zip(model({.name = "model.weights.h5", .data = half})).file);
  EXPECT_EQ(parsed.container, ContainerId::Opaque);
  EXPECT_EQ(parsed.opaque_reason.rfind("keras: model.weights.h5: ", 0), 0u) << parsed.opaque_reason;
}

TEST(Keras, a_dataset_that_reaches_out_of_its_file_into_the_zip_is_refused) {
  auto members = model({.name = "model.weights.h5", .data = hdf5_file("kernel", 6, kDataAt + 8)});
  members.push_back({.name = "assets", .data = Bytes(1000)});
  const auto parsed = parse(build_zip(members).file);
  EXPECT_EQ(parsed.container, ContainerId::Opaque);
  EXPECT_NE(parsed.opaque_reason, "");
}

TEST(Keras, is_recognised_by_its_configuration_and_its_weights) {
  const Member weights{.name = "model.weights.h5", .data = hdf5_file("kernel", 6)};
  EXPECT_TRUE(kKeras.recognizes(MemorySource(build_zip(model(weights)).file)));
  EXPECT_FALSE(kKeras.recognizes(MemorySource(build_zip({weights}).file)));
  EXPECT_FALSE(kKeras.recognizes(MemorySource(build_zip(model({.name = "notes.txt"})).file)));
}

TEST(Keras, a_file_cut_short_in_its_weights_is_opaque_with_a_reason) {
  const auto zip = build_zip(model({.name = "model.weights.h5", .data = hdf5_file("kernel", 6)}));
  for (std::size_t n = zip.data_at[2]; n < zip.file.size(); ++n) {
    const auto parsed = parse(Bytes(zip.file.begin(), zip.file.begin() + static_cast<std::ptrdiff_t>(n)));
    ASSERT_EQ(parsed.opaque_reason, "keras: no end record: cut short?") << n;
  }
}

}  // namespace
}  // namespace elves::corpus
