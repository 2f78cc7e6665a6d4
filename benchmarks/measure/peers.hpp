#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "elves/dtype.hpp"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace elves::measure {

/// The zstd library. Owns its contexts.
class ZstdPeer {
 public:
  explicit ZstdPeer(int level);
  /// Without match search: blocks of 128 KiB, each Huffman coded with its own table, or raw.
  static ZstdPeer huffman_only();

  /// Appends the frame of `raw` to `out`.
  void encode(std::span<const std::byte> raw, std::vector<std::byte>& out);
  /// True if `encoded` is a frame that fills `out` exactly.
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

/// A model of ZipNN (arXiv 2411.05239). Pieces of 256 KiB are split into byte planes; in f32 and bf16 the sign is moved
/// behind the exponent first. Each plane is Huffman coded (by zstd's Huffman coder, which is the same Huff0) if that
/// makes it smaller than 0.95 of its size, and stored otherwise. A plane takes 9 bytes more for its kind and size.
/// Dtypes for which ZipNN has no planes: zstd -3.
class ZipNnPeer {
 public:
  void encode(std::span<const std::byte> raw, DType dtype, std::vector<std::byte>& out);
  /// False if `encoded` is not what encode() made of out.size() bytes.
  bool decode(std::span<const std::byte> encoded, DType dtype, std::span<std::byte> out);

 private:
  void encode_plane(std::span<const std::byte> plane, std::vector<std::byte>& out);
  bool decode_plane(std::span<const std::byte>& encoded, std::span<std::byte> plane);

  ZstdPeer huffman_ = ZstdPeer::huffman_only();
  ZstdPeer zstd_3_{3};
  std::vector<std::byte> planes_;
  std::vector<std::byte> coded_;
};

/// A model of BitX (ZipLLM, after its published code), sizes only. The XOR with the base is split into a plane of
/// exponents and one of signs and mantissas (of float32: 3 bytes per word), each coded by zstd -3.
class BitXPeer {
 public:
  /// `base` has the size of `raw`. Dtypes other than f32, bf16 and f16: zstd -3 of the XOR.
  std::size_t encoded_bytes(std::span<const std::byte> raw, std::span<const std::byte> base, DType dtype);

 private:
  ZstdPeer zstd_3_{3};
  std::vector<std::byte> exponents_;
  std::vector<std::byte> rest_;
  std::vector<std::byte> coded_;
};

/// A model of TensorX (TensorDex), sizes only: byte planes of the XOR with the base, of pieces of 2 MiB, coded by zstd
/// -1.
class TensorXPeer {
 public:
  std::size_t encoded_bytes(std::span<const std::byte> raw, std::span<const std::byte> base, DType dtype);

 private:
  ZstdPeer zstd_1_{1};
  std::vector<std::byte> planes_;
  std::vector<std::byte> coded_;
};

}  // namespace elves::measure
