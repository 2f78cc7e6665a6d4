#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace keras {

/// True for a zip that has a config.json and files called *.weights.h5 among those that its directory shows first.
bool recognizes(const ByteSource& file);

/// The datasets of the stored *.weights.h5 in it (one, unless the model was saved in shards), under their HDF5 paths.
Result<Layout> parse(const ByteSource& file);

}  // namespace keras

inline constexpr Container kKeras{
    .id = ContainerId::Keras, .name = "keras", .recognizes = keras::recognizes, .parse = keras::parse};

}  // namespace elves::formats
