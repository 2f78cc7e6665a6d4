#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_c_literalCompressionMode
#include "measure/peers.hpp"

#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>

#include "elves/error.hpp"

namespace elves::measure {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;

enum class Layout { None, Bytes, Halves, Brains, Singles };

Layout layout_of(DType dtype) {
  if (dtype == DType::F32) return Layout::Singles;
  if (dtype == DType::BF16) return Layout::Brains;
  if (dtype == DType::F16) return Layout::Halves;
  if (dtype == DType::F8E4M3 || dtype == DType::F8E5M2) return Layout::Bytes;
  return Layout::None;
}

template <class Word, Word kExponent, Word kSign>
struct SignBehindExponent {
  static Word turn(Word word) {
    const Word rest = static_cast<Word>(~(kExponent | kSign));
    return static_cast<Word>((word << 1 & kExponent) | (word >> 8 & kSign) | (word & rest));
  }
  static Word turn_back(Word word) {
    const Word rest = static_cast<Word>(~(kExponent | kSign));
    return static_cast<Word>((word & kExponent) >> 1 | (word & kSign) << 8 | (word & rest));
  }
};

template <class Word>
struct AsItIs {
  static Word turn(Word word) { return word; }
  static Word turn_back(Word word) { return word; }
};

template <class Word, class Order>
void split(std::span<const std::byte> raw, std::byte* __restrict planes) {
  const std::size_t n = raw.size() / sizeof(Word);
  const std::byte* __restrict from = raw.data();
  for (std::size_t i = 0; i < n; ++i) {
    Word word;
    std::memcpy(&word, from + i * sizeof(Word), sizeof(Word));
    word = Order::turn(word);
    for (std::size_t k = 0; k < sizeof(Word); ++k) planes[k * n + i] = static_cast<std::byte>(word >> 8 * k);
  }
}

template <class Word, class Order>
void join(const std::byte* __restrict planes, std::span<std::byte> raw) {
  const std::size_t n = raw.size() / sizeof(Word);
  std::byte* __restrict to = raw.data();
  for (std::size_t i = 0; i < n; ++i) {
    Word word = 0;
    for (std::size_t k = 0; k < sizeof(Word); ++k) {
      word = static_cast<Word>(word | static_cast<Word>(static_cast<Word>(planes[k * n + i]) << 8 * k));
    }
    word = Order::turn_back(word);
    std::memcpy(to + i * sizeof(Word), &word, sizeof(Word));
  }
}

/// Calls `with` with a word type and the order of its bits.
template <class With>
void with_layout(Layout layout, With with) {
  if (layout == Layout::Bytes) return with(std::uint8_t{}, AsItIs<std::uint8_t>{});
  if (layout == Layout::Halves) return with(std::uint16_t{}, AsItIs<std::uint16_t>{});
  if (layout == Layout::Brains) {
    return with(std::uint16_t{}, SignBehindExponent<std::uint16_t, 0xFF00, 0x0080>{});
  }
  with(std::uint32_t{}, SignBehindExponent<std::uint32_t, 0xFF000000, 0x00800000>{});
}

std::size_t word_bytes(Layout layout) {
  return layout == Layout::Bytes ? 1 : layout == Layout::Singles ? 4 : 2;
}

template <class Word, unsigned kMantissa>
void split_xor(std::span<const std::byte> raw, std::span<const std::byte> base, std::vector<std::byte>& exponents,
               std::vector<std::byte>& rest) {
  constexpr unsigned kBits = 8 * sizeof(Word);
  constexpr unsigned kRestBytes = (kMantissa + 8) / 8;
  for (std::size_t at = 0; at < raw.size(); at += sizeof(Word)) {
    Word word;
    Word other;
    std::memcpy(&word, raw.data() + at, sizeof(Word));
    std::memcpy(&other, base.data() + at, sizeof(Word));
    word ^= other;
    exponents.push_back(static_cast<std::byte>(word << 1 >> (kMantissa + 1)));
    const auto sign = static_cast<Word>(word >> (kBits - 1) << kMantissa);
    const auto mantissa = static_cast<Word>(word & ((Word{1} << kMantissa) - 1));
    for (unsigned k = 0; k < kRestBytes; ++k) rest.push_back(static_cast<std::byte>((sign | mantissa) >> 8 * k));
  }
}

void set(ZSTD_CCtx* context, int parameter, int value) {
  const auto code = ZSTD_CCtx_setParameter(context, static_cast<ZSTD_cParameter>(parameter), value);
  if (ZSTD_isError(code)) throw Failure(std::string("zstd: ") + ZSTD_getErrorName(code));
}

}  // namespace

void ZstdPeer::Free::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

void ZstdPeer::Free::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

ZstdPeer::ZstdPeer(int level) : encoder_(ZSTD_createCCtx()), decoder_(ZSTD_createDCtx()) {
  if (!encoder_ || !decoder_) throw std::bad_alloc();
  set(encoder_.get(), ZSTD_c_compressionLevel, level);
}

ZstdPeer ZstdPeer::huffman_only() {
  ZstdPeer peer(1);
  set(peer.encoder_.get(), ZSTD_c_strategy, ZSTD_fast);
  set(peer.encoder_.get(), ZSTD_c_targetLength, ZSTD_TARGETLENGTH_MAX);
  set(peer.encoder_.get(), ZSTD_c_hashLog, ZSTD_HASHLOG_MIN);
  set(peer.encoder_.get(), ZSTD_c_minMatch, ZSTD_MINMATCH_MAX);
  set(peer.encoder_.get(), ZSTD_c_literalCompressionMode, ZSTD_lcm_huffman);
  return peer;
}

