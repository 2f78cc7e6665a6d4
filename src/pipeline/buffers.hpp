#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "support/posix.hpp"

namespace elves::pipeline {

/// Memory for the raw bytes of a wave, not initialised. It is reused by later waves.
class Buffer {
 public:
  std::span<std::byte> resize(std::size_t n) {
    if (n > capacity_) {
      bytes_.reset();
      bytes_ = std::make_unique_for_overwrite<std::byte[]>(n);
      capacity_ = n;
      advise_huge_pages({bytes_.get(), n});
    }
    size_ = n;
    return {bytes_.get(), n};
  }
  std::span<std::byte> bytes() noexcept { return {bytes_.get(), size_}; }
  std::span<const std::byte> bytes() const noexcept { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

/// The encoded bytes of one thread and wave, appended in blocks. clear() keeps the memory.
class Arena {
 public:
  /// A range of bytes. Not a pointer, because a block moves if it must grow.
  struct Place {
    std::size_t block = 0;
    std::size_t offset = 0;
    std::size_t size = 0;
  };

  /// The block to append to, with room for `n` more bytes.
  std::vector<std::byte>& block_for(std::size_t n) {
    if (!blocks_.empty() && blocks_[current_].capacity() - blocks_[current_].size() < n) ++current_;
    if (current_ == blocks_.size()) add_block(n);
    return blocks_[current_];
  }
  /// The bytes from `offset` to the end of the block that block_for() returned last.
  Place place_from(std::size_t offset) const { return {current_, offset, blocks_[current_].size() - offset}; }

  /// Valid until the next block_for().
  std::span<const std::byte> bytes(const Place& place) const {
    return std::span(blocks_[place.block]).subspan(place.offset, place.size);
  }
  void clear() noexcept {
    for (auto& block : blocks_) block.clear();
    current_ = 0;
  }

 private:
  static constexpr std::size_t kBlockBytes = std::size_t{32} << 20;

  void add_block(std::size_t n) {
    auto& block = blocks_.emplace_back();
    block.reserve(std::max(n, kBlockBytes));
    advise_huge_pages({block.data(), block.capacity()});
  }

  std::vector<std::vector<std::byte>> blocks_;
  std::size_t current_ = 0;
};

}  // namespace elves::pipeline
