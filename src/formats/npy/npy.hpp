#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// NumPy arrays: a magic number, a version, a length, and a Python dict
/// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }. The array is the layer "array"; its shape is unchanged
/// if it is in Fortran order. Opaque: big-endian numbers, structs, texts, objects, and types that NumPy knows only by
/// their size (bfloat16 is saved as '<V2'). Reads the header only.
extern const Format kNpy;

}  // namespace elves::formats
