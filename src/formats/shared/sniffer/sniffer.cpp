#include "formats/shared/sniffer/sniffer.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "formats/shared/sniffer/content_kind.hpp"
#include "formats/shared/sniffer/survey.hpp"
#include "support/try.hpp"

namespace elves::formats {
namespace {

using sniffer::FloatRun;

Extent layer(const FloatRun& run) {
  const auto& kind = sniffer::kFloatKinds[run.kind];
  const auto size = run.end_bytes - run.begin_bytes;
  return {.offset_bytes = run.begin_bytes,
          .length_bytes = size,
          .is_layer = true,
          .lossless = true,
          .dtype = kind.dtype,
          .name = fmt::format("{}@{}", name(kind.dtype), run.begin_bytes),
          .shape = {size / kind.size_bytes}};
}

FoundExtents without_layers(const ByteSource& file, std::string_view reason) {
  return {.extents = {}, .opaque_bytes = file.size_bytes(), .opaque_reason = std::string(reason)};
}

}  // namespace

Result<FoundExtents> sniff(const ByteSource& file) {
  const auto size = file.size_bytes();
  if (size == 0) return FoundExtents{};
  if (const auto content = sniffer::known_content(file); !content.empty()) return without_layers(file, content);
  ELVES_TRY(const auto runs, sniffer::survey(file));
  if (runs.empty()) return without_layers(file, sniffer::is_text(file) ? "text" : "no runs of floats found");
  FoundExtents found;
  auto rest = size;
  for (const auto& run : runs) {
    found.extents.push_back(layer(run));
    rest -= found.extents.back().length_bytes;
  }
  if (rest >= size - size / 4 * 3) {
    found.opaque_bytes = rest;
    found.opaque_reason = fmt::format("{} of {} bytes are no floats", rest, size);
  }
  return found;
}

}  // namespace elves::formats
