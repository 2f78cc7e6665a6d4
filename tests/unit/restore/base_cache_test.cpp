#include "restore/decode/base_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace elves::restore {
namespace {

TEST(BaseCache, decodes_a_chunk_once_for_threads_that_request_it_together) {
  BaseCache cache(kChunkBytes);
  std::atomic<int> n_decoded = 0;
  std::vector<std::thread> threads;
  std::atomic<int> n_right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t row = 0; row < 50; ++row) {
        const auto bytes = cache.get({0, row, DType::F32}, 64, [&](std::span<std::byte> out) -> Result<void> {
          ++n_decoded;
          std::this_thread::sleep_for(std::chrono::microseconds(200));
          std::ranges::fill(out, static_cast<std::byte>(row));
          return {};
        });
        n_right += bytes && bytes->size == 64 && bytes->span()[63] == static_cast<std::byte>(row) ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(n_decoded, 50);
  EXPECT_EQ(n_right, 200);
  EXPECT_EQ(cache.n_decoded(), 50u);
}

TEST(BaseCache, keeps_the_chunks_used_last_and_errors) {
  BaseCache cache(3 * 2000);  // two chunks with their entries
  std::string decoded;
  const auto get = [&](std::uint64_t row) {
    return cache.get({0, row, DType::F32}, 1500, [&](std::span<std::byte>) -> Result<void> {
      decoded += std::to_string(row);
      return row == 9 ? Result<void>(Error{"bad"}) : Result<void>{};
    });
  };
  const auto held = get(1);
  for (const std::uint64_t row : {2u, 1u, 3u, 1u, 2u}) EXPECT_TRUE(get(row));
  EXPECT_EQ(decoded, "1232");
  EXPECT_EQ(held->size, 1500u);  // a caller keeps its bytes when the cache drops them
  for (int i = 0; i < 2; ++i) {
    const auto bad = get(9);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().message, "bad");
  }
  EXPECT_EQ(decoded, "12329");
}

}  // namespace
}  // namespace elves::restore
