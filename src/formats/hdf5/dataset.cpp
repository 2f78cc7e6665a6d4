#include "formats/hdf5/dataset.hpp"

#include <fmt/format.h>

#include <span>
#include <string>

namespace elves::formats::hdf5 {
namespace {

constexpr unsigned kMaxDimensions = 32;  ///< the format's own limit
constexpr std::uint8_t kSharedInHeap = 1;

enum class LayoutClass : std::uint8_t { Compact = 0, Contiguous = 1, Chunked = 2, Virtual = 3 };

/// The body of a message, which may be in the header of another object.
std::vector<std::byte> body_of(Metadata& file, const Message& message) {
  if (!message.is_shared) return message.body;
  NumberCursor cursor(message.body, file.widths());
  const auto version = cursor.read<std::uint8_t>();
  const auto kind = cursor.read<std::uint8_t>();
  if (version == 1) cursor.skip(6 + file.widths().length_bytes);
  if (version >= 3 && kind == kSharedInHeap) {
    file.fail("a message is shared in a heap");
    return {};
  }
  const auto address = cursor.address();
  if (cursor.failed()) {
    file.fail("damaged shared message");
    return {};
  }
  const auto header = read_object_header(file, address);
  const auto* target = header.find(message.type);
  if (target == nullptr || target->is_shared) {
    file.fail("a shared message is missing");
    return {};
  }
  return target->body;
}

Dataspace read_dataspace(Metadata& file, std::span<const std::byte> body) {
  NumberCursor cursor(body, file.widths());
  const auto version = cursor.read<std::uint8_t>();
  const unsigned n_dimensions = cursor.read<std::uint8_t>();
  const bool has_max = (cursor.read<std::uint8_t>() & 0x01) != 0;
  const auto kind = cursor.read<std::uint8_t>();
  if (version == 1) cursor.skip(4);
  Dataspace space;
  space.has_elements = version == 1 || kind != 2;
  if (version < 1 || version > 2 || n_dimensions > kMaxDimensions) {
    file.fail("damaged dataspace message");
    return space;
  }
  for (unsigned i = 0; i < n_dimensions; ++i) space.shape.push_back(cursor.length());
  space.max_shape = space.shape;
  for (unsigned i = 0; has_max && i < n_dimensions; ++i) space.max_shape[i] = cursor.length();
  if (cursor.failed()) file.fail("damaged dataspace message");
  return space;
}

class LayoutReader {
 public:
  LayoutReader(Metadata& file, const Message& message)
      : file_(file), message_(message), cursor_(message.body, file.widths()) {}

  DataLayout read() {
    const unsigned version = cursor_.read<std::uint8_t>();
    if (version == 1 || version == 2) {
      read_old();
    } else if (version == 3 || version == 4) {
      read_new(version);
    } else {
      file_.fail(fmt::format("data layout of unknown version {}", version));
    }
    if (cursor_.failed()) file_.fail("damaged data layout message");
    if (layout_.address == kNowhere) layout_.storage = Storage::Nowhere;
    return std::move(layout_);
  }

 private:
  void read_old() {
    const unsigned n_dimensions = cursor_.read<std::uint8_t>();
    const auto kind = static_cast<LayoutClass>(cursor_.read<std::uint8_t>());
    cursor_.skip(5);
    if (kind != LayoutClass::Compact) layout_.address = cursor_.address();
    if (kind == LayoutClass::Chunked) return read_chunk_shape(n_dimensions, 4);
    cursor_.skip(std::uint64_t{4} * n_dimensions);
    if (kind == LayoutClass::Compact) return read_compact(cursor_.read<std::uint32_t>());
    layout_.storage = Storage::Piece;
  }

