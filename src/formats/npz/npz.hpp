#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace npz {

/// True for a zip most of whose files (as far as the front of its directory shows) are called *.npy.
bool recognizes(const ByteSource& file);

/// The stored arrays, under the names of their entries without ".npy". Deflated ones stay opaque, and so do those
/// that the npy parser finds opaque or damaged. Reads the zip's directory and the header of each array.
Result<Layout> parse(const ByteSource& file);

}  // namespace npz

inline constexpr Container kNpz{
    .id = ContainerId::Npz, .name = "npz", .recognizes = npz::recognizes, .parse = npz::parse};

}  // namespace elves::formats
