#pragma once

#include <cstdint>
#include <vector>

#include "formats/format.hpp"
#include "formats/shared/sniffer/float_runs.hpp"

namespace elves::formats::sniffer {

/// How much of a file is read.
struct SurveyLimits {
  std::uint64_t whole_bytes = 4 << 20;     ///< a file up to this size is read whole
  std::uint64_t step_bytes = 64 << 10;     ///< of a larger one, 4 KiB are read of every step
  std::uint64_t most_samples = 4096;       ///< or of every 4096th part
  std::uint64_t borders_bytes = 16 << 20;  ///< to search for borders between samples, besides a 32nd part of the file
};

/// Shorter runs are not worth a layer: archives are smallest with 2 to 8 KiB here.
inline constexpr std::uint64_t kShortestRunBytes = 4 << 10;

/// The runs of floats of a file: whole elements, in order, without overlap, none shorter than kShortestRunBytes.
/// What lies between two samples of one kind is taken for that kind; between two of different kinds everything is read,
/// as far as the limits allow, and is no run beyond. Holds 1 MiB. An Error where the file cannot be read.
Result<std::vector<FloatRun>> survey(const ByteSource& file, const SurveyLimits& limits = {});

}  // namespace elves::formats::sniffer
