#pragma once

#include <cstddef>
#include <span>

namespace elves::encode {

/// A quick look whether looking for matches may pay: whether words of 8 bytes occur again within a few KiB, in some
/// pieces of `bytes`. Costs about a microsecond a KiB, for 4 KiB at most.
bool repeats_itself(std::span<const std::byte> bytes);

}  // namespace elves::encode
