#include "formats/shared/sniffer/content_kind.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace elves::formats::sniffer {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset_bytes;
  std::string_view bytes;
  std::string_view content;
};

/// Each has at least four bytes, or three with which an array of floats is unlikely to begin.
constexpr std::array kMagics{
    Magic{0, "\x1F\x8B\x08"sv, "gzip data"},
    Magic{0, "PK\x03\x04"sv, "zip archive"},
    Magic{0, "PK\x05\x06"sv, "zip archive"},
    Magic{257, "ustar"sv, "tar archive"},
    Magic{0,
          "\xFD"sv
          "7zXZ\0"sv,
          "xz data"},
    Magic{0, "\x28\xB5\x2F\xFD"sv, "zstd data"},
    Magic{0, "BZh"sv, "bzip2 data"},
    Magic{0, "7z\xBC\xAF\x27\x1C"sv, "7z archive"},
    Magic{0, "Rar!\x1A\x07"sv, "rar archive"},
    Magic{0, "\x04\x22\x4D\x18"sv, "lz4 data"},
    Magic{0, "LZIP\x01"sv, "lzip data"},
    Magic{0, "!<arch>\n"sv, "ar archive"},
    Magic{0, "\x89PNG\r\n\x1A\n"sv, "PNG image"},
    Magic{0, "\xFF\xD8\xFF"sv, "JPEG image"},
    Magic{0, "GIF87a"sv, "GIF image"},
    Magic{0, "GIF89a"sv, "GIF image"},
    Magic{0, "II*\0"sv, "TIFF image"},
    Magic{0, "MM\0*"sv, "TIFF image"},
    Magic{8, "WEBPVP8"sv, "WebP image"},
    Magic{8, "WAVEfmt "sv, "WAV audio"},
    Magic{8, "AVI LIST"sv, "AVI video"},
    Magic{0, "fLaC\0"sv, "FLAC audio"},
    Magic{0, "OggS\0"sv, "Ogg media"},
    Magic{0, "ID3\x02"sv, "MP3 audio"},
    Magic{0, "ID3\x03"sv, "MP3 audio"},
    Magic{0, "ID3\x04"sv, "MP3 audio"},
    Magic{4, "ftyp"sv, "MP4 media"},
    Magic{0, "\x1A\x45\xDF\xA3"sv, "Matroska media"},
    Magic{0, "%PDF-"sv, "PDF document"},
    Magic{0,
          "\x7F"sv
          "ELF"sv,
          "ELF program"},
    Magic{0, "\xCF\xFA\xED\xFE"sv, "Mach-O program"},
    Magic{0, "\xCA\xFE\xBA\xBE"sv, "Mach-O program or Java class"},
    Magic{0, "\0asm"sv, "WebAssembly program"},
    Magic{0, "SQLite format 3\0"sv, "SQLite database"},
    Magic{0, "PAR1"sv, "Parquet table"},
    Magic{0, "ARROW1\0\0"sv, "Arrow table"},
    Magic{0, "OTTO\0"sv, "font"},
    Magic{0, "wOFF"sv, "font"},
    Magic{0, "wOF2"sv, "font"},
};

/// At most `n` bytes from `offset_bytes` on; none if they cannot be read.
std::vector<std::byte> bytes_at(const ByteSource& file, std::uint64_t offset_bytes, std::uint64_t n) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(n, file.size_bytes() - offset_bytes)));
  if (!file.read(offset_bytes, bytes)) bytes.clear();
  return bytes;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// "MZ" alone is not enough: the header must point to a header "PE".
bool is_windows_program(std::string_view start) {
  if (!start.starts_with("MZ") || start.size() < 64) return false;
  const auto at = static_cast<unsigned char>(start[60]) + 256u * static_cast<unsigned char>(start[61]);
  return at < start.size() && start.substr(at, 4) == "PE\0\0"sv;
}

bool is_control(unsigned c) {
  return c == 0x7F || (c < 0x20 && !(c >= '\b' && c <= '\r') && c != 0x1B);
}

/// True for a part of UTF-8 text, cut anywhere, without control characters other than white space and escape.
bool is_text(std::string_view part) {
  unsigned following = 0;  // remaining bytes of the current character
  for (std::size_t i = 0; i < part.size(); ++i) {
    const auto c = static_cast<unsigned char>(part[i]);
    const bool follows = (c & 0xC0) == 0x80;
    if (follows && (following > 0 || i < 3)) {
      following -= following > 0;
      continue;
    }
    if (follows || following > 0 || c == 0xC0 || c == 0xC1 || c > 0xF4 || is_control(c)) return false;
    following = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
  }
  return true;
}

}  // namespace

std::string_view known_content(const ByteSource& file) {
  const auto bytes = bytes_at(file, 0, 512);
  const auto start = as_text(bytes);
  for (const auto& magic : kMagics) {
    if (start.size() > magic.offset_bytes && start.substr(magic.offset_bytes).starts_with(magic.bytes))
      return magic.content;
  }
  return is_windows_program(start) ? "Windows program" : "";
}

bool is_text(const ByteSource& file) {
  constexpr std::uint64_t kLookedAtBytes = 4 << 10;
  const auto size = file.size_bytes();
  if (size == 0) return false;
  for (const auto at : {std::uint64_t{0}, size / 2, size - std::min(size, kLookedAtBytes)}) {
    const auto bytes = bytes_at(file, at, kLookedAtBytes);
    if (bytes.empty() || !is_text(as_text(bytes))) return false;
  }
  return true;
}

}  // namespace elves::formats::sniffer
