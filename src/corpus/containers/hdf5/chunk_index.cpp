#include "corpus/containers/hdf5/chunk_index.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string>
#include <utility>

#include "corpus/containers/hdf5/btree_v1.hpp"
#include "corpus/containers/hdf5/btree_v2.hpp"
#include "support/checked.hpp"

namespace elves::corpus::hdf5 {
namespace {

constexpr std::uint64_t kChecksumBytes = 4;
/// What a chunk costs of the file's budget besides its entry in the index: about what it takes in memory.
constexpr std::uint64_t kChunkCost = 64;

bool bit_at(std::span<const std::byte> bits, std::uint64_t i) {
  return (std::to_integer<unsigned>(bits[static_cast<std::size_t>(i / 8)]) >> (7 - i % 8) & 1) != 0;
}

class IndexReader {
 public:
  IndexReader(Metadata& file, const Dataset& dataset, std::uint64_t chunk_bytes)
      : file_(file), dataset_(dataset), layout_(dataset.layout), chunk_bytes_(chunk_bytes) {}

  std::vector<Chunk> read() {
    switch (layout_.index) {
      case ChunkIndex::BtreeV1:
        read_btree_v1();
        break;
      case ChunkIndex::Single:
        add(layout_.address, layout_.single_chunk_bytes.value_or(chunk_bytes_),
            std::vector<std::uint64_t>(layout_.chunk_shape.size(), 0));
        break;
      case ChunkIndex::Implicit:
        read_implicit();
        break;
      case ChunkIndex::FixedArray:
        read_fixed_array();
        break;
      case ChunkIndex::ExtensibleArray:
        read_extensible_array();
        break;
      case ChunkIndex::BtreeV2:
        read_btree_v2();
        break;
    }
    return std::move(chunks_);
  }

 private:
  /// `scaled`: the chunk's position, counted in chunks.
  void add(std::uint64_t address, std::uint64_t n_bytes, std::vector<std::uint64_t> scaled) {
    if (address == kNowhere) return;
    for (std::size_t i = 0; i < scaled.size(); ++i) {
      const auto at = checked_mul(scaled[i], layout_.chunk_shape[i]);
      if (!at || *at >= dataset_.space.shape[i]) return;
      scaled[i] = *at;
    }
    if (!dataset_.has_filters && n_bytes != chunk_bytes_) return fail("a chunk of a wrong size");
    file_.charge(kChunkCost + scaled.size() * sizeof(std::uint64_t));
    if (file_.failed()) return;
    chunks_.push_back(Chunk{.address = address, .n_bytes = n_bytes, .origin = std::move(scaled)});
  }

  void read_btree_v1() {
    const auto rank = layout_.chunk_shape.size();
    for_each_leaf(file_, layout_.address, 8 + 8 * (rank + 1), BtreeKind::Chunks,
                  [&](NumberCursor& key, std::uint64_t child) {
                    const std::uint64_t n_bytes = key.read<std::uint32_t>();
                    key.skip(4);
                    std::vector<std::uint64_t> scaled(rank);
                    for (std::size_t i = 0; i < rank; ++i) {
                      const auto origin = key.read<std::uint64_t>();
                      if (origin % layout_.chunk_shape[i] != 0) return fail("a chunk at a wrong place");
                      scaled[i] = origin / layout_.chunk_shape[i];
                    }
                    add(child, n_bytes, std::move(scaled));
                  });
  }

  void read_btree_v2() {
    const auto type = dataset_.has_filters ? RecordType::FilteredChunk : RecordType::Chunk;
    for_each_record(file_, layout_.address, type, [&](NumberCursor& record) {
      const auto rank = layout_.chunk_shape.size();
      const auto address = record.address();
      auto n_bytes = chunk_bytes_;
      if (dataset_.has_filters) {
        const auto fixed_bytes = 8 * rank + 4;
        n_bytes = record.number(record.remaining() > fixed_bytes ? record.remaining() - fixed_bytes : 0);
        record.skip(4);
      }
      std::vector<std::uint64_t> scaled(rank);
      for (auto& each : scaled) each = record.read<std::uint64_t>();
      if (!record.failed()) add(address, n_bytes, std::move(scaled));
    });
  }

