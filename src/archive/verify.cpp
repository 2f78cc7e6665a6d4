#include "archive/verify.hpp"

#include <omp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_set>

#include "archive/catalog.hpp"
#include "archive/file_decoder.hpp"
#include "archive/shard_reader.hpp"
#include "corpus/walk.hpp"
#include "elves/codec.hpp"
#include "support/checked.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::archive {
namespace {

using corpus::FileKind;

/// One layer at a time would leave threads idle; all at once would fill memory.
constexpr std::uint64_t kLayersPerBatch = 256;
constexpr std::size_t kToldPerShard = 1000;

class ShardChecker {
 public:
  ShardChecker(const Directory& directory, ShardSet& shards, int threads, VerifySummary& summary)
      : shards_(shards), hash_(directory.identity.hash_secret), threads_(std::max(1, threads)), summary_(summary) {}

  void check(std::uint32_t shard) {
    name_ = shard_name(shard);
    told_ = 0;
    auto reader = shards_.at(shard);
    if (!reader) return differs(name_, reader.error().message);
    ++summary_.shards;
    check_layers(**reader);
    check_files(shard, **reader);
    check_models(**reader);
  }

 private:
  struct Task {
    ChunkRow chunk;
    DType dtype = DType::Bytes;
    Hash128 digest;
    std::string error;
  };

  /// A shard that is damaged all over is told in a thousand lines.
  void differs(const std::string& where, const std::string& what) {
    if (++told_ <= kToldPerShard) summary_.differences.push_back({where, what});
  }

  void check_layers(ShardReader& reader) {
    std::vector<Task> tasks;
    std::vector<std::pair<std::uint64_t, std::size_t>> layers;  // row, its first task
    const auto n = reader.rows(LayerRow::kTable);
    for (std::uint64_t row = 0; row < n; ++row) {
      if (auto added = add_layer(reader, row, tasks); !added)
        differs(layer_name(row), added.error().message);
      else
        layers.emplace_back(row, tasks.size());
      if (tasks.size() >= kLayersPerBatch || row + 1 == n) {
        decode(reader, tasks);
        judge(reader, layers, tasks);
        tasks.clear();
        layers.clear();
      }
    }
  }

  std::string layer_name(std::uint64_t row) const { return name_ + ": layer " + std::to_string(row); }

  Result<void> add_layer(ShardReader& reader, std::uint64_t row, std::vector<Task>& tasks) {
    const auto first = tasks.size();
    const auto layer = reader.layer(row);
    if (!layer) return layer.error();
    const auto dtype = dtype_from_number(layer->dtype);
    if (!dtype) return Error{"unknown dtype"};
    if (layer->n_chunks != ceil_div<std::uint64_t>(layer->size_bytes, kChunkBytes))
      return Error{"has a wrong number of chunks"};
    std::uint64_t bytes = 0;
    for (std::uint32_t c = 0; c < layer->n_chunks; ++c) {
      const auto chunk = reader.chunk(layer->first_chunk + c);
      Result<void> good;
      if (!chunk)
        good = chunk.error();
      else if (chunk->raw_bytes == 0 || chunk->raw_bytes > kChunkBytes || chunk->encoded_bytes > kChunkBytes + 64)
        good = Error{"a chunk has a size that no chunk can have"};
      else if (chunk->max_abs_error > layer->max_abs_error)
        good = Error{"a chunk has a larger error than its layer says"};
      if (!good) {
        tasks.resize(first);
        return good;
      }
      tasks.push_back({*chunk, *dtype, {}, {}});
      bytes += chunk->raw_bytes;
    }
    if (bytes == layer->size_bytes) return {};
    tasks.resize(first);
    return Error{"its chunks do not add up to its size"};
  }

  void decode(const ShardReader& reader, std::vector<Task>& tasks) {
    const auto n = static_cast<std::ptrdiff_t>(tasks.size());
#pragma omp parallel num_threads(threads_)
    {
      Decoder decoder;
      std::vector<std::byte> encoded;
      std::vector<std::byte> raw;
#pragma omp for schedule(dynamic)
      for (std::ptrdiff_t i = 0; i < n; ++i) {
        auto& task = tasks[static_cast<std::size_t>(i)];
        try {
          decode(reader, task, decoder, encoded, raw);
        } catch (const std::exception& error) {  // out of memory: must not leave the parallel region
          task.error = error.what();
        }
      }
    }
  }

