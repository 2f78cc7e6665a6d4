#include "formats/tensorflow_data/table.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "support/byte_cursor.hpp"
#include "support/try.hpp"

namespace elves::formats::tensorflow_data {
namespace {

constexpr std::uint64_t kMagic = 0xDB4775248B80FB57;
constexpr std::uint64_t kFooterBytes = 48;
constexpr std::uint64_t kHandlesBytes = 40;
constexpr std::uint64_t kTrailerBytes = 5;  // kind of compression, checksum
constexpr std::uint64_t kMaxBlockBytes = 64 << 20;
/// A key shares its beginning with the key before it, but every 16th is stored in full.
constexpr std::uint64_t kMaxExpansion = 64;

/// A block without its trailer.
struct Handle {
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;
};

Result<Handle> read_handle(ByteCursor& from) {
  const Handle handle{.offset_bytes = from.read_varint(), .size_bytes = from.read_varint()};
  if (from.failed()) return Error{"a block handle is cut short"};
  return handle;
}

class Table {
 public:
  Table(const ByteSource& file, const VisitEntry& visit) : file_(file), visit_(visit) {}

  Result<void> walk() {
    const auto size = file_.size_bytes();
    if (size < kFooterBytes) return Error{"too short for a table"};
    std::array<std::byte, kFooterBytes> footer{};
    ELVES_CHECK(file_.read(size - kFooterBytes, footer));
    const std::span<const std::byte> bytes(footer);
    ByteCursor handles(bytes.first(kHandlesBytes));
    ByteCursor magic(bytes.subspan(kHandlesBytes));
    if (magic.read<std::uint64_t>() != kMagic) return Error{"no table: its last bytes are not the magic number"};
    blocks_end_ = size - kFooterBytes;
    keys_left_bytes_ = size > ~std::uint64_t{0} / kMaxExpansion ? ~std::uint64_t{0} : size * kMaxExpansion;
    (void)read_handle(handles);  // of the metaindex block, which is not needed
    ELVES_TRY(const auto index, read_handle(handles));
    return blocks(index);
  }

 private:
  /// Reads the data blocks. They must follow one another, so that none can be read twice.
  Result<void> blocks(Handle index) {
    ELVES_TRY(auto contents, read_block(index));
    std::uint64_t read_until = 0;
    return entries(contents, [&](std::string_view, std::span<const std::byte> value) -> Result<void> {
      ByteCursor from(value);
      ELVES_TRY(const auto handle, read_handle(from));
      if (handle.offset_bytes < read_until) return Error{"blocks overlap or are out of order"};
      ELVES_TRY(const auto block, read_block(handle));
      read_until = handle.offset_bytes + handle.size_bytes;
      return entries(block, visit_);
    });
  }

  Result<std::vector<std::byte>> read_block(Handle handle) {
    const auto at = handle.offset_bytes;
    if (at > blocks_end_ || blocks_end_ - at < kTrailerBytes || handle.size_bytes > blocks_end_ - at - kTrailerBytes) {
      return Error{fmt::format("a block passes the end of the table (at byte {})", at)};
    }
    if (handle.size_bytes > kMaxBlockBytes) return Error{fmt::format("a block of more than {} bytes", kMaxBlockBytes)};
    std::vector<std::byte> block(handle.size_bytes + 1);
    ELVES_CHECK(file_.read(at, block));
    if (block.back() != std::byte{0}) return Error{fmt::format("a compressed block (at byte {})", at)};
    block.pop_back();
    return block;
  }

  /// A block consists of entries, then the offsets of the entries with full keys ("restarts"), then the number of these
  /// offsets. Here they only give the end of the entries.
  Result<void> entries(std::span<const std::byte> block, const VisitEntry& visit) {
    constexpr std::uint64_t kNumberBytes = sizeof(std::uint32_t);
    if (block.size() < kNumberBytes) return Error{"a block without restarts"};
    const auto n_restarts = ByteCursor(block.last(kNumberBytes)).read<std::uint32_t>();
    if (n_restarts > block.size() / kNumberBytes - 1) return Error{"a block has more restarts than bytes"};
    ByteCursor from(block.first(block.size() - (n_restarts + 1) * kNumberBytes));
    std::string key;
    while (!from.at_end()) {
      const auto n_shared = from.read_varint();
      const auto n_own = from.read_varint();
      const auto n_value = from.read_varint();
      const auto own = from.take_text(n_own);
      const auto value = from.take(n_value);
      if (from.failed()) return Error{"an entry is cut short"};
      if (n_shared > key.size()) return Error{"an entry shares more bytes than the last key has"};
      key.resize(n_shared);
      key += own;
      if (key.size() > keys_left_bytes_) return Error{"its keys are far longer than the table"};
      keys_left_bytes_ -= key.size();
      ELVES_CHECK(visit(key, value));
    }
    return {};
  }

  const ByteSource& file_;
  const VisitEntry& visit_;
  std::uint64_t blocks_end_ = 0;
  std::uint64_t keys_left_bytes_ = 0;
};

}  // namespace

Result<void> for_each_entry(const ByteSource& table, const VisitEntry& visit) {
  return Table(table, visit).walk();
}

}  // namespace elves::formats::tensorflow_data