  void read_new(unsigned version) {
    switch (static_cast<LayoutClass>(cursor_.read<std::uint8_t>())) {
      case LayoutClass::Compact:
        return read_compact(cursor_.read<std::uint16_t>());
      case LayoutClass::Contiguous:
        layout_.storage = Storage::Piece;
        layout_.address = cursor_.address();
        layout_.piece_bytes = cursor_.length();
        return;
      case LayoutClass::Chunked:
        return version == 3 ? read_chunks_v3() : read_chunks_v4();
      case LayoutClass::Virtual:
        return;  // it consists of other datasets, which are found anyway
      default:
        file_.fail("data layout of an unknown class");
    }
  }

  void read_compact(std::uint64_t n_bytes) {
    layout_.storage = Storage::Piece;
    layout_.address = message_.address + cursor_.position();
    layout_.piece_bytes = n_bytes;
    cursor_.skip(n_bytes);
  }

  void read_chunks_v3() {
    const unsigned n_dimensions = cursor_.read<std::uint8_t>();
    layout_.address = cursor_.address();
    read_chunk_shape(n_dimensions, 4);
  }

  void read_chunks_v4() {
    const auto flags = cursor_.read<std::uint8_t>();
    const unsigned n_dimensions = cursor_.read<std::uint8_t>();
    read_chunk_shape(n_dimensions, cursor_.read<std::uint8_t>());
    switch (cursor_.read<std::uint8_t>()) {
      case 1:
        layout_.index = ChunkIndex::Single;
        if ((flags & 0x02) != 0) {
          layout_.single_chunk_bytes = cursor_.length();
          cursor_.skip(4);
        }
        break;
      case 2:
        layout_.index = ChunkIndex::Implicit;
        break;
      case 3:
        layout_.index = ChunkIndex::FixedArray;
        cursor_.skip(1);
        break;
      case 4:
        layout_.index = ChunkIndex::ExtensibleArray;
        cursor_.skip(5);
        break;
      case 5:
        layout_.index = ChunkIndex::BtreeV2;
        cursor_.skip(6);
        break;
      default:
        file_.fail("chunks have an unknown index");
    }
    layout_.address = cursor_.address();
  }

  /// Reads the shape of a chunk; the last number is the size of an element.
  void read_chunk_shape(unsigned n_numbers, std::uint64_t number_bytes) {
    layout_.storage = Storage::Chunks;
    if (n_numbers < 2 || n_numbers > kMaxDimensions + 1) return file_.fail("chunks have a wrong rank");
    for (unsigned i = 0; i + 1 < n_numbers; ++i) {
      layout_.chunk_shape.push_back(cursor_.number(number_bytes));
      if (layout_.chunk_shape.back() == 0) return file_.fail("chunks have a dimension of 0");
    }
    layout_.element_bytes = cursor_.number(number_bytes);
  }

  Metadata& file_;
  const Message& message_;
  NumberCursor cursor_;
  DataLayout layout_;
};

bool has_filters(Metadata& file, const ObjectHeader& header) {
  const auto* message = header.find(MessageType::Filters);
  if (message == nullptr) return false;
  const auto body = body_of(file, *message);
  return body.size() >= 2 && body[1] != std::byte{0};
}

}  // namespace

bool is_dataset(const ObjectHeader& header) {
  return header.find(MessageType::Dataspace) != nullptr && header.find(MessageType::Datatype) != nullptr &&
         header.find(MessageType::DataLayout) != nullptr;
}

Dataset read_dataset(Metadata& file, const ObjectHeader& header) {
  Dataset dataset;
  dataset.type = read_datatype(file, body_of(file, *header.find(MessageType::Datatype)));
  dataset.space = read_dataspace(file, body_of(file, *header.find(MessageType::Dataspace)));
  dataset.layout = LayoutReader(file, *header.find(MessageType::DataLayout)).read();
  dataset.has_filters = has_filters(file, header);
  const auto* layout = header.find(MessageType::DataLayout);
  dataset.is_checksummed = header.has_checksums && dataset.layout.storage == Storage::Piece &&
                           dataset.layout.address - layout->address < layout->body.size();
  if (header.find(MessageType::ExternalFiles) != nullptr) dataset.layout.storage = Storage::Nowhere;
  return dataset;
}

}  // namespace elves::formats::hdf5
