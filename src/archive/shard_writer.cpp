#include "archive/shard_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "archive/shard_reader.hpp"
#include "h5/file.hpp"
#include "mpi/environment.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::archive {
namespace {

/// A number of bytes or rows for each component of a shard.
struct Amounts {
  std::uint64_t payload = 0, chunks = 0, layer_chunks = 0, layers = 0, layer_names = 0, files = 0, extents = 0,
                models = 0, names = 0, sketches = 0, sketch_bytes = 0;
};
constexpr std::size_t kAmounts = sizeof(Amounts) / sizeof(std::uint64_t);
using AmountList = std::array<std::uint64_t, kAmounts>;

Amounts amounts_of(const std::vector<std::uint64_t>& list) {
  AmountList amounts{};
  std::copy_n(list.begin(), kAmounts, amounts.begin());
  return std::bit_cast<Amounts>(amounts);
}

/// Where the part of this rank begins in the shard's datasets, and how long these are.
struct Placement {
  Amounts at;
  Amounts total;

  bool nothing() const { return total.chunks + total.layers + total.files + total.extents == 0; }
};

Placement place(const mpi::Comm& comm, const ShardPart& part) {
  Amounts mine;
  for (const auto piece : part.payload) mine.payload += piece.size();
  mine.chunks = part.chunks.size();
  for (const auto& row : part.layers) mine.layer_chunks += row.n_chunks;
  mine.layers = part.layers.size();
  mine.layer_names = part.layer_names.bytes().size();
  mine.files = part.files.size();
  mine.extents = part.extents.size();
  mine.models = part.models.size();
  mine.names = part.names.bytes().size();
  mine.sketches = part.sketches.size();
  mine.sketch_bytes = part.sketch_bytes.bytes().size();
  const auto list = std::bit_cast<AmountList>(mine);
  Placement placement{amounts_of(comm.exscan(list)), amounts_of(comm.sum(list))};
  // /names holds all shapes of layers, then texts of files, then sketches: a reader of one kind reads few blocks.
  placement.at.names += placement.total.layer_names;
  placement.total.names += placement.total.layer_names;
  placement.at.sketch_bytes += placement.total.names;
  placement.total.names += placement.total.sketch_bytes;
  return placement;
}

template <class Row>
void set_check(Row& row, std::span<const std::byte> names, std::uint64_t names_begin) {
  const auto range = names_of(row);
  row.check = row_check(row, range.size_bytes == 0 ? std::span<const std::byte>{}
                                                   : names.subspan(range.offset - names_begin, range.size_bytes));
}

/// Makes the offsets and row numbers of this rank's rows final, and sets their checks.
void finish_rows(ShardPart& part, const Amounts& at) {
  for (auto& row : part.chunks) {
    row.payload_offset += at.payload;
    row.check = row_check(row, {});
  }
  std::uint64_t first_chunk = at.layer_chunks;
  for (auto& row : part.layers) {
    row.first_chunk = first_chunk;
    first_chunk += row.n_chunks;
    row.shape_offset += at.layer_names;
    set_check(row, part.layer_names.bytes(), at.layer_names);
  }
  const auto names = part.names.bytes();
  for (auto& row : part.extents) {
    row.name_offset += at.names;
    set_check(row, names, at.names);
  }
  for (auto& row : part.files) {
    row.path_offset += at.names;
    row.first_extent += at.extents;
    row.model = static_cast<std::uint32_t>(row.model + at.models);
    set_check(row, names, at.names);
  }
  for (auto& row : part.models) {
    row.id_offset += at.names;
    set_check(row, names, at.names);
  }
  for (auto& row : part.sketches) {
    row.layer += at.layers;
    row.name_offset += at.sketch_bytes;
    set_check(row, part.sketch_bytes.bytes(), at.sketch_bytes);
  }
}

/// Writes pieces one after the other in few calls: small ones through a buffer; large ones, and pieces that are
/// adjacent in memory, directly.
class PayloadWriter {
 public:
  PayloadWriter(h5::File& file, std::uint64_t at) : file_(file), at_(at) {}

  Result<void> add(std::span<const std::byte> piece) {
    if (!run_.empty() && run_.data() + run_.size() == piece.data()) {
      run_ = {run_.data(), run_.size() + piece.size()};
      return {};
    }
    ELVES_CHECK(end_run());
    run_ = piece;
    return {};
  }

  Result<void> finish() {
    ELVES_CHECK(end_run());
    return flush();
  }

 private:
  static constexpr std::size_t kSmall = std::size_t{256} << 10;
  static constexpr std::size_t kStaging = std::size_t{4} << 20;

  Result<void> end_run() {
    const auto run = std::exchange(run_, {});
    if (staging_.size() + run.size() > kStaging || run.size() >= kSmall) ELVES_CHECK(flush());
    if (run.size() >= kSmall) return write(run);
    if (staging_.capacity() == 0) staging_.reserve(kStaging);
    staging_.insert(staging_.end(), run.begin(), run.end());
    return {};
  }

