#pragma once

#include <memory>
#include <span>

#include "archive/shard_reader.hpp"
#include "elves/codec.hpp"
#include "support/hash.hpp"

namespace elves::archive {

/// The most bytes that a chunk's encoded form may have.
inline constexpr std::size_t kMostEncodedBytes = kChunkBytes + 64;

/// Reads, checks and decodes chunks; owns its scratch memory. One per thread.
class ChunkDecoder {
 public:
  /// Fills `out` (row.raw_bytes) and returns its digest. The row's sizes have been checked.
  Result<Hash128> decode(const ShardReader& shard, const ChunkRow& row, DType dtype, const KeyedHash& hash,
                         std::span<std::byte> out) {
    if (!encoded_) encoded_ = std::make_unique_for_overwrite<std::byte[]>(kMostEncodedBytes);
    const std::span encoded(encoded_.get(), row.encoded_bytes);
    if (auto read = shard.read_encoded(row, encoded); !read) return read.error();
    if (auto decoded = decoder_.decode(encoded, dtype, out); !decoded) return decoded.error();
    return hash(out);
  }

 private:
  Decoder decoder_;
  std::unique_ptr<std::byte[]> encoded_;
};

}  // namespace elves::archive
