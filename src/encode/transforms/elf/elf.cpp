#include "encode/transforms/elf/elf.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>

#include "encode/registry.hpp"
#include "encode/transforms/elf/outliers.hpp"
#include "support/try.hpp"

namespace elves::encode::elf {
namespace {

std::optional<unsigned> mantissa_bits(DType dtype) {
  if (dtype == DType::F16) return FloatOf<std::uint16_t>::kMantissa;
  if (dtype == DType::F32) return FloatOf<std::uint32_t>::kMantissa;
  if (dtype == DType::F64) return FloatOf<std::uint64_t>::kMantissa;
  return std::nullopt;
}

template <class Word>
void split_words(const Chunk& chunk, unsigned dropped, Scratch& scratch, Split& to) {
  std::array<std::span<std::byte>, sizeof(Word)> memory;
  const auto planes = std::span(memory).first(symbol_planes<Word>(dropped));
  for (auto& plane : planes) {
    plane = scratch.take(chunk.bytes.size() / sizeof(Word));
    to.streams.push_back({plane});
  }
  split_symbols<Word>(chunk, dropped, planes, scratch, to);
}

template <class Word>
Result<void> join_words(const Header& header, StreamSource& streams, std::span<std::byte> out) {
  std::array<std::span<const std::byte>, sizeof(Word)> memory;
  const auto planes = std::span(memory).first(symbol_planes<Word>(header.dropped));
  for (auto& plane : planes) {
    ELVES_TRY(plane, streams.next(out.size() / sizeof(Word)));
  }
  return join_symbols<Word>(header, planes, streams, out);
}

}  // namespace

std::optional<unsigned> dropped_bits(DType dtype, double error_bound) {
  const auto mantissa = mantissa_bits(dtype);
  if (!mantissa || !(error_bound >= 0)) return std::nullopt;
  if (error_bound == 0) return 0;
  const int own_exponent = -static_cast<int>(*mantissa) - 1;
  const int exponent = error_bound < 1 ? std::ilogb(error_bound) : 0;
  if (exponent < own_exponent) return std::nullopt;
  return std::min(static_cast<unsigned>(exponent - own_exponent), *mantissa - 1);
}

void write(const Header& header, std::vector<std::byte>& to) {
  ByteWriter writer(to);
  writer.varint(header.dropped);
  writer.varint(header.n_outliers);
}

Result<Header> read_header(ByteCursor& cursor, DType dtype) {
  const auto mantissa = mantissa_bits(dtype);
  if (!mantissa) return Error{fmt::format("elf: damaged: {} has no elf form", name(dtype))};
  const auto dropped = cursor.read_varint();
  const auto n_outliers = cursor.read_varint();
  if (cursor.failed()) return Error{"elf: damaged: ends within the header"};
  if (dropped >= *mantissa) return Error{fmt::format("elf: damaged: {} mantissa bits dropped", dropped)};
  return Header{.dropped = static_cast<unsigned>(dropped), .n_outliers = n_outliers};
}

template <class Word>
void split_symbols(const Chunk& chunk, unsigned dropped, std::span<const std::span<std::byte>> planes, Scratch& scratch,
                   Split& to) {
  const std::size_t n = chunk.bytes.size() / sizeof(Word);
  std::array<std::byte*, sizeof(Word)> pointers{};
  for (std::size_t k = 0; k < planes.size(); ++k) pointers[k] = planes[k].data();
  const auto block_outliers = scratch.take_array<std::uint16_t>((n + kBlock - 1) / kBlock);
  const auto stats = split_values<Word>(chunk.bytes.data(), n, dropped, std::span(pointers).first(planes.size()),
                                        block_outliers.data());
  to.loss = {.exact = stats.exact, .max_abs_error = stats.max_abs_error, .signal = stats.signal, .noise = stats.noise};
  write({.dropped = dropped, .n_outliers = stats.n_outliers}, to.header);
  split_outliers<Word>(chunk.bytes, block_outliers, dropped, scratch, to);
}

template <class Word>
Result<void> join_symbols(const Header& header, std::span<const std::span<const std::byte>> planes,
                          StreamSource& streams, std::span<std::byte> out) {
  std::array<const std::byte*, sizeof(Word)> pointers{};
  for (std::size_t k = 0; k < planes.size(); ++k) pointers[k] = planes[k].data();
  join_values<Word>(std::span(pointers).first(planes.size()), out.size() / sizeof(Word), header.dropped, out.data());
  return join_outliers(streams, header.n_outliers, sizeof(Word), out);
}

#define ELVES_INSTANTIATE(Word)                                                                                       \
  template void split_symbols<Word>(const Chunk&, unsigned, std::span<const std::span<std::byte>>, Scratch&, Split&); \
  template Result<void> join_symbols<Word>(const Header&, std::span<const std::span<const std::byte>>, StreamSource&, \
                                           std::span<std::byte>)

ELVES_INSTANTIATE(std::uint16_t);
ELVES_INSTANTIATE(std::uint32_t);
ELVES_INSTANTIATE(std::uint64_t);

namespace {

bool accepts(DType dtype, const EncodeOptions& options) {
  return dropped_bits(dtype, options.error_bound).has_value();
}

void split_chunk(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to) {
  const auto dropped = *dropped_bits(chunk.dtype, options.error_bound);
  with_word(chunk.dtype, [&](auto word) { split_words<decltype(word)>(chunk, dropped, scratch, to); });
}

Result<void> join_chunk(ByteCursor& cursor, StreamSource& streams, DType dtype, Scratch&, std::span<std::byte> out,
                        std::span<const std::byte>) {
  ELVES_TRY(const auto header, read_header(cursor, dtype));
  return with_word(dtype, [&](auto word) { return join_words<decltype(word)>(header, streams, out); });
}

}  // namespace
}  // namespace elves::encode::elf

namespace elves::encode {

const Transform kElf{.id = TransformId::Elf,
                     .name = "elf",
                     .stage = Stage::Elf,
                     .lossy = true,
                     .accepts = elf::accepts,
                     .split = elf::split_chunk,
                     .join = elf::join_chunk};

}  // namespace elves::encode
