#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "elves/codec.hpp"
#include "encode/registry.hpp"
#include "encode/streams.hpp"
#include "measure/peers.hpp"

namespace elves::measure {

/// Encodes chunks as Encoder does, but by a given transform. Owns its scratch memory.
class ForcedEncoder {
 public:
  /// Returns the size of the encoded chunk. The row must accept the dtype under these options. The guard and the limit
  /// of the size are not applied.
  std::size_t encode(const encode::Transform& row, std::span<const std::byte> raw, DType dtype,
                     const EncodeOptions& options);
  /// The split of the last chunk.
  const encode::Split& split() const noexcept { return split_; }

 private:
  encode::StreamEncoder streams_;
  encode::Scratch scratch_;
  encode::Split split_;
  std::vector<std::byte> out_;
};

/// The exhaustive choice: encodes each chunk by every transform that the options allow and that needs no base, and each
/// stream in the smallest of these forms: the encoder's choice, rANS, zstd's Huffman coder, zstd -1, zstd -3.
class ExhaustiveEncoder {
 public:
  /// Returns the size of the encoded chunk. Lossy transforms must pass the guard and are compared as in cost_of().
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
