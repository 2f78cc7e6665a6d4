#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// Keras 3 models: a zip with a config.json and files called *.weights.h5 (one, or several if the model was saved in
/// shards). The datasets of those that are stored uncompressed are the layers, with their HDF5 paths.
extern const Format kKeras;

}  // namespace elves::formats
