#include "formats/shared/sniffer/survey.hpp"
#include "fuzz/parse_format.hpp"

namespace elves::formats {
namespace {

/// Runs are in order, within the file, and consist of whole elements, even if most of the file is not read.
void survey_by_samples(std::span<const std::byte> bytes) {
  const MemorySource file(bytes);
  const auto runs =
      sniffer::survey(file, {.whole_bytes = 0, .step_bytes = 5000, .most_samples = 8, .borders_bytes = 30'000});
  if (!runs) std::abort();
  std::uint64_t at = 0;
  for (const auto& run : *runs) {
    const auto& kind = sniffer::kFloatKinds[run.kind];
    if (run.begin_bytes < at || run.end_bytes > bytes.size() || run.begin_bytes % kind.size_bytes != kind.phase ||
        run.end_bytes < run.begin_bytes + sniffer::kShortestRunBytes ||
        (run.end_bytes - run.begin_bytes) % kind.size_bytes != 0)
      std::abort();
    at = run.end_bytes;
  }
}

}  // namespace
}  // namespace elves::formats

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  elves::formats::survey_by_samples(std::as_bytes(std::span(data, size)));
  const elves::formats::MemorySource file(std::as_bytes(std::span(data, size)));
  elves::formats::abort_on_flaw(elves::formats::parse_file(file), size);
  return 0;
}
