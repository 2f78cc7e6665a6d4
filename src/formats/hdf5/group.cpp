#include "formats/hdf5/group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "formats/hdf5/btree_v1.hpp"
#include "formats/hdf5/btree_v2.hpp"
#include "formats/hdf5/fractal_heap.hpp"
#include "support/text.hpp"

namespace elves::formats::hdf5 {
namespace {

constexpr std::uint32_t kSoftLink = 2;  ///< a cache type of symbol table entries

/// The names of a symbol table's entries.
class LocalHeap {
 public:
  LocalHeap(Metadata& file, std::uint64_t address) : file_(file), text_({}, file.widths()) {
    const auto [address_bytes, length_bytes] = file.widths();
    auto header = file.read_signed(address, 8 + 2 * length_bytes + address_bytes, "HEAP", "local heap");
    header.skip(4);
    const auto n_bytes = header.length();
    header.skip_lengths(1);
    const auto segment = header.address();
    if (!file.failed()) text_ = file.read(segment, n_bytes, "local heap");
  }

  std::string_view name_at(std::uint64_t offset) const {
    NumberCursor cursor(text_);
    cursor.skip(offset);
    const auto rest = cursor.take_text(cursor.remaining());
    const auto end = rest.find('\0');
    if (end == std::string_view::npos) {
      file_.fail(fmt::format("local heap has no name at its byte {}", offset));
      return {};
    }
    return rest.substr(0, end);
  }

 private:
  Metadata& file_;
  Block text_;
};

/// The entries of one leaf of a symbol table.
void read_symbols(Metadata& file, std::uint64_t address, const LocalHeap& heap, std::vector<Link>& links) {
  constexpr std::string_view kWhat = "symbol table node";
  constexpr std::uint64_t kStartBytes = 8;
  const auto [address_bytes, length_bytes] = file.widths();
  auto start = file.read_signed(address, kStartBytes, "SNOD", kWhat);
  start.skip(2);
  const std::uint64_t n_entries = start.read<std::uint16_t>();
  if (file.failed()) return;
  auto entries = file.read(address + kStartBytes, n_entries * (length_bytes + address_bytes + 24), kWhat);
  for (std::uint64_t i = 0; i < n_entries && !file.failed(); ++i) {
    const auto name_at = entries.length();
    const auto object = entries.address();
    const auto cache_type = entries.read<std::uint32_t>();
    entries.skip(20);
    if (cache_type == kSoftLink || object == kNowhere) continue;
    const auto name = heap.name_at(name_at);
    file.charge(name.size());
    links.push_back(Link{.name = std::string(name), .address = object});
  }
}

void read_symbol_table(Metadata& file, const Message& message, std::vector<Link>& links) {
  NumberCursor cursor(message.body, file.widths());
  const auto tree = cursor.address();
  const auto heap_address = cursor.address();
  if (cursor.failed()) return file.fail("damaged symbol table message");
  const LocalHeap heap(file, heap_address);
  if (file.failed()) return;
  for_each_leaf(file, tree, file.widths().length_bytes, BtreeKind::Group,
                [&](NumberCursor& /*key*/, std::uint64_t child) { read_symbols(file, child, heap, links); });
}

/// Reads a link message; nothing for a link that is not hard.
std::optional<Link> read_link(Metadata& file, NumberCursor& cursor) {
  const auto version = cursor.read<std::uint8_t>();
  const auto flags = cursor.read<std::uint8_t>();
  const auto type = (flags & 0x08) != 0 ? cursor.read<std::uint8_t>() : 0;
  if ((flags & 0x04) != 0) cursor.skip(8);
  if ((flags & 0x10) != 0) cursor.skip(1);
  const auto name = cursor.take_text(cursor.number(std::uint64_t{1} << (flags & 0x03)));
  const auto address = type == 0 ? cursor.address() : kNowhere;
  if (cursor.failed() || version != 1) {
    file.fail("damaged link message");
    return std::nullopt;
  }
  if (address == kNowhere) return std::nullopt;
  return Link{.name = std::string(name), .address = address};
}

void read_dense_links(Metadata& file, const Message& message, std::vector<Link>& links) {
  NumberCursor cursor(message.body, file.widths());
  cursor.skip(1);
  const auto flags = cursor.read<std::uint8_t>();
  if ((flags & 0x01) != 0) cursor.skip(8);
  const auto heap_address = cursor.address();
  const auto tree = cursor.address();
  if (cursor.failed()) return file.fail("damaged link info message");
  if (heap_address == kNowhere || tree == kNowhere) return;
  FractalHeap heap(file, heap_address);
  if (file.failed()) return;
  for_each_record(file, tree, RecordType::LinkByName, [&](NumberCursor& record) {
    record.skip(4);
    auto object = heap.object(record);
    if (file.failed()) return;
    if (auto link = read_link(file, object)) links.push_back(*std::move(link));
  });
}

}  // namespace

bool is_group(const ObjectHeader& header) {
  return header.find(MessageType::SymbolTable) != nullptr || header.find(MessageType::LinkInfo) != nullptr ||
         header.find(MessageType::Link) != nullptr;
}

std::vector<Link> read_links(Metadata& file, const ObjectHeader& header) {
  std::vector<Link> links;
  for (const auto& message : header.messages) {
    if (file.failed()) return {};
    if (message.type == MessageType::SymbolTable) read_symbol_table(file, message, links);
    if (message.type == MessageType::LinkInfo) read_dense_links(file, message, links);
    if (message.type != MessageType::Link) continue;
    NumberCursor cursor(message.body, file.widths());
    if (auto link = read_link(file, cursor)) links.push_back(*std::move(link));
  }
  std::sort(links.begin(), links.end(), [](const Link& a, const Link& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(links.begin(), links.end(), [](const Link& a, const Link& b) { return a.name == b.name; });
  if (twice != links.end()) file.fail(fmt::format("two links of a group are named {}", quoted_name(twice->name)));
  return links;
}

}  // namespace elves::formats::hdf5
