#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "elves/error.hpp"

namespace elves::formats {

/// Random access to the bytes of a file, for parsers.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size_bytes() const = 0;
  /// Fills `out` with the bytes from `offset_bytes` on. An Error if the range passes the end, or if the read fails.
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

/// Bytes in memory, borrowed.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t size_bytes() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const override;

 private:
  std::span<const std::byte> bytes_;
};

/// The regular files in the folder of a file, for formats that describe one file in another.
class Folder {
 public:
  virtual ~Folder() = default;
  /// An Error if there is no such regular file. `name` has no slash.
  virtual Result<std::unique_ptr<ByteSource>> open(std::string_view name) const = 0;
  /// The names that end with `suffix`, sorted, at most 1000 of them. Costs one listing of the folder.
  virtual std::vector<std::string> names(std::string_view suffix) const = 0;
};

}  // namespace elves::formats
