#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// Caffe models (*.caffemodel): the blobs of a NetParameter, in layers of the current and of the first version.
/// "conv1.0" is the first blob of the layer conv1, "conv1.0.diff" its gradient if the file has one. Blobs of packed
/// data are layers; a shape in the old form is num, channels, height, width. There is no magic number: matches if the
/// file begins like a NetParameter and its first layer is well formed. A file cut short after that matches too. Time is
/// linear in the number of fields, memory in the number of blobs.
extern const Format kCaffe;

}  // namespace elves::formats
