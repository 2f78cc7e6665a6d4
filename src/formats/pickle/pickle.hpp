#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// Pickles, one or several in a file: numpy arrays in them, arrays that joblib writes between their opcodes, and
/// tensors of torch, each of which contains its storage as a file in the legacy format of torch.save. If there are
/// several pickles, names begin with the number of the pickle. Opaque: arrays whose bytes are escaped or encoded as
/// text, long byte strings that belong to no array, and bytes after the last pickle.
/// Matches if the first opcodes are valid; without the header of protocol 2 and later, one of them must name a module
/// of numpy. Time and memory are linear in the opcodes.
extern const Format kPickle;

}  // namespace elves::formats
