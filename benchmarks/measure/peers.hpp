#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "elves/dtype.hpp"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace elves::measure {

/// zstd alone, as the zstd library does it. Owns its contexts.
class ZstdPeer {
 public:
  explicit ZstdPeer(int level);
  /// Match finding off: blocks of 128 KiB, each Huffman coded with a table of its own, or raw.
  static ZstdPeer huffman_only();

  /// Appends the frame of `raw` to `out`.
  void encode(std::span<const std::byte> raw, std::vector<std::byte>& out);
  /// True where `encoded` is a frame that fills `out` exactly.
  bool decode(std::span<const std::byte> encoded, std::span<std::byte> out);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> encoder_;
  std::unique_ptr<ZSTD_DCtx_s, Free> decoder_;
  std::vector<std::byte> buffer_;
};

/// The scheme of ZipNN (arXiv 2411.05239), modelled: pieces of 256 KiB, in f32 and bf16 the sign moved behind the
/// exponent, byte k of all words together, each such plane of a piece Huffman coded (here by zstd's Huffman coder,
/// which is the same Huff0) and kept where that takes less than 0.95 of it. A plane costs 9 bytes more: its kind and
/// its size. Dtypes that ZipNN has no planes for: zstd -3.
class ZipNnPeer {
 public:
  void encode(std::span<const std::byte> raw, DType dtype, std::vector<std::byte>& out);
  /// False where `encoded` is not what encode() made of out.size() bytes.
  bool decode(std::span<const std::byte> encoded, DType dtype, std::span<std::byte> out);

 private:
  void encode_plane(std::span<const std::byte> plane, std::vector<std::byte>& out);
  bool decode_plane(std::span<const std::byte>& encoded, std::span<std::byte> plane);

  ZstdPeer huffman_ = ZstdPeer::huffman_only();
  ZstdPeer zstd_3_{3};
  std::vector<std::byte> planes_;
  std::vector<std::byte> coded_;
};

/// The size that BitX (zLLM, its published code) gives the XOR with a base: a plane of exponents, and one of signs and
/// mantissas (of float32: words of three bytes), each by zstd -3. Bits of bf16 and f32; f16 has its own exponent.
class BitXPeer {
 public:
  /// `base` is as long as `raw`. Dtypes of other words than 2 and 4 bytes: zstd -3 of the XOR.
  std::size_t encoded_bytes(std::span<const std::byte> raw, std::span<const std::byte> base, DType dtype);

 private:
  ZstdPeer zstd_3_{3};
  std::vector<std::byte> exponents_;
  std::vector<std::byte> rest_;
  std::vector<std::byte> coded_;
};

/// The size that TensorX (TensorDex) gives it: byte planes of the XOR by zstd -1, of pieces of 2 MiB.
class TensorXPeer {
 public:
  std::size_t encoded_bytes(std::span<const std::byte> raw, std::span<const std::byte> base, DType dtype);

 private:
  ZstdPeer zstd_1_{1};
  std::vector<std::byte> planes_;
  std::vector<std::byte> coded_;
};

}  // namespace elves::measure
