#include "formats/pickle/escapes.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace elves::formats::pickle {
namespace {

/// Reads exactly `n` hexadecimal digits at the front of `text`.
std::optional<std::uint32_t> hex_number(std::string_view text, std::size_t n) {
  if (text.size() < n) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + n, number, 16);
  if (error != std::errc{} || end != text.data() + n) return std::nullopt;
  return number;
}

void append_utf8(std::string& to, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { to.push_back(static_cast<char>(byte)); };
  const auto put_rest = [&](int n) {
    while (n-- > 0) put(0x80 | ((code >> (6 * n)) & 0x3F));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put_rest(1);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put_rest(2);
  } else {
    put(0xF0 | ((code >> 18) & 7));
    put_rest(3);
  }
}

/// The character of the escape sequence \c; nothing if there is no such sequence.
std::optional<char> escaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case '\\':
    case '\'':
    case '"':
      return c;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string without_quotes(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.front() == text.back();
  if (quoted) text = text.substr(1, text.size() - 2);
  std::string plain;
  while (!text.empty()) {
    std::size_t used = 1;
    char c = text.front();
    if (c == '\\' && text.size() > 1) {
      if (const auto code = text[1] == 'x' ? hex_number(text.substr(2), 2) : std::nullopt) {
        c = static_cast<char>(*code);
        used = 4;
      } else if (const auto meant = escaped(text[1])) {
        c = *meant;
        used = 2;
      }
    }
    plain.push_back(c);
    text.remove_prefix(used);
  }
  return plain;
}

std::string without_unicode_escapes(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    std::size_t used = 1;
    std::uint32_t code = static_cast<unsigned char>(text.front());
    const std::size_t digits = text.starts_with("\\u") ? 4 : text.starts_with("\\U") ? 8 : 0;
    if (const auto meant = digits > 0 ? hex_number(text.substr(2), digits) : std::nullopt) {
      code = *meant;
      used = 2 + digits;
    }
    append_utf8(plain, code);
    text.remove_prefix(used);
  }
  return plain;
}

}  // namespace elves::formats::pickle
