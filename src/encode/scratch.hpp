#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace elves::encode {

/// Memory for one chunk at a time: take() returns uninitialised spans, reset() frees all of them. After the largest
/// chunk the memory is a single block, and nothing is allocated any more. Each span begins at a cache line, and one
/// line between spans is left unused: planes whose size is a power of two would otherwise compete for the same cache
/// sets.
class Scratch {
 public:
  std::span<std::byte> take(std::size_t n) {
    const std::size_t rounded = (n + kLine - 1) / kLine * kLine + kLine;
    if (blocks_.empty() || used_ + rounded > blocks_.back().size) add_block(rounded);
    const auto part = std::span(blocks_.back().bytes.get() + used_, n);
    used_ += rounded;
    return part;
  }

  template <class T>
  std::span<T> take_array(std::size_t n) {
    return {reinterpret_cast<T*>(take(n * sizeof(T)).data()), n};
  }

  /// rewind(mark()) frees only the spans that were taken after mark().
  struct Mark {
    std::size_t n_blocks = 0;
    std::size_t used = 0;
  };
  Mark mark() const noexcept { return {blocks_.size(), used_}; }
  void rewind(Mark mark) noexcept { used_ = mark.n_blocks == blocks_.size() ? mark.used : 0; }

  void reset() {
    if (blocks_.size() > 1) {
      std::size_t total = 0;
      for (const Block& block : blocks_) total += block.size;
      blocks_.clear();
      add_block(total);
    }
    used_ = 0;
  }

 private:
  static constexpr std::size_t kLine = 64;

  struct Free {
    void operator()(std::byte* bytes) const { ::operator delete[](bytes, std::align_val_t{kLine}); }
  };

  struct Block {
    std::unique_ptr<std::byte[], Free> bytes;
    std::size_t size = 0;
  };

  void add_block(std::size_t n) {
    const std::size_t size = std::max<std::size_t>(n, 64u << 10);
    std::unique_ptr<std::byte[], Free> bytes(new (std::align_val_t{kLine}) std::byte[size]);
    blocks_.push_back({std::move(bytes), size});
    used_ = 0;
  }

  std::vector<Block> blocks_;
  std::size_t used_ = 0;
};

}  // namespace elves::encode
