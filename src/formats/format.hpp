#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "elves/error.hpp"
#include "formats/extent.hpp"

namespace elves::formats {

/// Random access to a file's bytes, for parsers: they read headers only.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size_bytes() const = 0;
  /// Fills `out` from `offset_bytes`; an Error beyond the end.
  virtual Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const = 0;
};

/// A range of another source, borrowed: a file inside a file.
class WindowSource final : public ByteSource {
 public:
  /// The range must lie within `outer`; `outer` must live longer.
  WindowSource(const ByteSource& outer, std::uint64_t offset_bytes, std::uint64_t size_bytes)
      : outer_(outer), offset_bytes_(offset_bytes), size_bytes_(size_bytes) {}
  std::uint64_t size_bytes() const override { return size_bytes_; }
  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const override;

 private:
  const ByteSource& outer_;
  std::uint64_t offset_bytes_;
  std::uint64_t size_bytes_;
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

/// What a parser found in a file.
struct Layout {
  /// Layers, and ranges of glue that had better stand alone (is_layer false: an array of a type that we do not know).
  /// In any order, unchecked: parse_file sorts them, checks ranges, shapes and overlaps, and fills the gaps with glue.
  std::vector<Extent> extents;
  std::uint64_t opaque_bytes = 0;  ///< arrays that stay glue: compressed, or of a type that we do not know
  std::string opaque_reason;       ///< empty where opaque_bytes is 0
};

/// One row of the registry: a format that holds layers.
struct Container {
  ContainerId id;
  std::string_view name;
  /// True where the content (never the name) says that this is the format: cheap, reads a few bytes.
  bool (*recognizes)(const ByteSource& file);
  Result<Layout> (*parse)(const ByteSource& file);
};

/// The regular files beside a file, for formats that describe one file in another.
class Folder {
 public:
  virtual ~Folder() = default;
  /// An Error where there is no such regular file. `name` has no slash.
  virtual Result<std::unique_ptr<ByteSource>> open(std::string_view name) const = 0;
  /// Names that end with `suffix`, sorted; the first 1000 of them. Costs a reading of the folder.
  virtual std::vector<std::string> names(std::string_view suffix) const = 0;
};

/// One row of the second registry: a format whose layers a file beside it describes.
struct Companion {
  ContainerId id;
  std::string_view name;
  /// Nothing where no file beside speaks of this one; an Error where one does and it is damaged, or does not fit.
  std::optional<Result<Layout>> (*parse)(const ByteSource& file, std::string_view name, const Folder& folder);
};

/// Bytes of a layer of this dtype and shape; nothing where that passes 2^64. A scalar has one element, and an array
/// with a dimension of 0 has none.
std::optional<std::uint64_t> layer_bytes(DType dtype, std::span<const std::uint64_t> shape);

/// All formats that this build knows, in the order in which they are asked.
std::span<const Container> containers();
std::span<const Companion> companions();

/// The name for reports: "safetensors"; "plain" for files without layers.
std::string_view name(ContainerId id);

/// What one parser makes of a file, whether it recognizes it or not: checked, sorted, gaps filled.
ParsedFile parse_as(const Container& container, const ByteSource& file);

/// Where a file lies; without a folder, no file beside it is asked.
struct FilePlace {
  std::string_view name;
  const Folder* folder = nullptr;
};

/// The extents of a file, by content. Cannot fail: a damaged or unknown file is one glue extent, and opaque_reason
/// tells why. Asks the containers, then the files beside it. Reads headers only; executes nothing; trusts no size.
ParsedFile parse_file(const ByteSource& file, const FilePlace& place = {});

}  // namespace elves::formats
