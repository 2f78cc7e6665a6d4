#include "formats/parse_file.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "formats/partition.hpp"
#include "formats/registry.hpp"
#include "formats/shared/sniffer/sniffer.hpp"

namespace elves::formats {
namespace {

/// A smaller file of an unknown format gets no reason: it is unlikely to contain weights.
constexpr std::uint64_t kReasonFromBytes = 64 << 10;

ParsedFile opaque(std::uint64_t file_bytes, std::string reason) {
  ParsedFile parsed;
  parsed.opaque_bytes = file_bytes;
  if (file_bytes > 0) parsed.extents.push_back(Extent{.offset_bytes = 0, .length_bytes = file_bytes});
  parsed.opaque_reason = std::move(reason);
  return parsed;
}

/// The extents that a parser found, checked and partitioned; an opaque file if it failed or they are wrong.
ParsedFile checked(FormatId id, Result<FoundExtents> found, std::uint64_t file_bytes) {
  const auto because = [&](const std::string& why) { return fmt::format("{}: {}", name(id), why); };
  if (!found) return opaque(file_bytes, because(found.error().message));
  auto extents = partition(std::move(found->extents), file_bytes);
  if (!extents) return opaque(file_bytes, because(extents.error().message));
  return {.format = id,
          .extents = std::move(extents).value(),
          .opaque_bytes = found->opaque_bytes,
          .opaque_reason = found->opaque_bytes > 0 ? because(found->opaque_reason) : std::string()};
}

/// Of a file that is of no known format.
ParsedFile sniffed(const ByteSource& file) {
  const auto size = file.size_bytes();
  auto found = sniff(file);
  if (found && found->extents.empty())
    return opaque(size, size < kReasonFromBytes ? std::string() : std::move(found->opaque_reason));
  return checked(FormatId::Sniffed, std::move(found), size);
}

}  // namespace

ParsedFile parse_as(const Format& format, const ByteSource& file) {
  return checked(format.id, format.parse(file), file.size_bytes());
}

ParsedFile parse_file(const ByteSource& file, const FilePlace& place) {
  for (const auto* format : all_formats()) {
    if (format->matches(file)) return parse_as(*format, file);
  }
  if (place.folder != nullptr) {
    for (const auto* format : all_companion_formats()) {
      if (auto found = format->parse(file, place.name, *place.folder))
        return checked(format->id, std::move(*found), file.size_bytes());
    }
  }
  return sniffed(file);
}

}  // namespace elves::formats
