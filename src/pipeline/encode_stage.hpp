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

/// Encodes the New chunks of waves with OpenMP threads; owns their encoders. No MPI in it: runs in a thread of its own.
class EncodeStage {
 public:
  /// `verify`: decode each chunk at once and hold it against what the encoder says it decodes to.
  EncodeStage(int threads, const EncodeOptions& options, const KeyedHash& hash, bool verify);

  /// Fills the results of all chunks with `encode` set; the encoded bytes lie in `arenas` (one a thread), which it
  /// clears. `bases` is prepared for this work. An Error only where `verify` finds one, or memory runs out.
  Result<void> run(AssignedWave& assigned, const Buffer& raw, BaseReader& bases, std::vector<Arena>& arenas,
                   std::atomic<std::uint64_t>& bytes_done);

  int threads() const noexcept { return threads_; }
  /// Of all waves so far.
  EncodingSums sums() const;

 private:
  struct Worker {
    Encoder encoder;
    Decoder decoder;
    std::vector<std::byte> decoded;
    std::vector<std::byte> base;  ///< encoded, to see what becomes of it
    EncodingSums sums;
  };
  struct Encoded {
    std::size_t thread = 0;
    Arena::Place place;
  };
  Result<void> encode(AssignedChunk& chunk, std::span<const std::byte> raw, const BaseReader::Found& found,
                      Worker& worker, Arena& arena, Arena::Place& place) const;
  /// Whether a base's chunk comes back as it is: encodes it as its own rank did, or does.
  bool comes_back_exact(std::span<const std::byte> base, DType dtype, Worker& worker) const;

  int threads_;
  EncodeOptions options_;
  KeyedHash hash_;
  bool verify_;
  std::vector<Worker> workers_;
  std::vector<Encoded> places_;  ///< by chunk of the wave that is being encoded
};

}  // namespace elves::pipeline
