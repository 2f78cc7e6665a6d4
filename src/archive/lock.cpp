#include "archive/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "mpi/environment.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::archive {
namespace {

constexpr auto kHeartbeat = std::chrono::seconds(30);
constexpr std::time_t kDeadAfterSeconds = std::time_t{15} * 60;

std::string job_name() {
  const char* job = std::getenv("SLURM_JOB_ID");
  return job != nullptr ? fmt::format("Slurm job {}", job) : fmt::format("process {}", ::getpid());
}

std::string holder_text() {
  const auto now = std::time(nullptr);
  char when[32];
  std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", std::gmtime(&now));
  return fmt::format("{} on {} since {}", job_name(), mpi::host_name(), when);
}

std::string read_holder(int fd) {
  char text[512] = "";
  const auto n = ::pread(fd, text, sizeof text - 1, 0);
  std::string holder(text, static_cast<std::size_t>(n > 0 ? n : 0));
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return printable(holder);
}

/// For a file that names a holder while this process has the kernel lock. True where the holder may still run: it is on
/// another host and has touched the file lately, so this file system does not share locks between nodes.
bool seems_alive(int fd, const std::string& holder) {
  struct stat status {};
  if (holder.empty() || ::fstat(fd, &status) != 0) return false;
  const bool same_host = holder.find(fmt::format(" on {} since ", mpi::host_name())) != std::string::npos;
  return !same_host && !holder.starts_with(job_name() + " ") &&
         std::time(nullptr) - status.st_mtime < kDeadAfterSeconds;
}

/// True where `path` still names the open file.
bool is_named(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

/// Opens the lock file and takes the kernel lock. `taken`: another process has it. Tries again where the last holder
/// has removed the file in between. On a file system without locks the lock counts as ours.
FileDescriptor open_and_lock(const std::string& path, bool& taken) {
  for (;;) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!file) return file;
    struct flock whole {};
    whole.l_type = F_WRLCK;
    taken = ::fcntl(file.get(), F_OFD_SETLK, &whole) != 0 && (errno == EAGAIN || errno == EACCES);
    if (taken || is_named(file.get(), path)) return file;
  }
}

}  // namespace

struct Lock::State {
  std::string path;
  FileDescriptor file;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::jthread heartbeat;

  /// Rank 0 only. Takes the lock; `holder` is set where another job has it.
  Result<void> take(bool break_lock, std::string& holder) {
    if (break_lock) ::unlink(path.c_str());
    bool taken = false;
    file = open_and_lock(path, taken);
    if (!file) return Error{fmt::format("{}: {}", path, errno_text(errno))};
    const auto text = read_holder(file.get());
    if (taken) {
      holder = text.empty() ? "another job" : text;
      return {};
    }
    if (seems_alive(file.get(), text)) {
      holder = text + " (if that job is dead: --break-lock, or wait 15 minutes)";
      return {};
    }
    const auto mine = holder_text() + "\n";
    (void)!::ftruncate(file.get(), 0);
    return pwrite_exactly(file.get(), std::as_bytes(std::span(mine)), 0);
  }
};

Lock::Lock(const mpi::Comm& comm, const std::string& archive, bool break_lock) : state_(std::make_unique<State>()) {
  state_->path = archive + "/lock";
  std::string holder;
  const auto outcome = comm.is_root() ? state_->take(break_lock, holder) : Result<void>{};
  holder = comm.broadcast(holder);
  if (!holder.empty()) throw Locked(fmt::format("archive {} is locked by {}", archive, holder));
  comm.agree(outcome, "archive: lock");
  if (!comm.is_root()) return;
  state_->heartbeat = std::jthread([state = state_.get()](const std::stop_token& stop) {
    std::unique_lock lock(state->mutex);
    while (!state->wake.wait_for(lock, stop, kHeartbeat, [&] { return stop.stop_requested(); }))
      ::futimens(state->file.get(), nullptr);
  });
}

Lock::~Lock() {
  if (!state_ || !state_->file) return;
  if (is_named(state_->file.get(), state_->path))
    ::unlink(state_->path.c_str());  // not the file of a job that broke our lock
}

}  // namespace elves::archive
