#include "jobs/common.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <stdexcept>

#include <fmt/format.h>

#include "archive/tables.hpp"
#include "elves/error.hpp"
#include "mpi/environment.hpp"
#include "support/byte_cursor.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::jobs {

bool parse(CommandLine& line, int argc, char** argv, const mpi::Comm& comm) {
  const auto read = [&](const std::string& path) -> Result<std::string> {
    return read_for_all(comm, "--config", path);
  };
  return line.parse(argc, argv, read, comm.is_root() ? &std::cout : nullptr);
}

std::string read_for_all(const mpi::Comm& comm, const std::string& option, const std::string& path) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 30;
  Result<std::string> text = std::string();
  if (comm.is_root()) text = read_small_file(path, kLimit);
  const auto problem = comm.broadcast(text ? "" : text.error().message);
  if (!problem.empty()) throw UsageError(option + ": " + problem);
  return comm.broadcast(text ? *text : "");
}

namespace {

/// What was printed is buffered: a full disk or a closed pipe shows only here.
Result<void> flush_output() {
  errno = 0;
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout) return {};
  return Error{"cannot write to standard output" + (errno == 0 ? "" : ": " + errno_text(errno))};
}

}  // namespace

int run(const std::string& command, const mpi::Comm& comm, const std::function<int()>& body) {
  const auto say = [&](const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", command.c_str(), error.what());
  };
  const auto end = [&](const std::exception& error, int code) {
    if (comm.is_root()) say(error);
    return code;
  };
  try {
    const int code = body();
    if (const auto flushed = flush_output(); !flushed) return end(std::runtime_error(flushed.error().message), kFailed);
    return code;
  } catch (const UsageError& error) {
    return end(error, kUsage);
  } catch (const Locked& error) {
    return end(error, kLocked);
  } catch (const AgreedFailure& error) {
    return end(error, kFailed);
  } catch (const Failure& error) {
    std::fprintf(stderr, "%s: %s (%s:%d)\n", command.c_str(), error.what(), error.file(), error.line());
    if (comm.size() == 1) return kFailed;
    mpi::abort(kFailed);
  } catch (const std::exception& error) {
    say(error);  // the others wait for this rank, and would for ever
    if (comm.size() == 1) return kFailed;
    mpi::abort(kFailed);
  }
}

Result<void> print(std::string_view text) {
  std::cout.flush();
  if (const auto done = write_all(STDOUT_FILENO, text); !done) return Error{"standard output: " + done.error().message};
  return {};
}

std::uint64_t print_problems(const mpi::Comm& comm, const std::string& command, const std::vector<PathProblem>& mine) {
  std::vector<std::byte> packed;
  ByteWriter writer(packed);
  for (const auto& problem : mine) {
    writer.text(problem.path);
    writer.text(problem.reason);
  }
  const auto total = comm.sum(std::uint64_t{mine.size()});
  std::vector<PathProblem> all;
  for (const auto& from_rank : comm.gather(packed)) {
    ByteCursor cursor(from_rank);
    while (!cursor.at_end() && !cursor.failed()) {
      auto path = cursor.read_text();
      all.push_back({std::move(path), cursor.read_text()});
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  constexpr std::size_t kShown = 100;
  for (std::size_t i = 0; i < std::min(kShown, all.size()); ++i)
    std::fprintf(stderr, "%s: %s: %s\n", command.c_str(), printable(all[i].path).c_str(),
                 printable(all[i].reason).c_str());
  if (all.size() > kShown) std::fprintf(stderr, "%s: and %zu more\n", command.c_str(), all.size() - kShown);
  return total;
}

std::string bounds_text(std::uint64_t bounded_files, std::uint64_t exact_files) {
  if (bounded_files == 0) return counted(exact_files, "file") + " bit for bit";
  return fmt::format("{} within bounds, {} bit for bit", counted(bounded_files, "file"), exact_files);
}

void warn_of_missing(const mpi::Comm& comm, const std::string& command, std::span<const std::uint32_t> missing) {
  if (!comm.is_root()) return;
  for (const auto shard : missing)
    std::fprintf(stderr,
                 "%s: %s is missing: files that only it holds are left out, and of files that changed in its sweep an "
                 "older version takes their place\n",
                 command.c_str(), archive::shard_name(shard).c_str());
}

}  // namespace elves::jobs
