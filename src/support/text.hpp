#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "elves/error.hpp"

namespace elves {

/// "1.50 GiB"; exact below 1024 bytes.
std::string format_bytes(std::uint64_t bytes);

/// "1 file", "2 files", "0 files".
std::string counted(std::uint64_t n, std::string_view noun);

/// "2 h 03 min", "41.2 s".
std::string format_seconds(double seconds);

/// Reads "4GiB", "512MB", "100k", "7": powers of 1024 for K M G T (with or without "iB" or "B").
Result<std::uint64_t> parse_bytes(std::string_view text);

/// Reads "90", "90s", "15m", "2h", "1h30m", Slurm's "D-HH:MM:SS", "HH:MM:SS" and "MM:SS".
Result<double> parse_seconds(std::string_view text);

std::string to_hex(std::span<const std::byte> bytes);
Result<std::vector<std::byte>> from_hex(std::string_view text);

/// For messages and JSON: bytes that are not valid UTF-8 are shown as \xNN, control characters likewise.
std::string printable(std::string_view bytes);

/// For messages: a name from a file, in quotes, printable, cut to its first 100 bytes.
std::string quoted_name(std::string_view name);

std::vector<std::string> split(std::string_view text, char separator);

}  // namespace elves
