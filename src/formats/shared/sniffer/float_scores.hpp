#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "formats/shared/sniffer/float_kind.hpp"

namespace elves::formats::sniffer {

/// A score is what an element saves, in eighths of a bit, when its exponent is coded as those of trained weights
/// usually are and not as random bits. Usual exponents save a few bits; those that weights hardly ever have cost some.
/// A zero scores nothing: it may be anything.
inline constexpr int kScoresPerBit = 8;

inline constexpr std::size_t kBlockBytes = 256;

/// Bytes after a block that block_scores reads besides.
inline constexpr std::size_t kBeyondBlockBytes = 8;

/// For each kind, the sum over a block that begins at a multiple of 8 in the file.
using BlockScores = std::array<std::int32_t, kFloatKinds.size()>;
BlockScores block_scores(const std::byte* block);

/// The score of the element that begins here.
int element_score(const FloatKind& kind, const std::byte* element);

}  // namespace elves::formats::sniffer
