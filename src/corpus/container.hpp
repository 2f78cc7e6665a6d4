#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/extent.hpp"
#include "elves/error.hpp"

namespace elves::corpus {

/// Random access to a file's bytes, for parsers: they read headers only.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size_bytes() const = 0;
  /// Fills `out` from `offset_bytes`; an Error beyond the end.
  virtual Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const = 0;
};

/// The bytes of an open file, borrowed.
class FileSource final : public ByteSource {
 public:
  FileSource(int fd, std::uint64_t size_bytes) : fd_(fd), size_bytes_(size_bytes) {}
  std::uint64_t size_bytes() const override { return size_bytes_; }
  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const override;

 private:
  int fd_;
  std::uint64_t size_bytes_;
};

/// Bytes in memory, borrowed; for tests and fuzzing.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t size_bytes() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const override;

 private:
  std::span<const std::byte> bytes_;
};

/// One row of the registry: a format that holds layers.
struct Container {
  ContainerId id;
  std::string_view name;
  /// True where the content (never the name) says that this is the format: cheap, reads a few bytes.
  bool (*recognizes)(const ByteSource& file);
  /// Layers, and ranges of glue that had better stand alone (is_layer false: an array of a type that we do not know).
  /// In any order, unchecked: parse_file sorts them, checks ranges, shapes and overlaps, and fills the gaps with glue.
  Result<std::vector<Extent>> (*parse)(const ByteSource& file);
};

/// Bytes of a layer of this dtype and shape; nothing where that passes 2^64. A scalar has one element, and an array
/// with a dimension of 0 has none.
std::optional<std::uint64_t> layer_bytes(DType dtype, std::span<const std::uint64_t> shape);

/// All formats that this build knows, in the order in which they are asked.
std::span<const Container> containers();

/// The name for reports: "safetensors", "opaque".
std::string_view name(ContainerId id);

/// The extents of a file, by content. Cannot fail: a damaged or unknown file is one glue extent, and opaque_reason
/// tells why where a format was recognised. Reads headers only; executes nothing; trusts no size.
ParsedFile parse_file(const ByteSource& file);

}  // namespace elves::corpus
