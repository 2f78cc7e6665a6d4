#include "restore/container_checksums.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "unit/formats/zip_builder.hpp"

namespace elves::restore {
namespace {

using formats::test::Bytes;

archive::FileRow row_of(formats::FormatId format) {
  archive::FileRow row;
  row.container = static_cast<std::uint16_t>(format);
  return row;
}

/// Passes `file` in pieces of 10 bytes, in reverse order; those within [begin, end) are lossy.
void take_pieces(ContainerChecksums& checksums, const Bytes& file, std::size_t begin, std::size_t end) {
  for (std::size_t n = (file.size() + 9) / 10; n-- > 0;) {
    const auto bytes = std::span(file).subspan(n * 10, std::min<std::size_t>(10, file.size() - n * 10));
    const bool exact = n * 10 + bytes.size() <= begin || n * 10 >= end;
    const std::vector<DecodedPiece> pieces{{n * 10, bytes, DType::F32, exact, exact ? 0 : 0.1}};
    checksums.take(pieces);
  }
}

struct LossyZip {
  Bytes decoded;   ///< with the checksums of the original
  Bytes expected;  ///< with its own checksums
  std::size_t begin = 0, end = 0;
};

LossyZip lossy_zip() {
  std::vector<formats::test::Member> members{{.name = "m/data/0", .data = Bytes(300, std::byte{1})},
                                             {.name = "m/data/1", .data = Bytes(300, std::byte{2})}};
  const auto original = formats::test::build_zip(members);
  LossyZip zip{original.file, {}, original.data_at[1], original.data_at[1] + 300};
  for (std::size_t i = 0; i < 300; i += 7) {
    zip.decoded[zip.begin + i] = std::byte{9};
    members[1].data[i] = std::byte{9};
  }
  zip.expected = formats::test::build_zip(members).file;
  return zip;
}

TEST(ContainerChecksums, entries_with_lossy_layers_get_the_checksum_of_their_decoded_bytes) {
  const auto zip = lossy_zip();
  ContainerChecksums checksums(row_of(formats::FormatId::TorchZip));
  take_pieces(checksums, zip.decoded, zip.begin, zip.end);
  const auto corrections = checksums.corrections(formats::MemorySource(zip.decoded));
  ASSERT_TRUE(corrections) << corrections.error().message;
  EXPECT_FALSE(corrections->empty());
  auto corrected = zip.decoded;
  for (const auto& patch : *corrections)
    std::memcpy(corrected.data() + patch.offset_bytes, patch.bytes.data(), patch.bytes.size());
  EXPECT_EQ(corrected, zip.expected);
}

TEST(ContainerChecksums, a_file_without_loss_is_not_corrected) {
  const auto zip = lossy_zip();
  ContainerChecksums checksums(row_of(formats::FormatId::TorchZip));
  take_pieces(checksums, zip.decoded, 0, 0);
  const auto corrections = checksums.corrections(formats::MemorySource(zip.decoded));
  ASSERT_TRUE(corrections) << corrections.error().message;
  EXPECT_TRUE(corrections->empty());
}

TEST(ContainerChecksums, formats_that_are_no_zips_have_no_checksums) {
  const auto zip = lossy_zip();
  ContainerChecksums checksums(row_of(formats::FormatId::Safetensors));
  take_pieces(checksums, zip.decoded, zip.begin, zip.end);
  const auto corrections = checksums.corrections(formats::MemorySource(zip.decoded));
  ASSERT_TRUE(corrections) << corrections.error().message;
  EXPECT_TRUE(corrections->empty());
}

TEST(ContainerChecksums, a_zip_without_directory_is_an_error) {
  const auto zip = lossy_zip();
  ContainerChecksums checksums(row_of(formats::FormatId::TorchZip));
  take_pieces(checksums, zip.decoded, zip.begin, zip.end);
  const Bytes cut(zip.decoded.begin(), zip.decoded.begin() + static_cast<std::ptrdiff_t>(zip.end));
  EXPECT_FALSE(checksums.corrections(formats::MemorySource(cut)));
}

}  // namespace
}  // namespace elves::restore
