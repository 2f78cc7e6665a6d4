#include "formats/hdf5/metadata.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

using Shape = std::vector<std::uint64_t>;

TEST(Hdf5Metadata, matches_a_signature_after_a_user_block_of_an_allowed_size) {
  File builder;
  const auto file = builder.finish_with(builder.put_array({2}));
  for (const std::size_t at : {0, 512, 1024, 2048, 65536, 1 << 20}) {
    Bytes moved(at, std::byte{'x'});
    moved.insert(moved.end(), file.begin(), file.end());
    EXPECT_TRUE(kHdf5.matches(MemorySource(moved))) << at;
    EXPECT_EQ(only_layer(moved).offset_bytes, 48 + at) << "addresses count from the superblock";
  }
  for (const std::size_t at : {1, 8, 100, 511, 1536}) {
    Bytes moved(at, std::byte{'x'});
    moved.insert(moved.end(), file.begin(), file.end());
    EXPECT_FALSE(kHdf5.matches(MemorySource(moved))) << at;
  }
  EXPECT_FALSE(kHdf5.matches(MemorySource({})));
  EXPECT_FALSE(kHdf5.matches(MemorySource(std::span(file).first(7))));
  const std::string text = "\x89PNG\r\n\x1a\n and so on";
  EXPECT_FALSE(kHdf5.matches(MemorySource(std::as_bytes(std::span(text)))));
}

TEST(Hdf5Metadata, superblocks_of_all_versions_lead_to_the_root_group) {
  for (const unsigned version : {0, 1, 2, 3}) {
    File builder(version);
    const auto layer = only_layer(builder.finish_with(builder.put_array({2, 3})));
    EXPECT_EQ(layer.name, "x") << version;
    EXPECT_EQ(layer.shape, (Shape{2, 3}));
    EXPECT_EQ(layer.length_bytes, 24u);
  }
}

TEST(Hdf5Metadata, addresses_count_from_the_superblock_whatever_base_it_gives) {
  File builder;
  const auto object = builder.put_array({2});
  const auto root = builder.put_group({{"x", object}});
  EXPECT_EQ(only_layer(builder.finish(root, 4096)).name, "x");
}

TEST(Hdf5Metadata, damaged_superblocks_are_refused) {
  File builder;
  const auto good = builder.finish_with(builder.put_array({2}));
  File old(0);
  const auto good_old = old.finish_with(old.put_array({2}));
  auto shorter = good;
  shorter.pop_back();
  File away;
  File base;
  expect_refused({
      {"superblock of unknown version 7", with_byte(good, 8, 7)},
      {"superblock has a wrong size of addresses", with_byte(good, 9, 3)},
      {"superblock has a wrong size of addresses", with_byte(good_old, 14, 0)},
      {"superblock passes the end of the file", Bytes(good.begin(), good.begin() + 10)},
      {"superblock is cut short", Bytes(good.begin(), good.begin() + 30)},
      {"cut short: the file has " + std::to_string(shorter.size()) + " bytes, but " + std::to_string(good.size()) +
           " in its superblock",
       shorter},
      {"object header passes the end of the file (6 bytes at address 1152921504606846976)",
       away.finish(std::uint64_t{1} << 60)},
      {"object header passes the end of the file", base.finish(kNone)},
  });
}

TEST(Hdf5Metadata, names_in_messages_are_printable_and_short) {
  File builder;
  const auto bad = builder.put(Bytes(16));
  std::string name(200, 'n');
  name[0] = '\0';
  name[1] = '\n';
  const auto parsed = parse(builder.finish(builder.put_group({{name, bad}})));
  EXPECT_NE(parsed.opaque_reason.find("has an unknown version"), std::string::npos);
  EXPECT_EQ(parsed.opaque_reason.find('\0'), std::string::npos);
  EXPECT_EQ(parsed.opaque_reason.find('\n'), std::string::npos);
  EXPECT_LT(parsed.opaque_reason.size(), 200u);
}

}  // namespace
}  // namespace elves::formats
