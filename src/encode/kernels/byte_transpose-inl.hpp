// Splits vectors of words into byte planes and joins them, all planes of a step at once. Included once for each target
// of Highway. Raw intrinsics: Highway 1.0 cannot permute the bytes of two vectors.
#if defined(ELVES_BYTE_TRANSPOSE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_BYTE_TRANSPOSE_INL
#undef ELVES_BYTE_TRANSPOSE_INL
#else
#define ELVES_BYTE_TRANSPOSE_INL
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Pointers to planes; plane 0 has the most significant bytes. A copy, so that the compiler can keep the pointers in
// registers although bytes are stored.
template <class Byte, std::size_t kWord>
struct Planes {
  explicit Planes(std::span<Byte* const> planes) : n(planes.size()) {
    for (std::size_t k = 0; k < kWord; ++k) at[k] = k < n ? planes[k] : nullptr;
  }

  Byte* at[kWord];
  std::size_t n;
};

template <std::size_t kWord>
using PlanesOut = Planes<std::byte, kWord>;
template <std::size_t kWord>
using PlanesIn = Planes<const std::byte, kWord>;

#if HWY_TARGET != HWY_SCALAR

using Bytes = hn::ScalableTag<std::uint8_t>;
using ByteVector = hn::Vec<Bytes>;
constexpr std::size_t kVectorBytes = hn::MaxLanes(Bytes());
constexpr std::size_t kBlocks = kVectorBytes / 16;  // most byte shuffles stay within a block of 16 bytes

HWY_INLINE ByteVector load_bytes(const std::byte* from) {
  return hn::LoadU(Bytes(), reinterpret_cast<const std::uint8_t*>(from));
}

HWY_INLINE void store_bytes(ByteVector bytes, std::byte* to) {
  hn::StoreU(bytes, Bytes(), reinterpret_cast<std::uint8_t*>(to));
}

template <std::size_t kWord>
HWY_INLINE ByteVector load_plane(const PlanesIn<kWord>& planes, std::size_t k, std::size_t at) {
  return k < planes.n ? load_bytes(planes.at[k] + at) : hn::Zero(Bytes());
}

struct VectorPair {
  ByteVector first;
  ByteVector second;
};

// The lanes of type T with even and with odd index of two vectors.
template <class T>
HWY_INLINE VectorPair deinterleave(VectorPair v) {
  const hn::Repartition<T, Bytes> d;
  const auto first = hn::BitCast(d, v.first);
  const auto second = hn::BitCast(d, v.second);
  return {hn::BitCast(Bytes(), hn::ConcatEven(d, second, first)),
          hn::BitCast(Bytes(), hn::ConcatOdd(d, second, first))};
}

template <class T>
HWY_INLINE VectorPair interleave_in_blocks(ByteVector even, ByteVector odd) {
  const hn::Repartition<T, Bytes> d;
  const auto a = hn::BitCast(d, even);
  const auto b = hn::BitCast(d, odd);
  return {hn::BitCast(Bytes(), hn::InterleaveLower(d, a, b)), hn::BitCast(Bytes(), hn::InterleaveUpper(d, a, b))};
}

#if HWY_TARGET == HWY_AVX3_DL

template <class T, bool kUpper>
constexpr std::array<std::uint8_t, 64> make_interleaving() {
  std::array<std::uint8_t, 64> from{};
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t lane = i / sizeof(T) + (kUpper ? 64 / sizeof(T) : 0);
    from[i] = static_cast<std::uint8_t>(lane / 2 * sizeof(T) + lane % 2 * 64 + i % sizeof(T));
  }
  return from;
}

// The inverse of deinterleave.
template <class T>
HWY_INLINE VectorPair interleave(ByteVector even, ByteVector odd) {
  alignas(64) static constexpr auto kFirst = make_interleaving<T, false>();
  alignas(64) static constexpr auto kSecond = make_interleaving<T, true>();
  const auto first = hn::Load(Bytes(), kFirst.data());
  const auto second = hn::Load(Bytes(), kSecond.data());
  return {ByteVector{_mm512_permutex2var_epi8(even.raw, first.raw, odd.raw)},
          ByteVector{_mm512_permutex2var_epi8(even.raw, second.raw, odd.raw)}};
}

