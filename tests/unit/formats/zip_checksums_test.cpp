#include "formats/shared/zip/zip_checksums.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "formats/shared/zip/zip_directory.hpp"
#include "unit/formats/zip_builder.hpp"

namespace elves::formats::zip {
namespace {

using namespace test;

std::vector<Patch> patches_for(const Bytes& file, const std::vector<ByteRange>& changed) {
  auto patches = recompute_checksums(MemorySource(file), changed);
  EXPECT_TRUE(patches) << patches.error().message;
  return patches ? std::move(patches).value() : std::vector<Patch>{};
}

void write(Bytes& file, const std::vector<Patch>& patches) {
  for (const auto& patch : patches)
    std::memcpy(file.data() + patch.offset_bytes, patch.bytes.data(), patch.bytes.size());
}

Bytes noise(std::size_t n) {
  Bytes bytes(n);
  std::uint32_t state = 1;
  for (auto& byte : bytes) byte = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

TEST(ZipChecksums, patches_give_the_zip_of_the_changed_files) {
  for (const auto kind :
       {Descriptor::None, Descriptor::Signed, Descriptor::Bare, Descriptor::SignedWide, Descriptor::BareWide}) {
    for (const bool zip64 : {false, true}) {
      std::vector<Member> members{
          {.name = "m/data.pkl", .data = noise(50), .descriptor = kind, .zip64 = zip64, .align = 64},
          {.name = "m/data/0", .data = noise(1000), .descriptor = kind, .zip64 = zip64, .align = 64},
          {.name = "m/data/1", .data = noise(77), .descriptor = kind, .zip64 = zip64, .align = 64}};
      auto zip = build_zip(members, {.zip64 = zip64});
      const std::vector<ByteRange> changed{{zip.data_at[1] + 400, 8}, {zip.data_at[2], 77}};
      for (const auto& range : changed) zip.file[range.offset_bytes] ^= std::byte{1};

      const auto patches = patches_for(zip.file, changed);
      write(zip.file, patches);

      members[1].data[400] ^= std::byte{1};
      members[2].data[0] ^= std::byte{1};
      EXPECT_EQ(zip.file, build_zip(members, {.zip64 = zip64}).file);
      EXPECT_EQ(patches.size(), 4u) << "directory, and local header or descriptor, of two entries";
    }
  }
}

TEST(ZipChecksums, only_stored_entries_with_changed_bytes_are_patched) {
  const auto zip = build_zip({{.name = "a", .data = noise(10)},
                              {.name = "deflated", .data = noise(10), .method = 8, .full_bytes = 99},
                              {.name = "encrypted", .data = noise(10), .flags = 1},
                              {.name = "empty", .data = {}},
                              {.name = "b", .data = noise(10)}});
  const auto n_patches = [&](std::uint64_t offset, std::uint64_t size) {
    return patches_for(zip.file, {{offset, size}}).size();
  };
  EXPECT_EQ(patches_for(zip.file, {}).size(), 0u);
  EXPECT_EQ(n_patches(zip.data_at[0], 1), 2u);
  EXPECT_EQ(n_patches(zip.data_at[0] + 9, 1), 2u);
  EXPECT_EQ(n_patches(zip.data_at[0] + 10, 5), 0u) << "the next local header";
  EXPECT_EQ(n_patches(zip.local_at[0], 30), 0u) << "its own local header";
  EXPECT_EQ(n_patches(zip.data_at[1], 10), 0u) << "a deflated entry's bytes are never changed";
  EXPECT_EQ(n_patches(zip.data_at[2], 10), 0u) << "nor an encrypted one's";
  EXPECT_EQ(n_patches(zip.directory_at, 20), 0u);
  EXPECT_EQ(n_patches(zip.data_at[0] + 5, zip.data_at[4]), 4u + 2u) << "a range over all: a, b, and the empty one";
}

TEST(ZipChecksums, checksums_of_long_entries_cover_all_bytes) {
  std::vector<Member> members{{.name = "long", .data = noise((9 << 20) + 5)}};
  auto zip = build_zip(members);
  zip.file[zip.data_at[0] + (5 << 20)] ^= std::byte{4};
  write(zip.file, patches_for(zip.file, {{zip.data_at[0] + (5 << 20), 1}}));
  members[0].data[5 << 20] ^= std::byte{4};
  EXPECT_EQ(zip.file, build_zip(members).file);
}

TEST(ZipChecksums, a_zip_inside_a_zip_is_not_patched) {
  const auto inner = build_zip({{.name = "array.npy", .data = noise(100)}});
  auto zip = build_zip({{.name = "model.npz", .data = inner.file}});
  const auto at = zip.data_at[0] + inner.data_at[0];
  zip.file[at] ^= std::byte{1};
  const auto patches = patches_for(zip.file, {{at, 1}});
  ASSERT_EQ(patches.size(), 2u);
  EXPECT_EQ(patches[0].offset_bytes, zip.local_at[0] + 14);
  EXPECT_EQ(patches[1].offset_bytes, zip.central_at[0] + 16);
}

TEST(ZipChecksums, the_fields_are_the_ranges_that_patches_can_change) {
  const auto zip = build_zip({{.name = "a", .data = noise(10)},
                              {.name = "deflated", .data = noise(10), .method = 8, .full_bytes = 99},
                              {.name = "b", .data = noise(10), .descriptor = Descriptor::Signed}});
  const auto fields = checksum_fields(MemorySource(zip.file));
  const auto patches = patches_for(zip.file, {{0, zip.file.size()}});
  ASSERT_EQ(fields.size(), 4u);
  ASSERT_EQ(patches.size(), fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    EXPECT_EQ(fields[i].offset_bytes, patches[i].offset_bytes);
    EXPECT_EQ(fields[i].size_bytes, 4u);
  }
  auto changed = zip.file;
  changed[zip.data_at[2]] ^= std::byte{1};
  write(changed, patches_for(changed, {{zip.data_at[2], 1}}));
  const auto later = checksum_fields(MemorySource(changed));
  EXPECT_TRUE(std::equal(fields.begin(), fields.end(), later.begin(), later.end(), [](const auto& a, const auto& b) {
    return a.offset_bytes == b.offset_bytes;
  })) << "the fields are the same before and after";
}

TEST(ZipChecksums, with_any_byte_changed_patches_do_not_touch_data) {
  const auto zip = build_zip({{.name = "a", .data = noise(5), .descriptor = Descriptor::Signed},
                              {.name = "bc", .data = noise(3), .zip64 = true},
                              {.name = "d", .data = noise(4), .descriptor = Descriptor::BareWide}},
                             {.zip64 = true});
  std::size_t n_patches = 0;
  for (std::size_t at = 0; at < zip.file.size(); ++at) {
    for (int value = 0; value < 256; value += 3) {
      auto file = zip.file;
      file[at] = static_cast<std::byte>(value);
      const auto entries = read_directory(MemorySource(file));
      const std::vector<ByteRange> all{{0, file.size()}};
      const auto patches = recompute_checksums(MemorySource(file), all);
      ASSERT_EQ(patches.has_value(), entries.has_value());
      if (!patches) continue;
      for (const auto& patch : *patches) {
        ASSERT_LE(patch.offset_bytes + 4, file.size());
        for (const auto& entry : *entries) {
          ASSERT_TRUE(patch.offset_bytes + 4 <= entry.data_offset_bytes ||
                      patch.offset_bytes >= entry.data_offset_bytes + entry.compressed_bytes);
        }
      }
      n_patches += patches->size();
    }
  }
  EXPECT_GT(n_patches, 10'000u);
}

TEST(ZipChecksums, a_file_that_is_no_zip_has_no_fields_and_cannot_be_patched) {
  const auto text = bytes_of("no zip");
  EXPECT_TRUE(checksum_fields(MemorySource(text)).empty());
  EXPECT_FALSE(recompute_checksums(MemorySource(text), {}));
}

TEST(ZipChecksums, formats_that_are_zips_have_checksums) {
  EXPECT_TRUE(has_checksums(FormatId::TorchZip));
  EXPECT_TRUE(has_checksums(FormatId::Npz));
  EXPECT_TRUE(has_checksums(FormatId::Keras));
  EXPECT_FALSE(has_checksums(FormatId::Npy));
  EXPECT_FALSE(has_checksums(FormatId::Safetensors));
  EXPECT_FALSE(has_checksums(FormatId::Plain));
}

}  // namespace
}  // namespace elves::formats::zip
