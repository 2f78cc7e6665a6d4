#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "archive/archive_dir.hpp"
#include "archive/shard_reader.hpp"
#include "elves/codec.hpp"
#include "pipeline/buffers.hpp"
#include "pipeline/wave_exchange.hpp"
#include "restore/decode/base_cache.hpp"
#include "restore/decode/chunk_decoder.hpp"
#include "support/hash.hpp"
#include "support/posix.hpp"

namespace elves::pipeline {

/// Reads the bases of the chunks of a wave: from the wave's own bytes if this rank has read them, else from the corpus
/// if the file is unchanged, else by decoding them from the archive. Bytes whose digest is not the recorded one are
/// never used: the chunk is then encoded without a base.
class BaseReader {
 public:
  BaseReader(const archive::ArchiveDir& directory, const std::string& corpus, const KeyedHash& hash, int threads);

  /// Main thread, before the wave is encoded: decides where each of its bases is read. `assigned` and `raw` must stay
  /// valid until the next call.
  void prepare(const AssignedWave& assigned, const Buffer& raw);

  /// The chunk of the base with the number of `chunk`; it may be longer or shorter than `chunk`. Empty if `chunk` has
  /// no base, or the base cannot be read. Any thread, each with a number of its own below `threads`. Valid until the
  /// next call of this thread.
  Base base_of(const AssignedChunk& chunk, std::size_t thread);

 private:
  /// Where the chunks of a base are read.
  struct ResolvedBase {
    std::size_t source = kNoBase;  ///< of AssignedWave::sources, if this rank reads the base's file in this wave
    bool in_corpus = false;
    std::map<std::uint32_t, restore::StoredChunk> chunks;  ///< in the archive, by number
  };
  struct Worker {
    explicit Worker(restore::BaseCache& decoded) : decoder(decoded) {}

    std::unique_ptr<std::byte[]> bytes;
    FileDescriptor file;
    std::string path;
    restore::ChunkDecoder decoder;
    restore::CachedBytes held;  ///< keeps the bytes that base_of() returned last, if they are in the cache
  };

  bool is_unchanged(const SourceFile& source);
  static void find_in_archive(const std::shared_ptr<archive::ShardReader>& shard, const BaseLocation& base,
                              std::span<const std::uint32_t> wanted, DType dtype, ResolvedBase& resolved);
  std::optional<std::span<const std::byte>> in_wave(const ResolvedBase& resolved, const BaseLocation& base,
                                                    const AssignedChunk& chunk) const;
  std::optional<std::span<const std::byte>> from_corpus(const BaseLocation& base, const AssignedChunk& chunk,
                                                        Worker& worker);
  std::optional<std::span<const std::byte>> from_archive(const ResolvedBase& resolved, const AssignedChunk& chunk,
                                                         Worker& worker);

  const archive::ArchiveDir& directory_;
  const std::string& corpus_;
  const KeyedHash& hash_;
  restore::BaseCache decoded_;
  std::vector<Worker> workers_;
  const AssignedWave* assigned_ = nullptr;
  const Buffer* raw_ = nullptr;
  std::vector<ResolvedBase> resolved_;               ///< by AssignedWave::bases
  std::unordered_map<std::string, bool> unchanged_;  ///< of this wave's source files
};

}  // namespace elves::pipeline
