#include "pipeline/read_stage.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <mutex>

#include "support/posix.hpp"

namespace elves::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

/// More threads than this do not read faster from one client of a parallel file system, or from one disk.
constexpr int kMostReaders = 8;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Chunks that are adjacent in one file and in the buffer: read by one call.
struct Run {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one past the end
  std::size_t size_bytes = 0;
};

std::vector<Run> runs_of(const std::vector<AssignedChunk>& chunks) {
  std::vector<Run> runs;
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    const auto& chunk = chunks[c];
    const auto joins = [&](const Run& run) {
      const auto& before = chunks[run.last - 1];
      return before.source == chunk.source && before.file_offset + before.size_bytes == chunk.file_offset &&
             run.size_bytes + chunk.size_bytes <= kChunkBytes;
    };
    if (runs.empty() || !joins(runs.back())) runs.push_back({c, c, 0});
    ++runs.back().last;
    runs.back().size_bytes += chunk.size_bytes;
  }
  return runs;
}

/// Shared by all readers of a wave.
struct Wave {
  const std::string& corpus;
  const KeyedHash& hash;
  AssignedWave& assigned;
  std::span<std::byte> raw;
  std::mutex errors;  ///< guards SourceFile::error
};

/// Reads and hashes for one thread. It has one file open at a time.
class Reader {
 public:
  explicit Reader(Wave& wave) : wave_(wave) {}

  void read(const Run& run) {
    const auto start = Clock::now();
    const auto& first = wave_.assigned.chunks[run.first];
    if (first.source != source_) open(first.source);
    if (file_) {
      // The kernel reads ahead while this run is hashed.
      ::posix_fadvise(file_.get(), static_cast<off_t>(first.file_offset + run.size_bytes), kChunkBytes,
                      POSIX_FADV_WILLNEED);
      const auto out = wave_.raw.subspan(first.buffer_at, run.size_bytes);
      if (auto done = pread_exactly(file_.get(), out, first.file_offset); !done) fail(done.error().message);
    }
    read_seconds_ += seconds_since(start);
    if (file_) hash_chunks(run);
  }

  /// Closes the file that was read last, after a check that it did not change while it was read.
  void close() {
    if (!file_) return;
    if (auto error = changed(file_.get(), source()); !error.empty()) fail(error);
    file_.reset();
  }

  double read_seconds() const noexcept { return read_seconds_; }
  double hash_seconds() const noexcept { return hash_seconds_; }

 private:
  SourceFile& source() { return wave_.assigned.sources[source_]; }

  void open(std::size_t index) {
    close();
    source_ = index;
    file_ = FileDescriptor(open_regular_file(wave_.corpus + "/" + source().path));
    if (!file_) return fail(errno_text(errno));
    if (auto error = changed(file_.get(), source()); !error.empty()) return fail(error);
    ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }

  /// This thread reads no more of the file; the planner leaves it out of the archive.
  void fail(const std::string& error) {
    const std::lock_guard lock(wave_.errors);
    if (source().error.empty()) source().error = error;
    file_.reset();
  }

  void hash_chunks(const Run& run) {
    const auto start = Clock::now();
    for (auto c = run.first; c < run.last; ++c) {
      auto& chunk = wave_.assigned.chunks[c];
      chunk.digest = wave_.hash(wave_.raw.subspan(chunk.buffer_at, chunk.size_bytes));
    }
    hash_seconds_ += seconds_since(start);
  }

  Wave& wave_;
  FileDescriptor file_;
  std::size_t source_ = SIZE_MAX;
  double read_seconds_ = 0;
  double hash_seconds_ = 0;
};

}  // namespace

std::string changed(int fd, const SourceFile& source) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return errno_text(errno);
  const bool same = S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == source.size_bytes &&
                    status.st_ino == source.inode && status.st_ctim.tv_sec == source.ctime_seconds &&
                    static_cast<std::uint32_t>(status.st_ctim.tv_nsec) == source.ctime_nanoseconds &&
                    status.st_mtim.tv_sec == source.mtime_seconds &&
                    static_cast<std::uint32_t>(status.st_mtim.tv_nsec) == source.mtime_nanoseconds;
  return same ? "" : "changed while it was archived: run again";
}

void read_chunks(const std::string& corpus, const KeyedHash& hash, int threads, AssignedWave& assigned, Buffer& raw,
                 ReadStats& stats) {
  const auto runs = runs_of(assigned.chunks);
  const auto n = static_cast<std::ptrdiff_t>(runs.size());
  const int n_readers = std::clamp(threads, 1, kMostReaders);
  Wave wave{corpus, hash, assigned, raw.resize(assigned.raw_bytes), {}};
  std::exception_ptr failure;
  const auto guarded = [&](auto step) {
    try {
      step();
    } catch (...) {  // out of memory: must not leave the parallel region
      const std::lock_guard lock(wave.errors);
      failure = std::current_exception();
    }
  };
#pragma omp parallel num_threads(n_readers)
  {
    Reader reader(wave);
#pragma omp for schedule(dynamic)
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      if (stats.cancel) continue;
      const auto& run = runs[static_cast<std::size_t>(i)];
      guarded([&] { reader.read(run); });
      if (stats.bytes_done != nullptr) *stats.bytes_done += run.size_bytes;
    }
    guarded([&] { reader.close(); });
#pragma omp critical
    {
      stats.read_seconds += reader.read_seconds() / n_readers;
      stats.hash_seconds += reader.hash_seconds() / n_readers;
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace elves::pipeline
