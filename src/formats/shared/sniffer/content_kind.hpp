#pragma once

#include <string_view>

#include "formats/format.hpp"

namespace elves::formats::sniffer {

/// "gzip data", "PNG image": what the first bytes of a file say that it is, where that leaves no floats to be found;
/// empty where they say nothing. Reads 512 bytes.
std::string_view known_content(const ByteSource& file);

/// True where its first, middle and last 4 KiB are UTF-8 without control characters. False for an empty file.
bool is_text(const ByteSource& file);

}  // namespace elves::formats::sniffer
