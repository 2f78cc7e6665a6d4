// The differences of delta/kernel.hpp and their inverses, for single words and for vectors. Included once for each
// target of Highway.
#if defined(ELVES_DIFFERENCE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_DIFFERENCE_INL
#undef ELVES_DIFFERENCE_INL
#else
#define ELVES_DIFFERENCE_INL
#endif

#include <bit>
#include <cstdint>
#include <limits>

#include "hwy/highway.h"
#include "support/zigzag.hpp"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class Word>
constexpr Word kAllButSign = std::numeric_limits<Word>::max() >> 1;

template <class V>
HWY_INLINE V signs(V words) {
  const hn::DFromV<V> d;
  const hn::RebindToSigned<hn::DFromV<V>> di;
  return hn::BitCast(d, hn::BroadcastSignBit(hn::BitCast(di, words)));
}

// Maps floats to integers of the same order, and back: the map does not change the sign, so it is its own inverse.
template <class V>
HWY_INLINE V order(V words) {
  return hn::Xor(words, hn::And(signs(words), hn::Set(hn::DFromV<V>(), kAllButSign<hn::TFromV<V>>)));
}

template <class Word>
Word sign(Word word) {
  return static_cast<Word>(Word{0} - (word >> (8 * sizeof(Word) - 1)));
}

template <class Word>
Word order_of_word(Word word) {
  return static_cast<Word>(word ^ (sign(word) & kAllButSign<Word>));
}

// The inverse of zigzag.
template <class V>
HWY_INLINE V unfold(V word) {
  const hn::DFromV<V> d;
  const auto odd = hn::Sub(hn::Zero(d), hn::And(word, hn::Set(d, hn::TFromV<V>{1})));
  return hn::Xor(hn::ShiftRight<1>(word), odd);
}

template <class Word>
struct Difference {
  using Type = Word;
  template <class V>
  static HWY_INLINE V of(V value, V base) {
    const auto difference = hn::Sub(order(value), order(base));
    return hn::Xor(hn::Add(difference, difference), signs(difference));
  }
  static Word of_word(Word value, Word base) {
    const auto difference = static_cast<Word>(order_of_word(value) - order_of_word(base));
    return zigzag(difference);
  }
};

template <class Word>
struct Sum {
  using Type = Word;
  template <class V>
  static HWY_INLINE V of(V difference, V base) {
    return order(hn::Add(order(base), unfold(difference)));
  }
  static Word of_word(Word difference, Word base) {
    return order_of_word(static_cast<Word>(order_of_word(base) + unzigzag(difference)));
  }
};

template <class Word>
struct IntegerDifference {
  using Type = Word;
  template <class V>
  static HWY_INLINE V of(V value, V base) {
    const auto difference = hn::Sub(value, base);
    return hn::Xor(hn::Add(difference, difference), signs(difference));
  }
  static Word of_word(Word value, Word base) {
    const auto difference = static_cast<Word>(value - base);
    return zigzag(difference);
  }
};

template <class Word>
struct IntegerSum {
  using Type = Word;
  template <class V>
  static HWY_INLINE V of(V difference, V base) {
    return hn::Add(base, unfold(difference));
  }
  static Word of_word(Word difference, Word base) { return static_cast<Word>(base + unzigzag(difference)); }
};

// Rotation moves the sign to the lowest bit.
template <class Word>
struct RotatedXor {
  using Type = Word;
  template <class V>
  static HWY_INLINE V of(V value, V base) {
    const auto bits = hn::Xor(value, base);
    return hn::Sub(hn::Add(bits, bits), signs(bits));
  }
  static Word of_word(Word value, Word base) { return std::rotl(static_cast<Word>(value ^ base), 1); }
};

template <class Word>
struct XorOfRotated {
  using Type = Word;
  template <class V>
  static HWY_INLINE V of(V rotated, V base) {
    return hn::Xor(hn::Or(hn::ShiftRight<1>(rotated), hn::ShiftLeft<8 * sizeof(Word) - 1>(rotated)), base);
  }
  static Word of_word(Word rotated, Word base) { return static_cast<Word>(std::rotr(rotated, 1) ^ base); }
};

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