  Result<void> flush() {
    auto done = write(staging_);
    staging_.clear();
    return done;
  }

  Result<void> write(std::span<const std::byte> bytes) {
    auto done = file_.write_bytes(kPayload, at_, bytes);
    at_ += bytes.size();
    return done;
  }

  h5::File& file_;
  std::uint64_t at_;
  std::span<const std::byte> run_;
  std::vector<std::byte> staging_;
};

Result<void> write_payload(h5::File& file, std::span<const std::span<const std::byte>> pieces, std::uint64_t at) {
  PayloadWriter writer(file, at);
  for (const auto piece : pieces) ELVES_CHECK(writer.add(piece));
  return writer.finish();
}

template <class Row>
Result<void> write_table(h5::File& file, const std::vector<Row>& rows, std::uint64_t first) {
  return file.write_rows(Row::kTable, row_type<Row>(), first, std::as_bytes(std::span(rows)));
}

Result<void> first_error(std::initializer_list<Result<void>> results) {
  for (const auto& result : results) ELVES_CHECK(result);
  return {};
}

Result<void> create_datasets(h5::File& file, const Amounts& total) {
  return first_error({file.create_bytes(kPayload, total.payload),
                      file.create_rows(ChunkRow::kTable, row_type<ChunkRow>(), total.chunks),
                      file.create_rows(LayerRow::kTable, row_type<LayerRow>(), total.layers),
                      file.create_rows(FileRow::kTable, row_type<FileRow>(), total.files),
                      file.create_rows(ExtentRow::kTable, row_type<ExtentRow>(), total.extents),
                      file.create_rows(ModelRow::kTable, row_type<ModelRow>(), total.models),
                      file.create_rows(SketchRow::kTable, row_type<SketchRow>(), total.sketches),
                      file.create_bytes(kNames, total.names)});
}

Result<void> write_datasets(h5::File& file, const ShardPart& part, const Amounts& at) {
  ELVES_CHECK(write_payload(file, part.payload, at.payload));
  return first_error({write_table(file, part.chunks, at.chunks), write_table(file, part.layers, at.layers),
                      write_table(file, part.files, at.files), write_table(file, part.extents, at.extents),
                      write_table(file, part.models, at.models), write_table(file, part.sketches, at.sketches),
                      file.write_bytes(kNames, at.layer_names, part.layer_names.bytes()),
                      file.write_bytes(kNames, at.names, part.names.bytes()),
                      file.write_bytes(kNames, at.sketch_bytes, part.sketch_bytes.bytes())});
}

Result<void> set_attributes(h5::File& file, const ArchiveDir& directory, const ShardHeader& header) {
  return first_error(
      {file.set_attribute("format", std::string("elves-shard")), file.set_attribute("version", kFormatVersion),
       file.set_attribute("archive", directory.identity.id), file.set_attribute("shard", std::uint64_t{header.shard}),
       file.set_attribute("sweep", header.sweep), file.set_attribute("wave", header.wave),
       file.set_attribute("options", header.options)});
}

/// A text that no other attempt has: job, restart count, random. The same on all ranks.
std::string attempt_of(const mpi::Comm& comm) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "0");
  };
  return comm.broadcast(
      fmt::format("{}-{}-{}", variable("SLURM_JOB_ID"), variable("SLURM_RESTART_COUNT"), random_token()));
}

h5::SharedAccess shared_access(const mpi::Comm& comm) {
  auto access = h5::SharedAccess::create(comm);
  comm.agree(access ? Result<void>{} : Result<void>{access.error()}, "archive");
  return std::move(*access);
}

Result<void> fsync_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || ::fsync(file.get()) != 0) return Error{fmt::format("{}: fsync: {}", path, errno_text(errno))};
  return {};
}

/// Opens the file as a reader would; with `verify` also checks the chunks that this rank has written.
Result<void> read_back(const std::string& path, const ArchiveDir& directory, const ShardPart& part,
                       const Placement& placement, bool verify) {
  ELVES_TRY(auto reader, ShardReader::open_file(path, directory.identity.id));
  const auto& total = placement.total;
  if (reader.rows(ChunkRow::kTable) != total.chunks || reader.rows(LayerRow::kTable) != total.layers ||
      reader.rows(FileRow::kTable) != total.files || reader.rows(ExtentRow::kTable) != total.extents ||
      reader.rows(SketchRow::kTable) != total.sketches)
    return Error{path + ": the tables on disk have other sizes than were written"};
  if (!verify) return {};
  std::vector<std::byte> encoded;
  for (std::size_t i = 0; i < part.chunks.size(); ++i) {
    ELVES_TRY(const auto row, reader.chunk(placement.at.chunks + i));
    encoded.resize(row.encoded_bytes);
    ELVES_CHECK(reader.read_encoded(row, encoded));
  }
  return {};
}

