#pragma once

#include <chrono>

namespace elves::pipeline {

/// A request to end a sweep early: SIGTERM, SIGINT or SIGUSR1 was received, or the sweep has run for its maximum
/// duration. The handlers of the signals only set a flag.
class StopRequest {
 public:
  /// Installs the handlers. `max_duration_seconds` 0: no limit.
  explicit StopRequest(double max_duration_seconds);
  /// On this rank; not collective.
  bool is_set() const;
  /// By a signal. A signal ends a sweep even before its first commit; a duration always leaves time for one commit.
  static bool signalled();

 private:
  double max_duration_seconds_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace elves::pipeline
