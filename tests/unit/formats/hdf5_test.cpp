#include "formats/hdf5/hdf5.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "support/posix.hpp"
#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

Bytes read_golden(const std::filesystem::path& path) {
  const auto contents = read_small_file(path.string(), 1 << 20);
  EXPECT_TRUE(contents) << path;
  const auto bytes = std::as_bytes(std::span(*contents));
  return {bytes.begin(), bytes.end()};
}

std::filesystem::path golden_folder() {
  return std::filesystem::path(ELVES_GOLDEN_DIR) / "formats" / "hdf5";
}

std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& each : std::filesystem::directory_iterator(golden_folder())) {
    if (each.path().extension() == ".h5") files.push_back(each.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0u;
  for (const auto byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

/// The contents of a .layers file.
std::string listing_of(const ParsedFile& parsed, const Bytes& file) {
  std::ostringstream out;
  for (const auto& layer : layers_by_name(parsed)) {
    std::string shape;
    for (const auto n : layer.shape) shape += (shape.empty() ? "" : "x") + std::to_string(n);
    char crc[9];
    std::snprintf(crc, sizeof crc, "%08x", crc32(std::span(file).subspan(layer.offset_bytes, layer.length_bytes)));
    out << name(layer.dtype) << ' ' << (shape.empty() ? "scalar" : shape) << ' ' << crc << ' ' << layer.name << '\n';
  }
  out << "opaque " << parsed.opaque_bytes;
  if (parsed.opaque_bytes > 0) out << ' ' << parsed.opaque_reason.substr(std::string("hdf5: ").size());
  out << '\n';
  return out.str();
}

TEST(Hdf5, golden_files_give_the_layers_that_h5py_shows) {
  const auto files = golden_files();
  EXPECT_GE(files.size(), 20u);
  for (const auto& path : files) {
    const auto file = read_golden(path);
    const auto parsed = parse(file);
    auto expected_path = path;
    const auto expected = read_small_file(expected_path.replace_extension(".layers").string(), 1 << 20);
    ASSERT_TRUE(expected) << path;
    EXPECT_EQ(parsed.format, FormatId::Hdf5) << path << parsed.opaque_reason;
    EXPECT_EQ(listing_of(parsed, file), *expected) << path;
  }
}

TEST(Hdf5, golden_files_cut_anywhere_are_glue) {
  for (const auto& path : golden_files()) {
    const auto file = read_golden(path);
    for (std::size_t n = 0; n < file.size(); n += 97) {
      const auto parsed = parse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)));
      EXPECT_EQ(parsed.format, FormatId::Plain) << path << " cut at " << n;
    }
  }
}

}  // namespace
}  // namespace elves::formats
