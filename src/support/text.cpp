#include "support/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "support/checked.hpp"

namespace elves {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Length of the valid UTF-8 sequence at the front of `text`, or 0.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t n = lead >= 0xF0 && lead < 0xF5   ? 4
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                                                      : 0;
  if (n == 0 || text.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (n == 3 && lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (n == 3 && lead == 0xED && byte(1) > 0x9F) return 0;
  if (n == 4 && lead == 0xF0 && byte(1) < 0x90) return 0;
  if (n == 4 && lead == 0xF4 && byte(1) > 0x8F) return 0;
  return n;
}

/// A plain decimal number at the front of `text`, which it removes.
Result<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || value < 0 || !std::isfinite(value))
    return Error{"not a number: '" + printable(text) + "'"};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<const char*, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, kUnits[unit]);
  return text.data();
}

std::string counted(std::uint64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string format_seconds(double seconds) {
  std::array<char, 48> text{};
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (seconds < 60) {
    std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  } else if (seconds < 3600) {
    std::snprintf(text.data(), text.size(), "%d min %02d s", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  } else {
    std::snprintf(text.data(), text.size(), "%llu h %02d min", static_cast<unsigned long long>(whole / 3600),
                  static_cast<int>(whole % 3600 / 60));
  }
  return text.data();
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const std::string shown(text);
  auto value = take_number(text);
  if (!value) return Error{"not a size: '" + printable(shown) + "' (write 512M, 4GiB, ...)"};
  double factor = 1;
  if (!text.empty()) {
    constexpr std::string_view kLetters = "kmgtp";
    const auto letter = static_cast<char>(text[0] | 0x20);
    if (const auto power = kLetters.find(letter); power != std::string_view::npos) {
      factor = std::pow(1024.0, static_cast<double>(power) + 1);
      text.remove_prefix(1);
      if (!text.empty() && text[0] == 'i') text.remove_prefix(1);
    }
    if (text == "B" || text == "b") text.remove_prefix(1);
  }
  if (!text.empty() || *value * factor >= 9.2e18)
    return Error{"not a size: '" + printable(shown) + "' (write 512M, 4GiB, ...)"};
  return static_cast<std::uint64_t>(*value * factor);
}

Result<double> parse_seconds(std::string_view text) {
  const Error bad{"not a duration: '" + printable(text) + "' (write 90, 15m, 1h30m or HH:MM:SS)"};
  if (text.empty()) return bad;
  if (text.find(':') != std::string_view::npos) {
    double days = 0;
    if (const auto dash = text.find('-'); dash != std::string_view::npos) {
      auto head = text.substr(0, dash);
      const auto value = take_number(head);
      if (!value || !head.empty()) return bad;
      days = *value;
      text.remove_prefix(dash + 1);
    }
    double seconds = 0;
    for (const auto& part : split(text, ':')) {
      std::string_view rest = part;
      const auto value = take_number(rest);
      if (!value || !rest.empty()) return bad;
      seconds = seconds * 60 + *value;
    }
    return days * 86400 + seconds;
  }
  double seconds = 0;
  while (!text.empty()) {
    const auto value = take_number(text);
    if (!value) return bad;
    double factor = 1;
    if (!text.empty()) {
      if (text[0] == 'd')
        factor = 86400;
      else if (text[0] == 'h')
        factor = 3600;
      else if (text[0] == 'm')
        factor = 60;
      else if (text[0] != 's')
        return bad;
      text.remove_prefix(1);
    }
    seconds += *value * factor;
  }
  return seconds;
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

Result<std::vector<std::byte>> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return Error{"odd number of hexadecimal digits"};
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return Error{"not a hexadecimal digit"};
    bytes.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return bytes;
}

std::string printable(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto n = utf8_length(bytes);
    const auto lead = static_cast<unsigned char>(bytes[0]);
    if (n == 0 || lead < 0x20 || lead == 0x7F) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\x%02X", lead);
      text += escaped.data();
      bytes.remove_prefix(1);
    } else {
      text += bytes.substr(0, n);
      bytes.remove_prefix(n);
    }
  }
  return text;
}

std::string quoted_name(std::string_view name) {
  return "'" + printable(name.substr(0, 100)) + "'";
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const auto to = std::min(text.find(separator, from), text.size());
    parts.emplace_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

}  // namespace elves
