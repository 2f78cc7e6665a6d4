#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "encode/registry.hpp"
#include "encode/transforms/delta/base.hpp"
#include "encode/transforms/delta/choice.hpp"
#include "encode/transforms/delta/kernel.hpp"
#include "encode/transforms/planes/planes.hpp"
#include "support/hash.hpp"
#include "support/try.hpp"

namespace elves::encode::delta {
namespace {

bool has_contexts(DType dtype) {
  return planes::shape_of(dtype).rotate;
}

/// The header after the mark of the base.
struct Header {
  Choice choice;
  std::uint64_t n_escapes = 0;
};

void write(const Header& header, ByteWriter& to) {
  to.write(static_cast<std::uint8_t>(header.choice.operation == Operation::Xor ? 0 : 1));
  to.write(static_cast<std::uint8_t>(header.choice.low_bytes));
  to.write(static_cast<std::uint8_t>(header.choice.thresholds.size()));
  for (const auto threshold : header.choice.thresholds) to.write(threshold);
  to.varint(header.n_escapes);
}

Result<Header> read_header(ByteCursor& cursor, DType dtype, std::size_t n_words) {
  Header header;
  const auto operation = cursor.read<std::uint8_t>();
  header.choice.low_bytes = cursor.read<std::uint8_t>();
  const std::size_t n_thresholds = cursor.read<std::uint8_t>();
  if (operation > 1) return Error{fmt::format("delta: unknown operation {}", operation)};
  const auto subtract = has_contexts(dtype) ? Operation::Floats : Operation::Integers;
  header.choice.operation = operation == 0 ? Operation::Xor : subtract;
  if (header.choice.low_bytes >= planes::shape_of(dtype).n_bytes) return Error{"delta: damaged: too many low bytes"};
  if (n_thresholds >= kMostGroups || (n_thresholds > 0 && !has_contexts(dtype))) {
    return Error{fmt::format("delta: damaged: {} thresholds", n_thresholds)};
  }
  auto& thresholds = header.choice.thresholds;
  for (std::size_t k = 0; k < n_thresholds; ++k) thresholds.push_back(cursor.read<std::uint8_t>());
  header.n_escapes = cursor.read_varint();
  if (cursor.failed()) return Error{"delta: damaged: ends within the header"};
  if (!std::ranges::is_sorted(thresholds, std::greater())) return Error{"delta: damaged: thresholds are not in order"};
  if (header.n_escapes > n_words) return Error{"delta: damaged: more escapes than elements"};
  return header;
}

bool accepts(DType dtype, const EncodeOptions&) {
  return block_elements(dtype) == 1 && dtype != DType::Bytes && dtype != DType::Bool;
}

void split_chunk(const Chunk& chunk, const EncodeOptions&, Scratch& scratch, Split& to) {
  const auto word_bytes = planes::shape_of(chunk.dtype).n_bytes;
  const auto n = chunk.bytes.size() / word_bytes;
  const auto base = fill_up(chunk.base.bytes, chunk.bytes.size(), scratch);
  Header header{.choice = choose(word_bytes, has_contexts(chunk.dtype), chunk.bytes, base, scratch)};
  const auto layout = header.choice.layout(word_bytes);
  const auto sizes = count_groups(layout, base.data(), n);
  const bool is_noise = !header.choice.repeats;

  Parts<std::byte> parts;
  std::array<std::span<std::byte>, kMostWordBytes> escapes;
  for (std::size_t k = 0; k < layout.n_groups(); ++k) {
    const auto symbols = scratch.take(sizes[k] + kSlack).first(sizes[k]);
    parts.symbols[k] = symbols.data();
    to.streams.push_back({.bytes = symbols, .is_noise = is_noise});
  }
  for (unsigned k = 0; k < layout.low_bytes; ++k) {
    const auto plane = scratch.take(n);
    parts.low[k] = plane.data();
    to.streams.push_back({plane});
  }
  for (unsigned k = 0; k < layout.escape_bytes(); ++k) {
    escapes[k] = scratch.take(n + kSlack);
    parts.escapes[k] = escapes[k].data();
  }
  header.n_escapes = delta::split(layout, chunk.bytes.data(), base.data(), n, parts);
  for (unsigned k = 0; k < layout.escape_bytes() && header.n_escapes > 0; ++k) {
    to.streams.push_back({.bytes = escapes[k].first(static_cast<std::size_t>(header.n_escapes)), .is_noise = is_noise});
  }
  const auto used = std::min(chunk.base.bytes.size(), chunk.bytes.size());
  ByteWriter writer(to.header);
  delta::write({.n_words = used / word_bytes, .checksum = checksum64(chunk.base.bytes.first(used))}, writer);
  write(header, writer);
}

Result<void> join_chunk(ByteCursor& cursor, StreamSource& streams, DType dtype, Scratch& scratch,
                        std::span<std::byte> out, std::span<const std::byte> given_base) {
  if (!accepts(dtype, {})) return Error{fmt::format("delta: damaged: {} has no differences", name(dtype))};
  const auto word_bytes = planes::shape_of(dtype).n_bytes;
  const auto n = out.size() / word_bytes;
  ELVES_TRY(const auto mark, read_mark(cursor, word_bytes, out.size(), given_base.size()));
  ELVES_TRY(const auto header, read_header(cursor, dtype, n));
  const auto used = given_base.first(static_cast<std::size_t>(mark.n_words) * word_bytes);
  if (checksum64(used) != mark.checksum) return Error{"delta: the base is not the one that encoding used"};
  const auto base = fill_up(used, out.size(), scratch);
  const auto layout = header.choice.layout(word_bytes);
  const auto sizes = count_groups(layout, base.data(), n);
  const auto n_escapes = static_cast<std::size_t>(header.n_escapes);

  Parts<const std::byte> parts;
  const auto read = [&](const std::byte*& part, std::size_t n_bytes) -> Result<void> {
    ELVES_TRY(const auto stream, streams.next(n_bytes));
    part = stream.data();
    return {};
  };
  for (std::size_t k = 0; k < layout.n_groups(); ++k) ELVES_CHECK(read(parts.symbols[k], sizes[k]));
  for (unsigned k = 0; k < layout.low_bytes; ++k) ELVES_CHECK(read(parts.low[k], n));
  for (unsigned k = 0; k < layout.escape_bytes() && n_escapes > 0; ++k) ELVES_CHECK(read(parts.escapes[k], n_escapes));
  const bool joined = delta::join(layout, parts, sizes, n_escapes, base.data(), n, out.data());
  if (joined) return {};
  return Error{"delta: damaged: the header has another number of escapes"};
}

}  // namespace
}  // namespace elves::encode::delta

namespace elves::encode {

const Transform kDelta{.id = TransformId::Delta,
                       .name = "delta",
                       .stage = Stage::Delta,
                       .base_use = BaseUse::Exact,
                       .accepts = delta::accepts,
                       .split = delta::split_chunk,
                       .join = delta::join_chunk};

}  // namespace elves::encode
