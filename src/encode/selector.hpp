#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "encode/registry.hpp"
#include "encode/streams.hpp"

namespace elves::encode {

/// A transform that is worth trying, and about what it costs.
struct Candidate {
  const Transform* transform = nullptr;
  std::size_t cost = 0;
};

/// The transforms worth trying for a chunk, best first.
class Candidates {
 public:
  std::span<const Candidate> list() const noexcept { return std::span(rows_).first(n_); }
  void add(Candidate row);

 private:
  std::array<Candidate, 16> rows_{};
  std::size_t n_ = 0;
};

/// Splits a sample of the chunk (four pieces of 4 KiB) with every transform that the options allow, and adds up what
/// its streams would take. A lossy transform may not fail the guard by far. Empty where nothing but raw will do,
/// whatever it takes. Costs about as much as encoding 100 KiB; nothing where only one transform will do.
Candidates select(const Chunk& chunk, const EncodeOptions& options, StreamEncoder& streams, Scratch& scratch,
                  Split& split);

/// What transforms are compared by: bytes, and 2 % more where they do not come back exactly.
std::size_t cost_of(std::size_t bytes, const Loss& loss);

/// The guard: whether the signal-to-noise ratio reaches options.min_snr_db, less `slack_db`.
bool passes_guard(const Loss& loss, const EncodeOptions& options, double slack_db = 0);

}  // namespace elves::encode
