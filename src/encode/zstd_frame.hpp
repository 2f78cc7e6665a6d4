#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace elves::encode {

/// Makes plain zstd frames without checksum and content size. Its output depends on nothing but its input.
class ZstdCompressor {
 public:
  static ZstdCompressor huffman_only();  ///< match finding off: every block is Huffman coded literals, or raw
  static ZstdCompressor with_matches();

  /// Most bytes that a frame of n bytes takes.
  static std::size_t bound(std::size_t n);

  void set_level(int level);

  /// The size of the frame in `to`, or nothing where it does not fit. zstd is quickest where `to` has bound() bytes.
  std::optional<std::size_t> compress(std::span<const std::byte> from, std::span<std::byte> to);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  ZstdCompressor();
  void set(int parameter, int value);
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
  int level_ = 0;
};

class ZstdDecompressor {
 public:
  ZstdDecompressor();

  /// True where `frame` is one whole zstd frame that fills `to` exactly.
  bool decompress(std::span<const std::byte> frame, std::span<std::byte> to);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

}  // namespace elves::encode
