#include "formats/hdf5/object_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>

namespace elves::formats::hdf5 {
namespace {

constexpr std::uint64_t kOldPrefixBytes = 16;  ///< with the padding before the messages
constexpr std::uint64_t kNewPrefixBytes = 6;   ///< signature, version, flags
constexpr std::uint64_t kChecksumBytes = 4;
constexpr std::uint64_t kMaxContinuations = 4096;

constexpr std::string_view kWhat = "object header";

/// A range of messages in the file.
struct Piece {
  std::uint64_t address = 0;
  std::uint64_t n_bytes = 0;
};

bool is_needed(MessageType type) {
  switch (type) {
    case MessageType::Dataspace:
    case MessageType::LinkInfo:
    case MessageType::Datatype:
    case MessageType::Link:
    case MessageType::ExternalFiles:
    case MessageType::DataLayout:
    case MessageType::Filters:
    case MessageType::SymbolTable:
      return true;
    default:
      return false;
  }
}

class HeaderReader {
 public:
  HeaderReader(Metadata& file, std::uint64_t address) : file_(file), address_(address) {}

  ObjectHeader read() {
    auto start = file_.read(address_, kNewPrefixBytes, kWhat);
    if (start.take_text(4) == "OHDR") {
      read_new_prefix(start);
    } else {
      read_old_prefix();
    }
    for (std::size_t i = 0; i < pieces_.size() && !file_.failed(); ++i) read_piece(pieces_[i], i == 0);
    return std::move(header_);
  }

 private:
  void read_old_prefix() {
    auto prefix = file_.read(address_, kOldPrefixBytes, kWhat);
    const auto version = prefix.read<std::uint8_t>();
    if (version != 1) return fail("has an unknown version");
    prefix.skip(7);
    add_piece({address_ + kOldPrefixBytes, prefix.read<std::uint32_t>()});
  }

  void read_new_prefix(Block& start) {
    if (start.read<std::uint8_t>() != 2) return fail("has an unknown version");
    const auto flags = start.read<std::uint8_t>();
    has_creation_order_ = (flags & 0x04) != 0;
    header_.has_checksums = true;
    const std::uint64_t skipped = ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0);
    const std::uint64_t size_bytes = std::uint64_t{1} << (flags & 0x03);
    auto rest = file_.read(address_ + kNewPrefixBytes, skipped + size_bytes, kWhat);
    rest.skip(skipped);
    add_piece({address_ + kNewPrefixBytes + skipped + size_bytes, rest.number(size_bytes)});
  }

  void add_piece(Piece piece) {
    if (!seen_.insert(piece.address).second) return fail("has a cycle of continuations");
    if (pieces_.size() > kMaxContinuations) return fail("has too many continuations");
    pieces_.push_back(piece);
  }

  void read_piece(Piece piece, bool is_first) {
    if (header_.has_checksums && !is_first) {
      if (piece.n_bytes < 4 + kChecksumBytes) return fail("has a continuation of too few bytes");
      piece.n_bytes -= kChecksumBytes;
    }
    auto block = file_.read(piece.address, piece.n_bytes, kWhat);
    if (header_.has_checksums && !is_first && block.take_text(4) != "OCHK") return fail("has a damaged continuation");
    const std::size_t message_prefix_bytes = !header_.has_checksums ? 8 : has_creation_order_ ? 6 : 4;
    while (!file_.failed() && block.remaining() >= message_prefix_bytes) read_message(block, piece.address);
  }

  void read_message(Block& block, std::uint64_t block_address) {
    const auto type = header_.has_checksums ? block.read<std::uint8_t>() : block.read<std::uint16_t>();
    const auto n_bytes = block.read<std::uint16_t>();
    const auto flags = block.read<std::uint8_t>();
    block.skip(!header_.has_checksums ? 3 : has_creation_order_ ? 2 : 0);
    const auto address = block_address + block.position();
    const auto body = block.take(n_bytes);
    if (block.failed()) return fail("has a message that passes its end");
    const auto known = static_cast<MessageType>(type);
    if (known == MessageType::Continuation) return read_continuation(body);
    if (!is_needed(known)) return;
    header_.messages.push_back(Message{
        .type = known, .is_shared = (flags & 0x02) != 0, .address = address, .body = {body.begin(), body.end()}});
  }

  void read_continuation(std::span<const std::byte> body) {
    NumberCursor cursor(body, file_.widths());
    const auto address = cursor.address();
    const auto n_bytes = cursor.length();
    if (cursor.failed()) return fail("has a damaged continuation");
    add_piece({address, n_bytes});
  }

  void fail(std::string_view why) { file_.fail(fmt::format("{} at address {} {}", kWhat, address_, why)); }

  Metadata& file_;
  std::uint64_t address_;
  ObjectHeader header_;
  bool has_creation_order_ = false;
  std::vector<Piece> pieces_;
  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace

const Message* ObjectHeader::find(MessageType type) const {
  const auto found =
      std::find_if(messages.begin(), messages.end(), [&](const Message& each) { return each.type == type; });
  return found == messages.end() ? nullptr : &*found;
}

ObjectHeader read_object_header(Metadata& file, std::uint64_t address) {
  return HeaderReader(file, address).read();
}

}  // namespace elves::formats::hdf5
