#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "elves/error.hpp"
#include "encode/scratch.hpp"

/// Codes bytes bit by bit with a mixture of the predictions of several contexts: the smallest form, at a few MB/s for
/// encoding and decoding. docs/format/transforms/context.md
namespace elves::encode::context {

/// The streams of the chunk that precede a stream and serve as contexts. A stream that does not have the size of the
/// coded stream is left empty; if `last` is empty, so is `last_but_one`.
struct Before {
  std::span<const std::byte> last;
  std::span<const std::byte> last_but_one;
};

/// The streams of a chunk so far. The added bytes must stay at their addresses.
class History {
 public:
  Before before(std::size_t n_bytes) const;
  void add(std::span<const std::byte> stream);

 private:
  std::span<const std::byte> last_;
  std::span<const std::byte> last_but_one_;
};

/// The distance, 1 to 4096, at which bytes are most similar: for a matrix its number of columns, or a multiple. 1 if no
/// distance is much better than the others. Looks at 32 KiB; takes about 5 ms.
std::size_t find_period(std::span<const std::byte> bytes);

/// Appends the coded form of `bytes` (not empty). False, and nothing is appended, if the result would have `most_bytes`
/// or more, or is expected to at any multiple of 128 KiB. Takes 3 MiB from `scratch`, less for small streams.
bool encode(std::span<const std::byte> bytes, const Before& before, std::size_t period, std::size_t most_bytes,
            Scratch& scratch, std::vector<std::byte>& to);

/// Fills `out` from all of `coded`. The input may be hostile: an Error if it ends too early or too late; other damage
/// may give wrong bytes. Takes as much from `scratch` as encode().
Result<void> decode(std::span<const std::byte> coded, const Before& before, Scratch& scratch, std::span<std::byte> out);

}  // namespace elves::encode::context
