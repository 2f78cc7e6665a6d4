#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "archive/directory.hpp"
#include "archive/shard_reader.hpp"
#include "elves/codec.hpp"
#include "pipeline/buffers.hpp"
#include "pipeline/wave_exchange.hpp"
#include "restore/decode/base_cache.hpp"
#include "restore/decode/chunk_decoder.hpp"
#include "support/hash.hpp"
#include "support/posix.hpp"

namespace elves::pipeline {

/// Brings the bytes that chunks may be stored as differences from: out of the wave where they are at hand, from the
/// corpus where the file is there and unchanged, else decoded from the archive. What does not have the digest that was
/// recorded is never used: the chunk is then encoded alone.
class BaseReader {
 public:
  BaseReader(const archive::Directory& directory, const std::string& corpus, const KeyedHash& hash, int threads);

  /// Main thread, before the wave is encoded: finds out where each of its bases is to be read. `assigned` and `raw`
  /// must stay until the next call.
  void prepare(const AssignedWave& assigned, const Buffer& raw);

  /// What there is to take differences from.
  struct Found {
    Base base;                         ///< cut to the chunk's size
    std::span<const std::byte> whole;  ///< the base's chunk
  };

  /// Any thread, each with a number of its own below `threads`. The base of a chunk; empty where it has none, or it
  /// cannot be had. Holds until the next call of this thread.
  Found base_of(const AssignedChunk& chunk, std::size_t thread);

 private:
  /// Where a base is read.
  struct Place {
    std::size_t source =
        kNoBase;  ///< of AssignedWave::sources, where the base's file is read in this wave by this rank
    bool in_corpus = false;
    std::map<std::uint32_t, restore::StoredChunk> chunks;  ///< in the archive, by number
  };
  struct Worker {
    explicit Worker(restore::BaseCache& decoded) : decoder(decoded) {}

    std::unique_ptr<std::byte[]> bytes;
    FileDescriptor file;
    std::string path;
    restore::ChunkDecoder decoder;
    restore::CachedBytes held;  ///< what base_of() gave last, where it came from the cache
  };

  bool is_unchanged(const SourceFile& source);
  static void find_in_archive(const std::shared_ptr<archive::ShardReader>& shard, const BaseLocation& base,
                              std::span<const std::uint32_t> wanted, DType dtype, Place& place);
  std::optional<std::span<const std::byte>> in_wave(const Place& place, const BaseLocation& base,
                                                    const AssignedChunk& chunk) const;
  std::optional<std::span<const std::byte>> from_corpus(const BaseLocation& base, const AssignedChunk& chunk,
                                                        Worker& worker);
  std::optional<std::span<const std::byte>> from_archive(const Place& place, const AssignedChunk& chunk,
                                                         Worker& worker);

  const archive::Directory& directory_;
  const std::string& corpus_;
  const KeyedHash& hash_;
  restore::BaseCache decoded_;
  std::vector<Worker> workers_;
  const AssignedWave* assigned_ = nullptr;
  const Buffer* raw_ = nullptr;
  std::vector<Place> places_;                        ///< by AssignedWave::bases
  std::unordered_map<std::string, bool> unchanged_;  ///< of this wave's source files
};

}  // namespace elves::pipeline
