#include "formats/hdf5/metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "support/checked.hpp"
#include "support/text.hpp"

namespace elves::formats::hdf5 {
namespace {

constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
constexpr std::uint64_t kFirstUserBlock = 512;
constexpr std::uint64_t kLastUserBlock = 1 << 20;
constexpr std::uint64_t kMaxBudgetBytes = 1 << 30;
constexpr std::uint64_t kSmallBudgetBytes = 1 << 20;
/// The cost of a block in addition to its bytes: it limits the number of tiny blocks.
constexpr std::uint64_t kBlockCost = 32;
constexpr std::uint64_t kSuperblockBytes = 128;  ///< the longest

std::uint64_t budget_for(std::uint64_t file_bytes) {
  return file_bytes >= kMaxBudgetBytes / 8 ? kMaxBudgetBytes : std::max(kSmallBudgetBytes, 8 * file_bytes);
}

bool is_width(unsigned n_bytes) {
  return n_bytes == 2 || n_bytes == 4 || n_bytes == 8;
}

}  // namespace

std::uint64_t NumberCursor::number(std::uint64_t n_bytes) noexcept {
  const auto from = take(n_bytes <= sizeof(std::uint64_t) ? n_bytes : kNowhere);
  std::uint64_t value = 0;
  if (!from.empty()) std::memcpy(&value, from.data(), from.size());
  return value;
}

std::uint64_t NumberCursor::address() noexcept {
  const auto value = number(widths_.address_bytes);
  const auto undefined = kNowhere >> (64 - 8 * widths_.address_bytes);
  return value == undefined ? kNowhere : value;
}

std::optional<std::uint64_t> find_superblock(const ByteSource& file) {
  for (std::uint64_t at = 0; at <= kLastUserBlock; at = std::max(kFirstUserBlock, 2 * at)) {
    std::array<char, kSignature.size()> found{};
    if (file.size_bytes() < at + found.size() || !file.read(at, std::as_writable_bytes(std::span(found)))) break;
    if (std::string_view(found.data(), found.size()) == kSignature) return at;
  }
  return std::nullopt;
}

Metadata::Metadata(const ByteSource& file)
    : file_bytes_(file.size_bytes()), cursor_(file), budget_bytes_(budget_for(file.size_bytes())) {
  if (const auto at = find_superblock(file)) {
    read_superblock(*at);
  } else {
    fail("no signature");
  }
}

void Metadata::fail(std::string why) {
  if (error_) return;
  error_ = Error{object_.empty() ? std::move(why) : fmt::format("{}: {}", quoted_name(object_), why)};
}

std::optional<std::uint64_t> Metadata::offset_of(std::uint64_t address) const noexcept {
  const auto at = checked_add(base_bytes_, address);
  if (address == kNowhere || !at || *at > file_bytes_) return std::nullopt;
  return at;
}

void Metadata::charge(std::uint64_t n_bytes) {
  if (n_bytes > budget_bytes_) return fail("more metadata than a file of this size can need");
  budget_bytes_ -= n_bytes;
}

Block Metadata::read(std::uint64_t address, std::uint64_t n, std::string_view what) {
  const auto at = offset_of(address);
  if (!at || n > file_bytes_ - *at) {
    fail(fmt::format("{} passes the end of the file ({} bytes at address {})", what, n, address));
  }
  if (!failed()) charge(n + kBlockCost);
  if (failed()) return Block({}, widths_);
  std::vector<std::byte> bytes(static_cast<std::size_t>(n));
  cursor_.seek(*at);
  cursor_.fill(bytes);
  if (cursor_.failed()) fail(cursor_.error().message);
  return Block(std::move(bytes), widths_);
}

Block Metadata::read_signed(std::uint64_t address, std::uint64_t n, std::string_view signature, std::string_view what) {
  auto block = read(address, n, what);
  if (block.take_text(signature.size()) != signature) {
    fail(fmt::format("{} at address {} does not begin with {}", what, address, signature));
  }
  return block;
}

void Metadata::read_superblock(std::uint64_t at_bytes) {
  // Addresses count from the superblock, whatever base it gives: user blocks are added to files and removed again.
  base_bytes_ = at_bytes;
  auto start = read(0, kSignature.size() + 1, "superblock");
  start.skip(kSignature.size());
  const auto version = start.read<std::uint8_t>();
  if (failed()) return;
  if (version <= 1) return read_old_superblock(version);
  if (version <= 3) return read_new_superblock();
  fail(fmt::format("superblock of unknown version {}", version));
}

/// Version 0 or 1: the widths are followed by sizes of B-tree nodes; the root group is an entry of a symbol table.
void Metadata::read_old_superblock(unsigned version) {
  auto block = read_widths(kSignature.size() + 5);
  block.skip(version == 0 ? 9 : 13);
  const auto base = block.address();
  block.skip_addresses(1);
  const auto end = block.address();
  block.skip_addresses(1);
  block.skip_lengths(1);
  root_ = block.address();
  finish_superblock(block, base, end);
}

void Metadata::read_new_superblock() {
  auto block = read_widths(kSignature.size() + 1);
  block.skip(1);
  const auto base = block.address();
  block.skip_addresses(1);
  const auto end = block.address();
  root_ = block.address();
  finish_superblock(block, base, end);
}

/// Reads the two widths after `skipped_bytes` and returns the superblock with the cursor after them.
Block Metadata::read_widths(std::uint64_t skipped_bytes) {
  auto start = read(0, skipped_bytes + 2, "superblock");
  start.skip(skipped_bytes);
  const unsigned address_bytes = start.read<std::uint8_t>();
  const unsigned length_bytes = start.read<std::uint8_t>();
  if (is_width(address_bytes) && is_width(length_bytes)) {
    widths_ = Widths{.address_bytes = address_bytes, .length_bytes = length_bytes};
  } else {
    fail("superblock has a wrong size of addresses");
  }
  auto block = read(0, std::min(kSuperblockBytes, file_bytes_ - base_bytes_), "superblock");
  block.skip(skipped_bytes + 2);
  return block;
}

/// `end_bytes` counts from the start of a file in which the superblock is at `base_bytes`.
void Metadata::finish_superblock(const Block& block, std::uint64_t base_bytes, std::uint64_t end_bytes) {
  if (block.failed()) return fail("superblock is cut short");
  if (end_bytes >= base_bytes && end_bytes - base_bytes <= file_bytes_ - base_bytes_) return;
  fail(fmt::format("cut short: the file has {} bytes, but {} in its superblock", file_bytes_, end_bytes));
}

}  // namespace elves::formats::hdf5
