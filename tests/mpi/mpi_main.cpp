// The main of every MPI test: runs the tests on all ranks, prints the results of rank 0 and the failures of others, and
// exits with the worst result.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>

#include "mpi/comm.hpp"
#include "mpi/environment.hpp"

namespace {

/// For ranks other than 0: prints failures only.
class FailurePrinter final : public ::testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}

 private:
  void OnTestStart(const ::testing::TestInfo& test) override {
    test_ = std::string(test.test_suite_name()) + "." + test.name();
  }
  // Calls no function of GoogleTest, which may hold its mutex here.
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "[rank %d] %s\n%s:%d: %s\n", rank_, test_.c_str(),
                 result.file_name() != nullptr ? result.file_name() : "", result.line_number(), result.message());
  }

  int rank_;
  std::string test_;
};

int run_on_all_ranks() {
  const auto& world = elves::mpi::world();
  if (!world.is_root()) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    const std::unique_ptr<::testing::TestEventListener> silenced(listeners.Release(listeners.default_result_printer()));
    listeners.Append(new FailurePrinter(world.rank()));  // GoogleTest owns it
  }
  const int mine = RUN_ALL_TESTS();
  return static_cast<int>(world.max(static_cast<std::uint64_t>(mine)));
}

}  // namespace

int main(int argc, char** argv) {
  const elves::mpi::Environment env(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return run_on_all_ranks();
}
