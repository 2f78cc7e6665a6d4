#pragma once

#include <span>
#include <string_view>

#include "formats/format.hpp"

namespace elves::formats {

/// All formats, in the order in which they are tried.
std::span<const Format* const> all_formats();
/// All formats that another file describes. They are tried if none of all_formats() matches.
std::span<const CompanionFormat* const> all_companion_formats();

/// The name of a format in reports: "safetensors", "sniffed"; "plain" for files without layers, and for unknown
/// numbers.
std::string_view name(FormatId id);

}  // namespace elves::formats
