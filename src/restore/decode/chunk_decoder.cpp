#include "restore/decode/chunk_decoder.hpp"

#include <fmt/format.h>

#include "support/try.hpp"

namespace elves::restore {

Result<void> ChunkDecoder::decode(const StoredChunk& chunk, std::span<std::byte> out, std::span<const std::byte> base) {
  if (!encoded_) encoded_ = std::make_unique_for_overwrite<std::byte[]>(kMostEncodedBytes);
  const std::span encoded(encoded_.get(), chunk.row.encoded_bytes);
  ELVES_CHECK(chunk.shard->read_encoded(chunk.row, encoded));
  return decoder_.decode(encoded, chunk.ref.dtype, out, base);
}

Result<CachedBytes> ChunkDecoder::shared(const StoredChunk& chunk) {
  if (last_.data && last_chunk_ == chunk.ref) return last_;
  last_ = {};  // first, so that the cache can use its memory again
  ELVES_TRY(last_, bases_->get(chunk.ref, chunk.row.raw_bytes,
                               [&](std::span<std::byte> out) { return decode(chunk, out, {}); }));
  last_chunk_ = chunk.ref;
  return last_;
}

Result<Hash128> ChunkDecoder::decode(const ChunkSource& source, const KeyedHash& hash, std::span<std::byte> out) {
  if (!source.base) {
    ELVES_CHECK(decode(source.chunk, out, {}));
    return hash(out);
  }
  const auto base = shared(*source.base);
  if (!base) return error_of_base(source.base_layer, base.error());
  const auto element_bytes = size_bytes(source.chunk.ref.dtype);
  const auto n = std::min(out.size(), base->size) / element_bytes * element_bytes;
  if (auto decoded = decode(source.chunk, out, base->span().first(n)); !decoded)
    return Error{fmt::format("{} (delta of {})", decoded.error().message, describe(source.base_layer))};
  return hash(out);
}

}  // namespace elves::restore
