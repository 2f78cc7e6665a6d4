#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace npy {

bool recognizes(const ByteSource& file);

/// Reads the magic, a version, a length and a Python dict: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
/// The array is the layer "array"; one in Fortran order keeps its shape. Big-endian numbers, structs, texts, objects
/// and types that NumPy knows by their size alone (bfloat16 is saved as '<V2') are opaque. Reads the header only.
Result<Layout> parse(const ByteSource& file);

}  // namespace npy

inline constexpr Container kNpy{
    .id = ContainerId::Npy, .name = "npy", .recognizes = npy::recognizes, .parse = npy::parse};

}  // namespace elves::formats
