#include "formats/shared/zip/zip_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>

#include "unit/formats/zip_builder.hpp"

namespace elves::formats::zip {
namespace {

using namespace test;

/// The error of read_directory, or "".
std::string why(const Bytes& file) {
  const auto entries = read_directory(MemorySource(file));
  return entries ? "" : entries.error().message;
}

std::vector<Entry> entries_of(const Bytes& file) {
  auto entries = read_directory(MemorySource(file));
  EXPECT_TRUE(entries) << entries.error().message;
  return entries ? std::move(entries).value() : std::vector<Entry>{};
}

const std::vector<Member> kTwo{{.name = "a/one", .data = bytes_of("first")},
                               {.name = "two", .data = bytes_of("and 2")}};

TEST(ZipDirectory, gives_names_sizes_and_places) {
  const auto zip = build_zip({{.name = "x/data.pkl", .data = bytes_of("some bytes")},
                              {.name = "x/code.py", .data = bytes_of("zz"), .method = 8, .full_bytes = 100},
                              {.name = "x/secret", .data = bytes_of("??"), .flags = 1},
                              {.name = "", .data = {}}});
  const auto entries = entries_of(zip.file);
  ASSERT_EQ(entries.size(), 4u);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].header_offset_bytes, zip.local_at[i]);
    EXPECT_EQ(entries[i].data_offset_bytes, zip.data_at[i]);
    EXPECT_EQ(entries[i].directory_crc_at, zip.central_at[i] + 16);
    EXPECT_EQ(entries[i].local_crc_at, zip.local_at[i] + 14);
    EXPECT_EQ(entries[i].descriptor_crc_at, std::nullopt);
  }
  EXPECT_EQ(entries[0].name, "x/data.pkl");
  EXPECT_EQ(entries[0].size_bytes, 10u);
  EXPECT_EQ(entries[0].crc, crc32_of(bytes_of("some bytes")));
  EXPECT_TRUE(entries[0].is_stored());
  EXPECT_EQ(entries[1].compressed_bytes, 2u);
  EXPECT_EQ(entries[1].size_bytes, 100u);
  EXPECT_FALSE(entries[1].is_stored()) << "it is deflated";
  EXPECT_FALSE(entries[2].is_stored()) << "it is encrypted";
  EXPECT_EQ(entries[3].name, "");
}

TEST(ZipDirectory, finds_data_that_are_aligned_by_padding) {
  const auto zip = build_zip({{.name = "x/data.pkl", .data = bytes_of("12345"), .align = 64},
                              {.name = "x/data/0", .data = bytes_of("678"), .align = 64}});
  const auto entries = entries_of(zip.file);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].data_offset_bytes % 64, 0u);
  EXPECT_EQ(entries[1].data_offset_bytes, zip.data_at[1]);
}

TEST(ZipDirectory, finds_the_checksum_in_every_kind_of_data_descriptor) {
  for (const auto kind : {Descriptor::Signed, Descriptor::Bare, Descriptor::SignedWide, Descriptor::BareWide}) {
    const auto zip = build_zip({{.name = "a", .data = bytes_of("payload"), .descriptor = kind},
                                {.name = "b", .data = bytes_of("more"), .descriptor = kind}});
    const auto entries = entries_of(zip.file);
    ASSERT_EQ(entries.size(), 2u);
    const bool has_signature = kind == Descriptor::Signed || kind == Descriptor::SignedWide;
    EXPECT_EQ(entries[0].descriptor_crc_at, zip.data_at[0] + 7 + (has_signature ? 4 : 0));
    EXPECT_EQ(entries[1].descriptor_crc_at, zip.data_at[1] + 4 + (has_signature ? 4 : 0));
    EXPECT_EQ(entries[0].local_crc_at, std::nullopt) << "the local header has a placeholder";
  }
}

TEST(ZipDirectory, a_missing_data_descriptor_is_no_error) {
  const auto zip = build_zip({{.name = "a", .data = bytes_of("payload"), .flags = 8}});
  const auto entries = entries_of(zip.file);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].descriptor_crc_at, std::nullopt);
  EXPECT_EQ(entries[0].local_crc_at, zip.local_at[0] + 14);
}