HWY_INLINE void split4(const ByteVector (&words)[4], ByteVector (&planes)[4]) {
  const auto a = deinterleave<std::uint8_t>({words[0], words[1]});
  const auto b = deinterleave<std::uint8_t>({words[2], words[3]});
  const auto even = deinterleave<std::uint8_t>({a.first, b.first});
  const auto odd = deinterleave<std::uint8_t>({a.second, b.second});
  planes[3] = even.first;
  planes[2] = odd.first;
  planes[1] = even.second;
  planes[0] = odd.second;
}

HWY_INLINE void join4(const ByteVector (&planes)[4], ByteVector (&words)[4]) {
  const auto low = interleave<std::uint8_t>(planes[3], planes[2]);
  const auto high = interleave<std::uint8_t>(planes[1], planes[0]);
  const auto first = interleave<std::uint16_t>(low.first, high.first);
  const auto second = interleave<std::uint16_t>(low.second, high.second);
  words[0] = first.first;
  words[1] = first.second;
  words[2] = second.first;
  words[3] = second.second;
}

#else

// After shuffles within blocks, lane j of block b is at [b][j]; in order it is at [j][b].
template <class T, bool kToOrder>
constexpr auto make_block_order() {
  constexpr std::size_t kInBlock = 16 / sizeof(T);
  std::array<T, kVectorBytes / sizeof(T)> from{};
  for (std::size_t b = 0; b < kBlocks; ++b) {
    for (std::size_t j = 0; j < kInBlock; ++j) {
      const std::size_t in_order = j * kBlocks + b;
      const std::size_t in_blocks = b * kInBlock + j;
      if (kToOrder) from[in_order] = static_cast<T>(in_blocks);
      if (!kToOrder) from[in_blocks] = static_cast<T>(in_order);
    }
  }
  return from;
}

template <class T, bool kToOrder>
HWY_INLINE ByteVector permute_blocks(ByteVector bytes) {
  if constexpr (kBlocks == 1) return bytes;
  static constexpr auto kFrom = make_block_order<T, kToOrder>();
  const hn::Repartition<T, Bytes> d;
  return hn::BitCast(Bytes(), hn::TableLookupLanes(hn::BitCast(d, bytes), hn::SetTableIndices(d, kFrom.data())));
}

// The inverse of deinterleave.
template <class T>
HWY_INLINE VectorPair interleave(ByteVector even, ByteVector odd) {
  return interleave_in_blocks<T>(permute_blocks<std::uint64_t, false>(even), permute_blocks<std::uint64_t, false>(odd));
}

HWY_INLINE void split4(const ByteVector (&words)[4], ByteVector (&planes)[4]) {
  alignas(16) static constexpr std::uint8_t kGroup[16] = {3, 7, 11, 15, 2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12};
  const auto group = hn::LoadDup128(Bytes(), kGroup);
  ByteVector grouped[4];
  for (std::size_t j = 0; j < 4; ++j) grouped[j] = hn::TableLookupBytes(words[j], group);
  const auto a = interleave_in_blocks<std::uint32_t>(grouped[0], grouped[1]);
  const auto b = interleave_in_blocks<std::uint32_t>(grouped[2], grouped[3]);
  const auto high = interleave_in_blocks<std::uint64_t>(a.first, b.first);
  const auto low = interleave_in_blocks<std::uint64_t>(a.second, b.second);
  planes[0] = permute_blocks<std::uint32_t, true>(high.first);
  planes[1] = permute_blocks<std::uint32_t, true>(high.second);
  planes[2] = permute_blocks<std::uint32_t, true>(low.first);
  planes[3] = permute_blocks<std::uint32_t, true>(low.second);
}

