#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "formats/hdf5/hdf5.hpp"
#include "unit/formats/hdf5_builder.hpp"
#include "unit/formats/parsed.hpp"

namespace elves::formats::hdf5_test {

inline std::vector<Extent> layers_by_name(const ParsedFile& file) {
  auto layers = layers_of(file);
  std::sort(layers.begin(), layers.end(), [](const Extent& a, const Extent& b) { return a.name < b.name; });
  return layers;
}

inline std::vector<std::string> names_of(const ParsedFile& file) {
  std::vector<std::string> names;
  for (const auto& layer : layers_by_name(file)) names.push_back(layer.name);
  return names;
}

/// The layer of a file that must have exactly one.
inline Extent only_layer(const Bytes& file) {
  const auto parsed = parse(file);
  const auto layers = layers_by_name(parsed);
  EXPECT_EQ(layers.size(), 1u) << parsed.opaque_reason;
  return layers.empty() ? Extent{} : layers[0];
}

/// A damaged file, and a part of the reason that must be given for it.
struct Damaged {
  std::string reason;
  Bytes file;
};

inline void expect_refused(const std::vector<Damaged>& files) {
  for (const auto& [reason, file] : files) {
    EXPECT_TRUE(kHdf5.matches(MemorySource(file))) << reason;
    const auto parsed = parse(file);
    EXPECT_EQ(parsed.format, FormatId::Plain) << reason;
    EXPECT_NE(parsed.opaque_reason.find(reason), std::string::npos) << reason << ", but: " << parsed.opaque_reason;
  }
}

/// A file whose dataset "x" has these messages, with 64 bytes of data at address 48.
inline Bytes one_dataset(const std::vector<Message>& messages) {
  File builder;
  builder.put(Bytes(64));
  return builder.finish_with(messages);
}

inline Bytes with_byte(Bytes file, std::size_t at, unsigned value) {
  file[at] = static_cast<std::byte>(value);
  return file;
}

}  // namespace elves::formats::hdf5_test
