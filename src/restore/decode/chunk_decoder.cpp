#include "restore/decode/chunk_decoder.hpp"

namespace elves::restore {

Result<void> ChunkDecoder::decode(const StoredChunk& chunk, std::span<std::byte> out, std::span<const std::byte> base) {
  if (!encoded_) encoded_ = std::make_unique_for_overwrite<std::byte[]>(kMostEncodedBytes);
  const std::span encoded(encoded_.get(), chunk.row.encoded_bytes);
  if (auto read = chunk.shard->read_encoded(chunk.row, encoded); !read) return read;
  return decoder_.decode(encoded, chunk.place.dtype, out, base);
}

Result<CachedBytes> ChunkDecoder::shared(const StoredChunk& chunk) {
  if (last_.data && last_place_ == chunk.place) return last_;
  last_ = {};  // its memory may serve again
  auto bytes =
      bases_->get(chunk.place, chunk.row.raw_bytes, [&](std::span<std::byte> out) { return decode(chunk, out, {}); });
  if (!bytes) return bytes;
  last_place_ = chunk.place;
  last_ = *bytes;
  return bytes;
}

Result<Hash128> ChunkDecoder::decode(const ChunkSource& source, const KeyedHash& hash, std::span<std::byte> out) {
  if (!source.base) {
    if (auto decoded = decode(source.chunk, out, {}); !decoded) return decoded.error();
    return hash(out);
  }
  const auto base = shared(*source.base);
  if (!base) return Error{"rests on " + describe(source.base_layer) + ": " + base.error().message};
  const auto element_bytes = size_bytes(source.chunk.place.dtype);
  const auto n = std::min(out.size(), base->size) / element_bytes * element_bytes;
  if (auto decoded = decode(source.chunk, out, base->span().first(n)); !decoded)
    return Error{decoded.error().message + " (a difference from " + describe(source.base_layer) + ")"};
  return hash(out);
}

}  // namespace elves::restore
