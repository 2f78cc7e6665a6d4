#include "pipeline/read_stage.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>

#include "support/posix.hpp"

namespace elves::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// An error where the file is no longer the one that the walk found.
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

}  // namespace

void read_chunks(const std::string& corpus, const KeyedHash& hash, Work& work, Buffer& raw, ReadStats& stats) {
  const auto bytes = raw.resize(work.raw_bytes);
  FileDescriptor file;
  std::size_t open = SIZE_MAX;
  const auto close_file = [&] {
    if (open == SIZE_MAX || !file) return;
    auto& source = work.sources[open];
    if (source.error.empty()) source.error = changed(file.get(), source);
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_NOREUSE);
    file.reset();
  };
  for (auto& chunk : work.chunks) {
    if (stats.cancel) return;
    auto& source = work.sources[chunk.source];
    const auto start = Clock::now();
    if (chunk.source != open) {
      close_file();
      open = chunk.source;
      file = FileDescriptor(open_regular_file(corpus + "/" + source.path));
      if (!file) {
        source.error = errno_text(errno);
      } else {
        source.error = changed(file.get(), source);
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
      }
    }
    const auto out = bytes.subspan(chunk.buffer_at, chunk.size_bytes);
    if (source.error.empty()) {
      if (auto done = pread_exactly(file.get(), out, chunk.file_offset); !done) source.error = done.error().message;
    }
    stats.read_seconds += seconds_since(start);
    const auto hashing = Clock::now();
    if (source.error.empty()) chunk.digest = hash(out);
    stats.hash_seconds += seconds_since(hashing);
    if (stats.bytes_done != nullptr) *stats.bytes_done += chunk.size_bytes;
  }
  close_file();
}

}  // namespace elves::pipeline
