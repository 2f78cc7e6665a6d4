#include "pipeline/stop_request.hpp"

#include <csignal>

namespace elves::pipeline {
namespace {

volatile std::sig_atomic_t flag = 0;

void set_flag(int) {
  flag = 1;
}

}  // namespace

StopRequest::StopRequest(double max_duration_seconds)
    : max_duration_seconds_(max_duration_seconds), start_(std::chrono::steady_clock::now()) {
  struct sigaction action {};
  action.sa_handler = set_flag;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  action.sa_flags |= static_cast<int>(SA_RESETHAND);  // a second signal ends the process at once
  for (const int signal : {SIGTERM, SIGINT}) sigaction(signal, &action, nullptr);
}

bool StopRequest::signalled() {
  return flag != 0;
}

bool StopRequest::is_set() const {
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  return signalled() || (max_duration_seconds_ > 0 && passed.count() >= max_duration_seconds_);
}

}  // namespace elves::pipeline
