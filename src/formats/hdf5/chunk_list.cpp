#include "formats/hdf5/chunk_list.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "support/checked.hpp"

namespace elves::formats::hdf5 {
namespace {

/// The cost of a chunk in the budget of the file, besides its entry in the index: about its size in memory.
constexpr std::uint64_t kChunkCost = 64;

}  // namespace

void ChunkList::add(std::uint64_t address, std::uint64_t n_bytes, std::vector<std::uint64_t> scaled) {
  if (address == kNowhere) return;
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    const auto at = checked_mul(scaled[i], layout().chunk_shape[i]);
    if (!at || *at >= dataset_.space.shape[i]) return;
    scaled[i] = *at;
  }
  if (!dataset_.has_filters && n_bytes != chunk_bytes_) return fail("a chunk has a wrong size");
  file_.charge(kChunkCost + scaled.size() * sizeof(std::uint64_t));
  if (file_.failed()) return;
  chunks_.push_back(Chunk{.address = address, .n_bytes = n_bytes, .origin = std::move(scaled)});
}

std::vector<Chunk> ChunkList::take() {
  const auto by_origin = [](const Chunk& a, const Chunk& b) { return a.origin < b.origin; };
  std::sort(chunks_.begin(), chunks_.end(), by_origin);
  const auto twice = std::adjacent_find(chunks_.begin(), chunks_.end(),
                                        [](const Chunk& a, const Chunk& b) { return a.origin == b.origin; });
  if (twice != chunks_.end()) fail("two chunks have the same origin");
  return std::move(chunks_);
}

void ChunkList::fail(std::string_view why) const {
  file_.fail(std::string(why));
}

ChunkNumbers::ChunkNumbers(const ChunkList& chunks, std::optional<std::size_t> endless_dimension)
    : order_(chunks.rank()), n_inner_(chunks.rank(), 1) {
  std::iota(order_.begin(), order_.end(), 0);
  const auto first = static_cast<std::ptrdiff_t>(endless_dimension.value_or(0));
  std::rotate(order_.begin(), order_.begin() + first, order_.begin() + first + 1);
  const auto n_along = [&](std::size_t dimension) {
    return ceil_div(chunks.dataset().space.max_shape[dimension], chunks.layout().chunk_shape[dimension]);
  };
  n_outer_ = n_along(order_[0]);
  for (auto i = order_.size() - 1; i > 0; --i) {
    const auto n = checked_mul(n_inner_[i], n_along(order_[i]));
    if (!n || *n == 0) chunks.fail("too many chunks");
    n_inner_[i - 1] = std::max<std::uint64_t>(n.value_or(1), 1);
  }
}

std::optional<std::uint64_t> ChunkNumbers::count() const {
  return checked_mul(n_outer_, n_inner_[0]);
}

std::vector<std::uint64_t> ChunkNumbers::scaled(std::uint64_t number) const {
  std::vector<std::uint64_t> scaled(order_.size());
  for (std::size_t i = 0; i < order_.size(); ++i) {
    scaled[order_[i]] = number / n_inner_[i];
    number %= n_inner_[i];
  }
  return scaled;
}

}  // namespace elves::formats::hdf5
