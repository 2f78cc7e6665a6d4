#include "formats/hdf5/chunk_array.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <span>

#include "support/checked.hpp"

namespace elves::formats::hdf5 {
namespace {

constexpr std::uint64_t kChecksumBytes = 4;
constexpr unsigned kMaxBits = 64;

bool bit_at(std::span<const std::byte> bits, std::uint64_t i) {
  return (std::to_integer<unsigned>(bits[static_cast<std::size_t>(i / 8)]) >> (7 - i % 8) & 1) != 0;
}

/// The common part of the two kinds of arrays.
class ArrayReader {
 protected:
  /// A run of entries in the file.
  struct Run {
    std::uint64_t address;
    std::uint64_t first_entry;
    std::uint64_t n_entries;
  };

  ArrayReader(ChunkList& chunks, std::string_view what, std::optional<std::size_t> endless_dimension)
      : chunks_(chunks), file_(chunks.file()), what_(what), numbers_(chunks, endless_dimension) {}

  /// Sets the sizes of an entry and of a page; false after a failure.
  bool set_sizes(unsigned entry_bytes, unsigned page_bits) {
    const std::uint64_t plain_bytes = file_.widths().address_bytes;
    const std::uint64_t least = chunks_.dataset().has_filters ? plain_bytes + 4 + 1 : plain_bytes;
    const std::uint64_t most = chunks_.dataset().has_filters ? plain_bytes + 4 + 8 : plain_bytes;
    entry_bytes_ = entry_bytes;
    if (entry_bytes < least || entry_bytes > most || page_bits >= kMaxBits) {
      chunks_.fail("damaged index of chunks");
      return false;
    }
    page_entries_ = std::uint64_t{1} << page_bits;
    return !file_.failed();
  }

  /// Each page ends with a checksum. The bits from `first_bit` on are set for pages that were ever written.
  void read_pages(const Run& run, std::span<const std::byte> bits, std::uint64_t first_bit) {
    const auto entries_bytes = checked_mul(page_entries_, entry_bytes_);
    const auto page_bytes = entries_bytes ? checked_add(*entries_bytes, kChecksumBytes) : std::nullopt;
    for (std::uint64_t page = 0; page < ceil_div(run.n_entries, page_entries_) && !file_.failed(); ++page) {
      const auto offset = page_bytes ? checked_mul(page, *page_bytes) : std::nullopt;
      const auto address = offset ? checked_add(run.address, *offset) : std::nullopt;
      if (!address) return chunks_.fail("the index of chunks passes the end of the file");
      if (!bit_at(bits, first_bit + page)) continue;
      const auto skipped = page * page_entries_;
      read_entries(Run{.address = *address,
                       .first_entry = run.first_entry + skipped,
                       .n_entries = std::min(page_entries_, run.n_entries - skipped)});
    }
  }

  void read_entries(const Run& run) {
    const auto n_bytes = checked_mul(run.n_entries, entry_bytes_);
    auto block = file_.read(run.address, n_bytes.value_or(kNowhere), what_);
    take_entries(block, run.first_entry, run.n_entries);
  }

  /// An entry is an address, and with filters also the size of the chunk and a mask of the filters that were skipped.
  void take_entries(NumberCursor& cursor, std::uint64_t first, std::uint64_t n) {
    for (std::uint64_t i = 0; i < n && !file_.failed(); ++i) {
      const auto address = cursor.address();
      auto n_bytes = chunks_.chunk_bytes();
      if (chunks_.dataset().has_filters) {
        n_bytes = cursor.number(entry_bytes_ - file_.widths().address_bytes - 4);
        cursor.skip(4);
      }
      if (address != kNowhere) chunks_.add(address, n_bytes, numbers_.scaled(first + i));
    }
  }

  ChunkList& chunks_;
  Metadata& file_;
  std::string_view what_;
  ChunkNumbers numbers_;
  std::uint64_t entry_bytes_ = 0;
  std::uint64_t page_entries_ = 0;
};

class FixedArray : ArrayReader {
 public:
  explicit FixedArray(ChunkList& chunks) : ArrayReader(chunks, "fixed array", std::nullopt) {}

  void read() {
    const auto [address_bytes, length_bytes] = file_.widths();
    auto header = file_.read_signed(chunks_.layout().address, 8 + length_bytes + address_bytes, "FAHD", what_);
    header.skip(2);
    const unsigned entry_bytes = header.read<std::uint8_t>();
    const unsigned page_bits = header.read<std::uint8_t>();
    const auto n_entries = header.length();
    const auto block = header.address();
    if (file_.failed() || block == kNowhere || !set_sizes(entry_bytes, page_bits)) return;
    read_block(block, n_entries);
  }

 private:
  void read_block(std::uint64_t address, std::uint64_t n_entries) {
    const std::uint64_t prefix_bytes = 6 + file_.widths().address_bytes;
    (void)file_.read_signed(address, prefix_bytes, "FADB", what_);
    const auto begin = address + prefix_bytes;
    if (n_entries <= page_entries_) return read_entries({begin, 0, n_entries});
    const auto bits_bytes = ceil_div<std::uint64_t>(ceil_div(n_entries, page_entries_), 8);
    auto bits = file_.read(begin, bits_bytes, what_);
    if (file_.failed()) return;
    read_pages({begin + bits_bytes + kChecksumBytes, 0, n_entries}, bits.take(bits_bytes), 0);
  }
};

class ExtensibleArray : ArrayReader {
 public:
  ExtensibleArray(ChunkList& chunks, std::size_t endless_dimension)
      : ArrayReader(chunks, "extensible array", endless_dimension) {}

