#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "pipeline/buffers.hpp"
#include "pipeline/wave_exchange.hpp"
#include "support/hash.hpp"

namespace elves::pipeline {

/// What reading has taken so far, over all waves of a sweep. `bytes_done` and `cancel` are shared with the main thread
/// while a wave is read.
struct ReadStats {
  double read_seconds = 0;
  double hash_seconds = 0;
  std::atomic<std::uint64_t>* bytes_done = nullptr;  ///< for the progress line
  std::atomic<bool> cancel = false;                  ///< set by the main thread: the wave is not needed, stop reading
};

/// Compares an open file with what the walk found (size, mtime, ctime, inode). Returns an error text if it is another
/// file or was changed; else empty.
std::string changed(int fd, const SourceFile& source);

/// Reads the chunks of `assigned` into `raw` and hashes them, with up to `threads` threads, 8 at most. Adjacent chunks
/// are read by one call, up to 4 MiB, and the kernel is asked to read ahead. A file that cannot be opened, that
/// changed() before or after reading, or that ends early gets SourceFile::error; other files are not affected. Throws
/// only if memory runs out. Calls no MPI: runs in a thread of its own.
void read_chunks(const std::string& corpus, const KeyedHash& hash, int threads, AssignedWave& assigned, Buffer& raw,
                 ReadStats& stats);

}  // namespace elves::pipeline
