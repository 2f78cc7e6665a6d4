#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "elves/error.hpp"
#include "mpi/comm.hpp"

namespace elves::h5 {

/// The most bytes handed to one H5Dwrite or H5Dread: independent MPI-IO calls of 2 GiB fail.
inline constexpr std::uint64_t kCallBytes = std::uint64_t{256} << 20;

enum class Scalar { U8, U16, U32, U64, I64, F64 };

/// One member of a row: its name in the file, its offset in the C++ struct, its type and count.
struct Field {
  const char* name;
  std::size_t offset_bytes;
  Scalar type;
  unsigned count = 1;
};

/// A compound type: a packed C++ struct, little endian, the same in memory and in the file.
struct RowType {
  std::size_t size_bytes = 0;
  std::vector<Field> fields;
};

/// The access properties with which the ranks of a communicator create files together. HDF5 duplicates the communicator
/// for each: use one for many files. Must be destroyed before MPI is finalized.
class SharedAccess {
 public:
  /// Collective.
  static Result<SharedAccess> create(const mpi::Comm& comm);
  SharedAccess(SharedAccess&& other) noexcept;
  SharedAccess& operator=(SharedAccess&&) = delete;
  ~SharedAccess();

 private:
  friend class File;
  explicit SharedAccess(std::int64_t id) : id_(id) {}
  std::int64_t id_ = -1;
};

/// An HDF5 file, owned. Not thread-safe (HDF5 is not): main thread only. Members with "create" and "set" are
/// collective over the communicator that created the file; writes and reads are independent.
/// All errors are Results, so that ranks can agree on them.
class File {
 public:
  File() = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();  ///< closes a file that was opened for reading; a created one must be closed by close()

  /// Collective. Creates `path` for all ranks to write; fails where it exists.
  static Result<File> create(const SharedAccess& access, const std::string& path);

  /// Not collective. Opens `path` for this rank to read.
  static Result<File> open(const std::string& path);

  /// Collective. A dataset of `n` bytes (/payload, /names) or rows: contiguous, allocated now, never filled.
  Result<void> create_bytes(const std::string& dataset, std::uint64_t n);
  Result<void> create_rows(const std::string& dataset, const RowType& type, std::uint64_t n);

  /// Independent. Writes at position `first`, in calls of at most kCallBytes.
  Result<void> write_bytes(const std::string& dataset, std::uint64_t first, std::span<const std::byte> bytes);
  Result<void> write_rows(const std::string& dataset, const RowType& type, std::uint64_t first,
                          std::span<const std::byte> rows);

  /// Independent. Whether the dataset exists. Also true where the file cannot be read: size() gives the error.
  bool has(const std::string& dataset) const;
  /// Independent. Number of bytes or rows of a one-dimensional dataset.
  Result<std::uint64_t> size(const std::string& dataset) const;
  /// size(), of a dataset that is one contiguous range within the file: what create_bytes() and create_rows() make.
  Result<std::uint64_t> checked_size(const std::string& dataset, std::size_t row_bytes) const;
  Result<void> read_bytes(const std::string& dataset, std::uint64_t first, std::span<std::byte> bytes) const;
  Result<void> read_rows(const std::string& dataset, const RowType& type, std::uint64_t first,
                         std::span<std::byte> rows) const;

  /// The offset of a contiguous dataset in the file, so that threads can pread its bytes.
  Result<std::uint64_t> offset_bytes(const std::string& dataset) const;

  /// Collective; the same values on all ranks.
  Result<void> set_attribute(const std::string& name, std::uint64_t value);
  Result<void> set_attribute(const std::string& name, const std::string& value);
  Result<std::uint64_t> attribute_number(const std::string& name) const;
  Result<std::string> attribute_text(const std::string& name) const;

  /// Collective for a created file: all bytes to the disk (MPI_File_sync).
  Result<void> flush();
  /// Collective for a created file.
  Result<void> close();
  /// Not collective. Forgets the file without closing it, after an error; HDF5 still has it open.
  void abandon() noexcept { id_ = -1; }

 private:
  std::int64_t id_ = -1;
  bool writable_ = false;
};

}  // namespace elves::h5