TEST(ZipDirectory, reads_zip64_numbers) {
  const auto zip =
      build_zip({{.name = "big", .data = bytes_of("payload"), .zip64 = true},
                 {.name = "huge", .data = bytes_of("x"), .descriptor = Descriptor::SignedWide, .zip64 = true}},
                {.zip64 = true});
  const auto entries = entries_of(zip.file);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].size_bytes, 7u);
  EXPECT_EQ(entries[1].header_offset_bytes, zip.local_at[1]);
  EXPECT_EQ(entries[1].data_offset_bytes, zip.data_at[1]);
  EXPECT_EQ(entries[1].descriptor_crc_at, zip.data_at[1] + 5);
}

TEST(ZipDirectory, sizes_are_taken_from_the_directory) {
  for (const std::uint32_t placeholder : {0u, 0xFFFFFFFFu}) {
    auto zip = build_zip(kTwo);
    set(zip.file, zip.local_at[0] + 18, placeholder);
    set(zip.file, zip.local_at[0] + 22, placeholder);
    EXPECT_EQ(entries_of(zip.file).size(), 2u);
  }
}

TEST(ZipDirectory, reads_a_zip_without_entries) {
  EXPECT_EQ(entries_of(build_zip({}).file).size(), 0u);
}

TEST(ZipDirectory, finds_the_end_record_before_a_comment_of_64_KiB) {
  auto zip = build_zip(kTwo, {.comment = std::string(65535, 'c')});
  EXPECT_EQ(entries_of(zip.file).size(), 2u);
  auto trailed = build_zip(kTwo, {.comment = "short", .zip64 = true});
  put(trailed.file, std::string(60000, 't'));
  EXPECT_EQ(entries_of(trailed.file).size(), 2u);
  put(trailed.file, std::string(6000, 't'));
  EXPECT_EQ(why(trailed.file), "no end record: cut short?");
}

TEST(ZipDirectory, takes_the_last_end_record_that_fits) {
  const auto misfit = std::string("PK\5\6") + std::string(18, '\x11');
  EXPECT_EQ(entries_of(build_zip(kTwo, {.comment = "before" + misfit + "after"}).file).size(), 2u);

  auto zip = build_zip(kTwo, {.comment = std::string(22, '\0')});
  const auto fake_at = zip.file.size() - 22;
  set(zip.file, fake_at, std::uint32_t{0x06054b50});
  set(zip.file, fake_at + 16, static_cast<std::uint32_t>(fake_at));
  EXPECT_EQ(entries_of(zip.file).size(), 0u) << "as Python's zipfile reads it: an empty directory before a later end";
}

/// A change to a zip, and a part of the error that it must cause.
struct Damage {
  const char* error;
  std::function<void(Zip&)> apply;
};

