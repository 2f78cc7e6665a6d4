#pragma once

#include <chrono>

namespace elves::pipeline {

/// When to end a sweep early: SIGTERM, SIGINT or SIGUSR1 (their handlers set a flag, no more), or too long a time.
class StopRequest {
 public:
  /// Installs the handlers. `max_duration_seconds` 0: no limit.
  explicit StopRequest(double max_duration_seconds);
  /// Not collective: this rank's view.
  bool is_set() const;
  /// By a signal only: that ends a sweep even before its first commit, while a duration leaves time for one.
  static bool signalled();

 private:
  double max_duration_seconds_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace elves::pipeline
