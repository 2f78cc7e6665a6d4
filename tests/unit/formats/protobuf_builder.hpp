#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/parse_file.hpp"

namespace elves::formats {

inline std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

template <class T>
std::string raw(const std::vector<T>& values) {
  std::string out(values.size() * sizeof(T), '\0');
  if (!out.empty()) std::memcpy(out.data(), values.data(), out.size());
  return out;
}

/// A protobuf message, field by field.
class Message {
 public:
  Message& number(std::uint32_t field, std::uint64_t value) { return add(field, 0, varint(value)); }
  Message& numbers(std::uint32_t field, const std::vector<std::uint64_t>& values) {
    for (const auto value : values) number(field, value);
    return *this;
  }
  Message& fixed64(std::uint32_t field, double value) { return add(field, 1, formats::raw(std::vector{value})); }
  Message& fixed32(std::uint32_t field, float value) { return add(field, 5, formats::raw(std::vector{value})); }
  Message& text(std::uint32_t field, std::string_view value) {
    return add(field, 2, varint(value.size()) + std::string(value));
  }
  Message& message(std::uint32_t field, const Message& value) { return text(field, value.bytes_); }
  Message& packed(std::uint32_t field, const std::vector<std::uint64_t>& values) {
    std::string list;
    for (const auto value : values) list += varint(value);
    return text(field, list);
  }
  Message& append(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }

  const std::string& bytes() const { return bytes_; }

 private:
  Message& add(std::uint32_t field, unsigned type, std::string_view value) {
    bytes_ += varint(std::uint64_t{field} << 3 | type);
    return append(value);
  }

  std::string bytes_;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::vector<Extent> layers_of(const ParsedFile& file) {
  auto layers = file.extents;
  std::erase_if(layers, [](const Extent& extent) { return !extent.is_layer; });
  return layers;
}

inline std::string slice(const std::string& file, const Extent& extent) {
  return file.substr(extent.offset_bytes, extent.length_bytes);
}

}  // namespace elves::formats
