#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace elves::pipeline {

/// Memory for the raw bytes of a wave, kept from wave to wave; not initialised.
class Buffer {
 public:
  std::span<std::byte> resize(std::size_t n) {
    if (n > capacity_) {
      bytes_.reset();
      bytes_ = std::make_unique_for_overwrite<std::byte[]>(n);
      capacity_ = n;
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

/// Grows by blocks that never move; clear() keeps them. One per thread.
class Arena {
 public:
  std::span<const std::byte> add(std::span<const std::byte> bytes) {
    if (blocks_.empty() || used_ + bytes.size() > kBlockBytes) next_block();
    std::byte* to = blocks_[current_].get() + used_;
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    used_ += bytes.size();
    return {to, bytes.size()};
  }
  void clear() noexcept {
    current_ = 0;
    used_ = 0;
  }

  static constexpr std::size_t kBlockBytes = (std::size_t{8} << 20) + 4096 /* two stored chunks */;

 private:
  void next_block() {
    if (!blocks_.empty()) ++current_;
    used_ = 0;
    if (current_ == blocks_.size()) blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kBlockBytes));
  }

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::size_t current_ = 0;
  std::size_t used_ = 0;
};

}  // namespace elves::pipeline
