#include "pipeline/progress_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "support/text.hpp"

namespace elves::pipeline {
namespace {

bool is_terminal(ProgressMode mode) {
  return mode == ProgressMode::Auto && ::isatty(STDERR_FILENO) == 1;
}

std::size_t terminal_columns() {
  constexpr std::size_t kUnknown = 80;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return kUnknown;
  return size.ws_col;
}

}  // namespace

ProgressLine::ProgressLine(const mpi::Comm& comm, ProgressMode mode)
    : show_(comm.is_root() && mode != ProgressMode::None),
      rewrite_(is_terminal(mode)),
      start_(std::chrono::steady_clock::now()),
      progress_(comm, is_terminal(mode) ? 0.5 : 30) {}

void ProgressLine::tick() {
  const bool due = progress_.tick({bytes_read, bytes_encoded, bytes_committed});
  if (due && show_) print(progress_.total());
}

void ProgressLine::print(const mpi::Progress::Counters& total) {
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  const double share = total_bytes_ == 0 ? 0 : static_cast<double>(total[1]) / static_cast<double>(total_bytes_);
  const double rate = static_cast<double>(total[1]) / std::max(passed.count(), 1e-3);
  const double left = rate > 0 ? static_cast<double>(total_bytes_ - std::min(total_bytes_, total[1])) / rate : 0;
  const auto line = fmt::format("elves: {:3.0f} %  read {}  encoded {}  committed {}  {}/s  {} left", share * 100,
                                format_bytes(total[0]), format_bytes(total[1]), format_bytes(total[2]),
                                format_bytes(static_cast<std::uint64_t>(rate)), format_seconds(left));
  if (rewrite_)
    rewrite(line);
  else
    std::fprintf(stderr, "%s\n", line.c_str());
  printed_ = true;
}

// The last column stays free: a terminal may go to the next line where it is filled.
void ProgressLine::rewrite(std::string line) const {
  line.resize(terminal_columns() - 1, ' ');
  std::fprintf(stderr, "\r%s", line.c_str());
}

void ProgressLine::close() {
  progress_.close();
  if (!show_ || !rewrite_ || !printed_) return;
  rewrite("");
  std::fprintf(stderr, "\r");
}

}  // namespace elves::pipeline
