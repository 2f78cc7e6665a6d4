#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "elves/error.hpp"
#include "encode/scratch.hpp"

/// Bytes coded bit by bit from what several contexts predict: the smallest form, at a few MB/s both ways.
/// docs/format/transforms/context.md
namespace elves::encode::context {

/// What both sides know of a chunk when they come to a stream: the stream before it and the one before that, the
/// second only with the first, and each only where it has as many bytes as the stream itself.
struct Before {
  std::span<const std::byte> last;
  std::span<const std::byte> last_but_one;
};

/// The streams of a chunk so far. What is added must stay where it is.
class History {
 public:
  Before before(std::size_t n_bytes) const;
  void add(std::span<const std::byte> stream);

 private:
  std::span<const std::byte> last_;
  std::span<const std::byte> last_but_one_;
};

/// The distance, 1 to 4096, at which bytes resemble each other most: the columns of a matrix, or a multiple. 1 where
/// none is much better than the others. Looks at 32 KiB; about 5 ms.
std::size_t find_period(std::span<const std::byte> bytes);

/// Appends the coded form of `bytes` (not empty). False, and nothing appended, where that would take `most_bytes` or
/// more, or where it is on the way to it after some 100 KiB. Takes 3 MiB from `scratch`, less for small streams.
bool encode(std::span<const std::byte> bytes, const Before& before, std::size_t period, std::size_t most_bytes,
            Scratch& scratch, std::vector<std::byte>& to);

/// Fills `out` from all of `coded`. Input is hostile: an Error where it ends too early or is left over. Other damage
/// may give other bytes. Takes as much from `scratch`.
Result<void> decode(std::span<const std::byte> coded, const Before& before, Scratch& scratch, std::span<std::byte> out);

}  // namespace elves::encode::context
