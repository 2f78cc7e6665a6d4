#include "formats/byte_source.hpp"

#include <fmt/format.h>

#include <cstring>

#include "support/checked.hpp"
#include "support/posix.hpp"

namespace elves::formats {
namespace {

Error past_the_end(std::uint64_t offset_bytes) {
  return Error{fmt::format("read past the end, at byte {}", offset_bytes)};
}

}  // namespace

Result<void> WindowSource::read(std::uint64_t offset_bytes, std::span<std::byte> out) const {
  if (offset_bytes > size_bytes_ || out.size() > size_bytes_ - offset_bytes) return past_the_end(offset_bytes);
  return outer_.read(offset_bytes_ + offset_bytes, out);
}

Result<void> FileSource::read(std::uint64_t offset_bytes, std::span<std::byte> out) const {
  const auto end = checked_add<std::uint64_t>(offset_bytes, out.size());
  if (!end || *end > size_bytes_) return past_the_end(offset_bytes);
  return pread_exactly(fd_, out, offset_bytes);
}

Result<void> MemorySource::read(std::uint64_t offset_bytes, std::span<std::byte> out) const {
  if (offset_bytes > bytes_.size() || out.size() > bytes_.size() - offset_bytes) return past_the_end(offset_bytes);
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset_bytes, out.size());
  return {};
}

}  // namespace elves::formats
