#include "pipeline/options.hpp"

#include <omp.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "support/hash.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
LossId loss_of(const EncodeOptions& options) {
  if (options.lossless || !options.use_elf) return kExact;
  const double numbers[2] = {options.error_bound, std::max(options.min_snr_db, 0.0)};
  return {static_cast<std::uint32_t>(checksum64(std::as_bytes(std::span(numbers)))) | 1u};
}

bool uses(const SweepOptions& options, Stage stage) {
  const auto member = switch_of(stage);
  return member ? options.encode.*member : options.deduplicate;
}

void use(SweepOptions& options, Stage stage, bool on) {
  const auto member = switch_of(stage);
  (member ? options.encode.*member : options.deduplicate) = on;
}

std::string describe(const SweepOptions& options, std::uint64_t wave_bytes) {
  const auto& encode = options.encode;
  std::string text = encode.lossless ? "lossless" : "lossy";
  if (!encode.lossless) text += fmt::format(" error-bound={} min-snr={}", encode.error_bound, encode.min_snr_db);
  text += " level=" + std::string(name(encode.level));
  text += " stages=";
  for (std::size_t i = 0; i < kStageCount; ++i) {
    const auto stage = static_cast<Stage>(i);
    if (!uses(options, stage)) continue;
    if (text.back() != '=') text += ',';
    text += name(stage);
  }
  return text + " wave-bytes=" + std::to_string(wave_bytes);
}

int choose_threads(const mpi::Comm& comm, int threads) {
  const int on_host = comm.ranks_on_host();
  if (threads > 0) return threads;
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return std::max(1, omp_get_max_threads());
  return std::max(1, omp_get_num_procs() / on_host);
}

}  // namespace elves::pipeline