  /// Chunks are numbered row by row in the largest shape that the dataset may take.
  void read_implicit() {
    if (!number_chunks(std::nullopt)) return;
    const auto n_chunks = checked_mul(n_chunks_[0], n_inner_[0]);
    const auto n_bytes = n_chunks ? checked_mul(*n_chunks, chunk_bytes_) : std::nullopt;
    const auto end = n_bytes ? checked_add(layout_.address, *n_bytes) : std::nullopt;
    if (!end || !file_.offset_of(*end)) return fail("chunks beyond the end of the file");
    for (std::uint64_t i = 0; i < *n_chunks && !file_.failed(); ++i) {
      file_.charge(1);
      add(layout_.address + i * chunk_bytes_, chunk_bytes_, scaled_of(i));
    }
  }

  void read_fixed_array() {
    constexpr std::string_view kWhat = "fixed array";
    const auto [address_bytes, length_bytes] = file_.widths();
    if (!number_chunks(std::nullopt)) return;
    auto header = file_.read_signed(layout_.address, 8 + length_bytes + address_bytes, "FAHD", kWhat);
    header.skip(2);
    entry_bytes_ = header.read<std::uint8_t>();
    const unsigned page_bits = header.read<std::uint8_t>();
    const auto n_entries = header.length();
    const auto block_address = header.address();
    if (file_.failed() || block_address == kNowhere) return;
    if (page_bits >= 64 || !is_entry_size()) return fail("a damaged fixed array");
    const auto page_entries = std::uint64_t{1} << page_bits;
    const std::uint64_t prefix_bytes = 6 + address_bytes;
    auto start = file_.read_signed(block_address, prefix_bytes, "FADB", kWhat);
    if (n_entries <= page_entries) return read_entries(block_address + prefix_bytes, 0, n_entries);
    const auto n_pages = ceil_div(n_entries, page_entries);
    const auto bits_bytes = ceil_div<std::uint64_t>(n_pages, 8);
    auto bits = file_.read(block_address + prefix_bytes, bits_bytes, kWhat);
    if (file_.failed()) return;
    read_pages(block_address + prefix_bytes + bits_bytes + kChecksumBytes, bits.take(bits_bytes), 0,
               Pages{.n_entries = n_entries, .page_entries = page_entries, .first_entry = 0});
  }

  struct Pages {
    std::uint64_t n_entries;
    std::uint64_t page_entries;
    std::uint64_t first_entry;
  };

  /// `bits` tell from `first_bit` on which pages were ever written.
  void read_pages(std::uint64_t address, std::span<const std::byte> bits, std::uint64_t first_bit, const Pages& pages) {
    const auto page_bytes = checked_mul(pages.page_entries, entry_bytes_);
    if (!page_bytes) return fail("pages of an index whose size overflows");
    for (std::uint64_t at = 0, page = 0; at < pages.n_entries && !file_.failed(); at += pages.page_entries, ++page) {
      const auto offset = checked_mul(page, *page_bytes + kChecksumBytes);
      const auto page_address = offset ? checked_add(address, *offset) : std::nullopt;
      if (!page_address) return fail("pages of an index beyond the end of the file");
      if (!bit_at(bits, first_bit + page)) continue;
      read_entries(*page_address, pages.first_entry + at, std::min(pages.page_entries, pages.n_entries - at));
    }
  }

  struct SuperBlock {
    std::uint64_t n_blocks;
    std::uint64_t block_entries;
  };