void ZstdPeer::encode(std::span<const std::byte> raw, std::vector<std::byte>& out) {
  if (buffer_.size() < ZSTD_compressBound(raw.size())) buffer_.resize(ZSTD_compressBound(raw.size()));
  const auto size = ZSTD_compress2(encoder_.get(), buffer_.data(), buffer_.size(), raw.data(), raw.size());
  if (ZSTD_isError(size)) throw Failure(std::string("zstd: ") + ZSTD_getErrorName(size));
  out.insert(out.end(), buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
}

bool ZstdPeer::decode(std::span<const std::byte> encoded, std::span<std::byte> out) {
  return ZSTD_decompressDCtx(decoder_.get(), out.data(), out.size(), encoded.data(), encoded.size()) == out.size();
}

void ZipNnPeer::encode_plane(std::span<const std::byte> plane, std::vector<std::byte>& out) {
  coded_.clear();
  huffman_.encode(plane, coded_);
  const bool pays = coded_.size() < plane.size() * 95 / 100;
  const std::span<const std::byte> kept = pays ? std::span<const std::byte>(coded_) : plane;
  const std::uint64_t size = kept.size();
  const auto* size_bytes = reinterpret_cast<const std::byte*>(&size);
  out.push_back(static_cast<std::byte>(pays));
  out.insert(out.end(), size_bytes, size_bytes + sizeof size);
  out.insert(out.end(), kept.begin(), kept.end());
}

bool ZipNnPeer::decode_plane(std::span<const std::byte>& encoded, std::span<std::byte> plane) {
  std::uint64_t size = 0;
  if (encoded.size() < 1 + sizeof size) return false;
  const bool coded = encoded[0] != std::byte{0};
  std::memcpy(&size, encoded.data() + 1, sizeof size);
  encoded = encoded.subspan(1 + sizeof size);
  if (encoded.size() < size || (!coded && size != plane.size())) return false;
  const auto kept = encoded.first(static_cast<std::size_t>(size));
  encoded = encoded.subspan(kept.size());
  if (coded) return huffman_.decode(kept, plane);
  std::ranges::copy(kept, plane.begin());
  return true;
}

void ZipNnPeer::encode(std::span<const std::byte> raw, DType dtype, std::vector<std::byte>& out) {
  const auto layout = layout_of(dtype);
  if (layout == Layout::None) return zstd_3_.encode(raw, out);
  planes_.resize(kPieceBytes);
  for (std::size_t at = 0; at < raw.size(); at += kPieceBytes) {
    const auto piece = raw.subspan(at, std::min(kPieceBytes, raw.size() - at));
    with_layout(layout, [&](auto word, auto order) { split<decltype(word), decltype(order)>(piece, planes_.data()); });
    const std::size_t plane_bytes = piece.size() / word_bytes(layout);
    for (std::size_t k = 0; k < word_bytes(layout); ++k) {
      encode_plane(std::span(planes_).subspan(k * plane_bytes, plane_bytes), out);
    }
  }
}

bool ZipNnPeer::decode(std::span<const std::byte> encoded, DType dtype, std::span<std::byte> out) {
  const auto layout = layout_of(dtype);
  if (layout == Layout::None) return zstd_3_.decode(encoded, out);
  planes_.resize(kPieceBytes);
  for (std::size_t at = 0; at < out.size(); at += kPieceBytes) {
    const auto piece = out.subspan(at, std::min(kPieceBytes, out.size() - at));
    const std::size_t plane_bytes = piece.size() / word_bytes(layout);
    for (std::size_t k = 0; k < word_bytes(layout); ++k) {
      if (!decode_plane(encoded, std::span(planes_).subspan(k * plane_bytes, plane_bytes))) return false;
    }
    with_layout(layout, [&](auto word, auto order) { join<decltype(word), decltype(order)>(planes_.data(), piece); });
  }
  return encoded.empty();
}

std::size_t BitXPeer::encoded_bytes(std::span<const std::byte> raw, std::span<const std::byte> base, DType dtype) {
  exponents_.clear();
  rest_.clear();
  coded_.clear();
  const auto layout = layout_of(dtype);
  if (layout == Layout::Brains) {
    split_xor<std::uint16_t, 7>(raw, base, exponents_, rest_);
  } else if (layout == Layout::Halves) {
    split_xor<std::uint16_t, 10>(raw, base, exponents_, rest_);
  } else if (layout == Layout::Singles) {
    split_xor<std::uint32_t, 23>(raw, base, exponents_, rest_);
  } else {
    for (std::size_t i = 0; i < raw.size(); ++i) rest_.push_back(raw[i] ^ base[i]);
  }
  if (!exponents_.empty()) zstd_3_.encode(exponents_, coded_);
  zstd_3_.encode(rest_, coded_);
  return sizeof(std::uint64_t) + coded_.size();
}

std::size_t TensorXPeer::encoded_bytes(std::span<const std::byte> raw, std::span<const std::byte> base, DType dtype) {
  constexpr std::size_t kTensorXPiece = 2u << 20;
  const auto word = size_bytes(dtype);
  coded_.clear();
  for (std::size_t at = 0; at < raw.size(); at += kTensorXPiece) {
    const auto n = std::min(kTensorXPiece, raw.size() - at);
    planes_.resize(n);
    for (std::size_t i = 0; i < n; ++i) planes_[i % word * (n / word) + i / word] = raw[at + i] ^ base[at + i];
    for (std::size_t k = 0; k < word; ++k) zstd_1_.encode(std::span(planes_).subspan(k * (n / word), n / word), coded_);
  }
  return coded_.size();
}

}  // namespace elves::measure
