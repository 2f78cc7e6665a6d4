#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <future>

#include "elves/error.hpp"
#include "pipeline/progress_line.hpp"

namespace elves::pipeline {

/// A stage that runs in a thread of its own. Its destructor waits for that thread.
class Background {
 public:
  /// After start(), wait() must be called before the next start(). Exceptions of `stage` become its Error.
  void start(std::function<Result<void>()> stage) {
    future_ = std::async(std::launch::async, [stage = std::move(stage)]() -> Result<void> {
      try {
        return stage();
      } catch (const std::exception& error) {
        return Error{error.what()};
      }
    });
  }

  /// The outcome of the stage; success if none was started. Waits in short steps, so that the progress line goes on.
  Result<void> wait(ProgressLine& progress) {
    if (!future_.valid()) return {};
    while (future_.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) progress.tick();
    return future_.get();
  }

 private:
  std::future<Result<void>> future_;
};

}  // namespace elves::pipeline
