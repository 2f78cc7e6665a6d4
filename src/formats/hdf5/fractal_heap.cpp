#include "formats/hdf5/fractal_heap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

#include "support/checked.hpp"

namespace elves::formats::hdf5 {
namespace {

constexpr std::string_view kWhat = "fractal heap";
constexpr unsigned kMaxHeapBits = 64;

}  // namespace

FractalHeap::FractalHeap(Metadata& file, std::uint64_t address) : file_(file) {
  const auto [address_bytes, length_bytes] = file.widths();
  auto header = file.read_signed(address, 22 + 12 * length_bytes + 3 * address_bytes, "FRHP", kWhat);
  header.skip(1);
  id_bytes_ = header.read<std::uint16_t>();
  const auto filter_bytes = header.read<std::uint16_t>();
  header.skip(1);
  const std::uint64_t max_object_bytes = header.read<std::uint32_t>();
  header.skip_lengths(1);
  header.skip_addresses(1);
  header.skip_lengths(1);
  header.skip_addresses(1);
  header.skip_lengths(8);
  if (filter_bytes != 0) fail("is compressed");
  if (file_.failed()) return;
  length_bytes_ = (static_cast<std::uint64_t>(std::bit_width(max_object_bytes)) + 7) / 8;
  read_table(header);
}

/// The blocks of the heap are in rows of `table_width_`: two rows of the first size, then each row of twice the size of
/// the row before.
void FractalHeap::read_table(NumberCursor& header) {
  table_width_ = header.read<std::uint16_t>();
  start_block_bytes_ = header.length();
  const auto max_direct_bytes = header.length();
  const unsigned heap_bits = header.read<std::uint16_t>();
  header.skip(2);
  const auto root = header.address();
  const unsigned n_rows = header.read<std::uint16_t>();
  if (header.failed() || !std::has_single_bit(table_width_) || !std::has_single_bit(start_block_bytes_) ||
      !std::has_single_bit(max_direct_bytes) || max_direct_bytes < start_block_bytes_ || heap_bits == 0 ||
      heap_bits > kMaxHeapBits) {
    return fail("has a damaged header");
  }
  offset_bytes_ = (heap_bits + 7) / 8;
  const auto direct_length_bytes = (static_cast<std::uint64_t>(std::bit_width(max_direct_bytes)) + 7) / 8;
  length_bytes_ = std::min(length_bytes_, direct_length_bytes);
  max_direct_rows_ = static_cast<unsigned>(std::bit_width(max_direct_bytes) - std::bit_width(start_block_bytes_)) + 2;
  if (root == kNowhere) return;
  if (n_rows == 0) {
    blocks_.push_back(DirectBlock{.begin = 0, .n_bytes = start_block_bytes_, .address = root});
  } else {
    read_indirect(root, 0, n_rows);
  }
}

std::uint64_t FractalHeap::row_block_bytes(unsigned row) const {
  return row == 0 ? start_block_bytes_ : start_block_bytes_ << (row - 1);
}

void FractalHeap::read_indirect(std::uint64_t address, std::uint64_t begin, unsigned n_rows) {
  const auto start_bits = static_cast<unsigned>(std::bit_width(start_block_bytes_ * table_width_)) - 1;
  if (n_rows > kMaxHeapBits - std::min(start_bits, kMaxHeapBits)) return fail("has too many rows of blocks");
  const auto address_bytes = file_.widths().address_bytes;
  auto block = file_.read_signed(address, 5 + address_bytes + offset_bytes_ + n_rows * table_width_ * address_bytes,
                                 "FHIB", kWhat);
  block.skip(1 + address_bytes + offset_bytes_);
  for (unsigned row = 0; row < n_rows; ++row) {
    const auto n_bytes = row_block_bytes(row);
    for (std::uint64_t i = 0; i < table_width_ && !file_.failed(); ++i, begin += n_bytes) {
      const auto child = block.address();
      if (child == kNowhere) continue;
      if (row < max_direct_rows_) {
        blocks_.push_back(DirectBlock{.begin = begin, .n_bytes = n_bytes, .address = child});
      } else {
        // An indirect block has as many rows as its size allows, which is always fewer than the block above it.
        read_indirect(child, begin, static_cast<unsigned>(std::bit_width(n_bytes)) - start_bits);
      }
    }
  }
}

Block FractalHeap::object(NumberCursor& id) {
  const auto nothing = [&] { return Block({}, file_.widths()); };
  NumberCursor cursor(id.take(id_bytes_), file_.widths());
  const auto kind = (cursor.read<std::uint8_t>() >> 4) & 0x3;
  const auto at = cursor.number(offset_bytes_);
  const auto n_bytes = cursor.number(length_bytes_);
  if (kind != 0 || cursor.failed()) {
    fail("has a link outside of its blocks");
    return nothing();
  }
  auto block = std::upper_bound(blocks_.begin(), blocks_.end(), at,
                                [](std::uint64_t value, const DirectBlock& each) { return value < each.begin; });
  if (block == blocks_.begin() || at - (--block)->begin >= block->n_bytes ||
      n_bytes > block->n_bytes - (at - block->begin)) {
    fail("has no object at the offset that a group gives");
    return nothing();
  }
  const auto address = checked_add(block->address, at - block->begin);
  return file_.read(address.value_or(kNowhere), n_bytes, kWhat);
}

void FractalHeap::fail(std::string_view why) {
  file_.fail(fmt::format("{} {}", kWhat, why));
}

}  // namespace elves::formats::hdf5
