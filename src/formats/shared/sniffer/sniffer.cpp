#include "formats/shared/sniffer/sniffer.hpp"

#include <string>
#include <utility>

#include "formats/shared/sniffer/content_kind.hpp"
#include "formats/shared/sniffer/survey.hpp"

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
          .name = std::string(name(kind.dtype)) + "@" + std::to_string(run.begin_bytes),
          .shape = {size / kind.size_bytes}};
}

Layout without_layers(const ByteSource& file, std::string_view reason) {
  return {.extents = {}, .opaque_bytes = file.size_bytes(), .opaque_reason = std::string(reason)};
}

}  // namespace

Result<Layout> sniff(const ByteSource& file) {
  const auto size = file.size_bytes();
  if (size == 0) return Layout{};
  if (const auto content = sniffer::known_content(file); !content.empty()) return without_layers(file, content);
  const auto runs = sniffer::survey(file);
  if (!runs) return runs.error();
  if (runs->empty()) return without_layers(file, sniffer::is_text(file) ? "text" : "no runs of floats found");
  Layout layout;
  auto rest = size;
  for (const auto& run : *runs) {
    layout.extents.push_back(layer(run));
    rest -= layout.extents.back().length_bytes;
  }
  if (rest >= size - size / 4 * 3) {
    layout.opaque_bytes = rest;
    layout.opaque_reason = std::to_string(rest) + " of " + std::to_string(size) + " bytes are no floats";
  }
  return layout;
}

}  // namespace elves::formats
