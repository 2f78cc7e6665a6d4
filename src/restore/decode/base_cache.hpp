#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "elves/error.hpp"
#include "restore/decode/layer_chunks.hpp"

namespace elves::restore {

/// Decoded bytes of a chunk. Their memory goes back to the cache that gave them, which must outlive them.
struct CachedBytes {
  std::shared_ptr<std::byte> data;
  std::size_t size = 0;
  std::span<const std::byte> span() const noexcept { return {data.get(), size}; }
};

/// Decoded base chunks, each needed by several deltas. Any thread. A chunk is decoded by the first thread that
/// requests it; threads that request it meanwhile wait. Keeps the chunks used last, up to a number of bytes, besides
/// those that callers hold.
class BaseCache {
 public:
  /// Enough where the deltas of a base follow each other. More would be slower: new memory costs about as much as
  /// decoding into it.
  static std::size_t ordered_bytes(int threads) { return 3 * kChunkBytes * static_cast<std::size_t>(threads); }

  explicit BaseCache(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  using Decode = std::function<Result<void>(std::span<std::byte>)>;
  /// The bytes of a chunk of `size` bytes; calls `decode` where the cache does not have them. An Error of `decode` is
  /// kept like bytes: a chunk that cannot be decoded is tried once.
  Result<CachedBytes> get(const ChunkRef& chunk, std::size_t size, const Decode& decode);

  /// How often a chunk was decoded.
  std::uint64_t n_decoded() const;

 private:
  struct Entry {
    bool ready = false;
    Result<CachedBytes> outcome = CachedBytes{};
    std::list<ChunkRef>::iterator used;  ///< in order_, where ready
  };

  CachedBytes allocate(std::size_t size);
  void give_back(std::byte* buffer, std::size_t size) noexcept;
  void keep(const ChunkRef& chunk, Result<CachedBytes> outcome);

  mutable std::mutex mutex_;
  std::condition_variable decoded_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::uint64_t n_decoded_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> spare_;  ///< of kChunkBytes each
  std::mutex spare_mutex_;
  std::list<ChunkRef> order_;  ///< the one used last at the end
  std::map<ChunkRef, Entry> entries_;
};

}  // namespace elves::restore