TEST(ZipDirectory, damaged_zips_are_refused_with_the_reason) {
  const auto end64 = [](std::size_t field, std::uint64_t value) {
    return [=](Zip& zip) { set(zip.file, zip.zip64_end_at + field, value); };
  };
  const std::vector<Damage> damages{
      {"the directory (100 bytes at byte 84) does not end where its end record begins", end64(48, 84)},
      {"does not end where its end record begins", end64(48, std::uint64_t{1} << 60)},
      {"does not end where its end record begins", end64(48, ~std::uint64_t{0})},
      {"does not end where its end record begins", end64(40, std::uint64_t{1} << 60)},
      {"spans several disks", end64(32, std::uint64_t{1} << 60)},
      {"spans several disks", [](Zip& zip) { set(zip.file, zip.zip64_end_at + 16, std::uint32_t{1}); }},
      {"spans several disks", [](Zip& zip) { set(zip.file, zip.zip64_end_at + 20, std::uint32_t{1}); }},
      {"spans several disks", [](Zip& zip) { set(zip.file, zip.end_at - 4, std::uint32_t{2}); }},
      {"spans several disks", [](Zip& zip) { set(zip.file, zip.central_at[1] + 34, std::uint16_t{1}); }},
      {"do not fit in a directory of 100 bytes",
       [](Zip& zip) {
         set(zip.file, zip.zip64_end_at + 24, std::uint64_t{1} << 60);
         set(zip.file, zip.zip64_end_at + 32, std::uint64_t{1} << 60);
       }},
      {"the directory has bytes outside of its 1 entries",
       [](Zip& zip) {
         set(zip.file, zip.zip64_end_at + 24, std::uint64_t{1});
         set(zip.file, zip.zip64_end_at + 32, std::uint64_t{1});
       }},
      {"the end record and its zip64 record differ", [](Zip& zip) { set(zip.file, zip.end_at + 8, std::uint16_t{1}); }},
      {"the end record and its zip64 record differ",
       [](Zip& zip) { set(zip.file, zip.end_at + 12, std::uint32_t{1}); }},
      {"damaged zip64 end record", [](Zip& zip) { set(zip.file, zip.end_at - 12, std::uint64_t{1} << 60); }},
      {"damaged zip64 end record", [](Zip& zip) { set(zip.file, zip.zip64_end_at, std::uint32_t{7}); }},
      {"damaged zip64 end record", end64(4, 45)},
      {"no entry of the directory at byte", [](Zip& zip) { set(zip.file, zip.central_at[1], std::uint32_t{7}); }},
      {"entry 'two' has no local header of its name at byte 40",
       [](Zip& zip) { set(zip.file, zip.local_at[1], std::uint32_t{7}); }},
      {"has no local header of its name", [](Zip& zip) { zip.file[zip.local_at[1] + 30] ^= std::byte{1}; }},
      {"has no local header of its name", [](Zip& zip) { set(zip.file, zip.local_at[1] + 26, std::uint16_t{2}); }},
      {"has no local header of its name",
       [](Zip& zip) { set(zip.file, zip.central_at[1] + 42, std::uint32_t{0xFFFFFFFE}); }},
      {"entry 'two' has no zip64 numbers",
       [](Zip& zip) { set(zip.file, zip.central_at[1] + 42, std::uint32_t{0xFFFFFFFF}); }},
      {"entry 'a/one' is stored as 5 bytes, but its size is 6",
       [](Zip& zip) { set(zip.file, zip.central_at[0] + 24, std::uint32_t{6}); }},
      {"entry 'two' of 4294967294 bytes overlaps the directory",
       [](Zip& zip) {
         set(zip.file, zip.central_at[1] + 20, std::uint32_t{0xFFFFFFFE});
         set(zip.file, zip.central_at[1] + 24, std::uint32_t{0xFFFFFFFE});
       }},
      {"overlaps the directory", [](Zip& zip) { set(zip.file, zip.local_at[1] + 28, std::uint16_t{1}); }},
      {"entry 'two' overlaps another entry",
       [](Zip& zip) {
         set(zip.file, zip.central_at[0] + 20, std::uint32_t{6});
         set(zip.file, zip.central_at[0] + 24, std::uint32_t{6});
       }},
  };
  const auto good = build_zip(kTwo, {.zip64 = true});
  ASSERT_EQ(why(good.file), "");
  for (const auto& damage : damages) {
    auto zip = good;
    damage.apply(zip);
    EXPECT_NE(why(zip.file).find(damage.error), std::string::npos)
        << "'" << why(zip.file) << "' lacks '" << damage.error << "'";
  }
}

TEST(ZipDirectory, two_entries_with_one_local_header_are_refused) {
  auto zip = build_zip({{.name = "same", .data = bytes_of("1")}, {.name = "same", .data = bytes_of("2")}});
  EXPECT_EQ(why(zip.file), "") << "the same name twice is legal";
  set(zip.file, zip.central_at[1] + 42, std::uint32_t{0});
  EXPECT_EQ(why(zip.file), "entry 'same' overlaps another entry");
}

