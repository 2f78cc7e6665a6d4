#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace pickle {

/// The opcodes at the front of the file make sense. Without the header of protocol 2 and later, one of them must name
/// something of numpy.
bool recognizes(const ByteSource& file);

/// Reads the pickles of a file, one after another: numpy arrays in them, those that joblib lets follow their opcodes,
/// and tensors of torch, each of which brings its storage as a file of its own. Where there are several pickles, names
/// begin with their number. Arrays whose bytes are escaped or encoded as text are opaque; so are long byte strings that
/// are no array's, and what follows the last pickle. Time and memory are linear in the opcodes.
Result<Layout> parse(const ByteSource& file);

}  // namespace pickle

inline constexpr Container kPickle{
    .id = ContainerId::Pickle, .name = "pickle", .recognizes = pickle::recognizes, .parse = pickle::parse};

}  // namespace elves::formats
