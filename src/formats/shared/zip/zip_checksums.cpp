#include "formats/shared/zip/zip_checksums.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>

#include "formats/shared/zip/zip_directory.hpp"
#include "support/try.hpp"

namespace elves::formats::zip {
namespace {

constexpr std::uint64_t kReadBytes = 4 << 20;

std::vector<std::uint64_t> crc_offsets(const Entry& entry) {
  std::vector<std::uint64_t> offsets{entry.directory_crc_at};
  if (entry.local_crc_at) offsets.push_back(*entry.local_crc_at);
  if (entry.descriptor_crc_at) offsets.push_back(*entry.descriptor_crc_at);
  return offsets;
}

bool touches(std::span<const ByteRange> changed, const Entry& entry) {
  const auto first = std::partition_point(changed.begin(), changed.end(), [&](const ByteRange& each) {
    return each.offset_bytes + each.size_bytes <= entry.data_offset_bytes;
  });
  return first != changed.end() && first->offset_bytes < entry.data_offset_bytes + entry.compressed_bytes;
}

Result<std::uint32_t> crc_of(const ByteSource& file, const Entry& entry, std::vector<std::byte>& buffer) {
  auto crc = crc32_z(0, nullptr, 0);
  for (std::uint64_t at = 0; at < entry.size_bytes; at += kReadBytes) {
    buffer.resize(static_cast<std::size_t>(std::min(kReadBytes, entry.size_bytes - at)));
    ELVES_CHECK(file.read(entry.data_offset_bytes + at, buffer));
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(buffer.data()), buffer.size());
  }
  return static_cast<std::uint32_t>(crc);
}

}  // namespace

bool has_checksums(FormatId id) noexcept {
  return id == FormatId::TorchZip || id == FormatId::Npz || id == FormatId::Keras;
}

Result<std::vector<Patch>> recompute_checksums(const ByteSource& file, std::span<const ByteRange> changed) {
  ELVES_TRY(const auto entries, read_directory(file));
  std::vector<Patch> patches;
  std::vector<std::byte> buffer;
  for (const auto& entry : entries) {
    if (!entry.is_stored() || !touches(changed, entry)) continue;
    ELVES_TRY(const auto crc, crc_of(file, entry, buffer));
    const auto bytes = std::bit_cast<std::array<std::byte, 4>>(crc);
    for (const auto offset : crc_offsets(entry)) patches.push_back({offset, bytes});
  }
  std::sort(patches.begin(), patches.end(),
            [](const Patch& a, const Patch& b) { return a.offset_bytes < b.offset_bytes; });
  return patches;
}

std::vector<ByteRange> checksum_fields(const ByteSource& file) {
  const auto entries = read_directory(file);
  std::vector<ByteRange> fields;
  if (!entries) return fields;
  for (const auto& entry : *entries) {
    if (!entry.is_stored()) continue;
    for (const auto offset : crc_offsets(entry)) fields.push_back({offset, sizeof(Patch::bytes)});
  }
  std::sort(fields.begin(), fields.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.offset_bytes < b.offset_bytes; });
  return fields;
}

}  // namespace elves::formats::zip
