#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "elves/codec.hpp"
#include "elves/error.hpp"
#include "pipeline/base_reader.hpp"
#include "pipeline/buffers.hpp"
#include "pipeline/report.hpp"
#include "pipeline/wave_exchange.hpp"
#include "support/hash.hpp"

namespace elves::pipeline {

/// Encodes the chunks of waves with OpenMP threads, and owns their encoders. Calls no MPI: runs in a thread of its own.
class EncodeStage {
 public:
  /// `verify`: each chunk is decoded at once and compared with the bytes that the encoder says it decodes to.
  EncodeStage(int threads, const EncodeOptions& options, const KeyedHash& hash, bool verify);

  /// Encodes the chunks whose task says so, and sets their results. The encoded bytes lie in `arenas` (one a thread),
  /// which are cleared first. `bases` is prepared for this wave. Adds to `bytes_done` for each chunk. Returns an Error
  /// only if `verify` finds a difference, or memory runs out.
  Result<void> run(AssignedWave& assigned, const Buffer& raw, BaseReader& bases, std::vector<Arena>& arenas,
                   std::atomic<std::uint64_t>& bytes_done);

  int threads() const noexcept { return threads_; }
  /// Over all waves so far.
  EncodingSums sums() const;

 private:
  struct Worker {
    Encoder encoder;
    Decoder decoder;
    std::vector<std::byte> decoded;
    std::vector<std::byte> base;  ///< the encoded base: only needed to know whether it is exact
    EncodingSums sums;
  };
  struct Encoded {
    std::size_t thread = 0;
    Arena::Place place;
  };
  /// `base`: the whole chunk of the base, or empty.
  Result<void> encode(AssignedChunk& chunk, std::span<const std::byte> raw, const Base& base, Worker& worker,
                      Arena& arena, Arena::Place& place) const;
  /// Compares what `encoded` decodes to with `decoded`.
  Result<void> verify(const AssignedChunk& chunk, std::span<const std::byte> encoded,
                      std::span<const std::byte> decoded, std::span<const std::byte> base, Worker& worker) const;
  /// Whether a chunk of a base decodes exactly: encodes it again, as the rank that stores it does.
  bool decodes_exactly(std::span<const std::byte> base, DType dtype, Worker& worker) const;

  int threads_;
  EncodeOptions options_;
  KeyedHash hash_;
  bool verify_;
  std::vector<Worker> workers_;
  std::vector<Encoded> places_;  ///< by chunk of the wave that is being encoded
};

}  // namespace elves::pipeline