  void read() {
    const auto [address_bytes, length_bytes] = file_.widths();
    auto header = file_.read_signed(chunks_.layout().address, 12 + 6 * length_bytes + address_bytes, "EAHD", what_);
    header.skip(2);
    const unsigned entry_bytes = header.read<std::uint8_t>();
    max_bits_ = header.read<std::uint8_t>();
    n_direct_ = header.read<std::uint8_t>();
    least_entries_ = header.read<std::uint8_t>();
    least_pointers_ = header.read<std::uint8_t>();
    const unsigned page_bits = header.read<std::uint8_t>();
    header.skip_lengths(4);
    n_entries_ = header.length();
    header.skip_lengths(1);
    const auto index = header.address();
    if (file_.failed() || index == kNowhere || !set_sizes(entry_bytes, page_bits)) return;
    if (!std::has_single_bit(least_entries_) || !std::has_single_bit(least_pointers_) || max_bits_ == 0 ||
        max_bits_ > kMaxBits || (std::uint64_t{1} << (max_bits_ - 1)) < least_entries_) {
      return chunks_.fail("damaged index of chunks");
    }
    prefix_bytes_ = 6 + address_bytes + (max_bits_ + 7) / 8;
    read_index(index);
  }

 private:
  /// The blocks of one step of growth.
  struct Step {
    std::uint64_t first_entry;
    std::uint64_t n_blocks;
    std::uint64_t block_entries;
  };

  void read_index(std::uint64_t address) {
    const std::uint64_t address_bytes = file_.widths().address_bytes;
    const auto n_steps = max_bits_ - static_cast<unsigned>(std::countr_zero(least_entries_)) + 1;
    const auto n_in_index = std::min(2 * static_cast<unsigned>(std::countr_zero(least_pointers_)), n_steps);
    const auto n_pointers = 2 * (least_pointers_ - 1) + (n_steps - n_in_index);
    const auto start_bytes = 6 + address_bytes;
    auto index =
        file_.read_signed(address, start_bytes + n_direct_ * entry_bytes_ + n_pointers * address_bytes, "EAIB", what_);
    index.skip(start_bytes - 4);
    take_entries(index, 0, n_direct_);
    Step step{.first_entry = n_direct_, .n_blocks = 0, .block_entries = 0};
    for (unsigned u = 0; u < n_steps && step.first_entry < n_entries_ && !file_.failed(); ++u) {
      step.n_blocks = std::uint64_t{1} << (u / 2);
      step.block_entries = least_entries_ << ((u + 1) / 2);
      if (u < n_in_index) {
        read_blocks(index, step, {});
      } else {
        read_super_block(index.address(), step);
      }
      step.first_entry += step.n_blocks * step.block_entries;
    }
  }

  void read_super_block(std::uint64_t address, const Step& step) {
    if (address == kNowhere) return;
    const auto n_pages = step.block_entries > page_entries_ ? step.block_entries / page_entries_ : 0;
    const auto bits_bytes = step.n_blocks * ceil_div<std::uint64_t>(n_pages, 8);
    const auto pointers_bytes = step.n_blocks * file_.widths().address_bytes;
    auto block = file_.read_signed(address, prefix_bytes_ + bits_bytes + pointers_bytes, "EASB", what_);
    block.skip(prefix_bytes_ - 4);
    const auto bits = block.take(bits_bytes);
    read_blocks(block, step, bits);
  }

  /// `bits` are set for the pages of the blocks that were written; empty if the blocks have no pages.
  void read_blocks(NumberCursor& pointers, const Step& step, std::span<const std::byte> bits) {
    for (std::uint64_t i = 0; i < step.n_blocks && !file_.failed(); ++i) {
      const auto address = pointers.address();
      const auto first = step.first_entry + i * step.block_entries;
      if (address == kNowhere || first >= n_entries_) continue;
      (void)file_.read_signed(address, prefix_bytes_, "EADB", what_);
      Run run{address + prefix_bytes_, first, std::min(step.block_entries, n_entries_ - first)};
      if (bits.empty()) {
        read_entries(run);
      } else {
        run.address += kChecksumBytes;
        read_pages(run, bits, i * (step.block_entries / page_entries_));
      }
    }
  }

  unsigned max_bits_ = 0;             ///< of the number of an entry
  std::uint64_t n_entries_ = 0;       ///< up to the last that was ever set
  std::uint64_t n_direct_ = 0;        ///< entries in the index block
  std::uint64_t least_entries_ = 0;   ///< of a block
  std::uint64_t least_pointers_ = 0;  ///< of a super block
  std::uint64_t prefix_bytes_ = 0;    ///< of a block and of a super block
};

}  // namespace

void read_fixed_array(ChunkList& chunks) {
  FixedArray(chunks).read();
}

void read_extensible_array(ChunkList& chunks) {
  const auto& shape = chunks.dataset().space.max_shape;
  const auto endless = std::find(shape.begin(), shape.end(), kUnlimited);
  if (endless == shape.end()) return chunks.fail("an extensible array, but no unlimited dimension");
  ExtensibleArray(chunks, static_cast<std::size_t>(endless - shape.begin())).read();
}

}  // namespace elves::formats::hdf5
