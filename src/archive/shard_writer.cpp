#include "archive/shard_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <random>
#include <utility>

#include "archive/shard_reader.hpp"
#include "h5/file.hpp"
#include "mpi/environment.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::archive {
namespace {

/// Where the parts of this rank begin in the shard's datasets, and how long these are.
struct Placement {
  std::uint64_t payload = 0, chunks = 0, layers = 0, layer_names = 0, files = 0, extents = 0, models = 0, names = 0;
  std::uint64_t total_payload = 0, total_chunks = 0, total_layers = 0, total_files = 0, total_extents = 0,
                total_models = 0, total_names = 0;

  bool nothing() const { return total_chunks + total_layers + total_files + total_extents == 0; }
};

std::uint64_t payload_bytes(const ShardPart& part) {
  std::uint64_t bytes = 0;
  for (const auto piece : part.payload) bytes += piece.size();
  return bytes;
}

Placement place(const mpi::Comm& comm, const ShardPart& part) {
  Placement at;
  const auto put = [&](std::uint64_t mine, std::uint64_t& first) {
    first = comm.exscan(mine);
    return comm.sum(mine);
  };
  at.total_payload = put(payload_bytes(part), at.payload);
  at.total_chunks = put(part.chunks.size(), at.chunks);
  at.total_layers = put(part.layers.size(), at.layers);
  at.total_files = put(part.files.size(), at.files);
  at.total_extents = put(part.extents.size(), at.extents);
  at.total_models = put(part.models.size(), at.models);
  const auto total_layer_names = put(part.layer_names.bytes().size(), at.layer_names);
  const auto total_names = put(part.names.bytes().size(), at.names);
  at.names += total_layer_names;  // /names: all shapes of layers, then all of the rest
  at.total_names = total_layer_names + total_names;
  return at;
}

template <class Row>
void set_check(Row& row, std::span<const std::byte> names, std::uint64_t names_begin) {
  const auto range = names_of(row);
  row.check = row_check(row, range.size_bytes == 0 ? std::span<const std::byte>{}
                                                   : names.subspan(range.offset - names_begin, range.size_bytes));
}

/// Turns the places of this rank's rows from relative into final, and sets their checks.
void finish_rows(const mpi::Comm& comm, ShardPart& part, const Placement& at) {
  for (auto& row : part.chunks) {
    row.payload_offset += at.payload;
    row.check = row_check(row, {});
  }
  std::uint64_t my_chunks = 0;
  for (const auto& row : part.layers) my_chunks += row.n_chunks;
  std::uint64_t first_chunk = comm.exscan(my_chunks);
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
}

/// Writes pieces one after the other: runs of small ones by way of a buffer, so that calls are few; large ones, and
/// pieces that lie side by side in memory, from where they are.
class PayloadWriter {
 public:
  PayloadWriter(h5::File& file, std::uint64_t at) : file_(file), at_(at) {}

  Result<void> add(std::span<const std::byte> piece) {
    if (!run_.empty() && run_.data() + run_.size() == piece.data()) {
      run_ = {run_.data(), run_.size() + piece.size()};
      return {};
    }
    if (auto done = end_run(); !done) return done;
    run_ = piece;
    return {};
  }

  Result<void> finish() {
    if (auto done = end_run(); !done) return done;
    return flush();
  }

 private:
  static constexpr std::size_t kSmall = std::size_t{256} << 10;
  static constexpr std::size_t kStaging = std::size_t{4} << 20;

  Result<void> end_run() {
    const auto run = std::exchange(run_, {});
    if (staging_.size() + run.size() > kStaging || run.size() >= kSmall) {
      if (auto done = flush(); !done) return done;
    }
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
  for (const auto piece : pieces) {
    if (auto done = writer.add(piece); !done) return done;
  }
  return writer.finish();
}

template <class Row>
Result<void> write_table(h5::File& file, const std::vector<Row>& rows, std::uint64_t first) {
  return file.write_rows(Row::kTable, row_type<Row>(), first, std::as_bytes(std::span(rows)));
}

Result<void> first_error(std::initializer_list<Result<void>> results) {
  for (const auto& result : results) {
    if (!result) return result;
  }
  return {};
}

Result<void> create_datasets(h5::File& file, const Placement& at) {
  return first_error({file.create_bytes(kPayload, at.total_payload),
                      file.create_rows(ChunkRow::kTable, row_type<ChunkRow>(), at.total_chunks),
                      file.create_rows(LayerRow::kTable, row_type<LayerRow>(), at.total_layers),
                      file.create_rows(FileRow::kTable, row_type<FileRow>(), at.total_files),
                      file.create_rows(ExtentRow::kTable, row_type<ExtentRow>(), at.total_extents),
                      file.create_rows(ModelRow::kTable, row_type<ModelRow>(), at.total_models),
                      file.create_bytes(kNames, at.total_names)});
}

Result<void> write_datasets(h5::File& file, const ShardPart& part, const Placement& at) {
  if (auto done = write_payload(file, part.payload, at.payload); !done) return done;
  return first_error({write_table(file, part.chunks, at.chunks), write_table(file, part.layers, at.layers),
                      write_table(file, part.files, at.files), write_table(file, part.extents, at.extents),
                      write_table(file, part.models, at.models),
                      file.write_bytes(kNames, at.layer_names, part.layer_names.bytes()),
                      file.write_bytes(kNames, at.names, part.names.bytes())});
}

Result<void> set_attributes(h5::File& file, const Directory& directory, const ShardHeader& header) {
  return first_error(
      {file.set_attribute("format", std::string("elves-shard")), file.set_attribute("version", kFormatVersion),
       file.set_attribute("archive", directory.identity.id), file.set_attribute("shard", std::uint64_t{header.shard}),
       file.set_attribute("sweep", header.sweep), file.set_attribute("wave", header.wave),
       file.set_attribute("options", header.options)});
}

/// A name that no other attempt has: job, restart count, random. The same on all ranks.
std::string attempt_name(const mpi::Comm& comm, const ShardHeader& header) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "0");
  };
  std::random_device source;
  const std::uint64_t random = (std::uint64_t{source()} << 32) | source();
  return comm.broadcast(".tmp-" + shard_name(header.shard) + "-" + variable("SLURM_JOB_ID") + "-" +
                        variable("SLURM_RESTART_COUNT") + "-" + to_hex(std::as_bytes(std::span(&random, 1))));
}

