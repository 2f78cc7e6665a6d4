#include "pipeline/stop_request.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace elves::pipeline {
namespace {

TEST(StopRequest, is_set_when_the_duration_has_passed) {
  EXPECT_FALSE(StopRequest(0).is_set()) << "no limit";
  EXPECT_FALSE(StopRequest(3600).is_set());
  EXPECT_TRUE(StopRequest(1e-9).is_set());
  EXPECT_FALSE(StopRequest::signalled());
}

// The flag of a signal lasts as long as its process: each signal gets a process of its own.
TEST(StopRequestDeathTest, is_set_by_each_of_three_signals) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          const StopRequest stop(0);
          std::raise(signal);
          std::exit(stop.is_set() && StopRequest::signalled() ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "");
  }
}

TEST(StopRequestDeathTest, a_second_term_ends_the_process) {
  EXPECT_EXIT(
      {
        const StopRequest stop(0);
        std::raise(SIGTERM);
        std::raise(SIGTERM);
        std::exit(0);
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace elves::pipeline
