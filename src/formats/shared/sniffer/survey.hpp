#pragma once

#include <cstdint>
#include <vector>

#include "formats/format.hpp"
#include "formats/shared/sniffer/float_runs.hpp"

namespace elves::formats::sniffer {

/// Limits on the bytes that are read.
struct SurveyLimits {
  std::uint64_t whole_bytes = 4 << 20;     ///< a file up to this size is read whole
  std::uint64_t step_bytes = 64 << 10;     ///< of a larger file, 4 KiB of every step are read
  std::uint64_t most_samples = 4096;       ///< steps are longer in files with more steps than this
  std::uint64_t borders_bytes = 16 << 20;  ///< to search for borders between samples, plus 1/32 of the file
};

/// Shorter runs are glue: archives are smallest with 2 to 8 KiB here.
inline constexpr std::uint64_t kShortestRunBytes = 4 << 10;

/// The runs of floats of a file: whole elements, in order, without overlap, none shorter than kShortestRunBytes. The
/// bytes between two samples of one kind are assumed to be of that kind. Between two samples of different kinds
/// everything is read, as far as the limits allow; beyond them there is no run. Holds 1 MiB. An Error if the file
/// cannot be read.
Result<std::vector<FloatRun>> survey(const ByteSource& file, const SurveyLimits& limits = {});

}  // namespace elves::formats::sniffer