Result<void> fsync_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || ::fsync(file.get()) != 0) return Error{path + ": fsync: " + errno_text(errno)};
  return {};
}

/// Opens the file as a reader would; with `verify` also checks the chunks that this rank has written.
Result<void> read_back(const std::string& path, const Directory& directory, const ShardPart& part, const Placement& at,
                       bool verify) {
  auto reader = ShardReader::open_file(path, directory.identity.id);
  if (!reader) return reader.error();
  if (reader->rows(ChunkRow::kTable) != at.total_chunks || reader->rows(LayerRow::kTable) != at.total_layers ||
      reader->rows(FileRow::kTable) != at.total_files || reader->rows(ExtentRow::kTable) != at.total_extents)
    return Error{path + ": the tables read back are not those written"};
  if (!verify) return {};
  std::vector<std::byte> encoded;
  for (std::size_t i = 0; i < part.chunks.size(); ++i) {
    const auto row = reader->chunk(at.chunks + i);
    if (!row) return row.error();
    encoded.resize(row->encoded_bytes);
    if (auto done = reader->read_encoded(*row, encoded); !done) return done;
  }
  return {};
}

/// MPI-IO says "input/output error" whatever the cause: names the most frequent one.
Result<void> explain(Result<void> outcome, const Directory& directory, const Placement& at) {
  struct statvfs space {};
  if (outcome || ::statvfs(directory.path.c_str(), &space) != 0) return outcome;
  const auto free_bytes = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
  if (free_bytes >= (std::uint64_t{1} << 20) && free_bytes >= at.total_payload) return outcome;
  return Error{"No space left on " + directory.path + " (the wave needs " + format_bytes(at.total_payload) +
               "): free some or choose another --archive (" + outcome.error().message + ")"};
}

/// Creates, fills and closes the file. All ranks go through the same collective calls, whatever fails where.
void write_file(const mpi::Comm& comm, const std::string& path, const Directory& directory, const ShardHeader& header,
                const ShardPart& part, const Placement& at) {
  const std::string phase = "archive: write " + shard_name(header.shard);
  auto created = h5::File::create(comm, path);
  comm.agree(created ? Result<void>{} : Result<void>{created.error()}, phase);
  auto& file = *created;
  try {
    comm.agree(explain(create_datasets(file, at), directory, at), phase);
    comm.agree(explain(write_datasets(file, part, at), directory, at), phase);
    comm.agree(set_attributes(file, directory, header), phase);
    comm.agree(explain(file.flush(), directory, at), phase);
    comm.agree(file.set_attribute("complete", std::uint64_t{1}), phase);
    comm.agree(explain(file.flush(), directory, at), phase);
  } catch (const Failure&) {
    // Closing would write again, and hang or crash in HDF5 where that fails on some ranks: the file is left open, the
    // process ends without MPI_Finalize, and write_shard() removes the file.
    file.abandon();
    mpi::never_finalize();
    throw;
  }
  comm.agree(file.close(), phase);
}

std::uint64_t file_bytes(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

std::uint64_t Names::add(std::string_view text) {
  const auto at = bytes_.size();
  const auto bytes = std::as_bytes(std::span(text));
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return at;
}

std::uint64_t Names::add(std::span<const std::uint64_t> shape) {
  const auto at = bytes_.size();
  const auto bytes = std::as_bytes(shape);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return at;
}

std::uint64_t write_shard(const mpi::Comm& comm, const Directory& directory, const ShardHeader& header, ShardPart part,
                          bool verify) {
  const auto at = place(comm, part);
  if (at.nothing()) return 0;
  finish_rows(comm, part, at);
  const auto temporary = directory.path + "/" + attempt_name(comm, header);
  const auto final_path = directory.path + "/" + shard_name(header.shard);
  const std::string phase = "archive: commit " + shard_name(header.shard);
  try {
    write_file(comm, temporary, directory, header, part, at);
    comm.agree(comm.is_root() ? fsync_file(temporary) : Result<void>{}, phase);
    comm.agree(comm.is_root() || verify ? read_back(temporary, directory, part, at, verify) : Result<void>{}, phase);
    comm.agree(comm.is_root() ? rename_no_replace(temporary, final_path) : Result<void>{}, phase);
  } catch (const Failure&) {
    if (comm.is_root()) ::unlink(temporary.c_str());
    throw;
  }
  comm.agree(comm.is_root() ? fsync_directory(directory.path) : Result<void>{}, phase);
  return comm.max(comm.is_root() ? file_bytes(final_path) : 0);
}

}  // namespace elves::archive
