#include "formats/torch_tar/tar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "support/checked.hpp"

namespace elves::formats::torch_tar {
namespace {

constexpr std::uint64_t kBlockBytes = 512;
constexpr std::uint64_t kMaxExtendedBytes = 64 << 10;
constexpr std::size_t kMaxHeaders = 64;
constexpr std::size_t kMaxMembers = 16;

using Block = std::array<char, kBlockBytes>;

std::string_view field(const Block& block, std::size_t at, std::size_t n) {
  return std::string_view(block.data(), block.size()).substr(at, n);
}

std::string_view until_nul(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

/// Reads octal digits with spaces around them, or a number in base 256 after a byte 0x80.
std::optional<std::uint64_t> number_from(std::string_view text) {
  if (text.starts_with('\x80')) {
    std::uint64_t number = 0;
    for (const char c : text.substr(1)) {
      if (number >> 56 != 0) return std::nullopt;
      number = number << 8 | static_cast<unsigned char>(c);
    }
    return number;
  }
  text = until_nul(text);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  text = text.substr(0, text.find(' '));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 8);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// True if the checksum is the sum of the header's bytes, with spaces in the place of the checksum itself.
bool has_right_sum(const Block& block) {
  constexpr std::size_t kSumAt = 148;
  constexpr std::size_t kSumBytes = 8;
  std::uint64_t sum = kSumBytes * ' ';
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (i < kSumAt || i >= kSumAt + kSumBytes) sum += static_cast<unsigned char>(block[i]);
  }
  return number_from(field(block, kSumAt, kSumBytes)) == sum;
}

/// The size of the next member in an extended header: one of its lines is "20 size=8589934592".
std::optional<std::uint64_t> size_in(std::string_view extended) {
  constexpr std::string_view kKey = " size=";
  const auto at = extended.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  auto text = extended.substr(at + kKey.size());
  text = text.substr(0, text.find('\n'));
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(size) : std::nullopt;
}

std::string read_text(const ByteSource& file, std::uint64_t offset_bytes, std::uint64_t n) {
  std::string text(static_cast<std::size_t>(std::min(n, kMaxExtendedBytes)), '\0');
  if (!file.read(offset_bytes, std::as_writable_bytes(std::span(text)))) text.clear();
  return text;
}

}  // namespace

std::vector<Member> read_members(const ByteSource& file) {
  std::vector<Member> members;
  std::optional<std::uint64_t> extended_size;
  std::uint64_t at = 0;
  for (std::size_t n = 0; n < kMaxHeaders && members.size() < kMaxMembers; ++n) {
    Block block{};
    if (!file.read(at, std::as_writable_bytes(std::span(block))) || !has_right_sum(block)) break;
    const auto size = number_from(field(block, 124, 12));
    if (!size) break;
    const char type = block[156];
    const auto data_at = at + kBlockBytes;
    const bool is_file = type == '0' || type == '\0';
    const auto member_bytes = is_file ? extended_size.value_or(*size) : *size;
    if (type == 'x') extended_size = size_in(read_text(file, data_at, *size));
    if (is_file) {
      members.push_back(
          {.name = std::string(until_nul(field(block, 0, 100))), .offset_bytes = data_at, .size_bytes = member_bytes});
      extended_size.reset();
    }
    const auto blocks = ceil_div(member_bytes, kBlockBytes);
    const auto next = checked_add(data_at, checked_mul(blocks, kBlockBytes).value_or(file.size_bytes()));
    if (!next || *next > file.size_bytes()) break;
    at = *next;
  }
  return members;
}

}  // namespace elves::formats::torch_tar
