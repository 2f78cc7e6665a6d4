#include "elves/archive.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "pipeline/sweep.hpp"

namespace elves {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kLayerBytes = 9'000'004;  // of three chunks, the last one short

/// An archive of a hub that changed: a folder became a file in the second sweep.
class ArchiveApi : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "elves-api-XXXXXX";
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
    layer_ = weights();
    write("hub/org/m/model.safetensors", safetensors());
    write("hub/org/other/folder/file", "below a folder");
    sweep();
    fs::remove_all(root_ + "/hub/org/other/folder");
    write("hub/org/other/folder", "a file");
    sweep();
  }
  void TearDown() override { fs::remove_all(root_); }

  Archive open() {
    auto archive = Archive::open(root_ + "/archive");
    EXPECT_TRUE(archive) << archive.error().message;
    return std::move(archive).value();
  }

  Bytes layer_;

 private:
  static Bytes weights() {
    std::mt19937 random(3);
    std::normal_distribution<float> values(0, 0.02f);
    std::vector<float> floats(kLayerBytes / 4);
    for (auto& value : floats) value = values(random);
    const auto bytes = std::as_bytes(std::span(floats));
    return {bytes.begin(), bytes.end()};
  }

  std::string safetensors() const {
    const auto header = R"({"w":{"dtype":"F32","shape":[)" + std::to_string(layer_.size() / 4) +
                        R"(],"data_offsets":[0,)" + std::to_string(layer_.size()) + "]}}";
    std::string file(8, '\0');
    file[0] = static_cast<char>(header.size());
    file += header;
    return file.append(reinterpret_cast<const char*>(layer_.data()), layer_.size());
  }

  void write(const std::string& path, const std::string& content) const {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path, std::ios::binary) << content;
  }

  void sweep() const {
    pipeline::SweepOptions options;
    options.corpus = root_ + "/hub";
    options.archive = root_ + "/archive";
    options.threads = 1;
    options.progress = pipeline::ProgressMode::None;
    pipeline::use(options, Stage::Elf, false);
    pipeline::sweep(mpi::world(), options);
  }

  std::string root_;
};

const std::string kModel = "org/m/model.safetensors";

TEST_F(ArchiveApi, files_and_models_are_the_current_ones) {
  const auto archive = open();
  EXPECT_EQ(archive.files(), (std::vector<std::string>{"org", "org/m", kModel, "org/other", "org/other/folder"}));
  const auto models = archive.models();
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].id, "org/m");
  EXPECT_EQ(models[0].files, std::vector<std::string>{kModel});
  EXPECT_EQ(models[1].files, std::vector<std::string>{"org/other/folder"});
}

TEST_F(ArchiveApi, a_former_path_is_read_where_it_is_named) {
  auto archive = open();
  const auto bytes = archive.read_file("org/other/folder/file");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(bytes->size(), std::strlen("below a folder"));
  EXPECT_FALSE(archive.read_file("org/other/folder/none"));
}

TEST_F(ArchiveApi, a_layer_is_read_into_memory_of_its_size_only) {
  auto archive = open();
  Bytes out(kLayerBytes);
  const auto read = archive.read_layer(kModel, "w", out);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(out, layer_);
  EXPECT_EQ(*archive.read_layer(kModel, "w"), layer_);
  out.pop_back();
  EXPECT_FALSE(archive.read_layer(kModel, "w", out));
  EXPECT_FALSE(archive.read_layer(kModel, "no such layer"));
}

TEST_F(ArchiveApi, any_range_of_a_layer_is_read) {
  auto archive = open();
  constexpr std::size_t kChunk = 4 << 20;
  for (const auto& [offset, size] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, 1}, {kChunk - 3, 7}, {kChunk, kChunk}, {2 * kChunk + 5, 100}, {0, kLayerBytes}, {kLayerBytes, 0}}) {
    Bytes out(size);
    const auto read = archive.read_layer_range(kModel, "w", offset, out);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(std::memcmp(out.data(), layer_.data() + offset, size), 0) << offset << " " << size;
  }
  Bytes out(2);
  EXPECT_FALSE(archive.read_layer_range(kModel, "w", kLayerBytes - 1, out));
  EXPECT_FALSE(archive.read_layer_range(kModel, "w", UINT64_MAX, out));
}

}  // namespace
}  // namespace elves
