// Decodes the examples of docs/format/transforms/*.md. Each is a block "chunk DTYPE" with the encoded bytes, the base
// if the chunk is a delta, and the decoded bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "chunk_data.hpp"
#include "encode/registry.hpp"

namespace elves {
namespace {

using testing::Bytes;

struct Example {
  std::string page;
  DType dtype = DType::Bytes;
  Bytes encoded;
  Bytes base;
  Bytes raw;
};

std::filesystem::path folder() {
  return std::filesystem::path(ELVES_GOLDEN_DIR) / ".." / ".." / "docs" / "format" / "transforms";
}

Bytes hex(std::istream& words) {
  Bytes bytes;
  for (std::string word; words >> word;) bytes.push_back(static_cast<std::byte>(std::stoi(word, nullptr, 16)));
  return bytes;
}

DType dtype_named(const std::string& wanted) {
  for (std::uint8_t number = 0; number < kDTypeCount; ++number) {
    if (name(static_cast<DType>(number)) == wanted) return static_cast<DType>(number);
  }
  ADD_FAILURE() << "no dtype " << wanted;
  return DType::Bytes;
}

std::vector<Example> examples_of(const std::filesystem::path& page) {
  std::vector<Example> examples;
  std::ifstream in(page);
  const std::string opening = "```chunk ";
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(opening)) continue;
    Example example{.page = page.filename(),
                    .dtype = dtype_named(line.substr(opening.size())),
                    .encoded = {},
                    .base = {},
                    .raw = {}};
    std::getline(in, line);
    std::istringstream encoded(line);
    example.encoded = hex(encoded);
    std::getline(in, line);
    std::istringstream gives(line);
    std::string word;
    gives >> word;
    if (word == "base") {
      example.base = hex(gives);
      std::getline(in, line);
      gives = std::istringstream(line);
      gives >> word;
    }
    EXPECT_EQ(word, "gives") << page;
    example.raw = hex(gives);
    examples.push_back(example);
  }
  return examples;
}

TEST(DocumentedChunks, decode_to_the_documented_bytes) {
  for (const auto& page : std::filesystem::directory_iterator(folder())) {
    for (const Example& example : examples_of(page)) {
      SCOPED_TRACE(example.page);
      Bytes back(example.raw.size());
      const auto decoded = Decoder().decode(example.encoded, example.dtype, back, example.base);
      ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
      EXPECT_EQ(back, example.raw);
    }
  }
}

TEST(DocumentedChunks, exist_for_every_transform) {
  for (const auto& row : encode::transforms()) {
    const auto examples = examples_of(folder() / (std::string(row.name) + ".md"));
    EXPECT_TRUE(std::ranges::any_of(
        examples, [&](const Example& example) { return example.encoded.at(0) == static_cast<std::byte>(row.id); }))
        << "docs/format/transforms/" << row.name << ".md has no example of a chunk";
  }
}

}  // namespace
}  // namespace elves
