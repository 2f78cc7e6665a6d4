#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include "elves/codec.hpp"
#include "restore/decode/base_cache.hpp"
#include "restore/decode/layer_chunks.hpp"
#include "support/hash.hpp"

namespace elves::restore {

/// Reads, checks and decodes chunks; owns its scratch memory. One per thread.
class ChunkDecoder {
 public:
  /// `bases`: of all decoders of a rank, and outlives them.
  explicit ChunkDecoder(BaseCache& bases) : bases_(&bases) {}

  /// Fills `out` (the chunk's raw_bytes) and returns its digest. An Error of the base names the base.
  Result<Hash128> decode(const ChunkSource& source, const KeyedHash& hash, std::span<std::byte> out);

  /// The bytes of a chunk that is no difference, and that others are differences from: decoded once for all, and kept
  /// until another one is asked for.
  Result<CachedBytes> shared(const StoredChunk& chunk);

 private:
  Result<void> decode(const StoredChunk& chunk, std::span<std::byte> out, std::span<const std::byte> base);

  Decoder decoder_;
  BaseCache* bases_;
  std::unique_ptr<std::byte[]> encoded_;
  ChunkPlace last_place_;
  CachedBytes last_;
};

}  // namespace elves::restore
