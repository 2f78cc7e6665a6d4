#pragma once

#include <string_view>

#include "formats/format.hpp"

namespace elves::formats::sniffer {

/// The kind of content that the first bytes of a file give, if files of this kind contain no floats: "gzip data", "PNG
/// image". Empty for unknown content. Reads 512 bytes.
std::string_view known_content(const ByteSource& file);

/// True if the first, middle and last 4 KiB are UTF-8 without control characters. False for an empty file.
bool is_text(const ByteSource& file);

}  // namespace elves::formats::sniffer
