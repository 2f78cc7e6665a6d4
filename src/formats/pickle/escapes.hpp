#pragma once

#include <string>
#include <string_view>

namespace elves::formats::pickle {

/// What a STRING of protocol 0 means: 'it\'s', with the escapes of Python 2. What is no escape stays as it is.
std::string without_quotes(std::string_view text);

/// What a UNICODE of protocol 0 means, in UTF-8: Latin-1 with \uXXXX and \UXXXXXXXX.
std::string without_unicode_escapes(std::string_view text);

}  // namespace elves::formats::pickle
