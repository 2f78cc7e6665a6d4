#pragma once

#include <cstdint>
#include <vector>

#include "formats/format.hpp"

namespace elves::formats {

namespace safetensors {

/// The format's own limit: a longer header is damage.
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

bool recognizes(const ByteSource& file);

/// Reads an 8-byte length n and n bytes of JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}.
/// Offsets count from the end of the header. A dtype that this build does not know makes its range glue. Time and
/// memory are linear in n.
Result<Layout> parse(const ByteSource& file);

}  // namespace safetensors

inline constexpr Container kSafetensors{.id = ContainerId::Safetensors,
                                        .name = "safetensors",
                                        .recognizes = safetensors::recognizes,
                                        .parse = safetensors::parse};

}  // namespace elves::formats
