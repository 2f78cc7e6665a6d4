// The model of the paper's form of ELF, which benchmarks compare with.
#include "measure/paper_elf.hpp"

#include <gtest/gtest.h>

#include "elves/codec.hpp"
#include "unit/encode/chunk_data.hpp"

namespace elves {
namespace {

using testing::Bytes;

TEST(PaperElf, decodes_to_the_values_of_elf_in_planes) {
  for (const DType dtype : {DType::F16, DType::F32, DType::F64}) {
    for (const auto& kind : testing::kinds()) {
      SCOPED_TRACE(std::string(name(dtype)) + ", " + kind.name);
      const auto raw = kind.make(dtype, 1000);
      measure::PaperElfPeer elf;
      Bytes encoded;
      elf.encode(raw, dtype, encoded);
      Bytes back(raw.size());
      ASSERT_TRUE(elf.decode(encoded, dtype, back));
      EXPECT_EQ(testing::difference(dtype, raw, back, testing::own_bound(dtype)), "");
    }
  }
}

TEST(PaperElf, is_larger_than_elf_in_planes) {
  const auto raw = testing::normal_weights(DType::F32, 100000, 0.02, 9);
  Bytes packed;
  measure::PaperElfPeer().encode(raw, DType::F32, packed);
  Bytes planes;
  ASSERT_EQ(Encoder().encode(raw, DType::F32, {}, planes).transform, TransformId::Elf);
  EXPECT_GT(packed.size(), planes.size());
  EXPECT_LT(packed.size(), raw.size() * 10 / 14);
}

}  // namespace
}  // namespace elves
