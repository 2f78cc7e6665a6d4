#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/hdf5/metadata.hpp"

namespace elves::formats::hdf5 {

enum class MessageType : std::uint16_t {
  Dataspace = 0x01,
  LinkInfo = 0x02,
  Datatype = 0x03,
  Link = 0x06,
  ExternalFiles = 0x07,
  DataLayout = 0x08,
  Filters = 0x0B,
  Continuation = 0x10,
  SymbolTable = 0x11,
};

struct Message {
  MessageType type{};
  bool is_shared = false;     ///< the body is the address of the message itself
  std::uint64_t address = 0;  ///< of the body
  std::vector<std::byte> body{};
};

/// The header of an object: its messages of the types above, in the order of the file.
struct ObjectHeader {
  std::vector<Message> messages;
  bool has_checksums = false;

  const Message* find(MessageType type) const;
};

/// Reads a header of version 1 or 2 and its continuations. Checksums are not verified.
ObjectHeader read_object_header(Metadata& file, std::uint64_t address);

}  // namespace elves::formats::hdf5
