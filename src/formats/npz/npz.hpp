#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// NumPy archives: a zip most of whose entries (as far as the front of its directory shows) are called *.npy. Stored
/// arrays are layers, named as their entry without ".npy". Opaque: deflated arrays, and those that the npy parser finds
/// opaque or damaged. Reads the directory of the zip and the header of each array.
extern const Format kNpz;

}  // namespace elves::formats