  /// An array that grows at its end: some entries in the index block, then blocks of entries that it points to, then
  /// super blocks that point to blocks. Super block u stands for 2^(u/2) blocks of 2^((u+1)/2) times the least size.
  void read_extensible_array() {
    constexpr std::string_view kWhat = "extensible array";
    const auto& max_shape = dataset_.space.max_shape;
    const auto grows = std::find(max_shape.begin(), max_shape.end(), kUnlimited);
    if (grows == max_shape.end()) return fail("an extensible array where no dimension can grow");
    if (!number_chunks(static_cast<std::size_t>(grows - max_shape.begin()))) return;
    const auto [address_bytes, length_bytes] = file_.widths();
    auto header = file_.read_signed(layout_.address, 12 + 6 * length_bytes + address_bytes, "EAHD", kWhat);
    header.skip(2);
    entry_bytes_ = header.read<std::uint8_t>();
    const unsigned max_bits = header.read<std::uint8_t>();
    const std::uint64_t n_direct_entries = header.read<std::uint8_t>();
    const std::uint64_t least_entries = header.read<std::uint8_t>();
    const std::uint64_t least_pointers = header.read<std::uint8_t>();
    const unsigned page_bits = header.read<std::uint8_t>();
    header.skip_lengths(4);
    n_entries_ = header.length();
    header.skip_lengths(1);
    const auto index_address = header.address();
    if (file_.failed() || index_address == kNowhere) return;
    if (!std::has_single_bit(least_entries) || !std::has_single_bit(least_pointers) || max_bits > 64 ||
        page_bits >= 64 || !is_entry_size() || max_bits < std::bit_width(least_entries)) {
      return fail("a damaged extensible array");
    }
    page_entries_ = std::uint64_t{1} << page_bits;
    block_prefix_bytes_ = 6 + address_bytes + (max_bits + 7) / 8;
    const auto n_super_blocks = max_bits - static_cast<unsigned>(std::bit_width(least_entries)) + 2;
    const auto n_in_index = std::min(2 * (static_cast<unsigned>(std::bit_width(least_pointers)) - 1), n_super_blocks);

    const auto pointers = 2 * (least_pointers - 1) + (n_super_blocks - n_in_index);
    auto index = file_.read_signed(
        index_address, 6 + address_bytes + n_direct_entries * entry_bytes_ + pointers * address_bytes, "EAIB", kWhat);
    index.skip(2 + address_bytes);
    take_entries(index, 0, n_direct_entries);
    auto first_entry = n_direct_entries;
    for (unsigned u = 0; u < n_super_blocks && first_entry < n_entries_ && !file_.failed(); ++u) {
      const SuperBlock block{.n_blocks = std::uint64_t{1} << (u / 2), .block_entries = least_entries << ((u + 1) / 2)};
      if (u < n_in_index) {
        for (std::uint64_t i = 0; i < block.n_blocks && !file_.failed(); ++i) {
          read_data_block(index.address(), first_entry + i * block.block_entries, block.block_entries);
        }
      } else {
        read_super_block(index.address(), first_entry, block);
      }
      first_entry += block.n_blocks * block.block_entries;
    }
  }

  void read_data_block(std::uint64_t address, std::uint64_t first_entry, std::uint64_t n_entries) {
    if (address == kNowhere || first_entry >= n_entries_) return;
    (void)file_.read_signed(address, block_prefix_bytes_, "EADB", "extensible array");
    read_entries(address + block_prefix_bytes_, first_entry, std::min(n_entries, n_entries_ - first_entry));
  }

  void read_super_block(std::uint64_t address, std::uint64_t first_entry, const SuperBlock& shape) {
    constexpr std::string_view kWhat = "extensible array";
    if (address == kNowhere) return;
    const auto n_pages = shape.block_entries > page_entries_ ? shape.block_entries / page_entries_ : 0;
    const auto bits_bytes = shape.n_blocks * ceil_div<std::uint64_t>(n_pages, 8);
    const std::uint64_t address_bytes = file_.widths().address_bytes;
    auto block =
        file_.read_signed(address, block_prefix_bytes_ + bits_bytes + shape.n_blocks * address_bytes, "EASB", kWhat);
    block.skip(block_prefix_bytes_ - 4);
    const auto bits = block.take(bits_bytes);
    for (std::uint64_t i = 0; i < shape.n_blocks && !file_.failed(); ++i, first_entry += shape.block_entries) {
      const auto data = block.address();
      if (n_pages == 0) {
        read_data_block(data, first_entry, shape.block_entries);
      } else if (data != kNowhere && first_entry < n_entries_) {
        (void)file_.read_signed(data, block_prefix_bytes_, "EADB", kWhat);
        read_pages(data + block_prefix_bytes_ + kChecksumBytes, bits, i * n_pages,
                   Pages{.n_entries = std::min(shape.block_entries, n_entries_ - first_entry),
                         .page_entries = page_entries_,
                         .first_entry = first_entry});
      }
    }
  }

