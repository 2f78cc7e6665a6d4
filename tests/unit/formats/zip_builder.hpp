#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace elves::formats::test {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

template <class T>
requires(std::is_arithmetic_v<T>) void put(Bytes& file, T value) {
  const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  file.insert(file.end(), bytes.begin(), bytes.end());
}
inline void put(Bytes& file, std::string_view text) {
  const auto bytes = bytes_of(text);
  file.insert(file.end(), bytes.begin(), bytes.end());
}

/// Overwrites bytes of a file.
template <class T>
void set(Bytes& file, std::size_t at, T value) {
  std::memcpy(file.data() + at, &value, sizeof value);
}
template <class T>
T get(const Bytes& file, std::size_t at) {
  T value{};
  std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}

/// CRC-32 bit by bit: slow, but independent of any library.
inline std::uint32_t crc32_of(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0u;
  for (const auto byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

enum class Descriptor { None, Signed, Bare, SignedWide, BareWide };

/// One file of a zip.
struct Member {
  std::string name{};
  Bytes data{};
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  Descriptor descriptor = Descriptor::None;
  bool zip64 = false;          ///< sizes and offset in zip64 fields
  std::size_t align = 1;       ///< of the data, by an extra field of zeros in the local header, as PyTorch does it
  std::size_t full_bytes = 0;  ///< where the data stand for something inflated
};

struct Ending {
  std::string comment{};
  bool zip64 = false;
};

/// A zip, and the offsets of its parts.
struct Zip {
  Bytes file;
  std::vector<std::size_t> local_at;
  std::vector<std::size_t> data_at;
  std::vector<std::size_t> central_at;
  std::size_t directory_at = 0;
  std::size_t zip64_end_at = 0;
  std::size_t end_at = 0;
};

inline void put_descriptor(Bytes& file, const Member& member, std::uint64_t full_bytes) {
  const auto kind = member.descriptor;
  if (kind == Descriptor::None) return;
  if (kind == Descriptor::Signed || kind == Descriptor::SignedWide) put(file, "PK\7\10");
  put(file, crc32_of(member.data));
  const bool wide = kind == Descriptor::SignedWide || kind == Descriptor::BareWide;
  for (const std::uint64_t n : {std::uint64_t{member.data.size()}, full_bytes}) {
    wide ? put(file, n) : put(file, static_cast<std::uint32_t>(n));
  }
}

inline Zip build_zip(const std::vector<Member>& members, const Ending& ending = {}) {
  Zip zip;
  auto& file = zip.file;
  const auto u16 = [&](std::size_t n) { put(file, static_cast<std::uint16_t>(n)); };
  const auto u32 = [&](std::size_t n) { put(file, static_cast<std::uint32_t>(n)); };
  const auto flags = [](const Member& each) { return each.flags | (each.descriptor == Descriptor::None ? 0 : 8); };
  const auto full = [](const Member& each) { return each.full_bytes > 0 ? each.full_bytes : each.data.size(); };
  for (const auto& each : members) {
    const bool later = each.descriptor != Descriptor::None;
    zip.local_at.push_back(file.size());
    const auto unpadded = file.size() + 30 + each.name.size() + 4;
    const auto padding = each.align > 1 ? 4 + (each.align - unpadded % each.align) % each.align : 0;
    put(file, "PK\3\4");
    u16(20), u16(flags(each)), u16(each.method), u32(0);
    u32(later ? 0 : crc32_of(each.data));
    u32(later ? 0 : each.zip64 ? 0xFFFFFFFF : each.data.size());
    u32(later ? 0 : each.zip64 ? 0xFFFFFFFF : full(each));
    u16(each.name.size()), u16(padding + (each.zip64 ? 20 : 0));
    put(file, each.name);
    if (each.zip64) u16(1), u16(16), put<std::uint64_t>(file, full(each)), put<std::uint64_t>(file, each.data.size());
    if (padding > 0) put(file, "FB"), u16(padding - 4), file.resize(file.size() + padding - 4);
    zip.data_at.push_back(file.size());
    file.insert(file.end(), each.data.begin(), each.data.end());
    put_descriptor(file, each, full(each));
  }
  zip.directory_at = file.size();
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& each = members[i];
    zip.central_at.push_back(file.size());
    put(file, "PK\1\2");
    u16(20), u16(20), u16(flags(each)), u16(each.method), u32(0), u32(crc32_of(each.data));
    u32(each.zip64 ? 0xFFFFFFFF : each.data.size()), u32(each.zip64 ? 0xFFFFFFFF : full(each));
    u16(each.name.size()), u16(each.zip64 ? 28 : 0), u16(0), u16(0), u16(0), u32(0);
    u32(each.zip64 ? 0xFFFFFFFF : zip.local_at[i]);
    put(file, each.name);
    if (!each.zip64) continue;
    u16(1), u16(24), put<std::uint64_t>(file, full(each)), put<std::uint64_t>(file, each.data.size());
    put<std::uint64_t>(file, zip.local_at[i]);
  }
  const auto directory_bytes = file.size() - zip.directory_at;
  if (ending.zip64) {
    zip.zip64_end_at = file.size();
    put(file, "PK\6\6");
    put<std::uint64_t>(file, 44), u16(45), u16(45), u32(0), u32(0);
    put<std::uint64_t>(file, members.size()), put<std::uint64_t>(file, members.size());
    put<std::uint64_t>(file, directory_bytes), put<std::uint64_t>(file, zip.directory_at);
    put(file, "PK\6\7");
    u32(0), put<std::uint64_t>(file, zip.zip64_end_at), u32(1);
  }
  zip.end_at = file.size();
  put(file, "PK\5\6");
  u16(0), u16(0);
  u16(ending.zip64 ? 0xFFFF : members.size()), u16(ending.zip64 ? 0xFFFF : members.size());
  u32(ending.zip64 ? 0xFFFFFFFF : directory_bytes), u32(ending.zip64 ? 0xFFFFFFFF : zip.directory_at);
  u16(ending.comment.size());
  put(file, ending.comment);
  return zip;
}

}  // namespace elves::formats::test
