#pragma once

#include <cstdint>
#include <span>

#include "encode/transform.hpp"

namespace elves::encode {

/// All transforms of this build, in the order of preference where two promise the same size.
std::span<const Transform> transforms() noexcept;

/// The row of a number read from storage; null where this build does not know it.
const Transform* find_transform(std::uint8_t id) noexcept;

}  // namespace elves::encode
