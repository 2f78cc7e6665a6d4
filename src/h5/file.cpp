#include "h5/file.hpp"

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "h5/handle.hpp"
#include "support/assert.hpp"
#include "support/try.hpp"

#ifndef H5_HAVE_PARALLEL
#error "elves needs an HDF5 that was built with MPI"
#endif

namespace elves::h5 {
namespace {

/// Once: HDF5 prints no messages; failed() passes them on as Errors.
void silence() {
  static const bool done = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  (void)done;
}

herr_t keep_innermost(unsigned n, const H5E_error2_t* error, void* out) {
  if (n == 0) *static_cast<std::string*>(out) = error->desc != nullptr ? error->desc : "";
  return 0;
}

hid_t native(Scalar type) {
  switch (type) {
    case Scalar::U8:
      return H5T_STD_U8LE;
    case Scalar::U16:
      return H5T_STD_U16LE;
    case Scalar::U32:
      return H5T_STD_U32LE;
    case Scalar::U64:
      return H5T_STD_U64LE;
    case Scalar::I64:
      return H5T_STD_I64LE;
    case Scalar::F64:
      return H5T_IEEE_F64LE;
  }
  return H5I_INVALID_HID;
}

Type compound(const RowType& row) {
  Type type(H5Tcreate(H5T_COMPOUND, row.size_bytes));
  for (const auto& field : row.fields) {
    if (field.count == 1) {
      H5Tinsert(type.get(), field.name, field.offset_bytes, native(field.type));
    } else {
      const hsize_t count = field.count;
      const Type array(H5Tarray_create2(native(field.type), 1, &count));
      H5Tinsert(type.get(), field.name, field.offset_bytes, array.get());
    }
  }
  return type;
}

Result<void> create_dataset(hid_t file, const std::string& name, hid_t type, std::uint64_t n) {
  const hsize_t size = n;
  const Space space(H5Screate_simple(1, &size, nullptr));
  const PropertyList create(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_layout(create.get(), H5D_CONTIGUOUS);
  H5Pset_alloc_time(create.get(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(create.get(), H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(create.get(), false);
  const Dataset dataset(H5Dcreate2(file, name.c_str(), type, space.get(), H5P_DEFAULT, create.get(), H5P_DEFAULT));
  if (!dataset) return failed("H5Dcreate " + name);
  return {};
}

/// An open dataset with its length, for reading and writing parts of it.
struct Opened {
  Dataset dataset;
  std::uint64_t size = 0;
};

Result<Opened> open_dataset(hid_t file, const std::string& name) {
  Dataset dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  if (!dataset) return failed("H5Dopen " + name);
  const Space space(H5Dget_space(dataset.get()));
  hsize_t size = 0;
  if (!space || H5Sget_simple_extent_ndims(space.get()) != 1 ||
      H5Sget_simple_extent_dims(space.get(), &size, nullptr) != 1)
    return Error{name + " is not a one-dimensional dataset"};
  return Opened{std::move(dataset), size};
}

/// Calls `transfer(memory space, file space, first byte)` for parts of [first, first + n) rows.
template <class Transfer>
Result<void> in_parts(const Opened& opened, std::uint64_t first, std::uint64_t n, std::size_t row_bytes,
                      Transfer transfer) {
  if (first > opened.size || n > opened.size - first) return Error{"rows beyond the end of a dataset"};
  const Space file_space(H5Dget_space(opened.dataset.get()));
  const std::uint64_t rows_per_call = std::max<std::uint64_t>(1, kCallBytes / row_bytes);
  for (std::uint64_t done = 0; done < n;) {
    const hsize_t start = first + done;
    const hsize_t part = std::min(rows_per_call, n - done);
    const Space memory_space(H5Screate_simple(1, &part, nullptr));
    if (H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, &start, nullptr, &part, nullptr) < 0)
      return failed("H5Sselect_hyperslab");
    if (transfer(memory_space.get(), file_space.get(), done * row_bytes) < 0)
      return failed(fmt::format("transfer of {} bytes", part * row_bytes));
    done += part;
  }
  return {};
}

Result<void> write_part(hid_t file, const std::string& name, hid_t type, std::size_t row_bytes, std::uint64_t first,
                        std::span<const std::byte> rows) {
  if (rows.empty()) return {};
  ELVES_TRY(const auto opened, open_dataset(file, name));
  return in_parts(opened, first, rows.size() / row_bytes, row_bytes, [&](hid_t memory, hid_t space, std::uint64_t at) {
    return H5Dwrite(opened.dataset.get(), type, memory, space, H5P_DEFAULT, rows.data() + at);
  });
}

Result<void> read_part(hid_t file, const std::string& name, hid_t type, std::size_t row_bytes, std::uint64_t first,
                       std::span<std::byte> rows) {
  if (rows.empty()) return {};
  ELVES_TRY(const auto opened, open_dataset(file, name));
  const Type stored(H5Dget_type(opened.dataset.get()));
  if (H5Tequal(stored.get(), type) <= 0) return Error{name + " has other columns than this version of elves expects"};
  return in_parts(opened, first, rows.size() / row_bytes, row_bytes, [&](hid_t memory, hid_t space, std::uint64_t at) {
    return H5Dread(opened.dataset.get(), type, memory, space, H5P_DEFAULT, rows.data() + at);
  });
}

/// An attribute of one value of any type; an empty handle where it is missing or an array: readers have room for one.
Attribute open_scalar(hid_t file, const std::string& name) {
  Attribute attribute(H5Aopen(file, name.c_str(), H5P_DEFAULT));
  if (!attribute) return attribute;
  const Space space(H5Aget_space(attribute.get()));
  return H5Sget_simple_extent_type(space.get()) == H5S_SCALAR ? std::move(attribute) : Attribute{};
}

}  // namespace

Error failed(const std::string& call) {
  std::string innermost;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &innermost);
  H5Eclear2(H5E_DEFAULT);
  return Error{"HDF5: " + call + (innermost.empty() ? " failed" : ": " + innermost)};
}

File::File(File&& other) noexcept : id_(std::exchange(other.id_, -1)), writable_(other.writable_) {}

File& File::operator=(File&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(writable_, other.writable_);
  return *this;
}

File::~File() {
  if (id_ >= 0 && !writable_) H5Fclose(id_);
}

Result<SharedAccess> SharedAccess::create(const mpi::Comm& comm) {
  silence();
  SharedAccess access(H5Pcreate(H5P_FILE_ACCESS));
  if (H5Pset_fapl_mpio(access.id_, comm.native(), MPI_INFO_NULL) < 0) return failed("H5Pset_fapl_mpio");
  // The newer file format has checksums on its own metadata: a flipped bit is an error and not a crash in the library.
  if (H5Pset_libver_bounds(access.id_, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0) return failed("H5Pset_libver_bounds");
  return access;
}

SharedAccess::SharedAccess(SharedAccess&& other) noexcept : id_(std::exchange(other.id_, -1)) {}

SharedAccess::~SharedAccess() {
  if (id_ >= 0) H5Pclose(id_);
}

Result<File> File::create(const SharedAccess& access, const std::string& path) {
  const PropertyList create(H5Pcreate(H5P_FILE_CREATE));
  File file;
  file.writable_ = true;
  file.id_ = H5Fcreate(path.c_str(), H5F_ACC_EXCL, create.get(), access.id_);
  if (file.id_ < 0) return failed("H5Fcreate " + path);
  return file;
}

Result<File> File::open(const std::string& path) {
  silence();
  File file;
  file.id_ = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file.id_ < 0) return failed("H5Fopen " + path);
  return file;
}

Result<void> File::create_bytes(const std::string& dataset, std::uint64_t n) {
  return create_dataset(id_, dataset, H5T_STD_U8LE, n);
}

Result<void> File::create_rows(const std::string& dataset, const RowType& type, std::uint64_t n) {
  return create_dataset(id_, dataset, compound(type).get(), n);
}

Result<void> File::write_bytes(const std::string& dataset, std::uint64_t first, std::span<const std::byte> bytes) {
  return write_part(id_, dataset, H5T_STD_U8LE, 1, first, bytes);
}

Result<void> File::write_rows(const std::string& dataset, const RowType& type, std::uint64_t first,
                              std::span<const std::byte> rows) {
  return write_part(id_, dataset, compound(type).get(), type.size_bytes, first, rows);
}

bool File::has(const std::string& dataset) const {
  return H5Lexists(id_, dataset.c_str(), H5P_DEFAULT) != 0;
}

Result<std::uint64_t> File::size(const std::string& dataset) const {
  ELVES_TRY(const auto opened, open_dataset(id_, dataset));
  return opened.size;
}

Result<std::uint64_t> File::checked_size(const std::string& dataset, std::size_t row_bytes) const {
  ELVES_TRY(const auto rows, size(dataset));
  if (rows == 0) return rows;
  ELVES_TRY(const auto at, offset_bytes(dataset));
  hsize_t file_bytes = 0;
  if (H5Fget_filesize(id_, &file_bytes) < 0) return failed("H5Fget_filesize");
  if (at > file_bytes || rows > (file_bytes - at) / row_bytes)
    return Error{dataset + " lies beyond the end of the file"};
  return rows;
}

Result<void> File::read_bytes(const std::string& dataset, std::uint64_t first, std::span<std::byte> bytes) const {
  return read_part(id_, dataset, H5T_STD_U8LE, 1, first, bytes);
}

Result<void> File::read_rows(const std::string& dataset, const RowType& type, std::uint64_t first,
                             std::span<std::byte> rows) const {
  return read_part(id_, dataset, compound(type).get(), type.size_bytes, first, rows);
}

Result<std::uint64_t> File::offset_bytes(const std::string& dataset) const {
  ELVES_TRY(const auto opened, open_dataset(id_, dataset));
  if (opened.size == 0) return std::uint64_t{0};
  const haddr_t at = H5Dget_offset(opened.dataset.get());
  if (at == HADDR_UNDEF) return Error{dataset + " is not one contiguous range of the file"};
  return static_cast<std::uint64_t>(at);
}

Result<void> File::set_attribute(const std::string& name, std::uint64_t value) {
  const Space space(H5Screate(H5S_SCALAR));
  const Attribute attribute(H5Acreate2(id_, name.c_str(), H5T_STD_U64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute || H5Awrite(attribute.get(), H5T_NATIVE_UINT64, &value) < 0) return failed("attribute " + name);
  return {};
}

Result<void> File::set_attribute(const std::string& name, const std::string& value) {
  const Space space(H5Screate(H5S_SCALAR));
  const Type type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), value.size() + 1);
  const Attribute attribute(H5Acreate2(id_, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute || H5Awrite(attribute.get(), type.get(), value.c_str()) < 0) return failed("attribute " + name);
  return {};
}

Result<std::uint64_t> File::attribute_number(const std::string& name) const {
  std::uint64_t value = 0;
  const Attribute attribute(open_scalar(id_, name));
  if (!attribute) return failed("attribute " + name);
  const Type type(H5Aget_type(attribute.get()));
  if (H5Tget_class(type.get()) != H5T_INTEGER) return Error{"attribute " + name + " is not a number"};
  if (H5Aread(attribute.get(), H5T_NATIVE_UINT64, &value) < 0) return failed("attribute " + name);
  return value;
}

Result<std::string> File::attribute_text(const std::string& name) const {
  const Attribute attribute(open_scalar(id_, name));
  if (!attribute) return failed("attribute " + name);
  const Type type(H5Aget_type(attribute.get()));
  const auto size = H5Tget_size(type.get());
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || size == 0 || size > (1u << 20))
    return Error{"attribute " + name + " is not a text"};
  std::string value(size, '\0');
  if (H5Aread(attribute.get(), type.get(), value.data()) < 0) return failed("attribute " + name);
  value.resize(std::min(value.find('\0'), value.size()));
  return value;
}

Result<void> File::flush() {
  if (H5Fflush(id_, H5F_SCOPE_GLOBAL) < 0) return failed("H5Fflush");
  return {};
}

Result<void> File::close() {
  const auto id = std::exchange(id_, -1);
  if (id >= 0 && H5Fclose(id) < 0) return failed("H5Fclose");
  return {};
}

}  // namespace elves::h5
