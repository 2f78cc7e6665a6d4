#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "formats/shared/sniffer/float_kind.hpp"

namespace elves::formats::sniffer {

/// The score of an element is the number of bits, in eighths, that it saves if its exponent is coded with the usual
/// distribution of trained weights instead of as random bits. Usual exponents save a few bits; exponents that weights
/// rarely have cost some. A zero has the score 0: it may be anything.
inline constexpr int kScoresPerBit = 8;

inline constexpr std::size_t kBlockBytes = 256;

/// block_scores also reads this many bytes after a block.
inline constexpr std::size_t kBeyondBlockBytes = 8;

/// The sum of the scores in a block, for each kind. The block begins at a multiple of 8 in the file.
using BlockScores = std::array<std::int32_t, kFloatKinds.size()>;
BlockScores block_scores(const std::byte* block);

/// The score of one element.
int element_score(const FloatKind& kind, const std::byte* element);

}  // namespace elves::formats::sniffer
