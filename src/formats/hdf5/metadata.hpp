#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/format.hpp"
#include "formats/source_cursor.hpp"
#include "support/byte_cursor.hpp"

namespace elves::formats::hdf5 {

/// The undefined address: nothing is stored.
inline constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

/// The widths of stored addresses and lengths, from the superblock.
struct Widths {
  unsigned address_bytes = 8;
  unsigned length_bytes = 8;
};

/// A ByteCursor that knows the widths of addresses and lengths.
class NumberCursor : public ByteCursor {
 public:
  NumberCursor(std::span<const std::byte> bytes, Widths widths) : ByteCursor(bytes), widths_(widths) {}

  /// A number of `n_bytes`; failed() if that is more than 8.
  std::uint64_t number(std::uint64_t n_bytes) noexcept;
  /// kNowhere if all bits are set.
  std::uint64_t address() noexcept;
  std::uint64_t length() noexcept { return number(widths_.length_bytes); }
  void skip(std::uint64_t n_bytes) noexcept { (void)take(n_bytes); }
  void skip_addresses(std::uint64_t n) noexcept { skip(n * widths_.address_bytes); }
  void skip_lengths(std::uint64_t n) noexcept { skip(n * widths_.length_bytes); }
  const Widths& widths() const noexcept { return widths_; }

 private:
  Widths widths_;
};

/// A piece of metadata in memory, with a cursor on it.
class Block : public NumberCursor {
 public:
  Block(std::vector<std::byte> bytes, Widths widths) : NumberCursor(bytes, widths), bytes_(std::move(bytes)) {}
  Block(Block&&) = default;
  Block& operator=(Block&&) = default;

 private:
  std::vector<std::byte> bytes_;  ///< moving a vector leaves its bytes in place
};

/// Reads the metadata of a file. Like SourceCursor, it keeps the first error, and everything read after it is empty:
/// check failed() in each loop and at the end. The total of the bytes read is limited, so that blocks that form cycles,
/// or that are shared many times, cannot take long.
class Metadata {
 public:
  /// Reads the superblock.
  explicit Metadata(const ByteSource& file);

  bool failed() const noexcept { return error_.has_value(); }
  /// Only after failed().
  const Error& error() const noexcept { return *error_; }
  void fail(std::string why);
  /// Sets the current object, for error messages.
  void set_object(std::string_view path) { object_ = path; }

  const Widths& widths() const noexcept { return widths_; }
  /// The address of the root group's header.
  std::uint64_t root() const noexcept { return root_; }
  /// The offset of an address in the file; nothing if it is undefined or passes the end.
  std::optional<std::uint64_t> offset_of(std::uint64_t address) const noexcept;

  /// Reads `n` bytes at an address. `what` names them in errors: "local heap".
  Block read(std::uint64_t address, std::uint64_t n, std::string_view what);
  /// The same for a block that begins with a signature of four letters; the cursor is after the signature.
  Block read_signed(std::uint64_t address, std::uint64_t n, std::string_view signature, std::string_view what);
  /// Subtracts from the budget of bytes that may be read and kept.
  void charge(std::uint64_t n_bytes);

 private:
  void read_superblock(std::uint64_t at_bytes);
  void read_old_superblock(unsigned version);
  void read_new_superblock();
  Block read_widths(std::uint64_t skipped_bytes);
  void finish_superblock(const Block& block, std::uint64_t base_bytes, std::uint64_t end_bytes);

  std::uint64_t file_bytes_;
  SourceCursor cursor_;
  std::uint64_t budget_bytes_;
  Widths widths_;
  std::uint64_t base_bytes_ = 0;
  std::uint64_t root_ = kNowhere;
  std::string object_;
  std::optional<Error> error_;
};

/// The offset of the superblock; nothing if no signature is found.
std::optional<std::uint64_t> find_superblock(const ByteSource& file);

}  // namespace elves::formats::hdf5