TEST(ZipDirectory, more_than_65535_entries_need_zip64) {
  std::vector<Member> members(65536 + 2);
  for (std::size_t i = 0; i < members.size(); ++i) members[i].name = std::to_string(i);
  EXPECT_EQ(entries_of(build_zip(members, {.zip64 = true}).file).size(), members.size());
  EXPECT_NE(why(build_zip(members).file).find("the directory has bytes outside of its 2 entries"), std::string::npos);
  members.resize(65535);
  EXPECT_EQ(entries_of(build_zip(members).file).size(), members.size());
}

TEST(ZipDirectory, a_zip_cut_anywhere_is_refused) {
  const auto zip = build_zip(kTwo, {.comment = "hi", .zip64 = true});
  for (std::size_t n = 0; n + 2 < zip.file.size(); ++n) {
    EXPECT_NE(why(Bytes(zip.file.begin(), zip.file.begin() + static_cast<std::ptrdiff_t>(n))), "") << n;
  }
}

/// Checks the promises of read_directory for any bytes.
void expect_sound(const std::vector<Entry>& entries, std::size_t file_bytes) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& entry : entries) {
    ASSERT_LE(entry.data_offset_bytes, file_bytes);
    ASSERT_LE(entry.compressed_bytes, file_bytes - entry.data_offset_bytes);
    ASSERT_LE(entry.directory_crc_at + 4, file_bytes);
    ranges.emplace_back(entry.header_offset_bytes, entry.data_offset_bytes + entry.compressed_bytes);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) ASSERT_LE(ranges[i - 1].second, ranges[i].first);
}

TEST(ZipDirectory, with_any_byte_changed_entries_do_not_overlap) {
  const auto zip = build_zip({{.name = "a", .data = bytes_of("12"), .descriptor = Descriptor::Signed},
                              {.name = "bc", .data = bytes_of("345"), .zip64 = true}},
                             {.comment = "!", .zip64 = true});
  int refused = 0;
  for (std::size_t at = 0; at < zip.file.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      auto file = zip.file;
      file[at] = static_cast<std::byte>(value);
      const auto entries = read_directory(MemorySource(file));
      refused += !entries;
      if (entries) expect_sound(*entries, file.size());
    }
  }
  EXPECT_GT(refused, 10'000);
}

TEST(ZipDirectory, first_names_come_from_the_directory_or_from_the_front_of_a_damaged_zip) {
  const auto zip = build_zip(kTwo);
  const auto first = first_names(MemorySource(zip.file));
  EXPECT_EQ(first.names, (std::vector<std::string>{"a/one", "two"}));
  EXPECT_TRUE(first.complete);

  const Bytes cut(zip.file.begin(), zip.file.begin() + static_cast<std::ptrdiff_t>(zip.directory_at));
  const auto front = first_names(MemorySource(cut));
  EXPECT_EQ(front.names, (std::vector<std::string>{"a/one", "two"}));
  EXPECT_FALSE(front.complete);

  EXPECT_TRUE(first_names(MemorySource(bytes_of("PK\3"))).names.empty());
  EXPECT_TRUE(first_names(MemorySource(bytes_of("no zip at all, whatever it says: PK\3\4"))).names.empty());
}

TEST(ZipDirectory, first_names_read_the_front_of_a_long_directory) {
  std::vector<Member> members(20'000);
  for (std::size_t i = 0; i < members.size(); ++i) members[i].name = "some/folder/" + std::to_string(i);
  const auto first = first_names(MemorySource(build_zip(members).file));
  EXPECT_FALSE(first.complete);
  EXPECT_GT(first.names.size(), 1000u);
  EXPECT_LT(first.names.size(), 10'000u);
}

TEST(ZipDirectory, a_hundred_thousand_entries_are_read_in_seconds) {
  std::vector<Member> members(100'000, {.name = "n", .data = bytes_of("1234")});
  const auto zip = build_zip(members, {.zip64 = true});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(entries_of(zip.file).size(), members.size());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 20) << "linear work takes a fraction of a second; quadratic work takes minutes";
}

}  // namespace
}  // namespace elves::formats::zip
