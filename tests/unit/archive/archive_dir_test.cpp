#include "archive/archive_dir.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/text.hpp"

namespace elves::archive {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Numbers = std::vector<std::uint32_t>;

const std::vector<std::byte> kSecret(KeyedHash::kSecretBytes, std::byte{5});

class ReadDirectory : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/elves-archive-test-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  void TearDown() override { fs::remove_all(path_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ + "/" + name) << text; }
  void write(const json& identity) const { write("archive.json", identity.dump()); }
  static json identity() {
    return {{"format", "elves-archive"},      {"version", 1},          {"id", "0123"}, {"hash", "xxh3-128"},
            {"hash_secret", to_hex(kSecret)}, {"part_bytes", 64 << 20}};
  }
  std::string error() const {
    const auto read = read_archive(path_);
    return read ? "" : read.error().message;
  }

  std::string path_;
};

TEST_F(ReadDirectory, has_the_identity_and_the_shards_in_ascending_order) {
  write(identity());
  for (const auto* name : {"shard-00000002.h5", "shard-00000000.h5", "shard-00000010.h5"}) write(name, "");
  for (const auto* name : {"shard-1.h5", "shard-00000003.h5x", "shard-0000000a.h5", ".tmp-shard-00000004.h5", "lock"})
    write(name, "");
  const auto read = read_archive(path_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->path, path_);
  EXPECT_EQ(read->identity.id, "0123");
  EXPECT_EQ(read->identity.hash_secret, kSecret);
  EXPECT_EQ(read->identity.part_bytes, 64u << 20);
  EXPECT_EQ(read->shards, (Numbers{0, 2, 10}));
  EXPECT_EQ(read->missing(), (Numbers{1, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(ReadDirectory, a_folder_without_identity_is_no_archive) {
  EXPECT_NE(error().find("is not an elves archive"), std::string::npos) << error();
}

TEST_F(ReadDirectory, an_identity_that_is_cut_or_has_a_wrong_member_is_damaged) {
  write("archive.json", identity().dump().substr(0, 30));
  EXPECT_NE(error().find("is damaged"), std::string::npos) << error();
  const std::vector<std::pair<std::string, json>> wrong{
      {"format", "other"},    {"version", "1"},      {"version", -1},   {"id", 7},         {"hash_secret", 7},
      {"hash_secret", "xyz"}, {"hash_secret", "00"}, {"part_bytes", 0}, {"part_bytes", 5}, {"part_bytes", "5"}};
  for (const auto& [member, value] : wrong) {
    auto changed = identity();
    changed[member] = value;
    write(changed);
    EXPECT_NE(error().find("is damaged"), std::string::npos) << member << " " << value << ": " << error();
  }
  for (const auto* member : {"format", "version", "id", "hash_secret", "part_bytes"}) {
    auto changed = identity();
    changed.erase(member);
    write(changed);
    EXPECT_NE(error().find("is damaged"), std::string::npos) << member << ": " << error();
  }
}

TEST_F(ReadDirectory, a_newer_format_or_hash_needs_a_newer_elves) {
  auto newer = identity();
  newer["version"] = 2;
  write(newer);
  EXPECT_NE(error().find("format version 2"), std::string::npos) << error();
  auto other = identity();
  other["hash"] = "xxh9";
  write(other);
  EXPECT_NE(error().find("use a newer elves"), std::string::npos) << error();
}

TEST_F(ReadDirectory, missing_lists_at_most_1000_shards) {
  ArchiveDir directory;
  EXPECT_TRUE(directory.missing().empty());
  directory.shards = {4000000000};
  EXPECT_EQ(directory.missing().size(), 1000u);
}

TEST_F(ReadDirectory, bytes_on_disk_are_those_of_shards_and_identity) {
  write("archive.json", "12345");
  write("shard-00000000.h5", "1234567");
  write("lock", "123");
  EXPECT_EQ(bytes_on_disk(path_), 12u);
}

}  // namespace
}  // namespace elves::archive