  void decode(const ShardReader& reader, Task& task, Decoder& decoder, std::vector<std::byte>& encoded,
              std::vector<std::byte>& raw) const {
    encoded.resize(task.chunk.encoded_bytes);  // a few MiB: checked by add_layer
    raw.resize(task.chunk.raw_bytes);
    if (auto read = reader.read_encoded(task.chunk, encoded); !read)
      task.error = read.error().message;
    else if (auto decoded = decoder.decode(encoded, task.dtype, raw); !decoded)
      task.error = decoded.error().message;
    else
      task.digest = hash_(raw);
  }

  void judge(ShardReader& reader, const std::vector<std::pair<std::uint64_t, std::size_t>>& layers,
             const std::vector<Task>& tasks) {
    std::size_t at = 0;
    for (const auto& [row, end] : layers) {
      const auto layer = reader.layer(row);
      std::vector<Hash128> digests;
      std::string error;
      for (; at < end; ++at) {
        if (!tasks[at].error.empty()) error = tasks[at].error;
        digests.push_back(tasks[at].digest);
        summary_.decoded_bytes += tasks[at].chunk.raw_bytes;
        ++summary_.chunks;
      }
      ++summary_.layers;
      if (error.empty() && hash_.combine(digests) != to_hash(layer->decoded))
        error = "decodes to other bytes than were archived (digest)";
      if (error.empty() && layer->lossy_class == 0 && to_hash(layer->decoded) != to_hash(layer->fingerprint))
        error = "is recorded as exact and is not";
      if (!error.empty()) differs(layer_name(row), error);
    }
  }

  void check_files(std::uint32_t shard, ShardReader& reader) {
    for (std::uint64_t row = 0; row < reader.rows(FileRow::kTable); ++row) {
      ++summary_.files;
      const auto file = read_file_row(shards_, {shard, 0, row, 0});
      if (!file)
        differs(name_ + ": file " + std::to_string(row), file.error().message);
      else if (auto good = check_file(reader, *file); !good)
        differs(file->path, good.error().message);
    }
  }

  void check_models(ShardReader& reader) {
    for (std::uint64_t row = 0; row < reader.rows(ModelRow::kTable); ++row) {
      if (const auto model = reader.model(row); !model)
        differs(name_ + ": model " + std::to_string(row), model.error().message);
    }
  }

  Result<void> check_file(ShardReader& reader, const ArchivedFile& file) {
    std::vector<Hash128> originals;
    std::vector<Hash128> decoded;
    std::uint64_t at = 0;
    for (std::uint64_t e = 0; e < file.row.n_extents; ++e) {
      const auto extent = reader.extent(file.row.first_extent + e);
      if (!extent) return extent.error();
      if (extent->offset_bytes != at) return Error{"its extents leave a gap at byte " + std::to_string(at)};
      at += extent->size_bytes;
      auto shard = shards_.at(extent->layer_shard);
      if (!shard) return shard.error();
      const auto layer = (*shard)->layer(extent->layer_row);
      if (!layer) return layer.error();
      if (layer->size_bytes != extent->size_bytes || layer->dtype != extent->dtype)
        return Error{"an extent and its layer differ in size or dtype"};
      originals.push_back(to_hash(layer->fingerprint));
      decoded.push_back(to_hash(layer->decoded));
    }
    if (at != file.row.size_bytes) return Error{"its extents do not cover it"};
    if (corpus::has_content(file.kind()) &&
        (hash_.combine(originals) != to_hash(file.row.digest) || hash_.combine(decoded) != to_hash(file.row.restored)))
      return Error{"its digests are not those of its layers"};
    return {};
  }

