#include "pipeline/options.hpp"

#include <gtest/gtest.h>

#include "elves/codec.hpp"

namespace elves::pipeline {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
TEST(Describe, names_the_stages_in_use) {
  SweepOptions options;
  EXPECT_NE(describe(options, kMiB).find(" stages=hd,elf,de,palette,planes,delta,zstd "), std::string::npos);
  options.encode.use_delta = false;
  EXPECT_NE(describe(options, kMiB).find(" stages=hd,elf,de,palette,planes,zstd "), std::string::npos);
}

}  // namespace
}  // namespace elves::pipeline
