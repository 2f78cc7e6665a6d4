#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "elves/codec.hpp"
#include "encode/registry.hpp"
#include "encode/streams.hpp"
#include "measure/peers.hpp"

namespace elves::measure {

/// Encodes a chunk as Encoder does, but by the transform that it is told. Owns its scratch memory.
class ForcedEncoder {
 public:
  /// The bytes of the chunk. The row must accept the dtype under these options. Looks at neither guard nor size.
  std::size_t encode(const encode::Transform& row, std::span<const std::byte> raw, DType dtype,
                     const EncodeOptions& options);
  /// Of the last chunk.
  const encode::Split& split() const noexcept { return split_; }

 private:
  encode::StreamEncoder streams_;
  encode::Scratch scratch_;
  encode::Split split_;
  std::vector<std::byte> out_;
};

/// The choice that knows everything: each chunk by each transform that the options allow and that takes no base,
/// whatever it promises, each stream the way the encoder chose, Huffman coded by zstd, or by zstd -1 or -3, whichever
/// is smallest.
class ExhaustiveEncoder {
 public:
  /// The bytes of the chunk. What is lossy pays the encoder's own surcharge in the choice, and must pass its guard.
  std::size_t encode(std::span<const std::byte> raw, DType dtype, const EncodeOptions& options);

 private:
  std::size_t stream_bytes(const encode::Stream& stream, const EncodeOptions& options);

  encode::StreamEncoder streams_;
  encode::Scratch scratch_;
  encode::Split split_;
  std::vector<std::byte> out_;
  ZstdPeer huffman_ = ZstdPeer::huffman_only();
  ZstdPeer zstd_1_{1};
  ZstdPeer zstd_3_{3};
};

}  // namespace elves::measure
