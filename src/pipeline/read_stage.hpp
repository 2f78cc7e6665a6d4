#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "pipeline/buffers.hpp"
#include "pipeline/wave_exchange.hpp"
#include "support/hash.hpp"

namespace elves::pipeline {

/// Seconds that a stage has spent, and what it has done so far: read by the progress line while it works.
struct ReadStats {
  double read_seconds = 0;
  double hash_seconds = 0;
  std::atomic<std::uint64_t>* bytes_done = nullptr;
  std::atomic<bool> cancel = false;  ///< set by the main thread: the wave will not be used, stop reading it
};

/// Why an open file is no longer the one that the walk found (size, mtime, ctime, inode); empty where it is.
std::string changed(int fd, const SourceFile& source);

/// Reads the chunks of this rank's work into `raw` and hashes them, with up to `threads` threads: neighbours that are
/// small in one call, and the next ones announced to the kernel. A file that cannot be opened, is not as the walk found
/// it (size, mtime, ctime, inode) before or after reading, or ends early gets its error; the rest goes on. No MPI in
/// it: runs in a thread of its own.
void read_chunks(const std::string& corpus, const KeyedHash& hash, int threads, AssignedWave& assigned, Buffer& raw,
                 ReadStats& stats);

}  // namespace elves::pipeline
