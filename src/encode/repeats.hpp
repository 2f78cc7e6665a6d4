#pragma once

#include <cstddef>
#include <span>

namespace elves::encode {

/// True if a search for matches may pay: in the first or the middle 2 KiB of `bytes`, more than one word of 8 bytes in
/// 64 occurs twice. Takes about 4 microseconds at most.
bool repeats_itself(std::span<const std::byte> bytes);

}  // namespace elves::encode
