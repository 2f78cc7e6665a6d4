#include "mpi/query.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace elves::mpi {
namespace {

using Numbers = std::vector<std::uint64_t>;

std::uint64_t my_rank() {
  return static_cast<std::uint64_t>(world().rank());
}

/// Number n belongs to rank n % ranks.
std::size_t owner_of_number(std::uint64_t n) {
  return static_cast<std::size_t>(n % static_cast<std::uint64_t>(world().size()));
}

/// What each owner answers: its own rank and the number.
struct Reply {
  std::uint64_t rank;
  std::uint64_t square;
  bool operator==(const Reply&) const = default;
};

void expect_right_replies(const Numbers& requests) {
  const auto replies = query(world(), requests, owner_of_number, [](std::uint64_t n) {
    return Reply{my_rank(), n * n};
  });
  ASSERT_EQ(replies.size(), requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i)
    EXPECT_EQ(replies[i], (Reply{owner_of_number(requests[i]), requests[i] * requests[i]})) << "request " << i;
}

TEST(Query, replies_are_in_the_order_of_the_requests) {
  expect_right_replies({7, 0, 3, 3, 12, 1, 2, 5, 4, 7, 100 + my_rank()});
}

TEST(Query, ranks_may_have_different_numbers_of_requests) {
  Numbers requests;
  for (std::uint64_t i = 0; i < my_rank() * 50; ++i) requests.push_back(i * 17 % 23);
  expect_right_replies(requests);
}

TEST(Query, ranks_without_requests_take_part) {
  expect_right_replies({});
  expect_right_replies(world().is_root() ? Numbers{5, 6, 7, 8} : Numbers{});
}

TEST(Query, all_requests_may_have_one_owner) {
  const auto last = static_cast<std::size_t>(world().size() - 1);
  const auto replies = query(
      world(), Numbers{9, 8, 7}, [&](std::uint64_t) { return last; },
      [](std::uint64_t n) {
        return Reply{my_rank(), n};
      });
  EXPECT_EQ(replies, (std::vector<Reply>{{last, 9}, {last, 8}, {last, 7}}));
}

TEST(Query, replies_of_bool_are_0_or_1) {
  const Numbers requests{1, 2, 3, 4};
  const std::vector<std::uint8_t> replies =
      query(world(), requests, owner_of_number, [](std::uint64_t n) { return n % 2 == 0; });
  EXPECT_EQ(replies, (std::vector<std::uint8_t>{0, 1, 0, 1}));
}

TEST(Query, requests_and_replies_may_be_texts_of_any_length) {
  const std::vector<std::string> requests{"", "a", std::string(1000, 'b'), "from " + std::to_string(my_rank())};
  const auto replies = query(
      world(), requests, [](const std::string& text) { return owner_of_number(text.size()); },
      [](const std::string& text) { return text + "!" + std::string(text.size(), '?'); });
  ASSERT_EQ(replies.size(), requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i)
    EXPECT_EQ(replies[i], requests[i] + "!" + std::string(requests[i].size(), '?'));
}

TEST(QueryAll, the_owner_sees_requests_in_order_of_rank_and_position) {
  Numbers requests;
  for (std::uint64_t i = 0; i < 6; ++i) requests.push_back(my_rank() * 6 + i);
  const auto replies = query_all(world(), requests, owner_of_number, [](const PerRank<std::uint64_t>& received) {
    Numbers in_order;
    for (const auto& from_rank : received) in_order.insert(in_order.end(), from_rank.begin(), from_rank.end());
    EXPECT_TRUE(std::ranges::is_sorted(in_order));
    EXPECT_EQ(in_order.size(), 6u);
    PerRank<std::uint64_t> numbers(received.size());
    std::uint64_t number = 0;  // of the request among all that this owner got
    for (std::size_t r = 0; r < received.size(); ++r) {
      for (std::size_t i = 0; i < received[r].size(); ++i) numbers[r].push_back(number++);
    }
    return numbers;
  });
  for (std::size_t i = 0; i < replies.size(); ++i)
    EXPECT_EQ(replies[i], requests[i] / static_cast<std::uint64_t>(world().size()));
}

TEST(SendToOwners, each_row_arrives_at_its_owner_in_order) {
  const auto ranks = static_cast<std::uint64_t>(world().size());
  Numbers rows;
  for (std::uint64_t n = 10 * my_rank(); n < 10 * my_rank() + my_rank() + 2; ++n) rows.push_back(n);
  const auto from = send_to_owners(world(), rows, owner_of_number);
  ASSERT_EQ(from.size(), ranks);
  for (std::uint64_t r = 0; r < ranks; ++r) {
    Numbers expected;
    for (std::uint64_t n = 10 * r; n < 10 * r + r + 2; ++n) {
      if (n % ranks == my_rank()) expected.push_back(n);
    }
    EXPECT_EQ(from[r], expected) << "from rank " << r;
  }
}

TEST(OwnerOf, every_rank_owns_hashes_and_none_lies_beyond_the_last) {
  std::vector<int> n_keys(static_cast<std::size_t>(world().size()));
  for (int i = 0; i < 1000; ++i) ++n_keys.at(owner_of(hash128(std::to_string(i)), world()));
  for (const int n : n_keys) EXPECT_GT(n, 1000 / world().size() / 2);
}

}  // namespace
}  // namespace elves::mpi
