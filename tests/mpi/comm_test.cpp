#include "mpi/comm.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "mpi/progress.hpp"

namespace elves::mpi {
namespace {

TEST(Comm, sums_and_extremes_are_the_same_on_all_ranks) {
  const auto& comm = world();
  const auto rank = static_cast<std::uint64_t>(comm.rank());
  const auto n = static_cast<std::uint64_t>(comm.size());
  EXPECT_EQ(comm.sum(rank + 1), n * (n + 1) / 2);
  EXPECT_EQ(comm.max(rank), n - 1);
  EXPECT_EQ(comm.min(rank + 7), 7u);
  EXPECT_EQ(comm.any(rank + 1 == n), true);
  EXPECT_EQ(comm.any(false), false);
}

TEST(Comm, exscan_is_zero_on_rank_0_and_the_sum_of_lower_ranks_elsewhere) {
  const auto rank = static_cast<std::uint64_t>(world().rank());
  EXPECT_EQ(world().exscan(10 + rank), 10 * rank + (rank * (rank - (rank > 0 ? 1 : 0))) / 2);
}

/// What rank `from` sends to rank `to` in the test below: a number of rows that differs for every pair, some none.
std::vector<std::uint32_t> rows_between(int from, int to) {
  std::vector<std::uint32_t> rows(static_cast<std::size_t>((from * 7 + to * 3) % 5) * 11);
  std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(from * 1000 + to));
  return rows;
}

void expect_exchange(std::uint64_t round_bytes) {
  const auto& comm = world();
  PerRank<std::uint32_t> to(static_cast<std::size_t>(comm.size()));
  for (int r = 0; r < comm.size(); ++r) to[static_cast<std::size_t>(r)] = rows_between(comm.rank(), r);
  const auto from = comm.alltoallv(to, round_bytes);
  for (int r = 0; r < comm.size(); ++r)
    EXPECT_EQ(from[static_cast<std::size_t>(r)], rows_between(r, comm.rank())) << "from " << r;
}

TEST(Comm, alltoallv_sends_every_row_to_its_rank) {
  expect_exchange(Comm::kRoundBytes);
}

TEST(Comm, alltoallv_gives_the_same_in_many_rounds) {
  for (const std::uint64_t round_bytes : {1, 13, 64, 1000}) expect_exchange(round_bytes);
}

TEST(Comm, gather_gives_rank_0_all_vectors_in_order) {
  const auto& comm = world();
  const std::vector<int> mine(static_cast<std::size_t>(comm.rank()), comm.rank());
  const auto all = comm.gather(mine);
  if (!comm.is_root()) {
    EXPECT_TRUE(all.empty());
    return;
  }
  ASSERT_EQ(all.size(), static_cast<std::size_t>(comm.size()));
  for (int r = 0; r < comm.size(); ++r)
    EXPECT_EQ(all[static_cast<std::size_t>(r)], std::vector<int>(static_cast<std::size_t>(r), r));
}

TEST(Comm, agree_returns_if_no_rank_failed) {
  EXPECT_NO_THROW(world().agree({}, "phase"));
}

TEST(Comm, agree_throws_the_error_of_the_lowest_failed_rank_on_all) {
  const auto& comm = world();
  const int guilty = comm.size() / 2;
  const Result<void> mine = comm.rank() >= guilty
                                ? Result<void>(Error{"disk of rank " + std::to_string(comm.rank()) + " is full"})
                                : Result<void>{};
  std::string message;
  try {
    comm.agree(mine, "archive");
  } catch (const AgreedFailure& failure) {
    message = failure.what();
  }
  EXPECT_TRUE(message.starts_with("archive: disk of rank " + std::to_string(guilty) + " is full")) << message;
}

TEST(Comm, broadcast_sends_any_text_of_rank_0) {
  const std::string text("with \0 inside, and long: ", 25);
  EXPECT_EQ(world().broadcast(world().is_root() ? text + std::string(100000, 'x') : "other"),
            text + std::string(100000, 'x'));
}

TEST(Comm, a_count_that_does_not_fit_in_an_int_is_a_failure) {
  EXPECT_THROW(count(std::uint64_t{1} << 31), Failure);
  EXPECT_EQ(count((std::uint64_t{1} << 31) - 1), 2147483647);
}

TEST(Progress, rank_0_has_the_last_counters_of_all_ranks_after_close) {
  const auto& comm = world();
  Progress progress(comm, 0);
  const auto rank = static_cast<std::uint64_t>(comm.rank());
  for (std::uint64_t i = 1; i <= 50; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    progress.tick({i * (rank + 1), 0, 1});
  }
  comm.barrier();
  progress.tick({100 * (rank + 1), 0, 1});
  progress.close();
  if (!comm.is_root()) return;
  const auto total = progress.total();
  const auto n = static_cast<std::uint64_t>(comm.size());
  EXPECT_EQ(total[2], n) << "no message of some rank was received";
  EXPECT_GE(total[0], n * (n + 1) / 2);
  EXPECT_LE(total[0], 100 * n * (n + 1) / 2);
}

}  // namespace
}  // namespace elves::mpi
