// Every kernel gives the same bits on every target that this CPU has as the plain twin that is written here.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <functional>
#include <type_traits>

#include "encode/transforms/planes/kernel.hpp"
#include "hwy/highway.h"
#include "unit/encode/chunk_data.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

// Around the vectors of 16, 32 and 64 bytes, and around blocks of 1024 elements.
const std::vector<std::size_t> kSizes{0,  1,  2,  3,   7,   8,   15,  16,  17,  31,   32,   33,   47,
                                      63, 64, 65, 127, 128, 129, 191, 257, 500, 1023, 1024, 1025, 3000};

void on_every_target(const std::function<void()>& test) {
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
}

template <class With>
void with_every_word(With with) {
  with(std::uint8_t{});
  with(std::uint16_t{});
  with(std::uint32_t{});
  with(std::uint64_t{});
}

// Bit patterns of every kind of float of this width: a third of them zeros, denormals, infinities, NaN and neighbours
// of 1, a third weights, and the rest random.
template <class Word>
std::vector<Word> words(std::size_t n, std::uint64_t seed) {
  constexpr unsigned kBits = 8 * sizeof(Word);
  constexpr unsigned kMantissa = kBits == 64 ? 52 : kBits == 32 ? 23 : kBits == 16 ? 10 : 3;
  constexpr Word kInfinity = static_cast<Word>((~Word{0} >> 1) >> kMantissa << kMantissa);
  constexpr Word kOne = static_cast<Word>((kInfinity >> 1) >> kMantissa << kMantissa);
  const std::vector<Word> special{0,
                                  1,
                                  kInfinity,
                                  static_cast<Word>(kInfinity + 1),
                                  static_cast<Word>(~Word{0} >> 1),
                                  kOne,
                                  static_cast<Word>(kOne - 1),
                                  static_cast<Word>(kOne - 2),
                                  static_cast<Word>(kOne + 1),
                                  static_cast<Word>(Word{1} << kMantissa),
                                  static_cast<Word>((Word{1} << kMantissa) - 1)};
  testing::Random random(seed);
  std::vector<Word> made(n);
  for (auto& word : made) {
    const auto bits = static_cast<Word>(random.bits() >> (64 - kBits));
    const auto sign = static_cast<Word>(bits >> (kBits - 1) << (kBits - 1));
    const auto kind = random.below(3);
    word = bits;
    if (kind == 0) word = static_cast<Word>(sign | special[random.below(special.size())]);
    if (kind == 1) word = static_cast<Word>(sign | static_cast<Word>(bits & ~sign) % kOne);
  }
  return made;
}

// Bytes that start at an odd address and end in a guard, which a kernel must leave alone.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t n) : bytes_(n + 1 + kGuard, kUntouched) {}
  ~GuardedBytes() {
    EXPECT_EQ(Bytes(bytes_.end() - kGuard, bytes_.end()), Bytes(kGuard, kUntouched)) << "written past the end";
    EXPECT_EQ(bytes_[0], kUntouched) << "written before the beginning";
  }

  std::byte* data() { return bytes_.data() + 1; }
  Bytes get() const { return {bytes_.begin() + 1, bytes_.end() - kGuard}; }

 private:
  static constexpr std::ptrdiff_t kGuard = 128;
  static constexpr std::byte kUntouched{0xA5};
  Bytes bytes_;
};

std::vector<std::byte*> pointers(std::vector<GuardedBytes>& planes) {
  std::vector<std::byte*> all;
  for (auto& plane : planes) all.push_back(plane.data());
  return all;
}

TEST(KernelTargets, are_more_than_one) {
#if HWY_ARCH_X86
  EXPECT_GT(hwy::SupportedAndGeneratedTargets().size(), 1u);
#endif
}

template <class Word>
void expect_planes_of(bool rotate, std::size_t n, std::size_t n_planes) {
  const auto values = words<Word>(n, n);
  std::vector<Bytes> expected(n_planes, Bytes(n));
  std::vector<Word> expected_back(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Word word = rotate ? std::rotl(values[i], 1) : values[i];
    const auto dropped = static_cast<unsigned>(8 * (sizeof(Word) - n_planes));
    const Word kept = dropped == 8 * sizeof(Word) ? Word{0} : static_cast<Word>(word >> dropped << dropped);
    expected_back[i] = rotate ? std::rotr(kept, 1) : kept;
    for (std::size_t k = 0; k < n_planes; ++k) {
      expected[k][i] = static_cast<std::byte>(word >> (8 * (sizeof(Word) - 1 - k)));
    }
  }

  const WordShape shape{.n_bytes = sizeof(Word), .rotate = rotate};
  std::vector<GuardedBytes> planes(n_planes, GuardedBytes(n));
  const auto to = pointers(planes);
  split_planes(shape, testing::bytes_of(values).data(), n, to);
  for (std::size_t k = 0; k < n_planes; ++k) ASSERT_EQ(planes[k].get(), expected[k]) << "plane " << k;

  GuardedBytes back(n * sizeof(Word));
  join_planes(shape, std::vector<const std::byte*>(to.begin(), to.end()), n, back.data());
  ASSERT_EQ(testing::values_of<Word>(back.get()), expected_back);
}

TEST(KernelContract, planes_are_the_bytes_of_words) {
  on_every_target([] {
    with_every_word([](auto word) {
      for (const std::size_t n : kSizes) {
        for (std::size_t n_planes = 1; n_planes <= sizeof(word); ++n_planes) {
          for (const bool rotate : {false, true}) {
            SCOPED_TRACE(std::to_string(n) + " words of " + std::to_string(sizeof(word)) + " bytes, " +
                         std::to_string(n_planes) + " planes" + (rotate ? ", rotated" : ""));
            expect_planes_of<decltype(word)>(rotate, n, n_planes);
          }
        }
      }
    });
  });
}

}  // namespace
}  // namespace elves::encode
