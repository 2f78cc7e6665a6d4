#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace elves::encode {

/// Memory for one chunk at a time: take() hands out uninitialised spans, reset() takes all of them back. Once the
/// largest chunk was seen it is one block and nothing is allocated any more. Spans begin at a cache line, and a line is
/// free between them: planes of a power of two would all fall into the same few places of a cache.
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

  /// What was taken after mark() can be taken back alone.
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
