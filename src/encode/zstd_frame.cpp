#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_c_literalCompressionMode
#include "encode/zstd_frame.hpp"

#include <zstd.h>

#include <new>

#include "support/assert.hpp"

namespace elves::encode {

void ZstdCompressor::Free::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

void ZstdDecompressor::Free::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

ZstdCompressor::ZstdCompressor() : context_(ZSTD_createCCtx()) {
  if (!context_) throw std::bad_alloc();
  set(ZSTD_c_contentSizeFlag, 0);
  set(ZSTD_c_checksumFlag, 0);
}

void ZstdCompressor::set(int parameter, int value) {
  const auto code = ZSTD_CCtx_setParameter(context_.get(), static_cast<ZSTD_cParameter>(parameter), value);
  ELVES_ASSERT(!ZSTD_isError(code));
}

ZstdCompressor ZstdCompressor::huffman_only() {
  ZstdCompressor compressor;
  compressor.set(ZSTD_c_strategy, ZSTD_fast);
  compressor.set(ZSTD_c_targetLength, ZSTD_TARGETLENGTH_MAX);  // skips a whole block after each failed match
  compressor.set(ZSTD_c_hashLog, ZSTD_HASHLOG_MIN);
  compressor.set(ZSTD_c_minMatch, ZSTD_MINMATCH_MAX);
  compressor.set(ZSTD_c_literalCompressionMode, ZSTD_lcm_huffman);
  return compressor;
}

ZstdCompressor ZstdCompressor::with_matches() {
  return {};
}

std::size_t ZstdCompressor::bound(std::size_t n) {
  return ZSTD_compressBound(n);
}

void ZstdCompressor::set_level(int level) {
  if (level == level_) return;
  set(ZSTD_c_compressionLevel, level);
  level_ = level;
}

std::optional<std::size_t> ZstdCompressor::compress(std::span<const std::byte> from, std::span<std::byte> to) {
  const auto size = ZSTD_compress2(context_.get(), to.data(), to.size(), from.data(), from.size());
  if (ZSTD_isError(size)) return std::nullopt;
  return size;
}

ZstdDecompressor::ZstdDecompressor() : context_(ZSTD_createDCtx()) {
  if (!context_) throw std::bad_alloc();
}

bool ZstdDecompressor::decompress(std::span<const std::byte> frame, std::span<std::byte> to) {
  if (ZSTD_isFrame(frame.data(), frame.size()) == 0) return false;
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) return false;
  const auto size = ZSTD_decompressDCtx(context_.get(), to.data(), to.size(), frame.data(), frame.size());
  return !ZSTD_isError(size) && size == to.size();
}

}  // namespace elves::encode
