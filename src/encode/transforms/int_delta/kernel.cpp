#include "encode/transforms/int_delta/kernel.hpp"

#include <cstdint>
#include <cstring>

#include "support/zigzag.hpp"

namespace elves::encode::int_delta {
namespace {

template <class Word>
Word load(const std::byte* words, std::size_t i) {
  Word word;
  std::memcpy(&word, words + i * sizeof(Word), sizeof(Word));
  return word;
}

template <class Word>
void store(Word word, std::byte* words, std::size_t i) {
  std::memcpy(words + i * sizeof(Word), &word, sizeof(Word));
}

}  // namespace

template <class Word>
void to_differences(const std::byte* __restrict words, std::size_t n, std::byte* __restrict differences) {
  if (n == 0) return;
  store(zigzag(load<Word>(words, 0)), differences, 0);
  for (std::size_t i = 1; i < n; ++i) {
    store(zigzag(static_cast<Word>(load<Word>(words, i) - load<Word>(words, i - 1))), differences, i);
  }
}

template <class Word>
void from_differences(const std::byte* __restrict differences, std::size_t n, std::byte* __restrict words) {
  Word word = 0;
  for (std::size_t i = 0; i < n; ++i) {
    word = static_cast<Word>(word + unzigzag(load<Word>(differences, i)));
    store(word, words, i);
  }
}

#define ELVES_INSTANTIATE(Word)                                                                        \
  template void to_differences<Word>(const std::byte* __restrict, std::size_t, std::byte* __restrict); \
  template void from_differences<Word>(const std::byte* __restrict, std::size_t, std::byte* __restrict)

ELVES_INSTANTIATE(std::uint16_t);
ELVES_INSTANTIATE(std::uint32_t);
ELVES_INSTANTIATE(std::uint64_t);

}  // namespace elves::encode::int_delta