HWY_INLINE void join4(const ByteVector (&planes)[4], ByteVector (&words)[4]) {
  ByteVector bytes[4];
  for (std::size_t k = 0; k < 4; ++k) bytes[k] = permute_blocks<std::uint32_t, false>(planes[k]);
  const auto low = interleave_in_blocks<std::uint8_t>(bytes[3], bytes[2]);
  const auto high = interleave_in_blocks<std::uint8_t>(bytes[1], bytes[0]);
  const auto first = interleave_in_blocks<std::uint16_t>(low.first, high.first);
  const auto second = interleave_in_blocks<std::uint16_t>(low.second, high.second);
  words[0] = first.first;
  words[1] = first.second;
  words[2] = second.first;
  words[3] = second.second;
}

#endif  // HWY_AVX3_DL

// The planes of kWord vectors: as many words as a vector has bytes.
template <std::size_t kWord>
HWY_INLINE void to_planes(const ByteVector (&words)[kWord], ByteVector (&bytes)[kWord]) {
  if constexpr (kWord == 1) bytes[0] = words[0];
  if constexpr (kWord == 2) {
    const auto pair = deinterleave<std::uint8_t>({words[0], words[1]});
    bytes[1] = pair.first;
    bytes[0] = pair.second;
  }
  if constexpr (kWord == 4) split4(words, bytes);
  if constexpr (kWord == 8) {
    ByteVector low[4];
    ByteVector high[4];
    for (std::size_t j = 0; j < 4; ++j) {
      const auto halves = deinterleave<std::uint32_t>({words[2 * j], words[2 * j + 1]});
      low[j] = halves.first;
      high[j] = halves.second;
    }
    ByteVector quarter[4];
    split4(high, quarter);
    for (std::size_t k = 0; k < 4; ++k) bytes[k] = quarter[k];
    split4(low, quarter);
    for (std::size_t k = 0; k < 4; ++k) bytes[4 + k] = quarter[k];
  }
}

// Writes the planes of kWord vectors, from element `at` on.
template <std::size_t kWord>
HWY_INLINE void store_planes(const ByteVector (&words)[kWord], const PlanesOut<kWord>& planes, std::size_t at) {
  ByteVector bytes[kWord];
  to_planes<kWord>(words, bytes);
  for (std::size_t k = 0; k < kWord; ++k) {
    if (k == 0 || k < planes.n) store_bytes(bytes[k], planes.at[k] + at);
  }
}

// The inverse of to_planes.
template <std::size_t kWord>
HWY_INLINE void from_planes(const ByteVector (&bytes)[kWord], ByteVector (&words)[kWord]) {
  if constexpr (kWord == 1) words[0] = bytes[0];
  if constexpr (kWord == 2) {
    const auto pair = interleave<std::uint8_t>(bytes[1], bytes[0]);
    words[0] = pair.first;
    words[1] = pair.second;
  }
  if constexpr (kWord == 4) join4(bytes, words);
  if constexpr (kWord == 8) {
    ByteVector quarter[4];
    ByteVector low[4];
    ByteVector high[4];
    for (std::size_t k = 0; k < 4; ++k) quarter[k] = bytes[k];
    join4(quarter, high);
    for (std::size_t k = 0; k < 4; ++k) quarter[k] = bytes[4 + k];
    join4(quarter, low);
    for (std::size_t j = 0; j < 4; ++j) {
      const auto whole = interleave<std::uint32_t>(low[j], high[j]);
      words[2 * j] = whole.first;
      words[2 * j + 1] = whole.second;
    }
  }
}

// The words of planes, from element `at` on; missing planes are zero.
template <std::size_t kWord>
HWY_INLINE void load_planes(const PlanesIn<kWord>& planes, std::size_t at, ByteVector (&words)[kWord]) {
  ByteVector bytes[kWord];
  for (std::size_t k = 0; k < kWord; ++k) bytes[k] = load_plane(planes, k, at);
  from_planes<kWord>(bytes, words);
}

#endif  // HWY_SCALAR

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
