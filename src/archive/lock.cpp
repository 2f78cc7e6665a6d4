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

#include "mpi/environment.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::archive {
namespace {

constexpr auto kHeartbeat = std::chrono::seconds(30);
constexpr std::time_t kDeadAfterSeconds = 15 * 60;

std::string job_name() {
  const char* job = std::getenv("SLURM_JOB_ID");
  return job != nullptr ? "Slurm job " + std::string(job) : "process " + std::to_string(::getpid());
}

std::string holder_text() {
  const auto now = std::time(nullptr);
  char when[32];
  std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", std::gmtime(&now));
  return job_name() + " on " + mpi::host_name() + " since " + when;
}

std::string read_holder(int fd) {
  char text[512] = "";
  const auto n = ::pread(fd, text, sizeof text - 1, 0);
  std::string holder(text, static_cast<std::size_t>(n > 0 ? n : 0));
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return printable(holder);
}

/// Where the kernel lock is ours but another host has written its name: dead, or a file system with local locks only?
bool seems_alive(int fd, const std::string& holder) {
  struct stat status {};
  if (holder.empty() || ::fstat(fd, &status) != 0) return false;
  const bool same_host = holder.find(" on " + mpi::host_name() + " since ") != std::string::npos;
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

/// Opens the lock file and takes the kernel lock; `taken` where another process has it. Tries again where the file was
/// removed by its last holder in between. A file system without locks counts as locked by us.
FileDescriptor open_and_lock(const std::string& path, bool& taken) {
  for (;;) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!file) return file;
    struct flock whole {};
    whole.l_type = F_WRLCK;
    taken = ::fcntl(file.get(), F_OFD_SETLK, &whole) != 0 && (errno == EAGAIN || errno == EACCES);
    struct stat opened {};
    struct stat named {};
    if (taken ||
        (::fstat(file.get(), &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino))
      return file;
  }
}

}  // namespace

struct Lock::State {
  std::string path;
  FileDescriptor file;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::jthread heartbeat;
};

Lock::Lock(const mpi::Comm& comm, const std::string& archive, bool break_lock) : state_(std::make_unique<State>()) {
  Result<void> outcome;
  std::string holder;
  if (comm.is_root()) {
    auto& state = *state_;
    state.path = archive + "/lock";
    if (break_lock) ::unlink(state.path.c_str());
    bool taken = false;
    state.file = open_and_lock(state.path, taken);
    if (!state.file) {
      outcome = Error{state.path + ": " + errno_text(errno)};
    } else if (taken) {
      holder = read_holder(state.file.get());
      if (holder.empty()) holder = "another job";
    } else if (const auto text = read_holder(state.file.get()); seems_alive(state.file.get(), text)) {
      holder = text + " (if that job is dead: --break-lock, or wait 15 minutes)";
    } else {
      const auto mine = holder_text() + "\n";
      (void)!::ftruncate(state.file.get(), 0);
      outcome = pwrite_exactly(state.file.get(), std::as_bytes(std::span(mine)), 0);
    }
  }
  holder = comm.broadcast(holder);
  if (!holder.empty()) throw Locked("archive " + archive + " is locked by " + holder);
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
  if (is_named(state_->file.get(), state_->path)) ::unlink(state_->path.c_str());  // not that of a job that broke ours
}

}  // namespace elves::archive
