#pragma once

#include "encode/transform.hpp"
#include "encode/transforms/planes/kernel.hpp"

namespace elves::encode {
namespace planes {

/// The words of a dtype; complex numbers are pairs of floats. One byte for dtypes without planes.
WordShape shape_of(DType dtype);

bool accepts(DType dtype, const EncodeOptions& options);
bool promises(const Chunk& chunk);  ///< not where a word is a byte
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

/// For transforms that hold words of their own: appends their planes as streams, and reads them back.
void split_words(WordShape shape, std::span<const std::byte> words, Scratch& scratch, Split& to);
Result<void> join_words(WordShape shape, StreamSource& streams, std::span<std::byte> words);

}  // namespace planes

/// Floats as an exponent plane and planes of mantissa and sign, integers as byte planes.
/// docs/format/transforms/planes.md
inline constexpr Transform kPlanes{.id = TransformId::Planes,
                                   .name = "planes",
                                   .stage = Stage::Planes,
                                   .accepts = planes::accepts,
                                   .promises = planes::promises,
                                   .split = planes::split,
                                   .join = planes::join};

}  // namespace elves::encode
