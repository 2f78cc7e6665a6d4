#include "encode/transforms/delta/elf_kernel.hpp"

#include <cstdint>
#include <cstring>

#include "support/zigzag.hpp"

// Plain loops. The compiler vectorizes them once for each target of Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/transforms/delta/elf_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace elves::encode::elf_delta::HWY_NAMESPACE {
namespace {

template <class Word>
HWY_INLINE Word load(const std::byte* words, std::size_t i) {
  Word word;
  std::memcpy(&word, words + i * sizeof(Word), sizeof(Word));
  return word;
}

// The map from the symbol m << 1 | sign to its integer is the inverse of zigzag.
template <class Word>
void subtract_words(unsigned shift, const std::byte* symbols, const std::byte* base, std::size_t n_words,
                    std::byte* differences) {
  for (std::size_t i = 0; i < n_words; ++i) {
    const Word own = unzigzag(static_cast<Word>(load<Word>(symbols, i) >> shift));
    const Word other = unzigzag(static_cast<Word>(load<Word>(base, i) >> shift));
    const Word difference = zigzag(static_cast<Word>(own - other));
    std::memcpy(differences + i * sizeof(Word), &difference, sizeof(Word));
  }
}

template <class Word>
void add_words(unsigned shift, const std::byte* differences, const std::byte* base, std::size_t n_words,
               std::byte* symbols) {
  for (std::size_t i = 0; i < n_words; ++i) {
    const Word other = unzigzag(static_cast<Word>(load<Word>(base, i) >> shift));
    const Word own = static_cast<Word>(other + unzigzag(load<Word>(differences, i)));
    const Word symbol = static_cast<Word>(zigzag(own) << shift);
    std::memcpy(symbols + i * sizeof(Word), &symbol, sizeof(Word));
  }
}

void subtract_all(std::size_t word_bytes, unsigned shift, const std::byte* symbols, const std::byte* base,
                  std::size_t n_words, std::byte* differences) {
  if (word_bytes == 2) return subtract_words<std::uint16_t>(shift, symbols, base, n_words, differences);
  if (word_bytes == 4) return subtract_words<std::uint32_t>(shift, symbols, base, n_words, differences);
  subtract_words<std::uint64_t>(shift, symbols, base, n_words, differences);
}

void add_all(std::size_t word_bytes, unsigned shift, const std::byte* differences, const std::byte* base,
             std::size_t n_words, std::byte* symbols) {
  if (word_bytes == 2) return add_words<std::uint16_t>(shift, differences, base, n_words, symbols);
  if (word_bytes == 4) return add_words<std::uint32_t>(shift, differences, base, n_words, symbols);
  add_words<std::uint64_t>(shift, differences, base, n_words, symbols);
}

}  // namespace
}  // namespace elves::encode::elf_delta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode::elf_delta {

HWY_EXPORT(subtract_all);
HWY_EXPORT(add_all);

void subtract(std::size_t word_bytes, unsigned shift, const std::byte* symbols, const std::byte* base,
              std::size_t n_words, std::byte* differences) {
  HWY_DYNAMIC_DISPATCH(subtract_all)(word_bytes, shift, symbols, base, n_words, differences);
}

void add(std::size_t word_bytes, unsigned shift, const std::byte* differences, const std::byte* base,
         std::size_t n_words, std::byte* symbols) {
  HWY_DYNAMIC_DISPATCH(add_all)(word_bytes, shift, differences, base, n_words, symbols);
}

}  // namespace elves::encode::elf_delta
#endif
