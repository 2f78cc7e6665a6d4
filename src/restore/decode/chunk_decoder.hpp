#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include "elves/codec.hpp"
#include "restore/decode/base_cache.hpp"
#include "restore/decode/layer_chunks.hpp"
#include "support/hash.hpp"

namespace elves::restore {

/// Reads, checks and decodes chunks; owns its scratch memory. One for each thread.
class ChunkDecoder {
 public:
  /// `bases`: shared by all decoders of a rank; must outlive them.
  explicit ChunkDecoder(BaseCache& bases) : bases_(&bases) {}

  /// Fills `out` (raw_bytes of the chunk) and returns its digest. Where the base cannot be decoded, the Error names it.
  Result<Hash128> decode(const ChunkSource& source, const KeyedHash& hash, std::span<std::byte> out);

  /// The decoded bytes of a base chunk, from the cache. This decoder holds them until it is given another base.
  Result<CachedBytes> shared(const StoredChunk& chunk);

 private:
  Result<void> decode(const StoredChunk& chunk, std::span<std::byte> out, std::span<const std::byte> base);

  Decoder decoder_;
  BaseCache* bases_;
  std::unique_ptr<std::byte[]> encoded_;
  ChunkRef last_chunk_;
  CachedBytes last_;  ///< bytes of last_chunk_
};

}  // namespace elves::restore
