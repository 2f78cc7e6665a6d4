#include "encode/transforms/elf/elf.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "encode/transforms/elf/outliers.hpp"
#include "encode/transforms/planes/kernel.hpp"

namespace elves::encode::elf {
namespace {

std::optional<unsigned> mantissa_bits(DType dtype) {
  if (dtype == DType::F16) return FloatOf<std::uint16_t>::kMantissa;
  if (dtype == DType::F32) return FloatOf<std::uint32_t>::kMantissa;
  if (dtype == DType::F64) return FloatOf<std::uint64_t>::kMantissa;
  return std::nullopt;
}

constexpr std::size_t planes_of(unsigned n_symbol_bits) {
  return (n_symbol_bits + 7) / 8;
}

template <class Word>
void split_words(const Chunk& chunk, unsigned dropped, Scratch& scratch, Split& to) {
  const std::size_t n = chunk.bytes.size() / sizeof(Word);
  std::array<std::byte*, sizeof(Word)> planes{};
  const auto n_planes = planes_of(symbol_bits<Word>(dropped));
  for (std::size_t k = 0; k < n_planes; ++k) {
    const auto plane = scratch.take(n);
    to.streams.push_back({plane});
    planes[k] = plane.data();
  }
  std::array<Word, kBlock> symbols;
  Header header{.dropped = dropped};
  for (std::size_t at = 0; at < n; at += kBlock) {
    const auto n_block = std::min(kBlock, n - at);
    const auto stats = to_symbols(chunk.bytes.data() + at * sizeof(Word), n_block, dropped, symbols.data());
    header.n_outliers += stats.n_outliers;
    add(stats, to.loss);
    split_planes({.n_bytes = sizeof(Word)}, reinterpret_cast<const std::byte*>(symbols.data()), n_block,
                 std::span(planes).first(n_planes));
    for (std::size_t k = 0; k < n_planes; ++k) planes[k] += n_block;
  }
  write(header, to.header);
  split_outliers<Word>(chunk.bytes, header.n_outliers, dropped, scratch, to);
}

template <class Word>
Result<void> join_words(const Header& header, StreamSource& streams, std::span<std::byte> out) {
  const std::size_t n = out.size() / sizeof(Word);
  std::array<const std::byte*, sizeof(Word)> planes{};
  const auto n_planes = planes_of(symbol_bits<Word>(header.dropped));
  for (std::size_t k = 0; k < n_planes; ++k) {
    const auto plane = streams.next(n);
    if (!plane) return plane.error();
    planes[k] = plane->data();
  }
  std::array<Word, kBlock> symbols;
  for (std::size_t at = 0; at < n; at += kBlock) {
    const auto n_block = std::min(kBlock, n - at);
    join_planes({.n_bytes = sizeof(Word)}, std::span(planes).first(n_planes), n_block,
                reinterpret_cast<std::byte*>(symbols.data()));
    from_symbols(symbols.data(), n_block, header.dropped, out.data() + at * sizeof(Word));
    for (std::size_t k = 0; k < n_planes; ++k) planes[k] += n_block;
  }
  return join_outliers(streams, header.n_outliers, sizeof(Word), out);
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
  if (!mantissa) return Error{"elf: damaged: there is no elf form of " + std::string(name(dtype))};
  const auto dropped = cursor.read_varint();
  const auto n_outliers = cursor.read_varint();
  if (cursor.failed()) return Error{"elf: damaged: ends within the header"};
  if (dropped >= *mantissa) return Error{"elf: damaged: " + std::to_string(dropped) + " mantissa bits dropped"};
  return Header{.dropped = static_cast<unsigned>(dropped), .n_outliers = n_outliers};
}

void add(const BlockStats& block, Loss& loss) {
  loss.exact = loss.exact && block.exact;
  loss.max_abs_error = std::max(loss.max_abs_error, block.max_abs_error);
  loss.signal += block.signal;
  loss.noise += block.noise;
}

bool accepts(DType dtype, const EncodeOptions& options) {
  return !options.prefer_elf_packed && dropped_bits(dtype, options.error_bound).has_value();
}

void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to) {
  const auto dropped = *dropped_bits(chunk.dtype, options.error_bound);
  with_word(chunk.dtype, [&](auto word) { split_words<decltype(word)>(chunk, dropped, scratch, to); });
}

Result<void> join(ByteCursor& cursor, StreamSource& streams, DType dtype, Scratch&, std::span<std::byte> out) {
  const auto header = read_header(cursor, dtype);
  if (!header) return header.error();
  return with_word(dtype, [&](auto word) { return join_words<decltype(word)>(*header, streams, out); });
}

}  // namespace elves::encode::elf
