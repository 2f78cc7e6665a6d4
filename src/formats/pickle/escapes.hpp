#pragma once

#include <string>
#include <string_view>

namespace elves::formats::pickle {

/// The value of a STRING of protocol 0: 'it\'s', with the escapes of Python 2. Other backslashes are kept.
std::string without_quotes(std::string_view text);

/// The value of a UNICODE of protocol 0 (Latin-1 with \uXXXX and \UXXXXXXXX) in UTF-8.
std::string without_unicode_escapes(std::string_view text);

}  // namespace elves::formats::pickle
