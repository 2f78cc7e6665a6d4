#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/byte_cursor.hpp"

namespace elves::formats::hdf5_test {

using Bytes = std::vector<std::byte>;

inline constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

/// Numbers of chosen widths and texts, one behind the other.
class Writer {
 public:
  Writer& u8(std::uint64_t value) { return number(value, 1); }
  Writer& u16(std::uint64_t value) { return number(value, 2); }
  Writer& u32(std::uint64_t value) { return number(value, 4); }
  Writer& u64(std::uint64_t value) { return number(value, 8); }
  Writer& number(std::uint64_t value, unsigned n_bytes) {
    for (unsigned i = 0; i < n_bytes; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  Writer& text(std::string_view value) { return bytes(std::as_bytes(std::span(value))); }
  Writer& bytes(std::span<const std::byte> value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  Writer& zeros(std::size_t n) {
    bytes_.resize(bytes_.size() + n);
    return *this;
  }
  operator Bytes() const { return bytes_; }
  const Bytes& get() const { return bytes_; }

 private:
  Bytes bytes_;
};

struct Message {
  unsigned type;
  Bytes body;
  unsigned flags = 0;
};

inline Message dataspace(const std::vector<std::uint64_t>& shape, const std::vector<std::uint64_t>& most = {}) {
  Writer body;
  body.u8(2).u8(shape.size()).u8(most.empty() ? 0 : 1).u8(shape.empty() ? 0 : 1);
  for (const auto each : shape) body.u64(each);
  for (const auto each : most) body.u64(each);
  return {0x01, body};
}

inline Bytes integer_type(unsigned n_bytes, bool is_signed, bool big_endian = false) {
  return Writer().u8(0x10).u8((is_signed ? 8 : 0) | (big_endian ? 1 : 0)).u16(0).u32(n_bytes).u16(0).u16(8 * n_bytes);
}

struct FloatType {
  unsigned n_bytes;
  unsigned sign_at;
  unsigned exponent_at;
  unsigned exponent_bits;
  unsigned mantissa_bits;
  unsigned bias;
  bool big_endian = false;
};

inline Bytes float_type(const FloatType& f) {
  return Writer()
      .u8(0x11)
      .u8(f.big_endian ? 0x21 : 0x20)
      .u8(f.sign_at)
      .u8(0)
      .u32(f.n_bytes)
      .u16(0)
      .u16(8 * f.n_bytes)
      .u8(f.exponent_at)
      .u8(f.exponent_bits)
      .u8(0)
      .u8(f.mantissa_bits)
      .u32(f.bias);
}

inline Bytes f32_type() {
  return float_type({4, 31, 23, 8, 23, 127});
}

inline Message datatype(Bytes type) {
  return {0x03, std::move(type)};
}

inline Message contiguous(std::uint64_t address, std::uint64_t n_bytes) {
  return {0x08, Writer().u8(3).u8(1).u64(address).u64(n_bytes)};
}

inline Message compact(const Bytes& data) {
  return {0x08, Writer().u8(3).u8(0).u16(data.size()).bytes(data)};
}

/// Chunks of f32 under a B-tree of version 1.
inline Message chunked(std::uint64_t tree, const std::vector<std::uint64_t>& shape) {
  Writer body;
  body.u8(3).u8(2).u8(shape.size() + 1).u64(tree);
  for (const auto each : shape) body.u32(each);
  return {0x08, body.u32(4)};
}

/// Chunks of f32 under one of the newer indexes: 1 single, 2 implicit, 3 fixed array, 4 extensible array, 5 B-tree.
inline Message chunked_v4(unsigned index, const Bytes& parameters, std::uint64_t address,
                          const std::vector<std::uint64_t>& shape) {
  Writer body;
  body.u8(4).u8(2).u8(0).u8(shape.size() + 1).u8(8);
  for (const auto each : shape) body.u64(each);
  return {0x08, body.u64(4).u8(index).bytes(parameters).u64(address)};
}

inline Message filters(unsigned n) {
  return {0x0B, Writer().u8(2).u8(n)};
}

inline Message link(std::string_view name, std::uint64_t address) {
  return {0x06, Writer().u8(1).u8(0).u8(name.size()).text(name).u64(address)};
}

inline Bytes header_v1(const std::vector<Message>& messages) {
  Writer all;
  for (const auto& each : messages) {
    const auto n_bytes = (each.body.size() + 7) / 8 * 8;
    all.u16(each.type).u16(n_bytes).u8(each.flags).zeros(3).bytes(each.body).zeros(n_bytes - each.body.size());
  }
  return Writer().u8(1).u8(0).u16(messages.size()).u32(1).u32(all.get().size()).u32(0).bytes(all.get());
}

inline Bytes header_v2(const std::vector<Message>& messages) {
  Writer all;
  for (const auto& each : messages) all.u8(each.type).u16(each.body.size()).u8(each.flags).bytes(each.body);
  return Writer().text("OHDR").u8(2).u8(2).u32(all.get().size()).bytes(all.get()).u32(0);
}

/// A node of a B-tree of version 1 with one child.
inline Bytes tree_leaf(unsigned kind, unsigned level, std::uint64_t child, unsigned key_bytes) {
  return Writer().text("TREE").u8(kind).u8(level).u16(1).u64(kNone).u64(kNone).zeros(key_bytes).u64(child).zeros(
      key_bytes);
}

/// A leaf of a B-tree of version 1 with one chunk of 2 elements of f32.
inline Bytes chunk_leaf(std::uint64_t chunk, std::uint64_t n_bytes = 8, std::uint64_t origin = 0) {
  return Writer().text("TREE").u8(1).u8(0).u16(1).u64(kNone).u64(kNone).u32(n_bytes).u32(0).u64(origin).u64(0).u64(
      chunk);
}

/// The header of a B-tree of version 2.
inline Bytes tree_header(unsigned type, std::uint64_t node_bytes, unsigned record_bytes, unsigned depth,
                         std::uint64_t root, unsigned n_records) {
  return Writer()
      .text("BTHD")
      .u8(0)
      .u8(type)
      .u32(node_bytes)
      .u16(record_bytes)
      .u16(depth)
      .u8(100)
      .u8(40)
      .u64(root)
      .u16(n_records)
      .u64(1)
      .u32(0);
}

/// A file that grows at its end; its superblock is written last.
class File {
 public:
  explicit File(unsigned superblock_version = 2) : version_(superblock_version), bytes_(superblock_bytes()) {}

  /// The address of what was put.
  std::uint64_t put(const Bytes& what) {
    const auto at = bytes_.size();
    bytes_.insert(bytes_.end(), what.begin(), what.end());
    return at;
  }
  std::uint64_t next() const { return bytes_.size(); }
  void replace(std::uint64_t at, const Bytes& what) {
    std::copy(what.begin(), what.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  /// A dataset of f32 whose data lie in the file.
  std::uint64_t put_array(const std::vector<std::uint64_t>& shape) {
    std::uint64_t n_bytes = 4;
    for (const auto each : shape) n_bytes *= each;
    const auto data = put(Bytes(n_bytes, std::byte{7}));
    return put(header_v2({dataspace(shape), datatype(f32_type()), contiguous(data, n_bytes)}));
  }
  std::uint64_t put_group(const std::vector<std::pair<std::string, std::uint64_t>>& links) {
    std::vector<Message> messages;
    for (const auto& [name, address] : links) messages.push_back(link(name, address));
    return put(header_v2(messages));
  }

  Bytes finish(std::uint64_t root, std::uint64_t base = 0) {
    replace(0, superblock(root, base, base + bytes_.size()));
    return bytes_;
  }
  /// The root group has one link, "x".
  Bytes finish_with(std::uint64_t object) { return finish(put_group({{"x", object}})); }
  Bytes finish_with(const std::vector<Message>& messages) { return finish_with(put(header_v2(messages))); }

 private:
  std::size_t superblock_bytes() const { return superblock(0, 0, 0).size(); }
  Bytes superblock(std::uint64_t root, std::uint64_t base, std::uint64_t end) const {
    Writer out;
    out.text("\x89HDF\r\n\x1a\n").u8(version_);
    if (version_ >= 2) return out.u8(8).u8(8).u8(0).u64(base).u64(kNone).u64(end).u64(root).u32(0);
    out.u8(0).u8(0).u8(0).u8(0).u8(8).u8(8).u8(0).u16(4).u16(16).u32(0);
    if (version_ == 1) out.u16(32).u16(0);
    return out.u64(base).u64(kNone).u64(end).u64(kNone).u64(0).u64(root).u32(0).u32(0).zeros(16);
  }

  unsigned version_;
  Bytes bytes_;
};

/// A file with an array of chunks of 2 x 2 elements of f32.
struct ChunkedArray {
  File file;
  std::vector<std::uint64_t> chunks;
  std::uint64_t put_chunk() { return chunks.emplace_back(file.put(Bytes(16, std::byte{7}))); }
};

}  // namespace elves::formats::hdf5_test
