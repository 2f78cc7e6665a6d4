#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace elves::encode {

/// Makes plain zstd frames without checksum and content size. The output depends only on the input.
class ZstdCompressor {
 public:
  static ZstdCompressor huffman_only();  ///< no match search: every block is Huffman coded literals, or raw
  static ZstdCompressor with_matches();

  /// The largest size of a frame of n bytes.
  static std::size_t bound(std::size_t n);

  void set_level(int level);

  /// Writes a frame to `to` and returns its size; nothing if it does not fit. zstd is fastest if `to` has bound()
  /// bytes.
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

  /// True if `frame` is exactly one zstd frame and fills `to` exactly.
  bool decompress(std::span<const std::byte> frame, std::span<std::byte> to);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

}  // namespace elves::encode