  ShardSet& shards_;
  KeyedHash hash_;
  int threads_;
  VerifySummary& summary_;
  std::string name_;
  std::size_t told_ = 0;
};

template <class T>
double widest_difference(std::span<const std::byte> a, std::span<const std::byte> b, double (*to_double)(T)) {
  double widest = 0;
  for (std::size_t i = 0; i + sizeof(T) <= a.size(); i += sizeof(T)) {
    T x{};
    T y{};
    std::memcpy(&x, a.data() + i, sizeof(T));
    std::memcpy(&y, b.data() + i, sizeof(T));
    if (x == y) continue;  // bits: equal NaNs are equal
    const double difference = std::abs(to_double(x) - to_double(y));
    widest = std::isnan(difference) ? INFINITY : std::max(widest, difference);
  }
  return widest;
}

double from_f16(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double magnitude = exponent == 31  ? (mantissa != 0 ? NAN : INFINITY)
                           : exponent == 0 ? std::ldexp(mantissa, -24)
                                           : std::ldexp(1024 + mantissa, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

template <class To, class From>
double as_float(From bits) {
  To value{};
  std::memcpy(&value, &bits, sizeof value);
  return static_cast<double>(value);
}

/// Largest |a - b| of two ranges of floats; infinity where a NaN or Inf differs, or the type is never lossy.
double widest_difference(DType dtype, std::span<const std::byte> a, std::span<const std::byte> b) {
  if (dtype == DType::F32) return widest_difference<std::uint32_t>(a, b, as_float<float, std::uint32_t>);
  if (dtype == DType::F64) return widest_difference<std::uint64_t>(a, b, as_float<double, std::uint64_t>);
  if (dtype == DType::F16) return widest_difference<std::uint16_t>(a, b, from_f16);
  return INFINITY;
}

/// Holds decoded files against the files of a tree.
class Comparer final : public FileVisitor {
 public:
  Comparer(const std::string& corpus, const std::vector<ArchivedFile>& files, VerifySummary& summary)
      : corpus_(corpus), files_(files), summary_(summary) {}

  Result<void> begin(std::size_t, const ArchivedFile&) override { return {}; }

  Result<void> piece(std::size_t index, const DecodedPiece& piece) override {
    if (auto ready = open(index); !ready) return ready;
    original_.resize(piece.bytes.size());
    if (auto read = pread_exactly(file_.get(), original_, piece.offset_bytes); !read) return read;
    summary_.compared_bytes += original_.size();
    if (std::memcmp(original_.data(), piece.bytes.data(), original_.size()) == 0) return {};
    if (piece.exact)
      return Error{"content differs from byte " + std::to_string(piece.offset_bytes + first_difference(piece.bytes))};
    const double error = widest_difference(piece.dtype, original_, piece.bytes);
    if (!(error <= piece.max_abs_error))
      return Error{"a lossy layer at byte " + std::to_string(piece.offset_bytes) +
                   " is off by more than its recorded error"};
    summary_.max_abs_error = std::max(summary_.max_abs_error, error);
    return {};
  }

  void end(std::size_t index, const ArchivedFile&, const Result<void>& outcome) override {
    if (!outcome) summary_.differences.push_back({files_[index].path, outcome.error().message});
  }

 private:
  Result<void> open(std::size_t index) {
    if (open_ == index) return {};
    file_ = FileDescriptor(open_regular_file(corpus_ + "/" + files_[index].path));
    open_ = index;
    if (!file_) return Error{errno_text(errno)};
    return {};
  }

  std::size_t first_difference(std::span<const std::byte> bytes) const {
    return static_cast<std::size_t>(std::mismatch(bytes.begin(), bytes.end(), original_.begin()).first - bytes.begin());
  }

  std::string corpus_;
  const std::vector<ArchivedFile>& files_;
  VerifySummary& summary_;
  std::size_t open_ = SIZE_MAX;
  FileDescriptor file_;
  std::vector<std::byte> original_;
};

std::string read_link(const std::string& path, std::uint64_t size) {
  std::string text(size + 1, '\0');
  const auto n = ::readlink(path.c_str(), text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

/// Kind, size, mode and link target; content is compared later.
Result<void> compare_metadata(const ArchivedFile& file, const std::string& corpus) {
  const auto path = corpus + "/" + file.path;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0)
    return Error{"is in the archive and not in the corpus (" + errno_text(errno) + ")"};
  const auto kind = S_ISLNK(status.st_mode)   ? FileKind::Symlink
                    : S_ISDIR(status.st_mode) ? FileKind::Directory
                                              : FileKind::Regular;
  const auto expected = file.kind() == FileKind::Hardlink ? FileKind::Regular : file.kind();
  if (kind != expected || (!S_ISREG(status.st_mode) && kind == FileKind::Regular))
    return Error{"is of another kind in the corpus"};
  if (kind == FileKind::Symlink)
    return read_link(path, file.target.size()) == file.target ? Result<void>{}
                                                              : Error{"is a link to another place in the corpus"};
  if ((status.st_mode & 07777) != file.row.mode) return Error{"has another mode in the corpus"};
  if (kind == FileKind::Regular && static_cast<std::uint64_t>(status.st_size) != file.row.size_bytes)
    return Error{"has another size in the corpus"};
  if (file.kind() != FileKind::Hardlink) return {};
  struct stat first {};
  if (::lstat((corpus + "/" + file.target).c_str(), &first) != 0 || first.st_ino != status.st_ino ||
      first.st_dev != status.st_dev)
    return Error{"is no hard link to " + printable(file.target) + " in the corpus"};
  return {};
}

/// Collective. The paths of the walk that the archive does not have.
void find_missing(const mpi::Comm& comm, const KeyedHash& hash, const corpus::WalkResult& walked,
                  const std::vector<std::string>& archived, VerifySummary& summary) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const auto owner = [&](const Hash128& path) { return path.low % ranks; };
  mpi::PerRank<Hash128> have(ranks);
  for (const auto& path : archived) have[owner(hash(path))].push_back(hash(path));
  struct ByHigh {
    std::size_t operator()(const Hash128& hash) const noexcept { return hash.high; }
  };
  std::unordered_set<Hash128, ByHigh> known;
  for (const auto& paths : comm.alltoallv(have)) known.insert(paths.begin(), paths.end());
  mpi::PerRank<Hash128> questions(ranks);
  mpi::PerRank<std::size_t> askers(ranks);
  for (std::size_t i = 0; i < walked.entries.size(); ++i) {
    const auto path = hash(walked.entries[i].path);
    questions[owner(path)].push_back(path);
    askers[owner(path)].push_back(i);
  }
  const auto asked = comm.alltoallv(questions);
  mpi::PerRank<std::uint8_t> answers(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    for (const auto& path : asked[r]) answers[r].push_back(known.contains(path) ? 1 : 0);
  }
  const auto told = comm.alltoallv(answers);
  for (std::size_t r = 0; r < ranks; ++r) {
    for (std::size_t i = 0; i < told[r].size(); ++i) {
      if (told[r][i] == 0)
        summary.differences.push_back({walked.entries[askers[r][i]].path, "is in the corpus and not in the archive"});
    }
  }
}

void add_up(const mpi::Comm& comm, VerifySummary& summary) {
  for (auto* counter : {&summary.shards, &summary.layers, &summary.chunks, &summary.files, &summary.decoded_bytes,
                        &summary.compared_bytes})
    *counter = comm.sum(*counter);
  summary.max_abs_error = comm.max(summary.max_abs_error);
}

}  // namespace

VerifySummary verify(const mpi::Comm& comm, const Directory& directory, int threads) {
  VerifySummary summary;
  ShardSet shards(directory);
  ShardChecker checker(directory, shards, threads, summary);
  if (comm.is_root()) {
    for (const auto shard : directory.missing()) summary.differences.push_back({shard_name(shard), "is missing"});
  }
  for (auto i = static_cast<std::size_t>(comm.rank()); i < directory.shards.size();
       i += static_cast<std::size_t>(comm.size()))
    checker.check(directory.shards[i]);
  add_up(comm, summary);
  return summary;
}

VerifySummary verify_against(const mpi::Comm& comm, const Directory& directory, const std::string& corpus,
                             int threads) {
  const auto walked = corpus::walk(comm, corpus, {});
  VerifySummary summary;
  ShardSet shards(directory);
  std::vector<ArchivedFile> files;  // those with content, in the order of `contents`
  std::vector<FileRef> contents;
  std::vector<std::string> paths;
  const auto selected = select_files(comm, directory, {});
  for (const auto& [ref, link] : selected.files) {
    auto file = read_file_row(shards, ref);
    if (!file) {
      summary.differences.push_back({shard_name(ref.shard), file.error().message});
      continue;
    }
    if (selected.former_folders.hides(file->path, ref)) continue;
    ++summary.files;
    paths.push_back(file->path);
    if (auto same = compare_metadata(*file, corpus); !same) {
      summary.differences.push_back({file->path, same.error().message});
    } else if (corpus::has_content(file->kind())) {
      files.push_back(std::move(*file));
      contents.push_back(ref);
    }
  }
  Comparer comparer(corpus, files, summary);
  decode_files(shards, directory, contents, threads, comparer);
  find_missing(comm, KeyedHash(directory.identity.hash_secret), walked, paths, summary);
  for (const auto& problem : walked.problems) summary.differences.push_back(problem);
  add_up(comm, summary);
  return summary;
}

}  // namespace elves::archive
