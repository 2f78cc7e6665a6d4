#include <algorithm>
#include <array>

#include "encode/registry.hpp"
#include "encode/transforms/delta/base.hpp"
#include "encode/transforms/delta/elf_kernel.hpp"
#include "encode/transforms/elf/elf.hpp"
#include "encode/transforms/planes/planes.hpp"
#include "support/hash.hpp"
#include "support/try.hpp"

namespace elves::encode::elf_delta {
namespace {

/// The ELF symbols of a chunk in two forms: as byte planes, and as words at whose top the symbols are.
template <class Word>
class Symbols {
 public:
  Symbols(unsigned dropped, std::size_t n, Scratch& scratch)
      : n_(n), n_planes_(elf::symbol_planes<Word>(dropped)), words_(scratch.take(n * sizeof(Word))) {
    for (std::size_t k = 0; k < n_planes_; ++k) planes_[k] = scratch.take(n);
  }

  std::span<const std::span<std::byte>> planes() const { return std::span(planes_).first(n_planes_); }
  std::span<std::byte> words() const { return words_; }

  void join_words() {
    std::array<const std::byte*, sizeof(Word)> from{};
    for (std::size_t k = 0; k < n_planes_; ++k) from[k] = planes_[k].data();
    join_planes(kShape, std::span(from).first(n_planes_), n_, words_.data());
  }
  void split_words() {
    std::array<std::byte*, sizeof(Word)> to{};
    for (std::size_t k = 0; k < n_planes_; ++k) to[k] = planes_[k].data();
    split_planes(kShape, words_.data(), n_, std::span(to).first(n_planes_));
  }

  static constexpr WordShape kShape{.n_bytes = sizeof(Word), .rotate = false};

 private:
  std::size_t n_;
  std::size_t n_planes_;
  std::array<std::span<std::byte>, sizeof(Word)> planes_{};
  std::span<std::byte> words_;
};

template <class Word>
constexpr unsigned shift_of(unsigned dropped) {
  return static_cast<unsigned>(8 * sizeof(Word)) - elf::symbol_bits<Word>(dropped);
}

/// The ELF symbols of the base, extended by zeros to the size of the chunk. They are the same for the original of the
/// base and for its decoded bytes.
template <class Word>
std::span<const std::byte> base_symbols(const Chunk& chunk, unsigned dropped, Scratch& scratch) {
  const auto base = delta::fill_up(chunk.base.bytes, chunk.bytes.size(), scratch);
  Symbols<Word> symbols(dropped, base.size() / sizeof(Word), scratch);
  Split ignored;
  elf::split_symbols<Word>({.bytes = base, .dtype = chunk.dtype}, dropped, symbols.planes(), scratch, ignored);
  symbols.join_words();
  return symbols.words();
}

template <class Word>
void split_words(const Chunk& chunk, unsigned dropped, Scratch& scratch, Split& to) {
  const auto n = chunk.bytes.size() / sizeof(Word);
  std::array<std::byte*, sizeof(Word)> planes{};
  for (auto& plane : planes) {
    const auto stream = scratch.take(n);
    to.streams.push_back({stream});
    plane = stream.data();
  }
  Symbols<Word> symbols(dropped, n, scratch);
  elf::split_symbols<Word>(chunk, dropped, symbols.planes(), scratch, to);
  symbols.join_words();
  const auto base = base_symbols<Word>(chunk, dropped, scratch);
  auto* words = symbols.words().data();
  subtract(sizeof(Word), shift_of<Word>(dropped), words, base.data(), n, words);
  split_planes(Symbols<Word>::kShape, words, n, planes);
  const auto used = std::min(chunk.base.bytes.size(), chunk.bytes.size());
  ByteWriter writer(to.header);
  delta::write({.n_words = used / sizeof(Word), .checksum = checksum64(base.first(used))}, writer);
}

template <class Word>
Result<void> join_words(const elf::Header& header, const delta::BaseMark& mark, StreamSource& streams, DType dtype,
                        Scratch& scratch, std::span<std::byte> out, std::span<const std::byte> given_base) {
  const auto n = out.size() / sizeof(Word);
  const auto used = given_base.first(static_cast<std::size_t>(mark.n_words) * sizeof(Word));
  const auto base = base_symbols<Word>({out, dtype, {used}}, header.dropped, scratch);
  if (checksum64(base.first(used.size())) != mark.checksum) {
    return Error{"elf-delta: the base is not the one that encoding used"};
  }
  Symbols<Word> symbols(header.dropped, n, scratch);
  auto* words = symbols.words().data();
  ELVES_CHECK(planes::join_words(Symbols<Word>::kShape, streams, symbols.words()));
  add(sizeof(Word), shift_of<Word>(header.dropped), words, base.data(), n, words);
  symbols.split_words();
  std::array<std::span<const std::byte>, sizeof(Word)> planes;
  const auto own = symbols.planes();
  std::ranges::copy(own, planes.begin());
  return elf::join_symbols<Word>(header, std::span(planes).first(own.size()), streams, out);
}

bool accepts(DType dtype, const EncodeOptions& options) {
  return options.use_elf && elf::dropped_bits(dtype, options.error_bound).has_value();
}

void split_chunk(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to) {
  const auto dropped = *elf::dropped_bits(chunk.dtype, options.error_bound);
  elf::with_word(chunk.dtype, [&](auto word) { split_words<decltype(word)>(chunk, dropped, scratch, to); });
}

Result<void> join_chunk(ByteCursor& cursor, StreamSource& streams, DType dtype, Scratch& scratch,
                        std::span<std::byte> out, std::span<const std::byte> base) {
  ELVES_TRY(const auto header, elf::read_header(cursor, dtype));
  ELVES_TRY(const auto mark, delta::read_mark(cursor, size_bytes(dtype), out.size(), base.size()));
  return elf::with_word(
      dtype, [&](auto word) { return join_words<decltype(word)>(header, mark, streams, dtype, scratch, out, base); });
}

}  // namespace
}  // namespace elves::encode::elf_delta

namespace elves::encode {

const Transform kElfDelta{.id = TransformId::ElfDelta,
                          .name = "elf-delta",
                          .stage = Stage::Delta,
                          .standalone_stage = Stage::Elf,
                          .lossy = true,
                          .base_use = BaseUse::Any,
                          .accepts = elf_delta::accepts,
                          .split = elf_delta::split_chunk,
                          .join = elf_delta::join_chunk};

}  // namespace elves::encode