/// MPI-IO reports all causes as "input/output error". Says so where the cause is a full disk.
Result<void> explain(Result<void> outcome, const ArchiveDir& directory, const Amounts& total) {
  struct statvfs space {};
  if (outcome || ::statvfs(directory.path.c_str(), &space) != 0) return outcome;
  const auto free_bytes = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
  if (free_bytes >= (std::uint64_t{1} << 20) && free_bytes >= total.payload) return outcome;
  return Error{fmt::format("No space left on {} (the wave needs {}): free some or choose another --archive ({})",
                           directory.path, format_bytes(total.payload), outcome.error().message)};
}

/// Writes all datasets and flushes them to disk. All ranks make the same collective calls, also where one of them
/// fails, and agree before each call that waits for other ranks.
void fill(const mpi::Comm& comm, h5::File& file, const ArchiveDir& directory, const ShardHeader& header,
          const ShardPart& part, const Placement& placement, const std::string& phase) {
  auto filled = first_error({create_datasets(file, placement.total), set_attributes(file, directory, header)});
  if (filled) filled = write_datasets(file, part, placement.at);
  comm.agree(explain(filled, directory, placement.total), phase);
  comm.agree(explain(file.flush(), directory, placement.total), phase);
  const auto marked = file.set_attribute("complete", std::uint64_t{1});
  comm.agree(explain(first_error({file.flush(), marked}), directory, placement.total), phase);
}

/// Creates, fills and closes the file.
void write_file(const mpi::Comm& comm, const h5::SharedAccess& access, const std::string& path,
                const ArchiveDir& directory, const ShardHeader& header, const ShardPart& part,
                const Placement& placement) {
  const std::string phase = "archive: write " + shard_name(header.shard);
  auto created = h5::File::create(access, path);
  comm.agree(created ? Result<void>{} : Result<void>{created.error()}, phase);
  auto& file = *created;
  try {
    fill(comm, file, directory, header, part, placement, phase);
  } catch (const Failure&) {
    // Closing would write again; where that fails on some ranks, HDF5 hangs or crashes. So the file stays open, the
    // process ends without MPI_Finalize, and ShardWriter removes the file.
    file.abandon();
    mpi::never_finalize();
    throw;
  }
  comm.agree(file.close(), phase);
}

/// Makes sure that the file is on disk and reads as it was written.
Result<void> check_file(const mpi::Comm& comm, const std::string& path, const ArchiveDir& directory,
                        const ShardPart& part, const Placement& placement, bool verify) {
  if (comm.is_root()) ELVES_CHECK(fsync_file(path));
  if (!comm.is_root() && !verify) return {};
  return read_back(path, directory, part, placement, verify);
}

Result<void> publish(const std::string& temporary, const std::string& final_path, const ArchiveDir& directory) {
  if (auto renamed = rename_no_replace(temporary, final_path); !renamed) {
    ::unlink(temporary.c_str());
    return renamed;
  }
  return fsync_directory(directory.path);
}

std::uint64_t file_bytes(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

std::uint64_t StringHeap::add(std::string_view text) {
  return add(std::as_bytes(std::span(text)));
}

std::uint64_t StringHeap::add(std::span<const std::uint64_t> shape) {
  return add(std::as_bytes(shape));
}

std::uint64_t StringHeap::add(std::span<const std::byte> bytes) {
  const auto at = bytes_.size();
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return at;
}

ShardWriter::ShardWriter(const mpi::Comm& comm, const ArchiveDir& directory, bool verify)
    : comm_(comm), directory_(directory), verify_(verify), attempt_(attempt_of(comm)), access_(shared_access(comm)) {}

std::uint64_t ShardWriter::write(const ShardHeader& header, ShardPart part) {
  const auto placement = place(comm_, part);
  if (placement.nothing()) return 0;
  finish_rows(part, placement.at);
  const auto temporary = directory_.path + "/.tmp-" + shard_name(header.shard) + "-" + attempt_;
  const auto final_path = directory_.path + "/" + shard_name(header.shard);
  const std::string phase = "archive: commit " + shard_name(header.shard);
  try {
    write_file(comm_, access_, temporary, directory_, header, part, placement);
    comm_.agree(check_file(comm_, temporary, directory_, part, placement, verify_), phase);
  } catch (const Failure&) {
    if (comm_.is_root()) ::unlink(temporary.c_str());
    throw;
  }
  comm_.agree(comm_.is_root() ? publish(temporary, final_path, directory_) : Result<void>{}, phase);
  return comm_.max(comm_.is_root() ? file_bytes(final_path) : 0);
}

}  // namespace elves::archive