  void read_entries(std::uint64_t address, std::uint64_t first, std::uint64_t n) {
    const auto n_bytes = checked_mul(n, entry_bytes_);
    auto block = file_.read(address, n_bytes.value_or(kNowhere), "index of chunks");
    if (!file_.failed()) take_entries(block, first, n);
  }

  void take_entries(NumberCursor& cursor, std::uint64_t first, std::uint64_t n) {
    const std::uint64_t address_bytes = file_.widths().address_bytes;
    for (std::uint64_t i = first; i < first + n && !file_.failed() && !cursor.failed(); ++i) {
      const auto address = cursor.address();
      auto n_bytes = chunk_bytes_;
      if (dataset_.has_filters) {
        n_bytes = cursor.number(entry_bytes_ - address_bytes - 4);
        cursor.skip(4);
      }
      if (address != kNowhere) add(address, n_bytes, scaled_of(i));
    }
  }

  bool is_entry_size() const {
    const std::uint64_t address_bytes = file_.widths().address_bytes;
    if (!dataset_.has_filters) return entry_bytes_ == address_bytes;
    return entry_bytes_ > address_bytes + 4 && entry_bytes_ <= address_bytes + 4 + 8;
  }

  /// Prepares scaled_of(); `first` is a dimension that counts before all others. False after a failure.
  bool number_chunks(std::optional<std::size_t> first) {
    const auto rank = layout_.chunk_shape.size();
    for (std::size_t i = 0; i < rank; ++i) order_.push_back(i);
    if (first)
      std::rotate(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(*first),
                  order_.begin() + static_cast<std::ptrdiff_t>(*first) + 1);
    for (const auto i : order_) n_chunks_.push_back(ceil_div(dataset_.space.max_shape[i], layout_.chunk_shape[i]));
    n_inner_.assign(rank, 1);
    for (auto i = rank - 1; i > 0; --i) {
      const auto n = checked_mul(n_inner_[i], n_chunks_[i]);
      if (!n || *n == 0) {
        fail("a count of chunks that cannot be");
        return false;
      }
      n_inner_[i - 1] = *n;
    }
    return true;
  }

  std::vector<std::uint64_t> scaled_of(std::uint64_t number) const {
    std::vector<std::uint64_t> scaled(order_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      scaled[order_[i]] = number / n_inner_[i];
      number %= n_inner_[i];
    }
    return scaled;
  }

  void fail(std::string_view why) { file_.fail("a dataset has " + std::string(why)); }

  Metadata& file_;
  const Dataset& dataset_;
  const DataLayout& layout_;
  std::uint64_t chunk_bytes_;
  std::vector<Chunk> chunks_;

  // How an index that numbers the chunks does so.
  std::vector<std::size_t> order_;       ///< dimensions, the slowest first
  std::vector<std::uint64_t> n_chunks_;  ///< along each, in that order
  std::vector<std::uint64_t> n_inner_;   ///< chunks in one step along each

  // Of an array.
  std::uint64_t entry_bytes_ = 0;
  std::uint64_t n_entries_ = 0;
  std::uint64_t page_entries_ = 0;
  std::uint64_t block_prefix_bytes_ = 0;
};

}  // namespace

std::vector<Chunk> read_chunks(Metadata& file, const Dataset& dataset, std::uint64_t chunk_bytes) {
  return IndexReader(file, dataset, chunk_bytes).read();
}

}  // namespace elves::corpus::hdf5
