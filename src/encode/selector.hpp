#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "encode/registry.hpp"
#include "encode/streams.hpp"

namespace elves::encode {

/// A transform that is worth trying, and its estimated cost (cost_of()).
struct Candidate {
  const Transform* transform = nullptr;
  std::size_t cost = 0;
};

/// The transforms worth trying for a chunk, the lowest cost first.
class Candidates {
 public:
  std::span<const Candidate> list() const noexcept { return std::span(rows_).first(n_); }
  void add(Candidate row);

 private:
  std::array<Candidate, 16> rows_{};
  std::size_t n_ = 0;
};

/// Splits a sample of the chunk (four pieces of 4 KiB) by every transform that the options allow, and adds up the
/// estimated sizes of its streams. Leaves out a lossy transform whose sample misses the guard by more than 6 dB. Empty
/// if only `raw` is applicable. Takes as long as encoding about 100 KiB, and no time if only one transform is
/// applicable.
Candidates select(const Chunk& chunk, const EncodeOptions& options, StreamEncoder& streams, Scratch& scratch,
                  Split& split);

/// The measure by which transforms are compared: the bytes, plus 2 % if the transform loses anything.
std::size_t cost_of(std::size_t bytes, const Loss& loss);

/// The guard: true if the signal-to-noise ratio is at least options.min_snr_db - slack_db, in decibels.
bool passes_guard(const Loss& loss, const EncodeOptions& options, double slack_db = 0);

}  // namespace elves::encode
