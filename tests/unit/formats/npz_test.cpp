#include "formats/npz/npz.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/formats/npy_builder.hpp"
#include "unit/formats/parsed.hpp"
#include "unit/formats/zip_builder.hpp"

namespace elves::formats {
namespace {

using namespace test;

const Member kWeight{.name = "conv1/W.npy", .data = npy_file("'<f4'", "(2, 3)", 24)};
const Member kBias{.name = "conv1/b.npy", .data = npy_file("'<f2'", "(5,)", 10)};
const Member kDeflated{.name = "deflated.npy", .data = Bytes(40), .method = 8, .full_bytes = 100};

TEST(Npz, stored_arrays_are_layers_under_the_names_of_their_entries) {
  const auto zip = build_zip({kWeight, kBias});
  const auto parsed = parse(zip.file);
  EXPECT_EQ(parsed.format, FormatId::Npz);
  EXPECT_EQ(parsed.opaque_reason, "");
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "conv1/W");
  EXPECT_EQ(layers[0].dtype, DType::F32);
  EXPECT_EQ(layers[0].shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(layers[0].offset_bytes, zip.data_at[0] + kWeight.data.size() - 24);
  EXPECT_FALSE(layers[0].lossless) << "its checksum can be computed again";
  EXPECT_EQ(layers[1].name, "conv1/b");
  EXPECT_EQ(layers[1].length_bytes, 10u);
}

TEST(Npz, data_descriptors_zip64_and_comments_are_read) {
  const auto zip =
      build_zip({{.name = "a.npy", .data = kWeight.data, .descriptor = Descriptor::SignedWide, .zip64 = true}},
                {.comment = "made by hand", .zip64 = true});
  EXPECT_EQ(layers_of(parse(zip.file)).size(), 1u);
}

TEST(Npz, deflated_encrypted_and_damaged_arrays_are_opaque) {
  const auto some = parse(build_zip({kWeight, kDeflated, kBias, kDeflated}).file);
  EXPECT_EQ(layers_of(some).size(), 2u);
  EXPECT_EQ(some.opaque_reason, "npz: 2 of 4 arrays are deflated");
  EXPECT_EQ(some.opaque_bytes, 80u);

  const auto parsed = parse(build_zip({kWeight,
                                       {.name = "l.npy", .data = Bytes(5), .method = 14, .full_bytes = 9},
                                       {.name = "e.npy", .data = Bytes(7), .flags = 1},
                                       {.name = "o.npy", .data = npy_file("'|O'", "(2,)", 16)},
                                       {.name = "d.npy", .data = npy_file("'<f4'", "(9,)", 16)},
                                       {.name = "x.npy", .data = bytes_of("no array")}})
                                .file);
  EXPECT_EQ(layers_of(parsed).size(), 1u);
  EXPECT_EQ(parsed.opaque_reason,
            "npz: 1 of 6 arrays are compressed; 1 of 6 arrays are encrypted; 1 of 6 arrays: an array of type '|O'; "
            "2 of 6 arrays for other reasons");
}

TEST(Npz, other_files_in_it_are_glue) {
  const auto parsed = parse(build_zip({kWeight, kBias, {.name = "README", .data = bytes_of("hello")}}).file);
  EXPECT_EQ(parsed.format, FormatId::Npz);
  EXPECT_EQ(layers_of(parsed).size(), 2u);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
}

TEST(Npz, a_zip_of_mostly_other_files_does_not_match) {
  const Member text{.name = "text", .data = bytes_of("hello")};
  EXPECT_FALSE(kNpz.matches(MemorySource(build_zip({kWeight, text}).file)));
  EXPECT_FALSE(kNpz.matches(MemorySource(build_zip({text}).file)));
  EXPECT_FALSE(kNpz.matches(MemorySource(build_zip({}).file)));
  EXPECT_FALSE(kNpz.matches(MemorySource(bytes_of("PK\3\4, says this text, and a name: x.npy"))));
}

TEST(Npz, a_file_cut_after_its_first_name_is_opaque_with_a_reason) {
  const auto zip = build_zip({kWeight, kBias});
  for (std::size_t n = 1; n < zip.file.size(); ++n) {
    const auto parsed = parse(Bytes(zip.file.begin(), zip.file.begin() + static_cast<std::ptrdiff_t>(n)));
    ASSERT_EQ(parsed.format, FormatId::Plain) << n;
    const bool is_named = n >= 30 + kWeight.name.size();
    EXPECT_EQ(parsed.opaque_reason, is_named ? "npz: no end record: cut short?" : "") << n;
  }
}

TEST(Npz, deflated_arrays_are_not_inflated) {
  const Member bomb{.name = "bomb.npy", .data = Bytes(100), .method = 8, .zip64 = true, .full_bytes = 1ull << 60};
  const auto parsed = parse(build_zip({bomb}).file);
  EXPECT_EQ(parsed.opaque_reason, "npz: 1 of 1 arrays are deflated");
  EXPECT_EQ(parsed.opaque_bytes, 100u);
}

}  // namespace
}  // namespace elves::formats
