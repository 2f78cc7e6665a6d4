#include "encode/transforms/delta/kernel.hpp"

#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/transforms/delta/kernel.cpp"
#include "hwy/foreach_target.h"
// These come after foreach_target.h.
#include "encode/transforms/delta/kernel_generic-inl.hpp"
#include "encode/transforms/delta/kernel_vbmi2-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

std::size_t split_all(const Layout& layout, const std::byte* words, const std::byte* base, std::size_t n_words,
                      const Parts<std::byte>& to) {
  return with_word(layout.word_bytes, [&](auto word) {
    using Word = decltype(word);
    if (layout.operation == Operation::Xor) return split_words<RotatedXor<Word>>(layout, words, base, n_words, to);
    if (layout.operation == Operation::Floats) return split_words<Difference<Word>>(layout, words, base, n_words, to);
    return split_words<IntegerDifference<Word>>(layout, words, base, n_words, to);
  });
}

bool join_all(const Layout& layout, const Parts<const std::byte>& from, std::span<const std::size_t> sizes,
              std::size_t n_escapes, const std::byte* base, std::size_t n_words, std::byte* words) {
  return with_word(layout.word_bytes, [&](auto word) {
    using Word = decltype(word);
    const auto join_by = [&](auto join) { return join(layout, from, sizes, n_escapes, base, n_words, words); };
    if (layout.operation == Operation::Xor) return join_by(join_words<XorOfRotated<Word>>);
    if (layout.operation == Operation::Floats) return join_by(join_words<Sum<Word>>);
    return join_by(join_words<IntegerSum<Word>>);
  });
}

GroupSizes count_all(const Layout& layout, const std::byte* base, std::size_t n_words) {
  return with_word(layout.word_bytes, [&](auto word) { return count_words<decltype(word)>(layout, base, n_words); });
}

void contexts_of_all(unsigned word_bytes, const std::byte* words, std::size_t n_words, std::byte* contexts) {
  with_word(word_bytes, [&](auto word) { make_contexts<decltype(word)>(words, n_words, contexts); });
}

#if HWY_TARGET != HWY_SCALAR

HWY_INLINE ByteVector width_of_byte(ByteVector byte) {
  alignas(16) static constexpr std::uint8_t kWidths[16] = {0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4};
  const auto widths = hn::LoadDup128(Bytes(), kWidths);
  const auto high = hn::ShiftRight<4>(byte);
  const auto of_high = hn::Add(hn::TableLookupBytes(widths, high), hn::Set(Bytes(), 4));
  return hn::IfThenElse(hn::Eq(high, hn::Zero(Bytes())), hn::TableLookupBytes(widths, byte), of_high);
}

// The widths of words, from their byte planes.
template <std::size_t kWord>
HWY_INLINE ByteVector width_of(const ByteVector (&planes)[kWord]) {
  auto width = width_of_byte(planes[kWord - 1]);
  for (std::size_t k = 0; k + 1 < kWord; ++k) {
    const auto below = hn::Set(Bytes(), static_cast<std::uint8_t>(8 * (kWord - 1 - k)));
    const auto with_below = hn::Add(width_of_byte(planes[k]), below);
    width = hn::Max(width, hn::IfThenZeroElse(hn::Eq(planes[k], hn::Zero(Bytes())), with_below));
  }
  return width;
}

#endif

template <class Operation>
void measure(const std::byte* words, const std::byte* base, std::size_t n_words, std::uint8_t* widths) {
  using Word = typename Operation::Type;
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; i + kVectorBytes <= n_words; i += kVectorBytes) {
    ByteVector planes[sizeof(Word)];
    planes_of_differences<Operation>(words + i * sizeof(Word), base + i * sizeof(Word), planes);
    hn::StoreU(width_of(planes), Bytes(), widths + i);
  }
#endif
  for (; i < n_words; ++i) {
    const Word difference = Operation::of_word(load_word<Word>(words, i), load_word<Word>(base, i));
    widths[i] = static_cast<std::uint8_t>(std::bit_width(difference));
  }
}

void measure_all(unsigned word_bytes, Operation operation, const std::byte* words, const std::byte* base,
                 std::size_t n_words, std::uint8_t* widths) {
  with_word(word_bytes, [&](auto word) {
    using Word = decltype(word);
    if (operation == Operation::Xor) return measure<RotatedXor<Word>>(words, base, n_words, widths);
    if (operation == Operation::Floats) return measure<Difference<Word>>(words, base, n_words, widths);
    measure<IntegerDifference<Word>>(words, base, n_words, widths);
  });
}

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode {

HWY_EXPORT(split_all);
HWY_EXPORT(join_all);
HWY_EXPORT(count_all);
HWY_EXPORT(measure_all);
HWY_EXPORT(contexts_of_all);

namespace delta {

void contexts_of(unsigned word_bytes, const std::byte* words, std::size_t n_words, std::byte* contexts) {
  HWY_DYNAMIC_DISPATCH(encode::contexts_of_all)(word_bytes, words, n_words, contexts);
}

void widths_of(unsigned word_bytes, Operation operation, const std::byte* words, const std::byte* base,
               std::size_t n_words, std::uint8_t* widths) {
  HWY_DYNAMIC_DISPATCH(encode::measure_all)(word_bytes, operation, words, base, n_words, widths);
}

std::array<std::size_t, kMostGroups> count_groups(const Layout& layout, const std::byte* base, std::size_t n_words) {
  if (layout.thresholds.empty()) return {n_words};
  return HWY_DYNAMIC_DISPATCH(encode::count_all)(layout, base, n_words);
}

std::size_t split(const Layout& layout, const std::byte* words, const std::byte* base, std::size_t n_words,
                  const Parts<std::byte>& to) {
  return HWY_DYNAMIC_DISPATCH(encode::split_all)(layout, words, base, n_words, to);
}

bool join(const Layout& layout, const Parts<const std::byte>& from, std::span<const std::size_t> sizes,
          std::size_t n_escapes, const std::byte* base, std::size_t n_words, std::byte* words) {
  return HWY_DYNAMIC_DISPATCH(encode::join_all)(layout, from, sizes, n_escapes, base, n_words, words);
}

}  // namespace delta
}  // namespace elves::encode
#endif
