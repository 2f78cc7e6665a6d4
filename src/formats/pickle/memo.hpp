#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "formats/pickle/graph.hpp"

namespace elves::formats::pickle {

/// The memo of a pickle: nodes by number. Numbers usually run from 0; each then costs 4 bytes.
class Memo {
 public:
  /// False if there are too many numbers far from all others.
  bool put(std::uint64_t key, Index node) {
    if (!get(key)) ++n_keys_;
    if (key < 2 * n_keys_ + 64) {
      if (key >= dense_.size()) dense_.resize(static_cast<std::size_t>(key) + 1, kNotSet);
      dense_[static_cast<std::size_t>(key)] = node;
      return true;
    }
    if (scattered_.size() == kMaxScattered) return false;
    scattered_[key] = node;
    return true;
  }

  std::optional<Index> get(std::uint64_t key) const {
    if (key < dense_.size() && dense_[static_cast<std::size_t>(key)] != kNotSet)
      return dense_[static_cast<std::size_t>(key)];
    const auto found = scattered_.find(key);
    return found == scattered_.end() ? std::nullopt : std::optional(found->second);
  }

  /// Number of keys.
  std::size_t size() const { return n_keys_; }

 private:
  static constexpr std::size_t kMaxScattered = 1 << 20;
  static constexpr Index kNotSet = ~Index{0};

  std::deque<Index> dense_;
  std::unordered_map<std::uint64_t, Index> scattered_;
  std::size_t n_keys_ = 0;
};

}  // namespace elves::formats::pickle
