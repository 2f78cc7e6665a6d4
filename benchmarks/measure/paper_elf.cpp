#include "measure/paper_elf.hpp"

#include "encode/bits.hpp"
#include "encode/streams.hpp"
#include "encode/transforms/elf/elf.hpp"

namespace elves::measure {
namespace {

using encode::BitReader;
using encode::BitWriter;
using Planes = std::vector<std::span<std::byte>>;

Planes take_planes(std::size_t n_planes, std::size_t n, encode::Scratch& scratch) {
  Planes planes(n_planes);
  for (auto& plane : planes) plane = scratch.take(n);
  return planes;
}

// The kernel's symbols are (mantissa << 1 | sign) at the top of the planes; the paper's are (sign, mantissa).
void pack(const Planes& planes, std::size_t n, unsigned n_bits, std::byte* packed) {
  const auto shift = 8 * static_cast<unsigned>(planes.size()) - n_bits;
  BitWriter bits(packed);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t symbol = 0;
    for (const auto& plane : planes) symbol = symbol << 8 | static_cast<std::uint64_t>(plane[i]);
    symbol >>= shift;
    bits.write((symbol & 1) << (n_bits - 1) | symbol >> 1, n_bits);
  }
  bits.finish();
}

void unpack(std::span<const std::byte> packed, std::size_t n, unsigned n_bits, const Planes& planes) {
  const auto shift = 8 * static_cast<unsigned>(planes.size()) - n_bits;
  const std::uint64_t mantissa = (std::uint64_t{1} << (n_bits - 1)) - 1;
  BitReader bits(packed);
  for (std::size_t i = 0; i < n; ++i) {
    const auto symbol = bits.read(n_bits);
    auto rest = ((symbol & mantissa) << 1 | symbol >> (n_bits - 1)) << shift;
    for (std::size_t k = planes.size(); k-- > 0; rest >>= 8) planes[k][i] = static_cast<std::byte>(rest);
  }
}

template <class Word>
struct Shape {
  static constexpr unsigned kBits = encode::elf::symbol_bits<Word>(0);
  static constexpr std::size_t kPlanes = encode::elf::symbol_planes<Word>(0);
  static std::size_t packed_bytes(std::size_t n) { return encode::bits_to_bytes(std::uint64_t{n} * kBits); }
};

void append(std::span<const std::byte> part, ByteWriter& to) {
  to.varint(part.size());
  to.bytes(part);
}

}  // namespace

bool PaperElfPeer::accepts(DType dtype) {
  return encode::elf::dropped_bits(dtype, 0).has_value();
}

void PaperElfPeer::encode(std::span<const std::byte> raw, DType dtype, std::vector<std::byte>& out) {
  scratch_.reset();
  split_.clear();
  coded_.clear();
  encode::elf::with_word(dtype, [&](auto word) {
    using Word = decltype(word);
    const auto n = raw.size() / sizeof(Word);
    const auto planes = take_planes(Shape<Word>::kPlanes, n, scratch_);
    encode::elf::split_symbols<Word>({.bytes = raw, .dtype = dtype}, 0, planes, scratch_, split_);
    const auto packed = scratch_.take(Shape<Word>::packed_bytes(n));
    pack(planes, n, Shape<Word>::kBits, packed.data());
    zstd_3_.encode(packed, coded_);
  });
  ByteWriter to(out);
  to.bytes(split_.header);
  append(coded_, to);
  for (const auto& stream : split_.streams) append(stream.bytes, to);  // of the outliers
}

bool PaperElfPeer::decode(std::span<const std::byte> encoded, DType dtype, std::span<std::byte> out) {
  scratch_.reset();
  split_.clear();
  ByteCursor cursor(encoded);
  const auto header = encode::elf::read_header(cursor, dtype);
  const auto frame = cursor.take(cursor.read_varint());
  while (!cursor.failed() && !cursor.at_end()) split_.streams.push_back({cursor.take(cursor.read_varint())});
  if (!header || cursor.failed()) return false;
  return encode::elf::with_word(dtype, [&](auto word) {
    using Word = decltype(word);
    const auto n = out.size() / sizeof(Word);
    const auto packed = scratch_.take(Shape<Word>::packed_bytes(n));
    if (!zstd_3_.decode(frame, packed)) return false;
    const auto planes = take_planes(Shape<Word>::kPlanes, n, scratch_);
    unpack(packed, n, Shape<Word>::kBits, planes);
    const std::vector<std::span<const std::byte>> filled(planes.begin(), planes.end());
    encode::SplitStreams outliers(split_);
    return encode::elf::join_symbols<Word>(*header, filled, outliers, out).has_value();
  });
}

}  // namespace elves::measure
