#include "measure/forced_encoder.hpp"

#include <algorithm>
#include <optional>

#include "encode/rans/rans.hpp"
#include "encode/selector.hpp"

namespace elves::measure {
namespace {

using encode::Transform;

bool allowed(const Transform& row, DType dtype, const EncodeOptions& options) {
  if (row.stage && !(options.*switch_of(*row.stage))) return false;
  if (row.lossy && options.lossless) return false;
  if (row.base_use != encode::BaseUse::None) return false;
  return row.level <= options.level && row.accepts(dtype, options);
}

std::size_t varint_bytes(std::uint64_t value) {
  std::size_t bytes = 1;
  for (; value >= 0x80; value >>= 7) ++bytes;
  return bytes;
}

}  // namespace

std::size_t ForcedEncoder::encode(const Transform& row, std::span<const std::byte> raw, DType dtype,
                                  const EncodeOptions& options) {
  scratch_.reset();
  split_.clear();
  out_.clear();
  row.split({raw, dtype}, options, scratch_, split_);
  streams_.encode(split_.streams, options, scratch_, out_);
  return sizeof row.id + split_.header.size() + out_.size();
}

std::size_t ExhaustiveEncoder::stream_bytes(const encode::Stream& stream, const EncodeOptions& options) {
  out_.clear();
  streams_.encode({&stream, 1}, options, scratch_, out_);
  std::size_t least = out_.size();
  const auto raw_bytes = stream.bytes.size();
  const auto consider = [&] {
    const auto head_bytes = varint_bytes(raw_bytes << encode::kStreamKindBits) + varint_bytes(out_.size());
    least = std::min(least, head_bytes + out_.size());
  };
  out_.clear();
  if (!stream.bytes.empty() && encode::rans::encode(stream.bytes, raw_bytes, scratch_, out_)) consider();
  for (ZstdPeer* coder : {&huffman_, &zstd_1_, &zstd_3_}) {
    out_.clear();
    coder->encode(stream.bytes, out_);
    consider();
  }
  return least;
}

std::size_t ExhaustiveEncoder::encode(std::span<const std::byte> raw, DType dtype, const EncodeOptions& options) {
  std::optional<std::size_t> least_cost;
  std::size_t bytes_of_least = 0;
  for (const Transform& row : encode::transforms()) {
    if (!allowed(row, dtype, options)) continue;
    scratch_.reset();
    split_.clear();
    row.split({raw, dtype}, options, scratch_, split_);
    if (row.lossy && !encode::passes_guard(split_.loss, options)) continue;
    std::size_t bytes = sizeof row.id + split_.header.size();
    for (const auto& stream : split_.streams) bytes += stream_bytes(stream, options);
    const auto cost = encode::cost_of(bytes, split_.loss);
    if (least_cost && cost >= *least_cost) continue;
    least_cost = cost;
    bytes_of_least = bytes;
  }
  return bytes_of_least;
}

}  // namespace elves::measure
