#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace caffe {

/// There is no magic number. True where the file begins as a NetParameter does and its first layer is one; a file cut
/// short after that is recognized too.
bool recognizes(const ByteSource& file);

/// Finds the blobs of a NetParameter (*.caffemodel), of today's layers and of version 1: "conv1.0" is the first of the
/// layer conv1, "conv1.0.diff" its gradient where the file has one. Layers are packed data; a shape in the old form is
/// num, channels, height, width. Time is linear in the number of fields, memory in that of blobs.
Result<Layout> parse(const ByteSource& file);

}  // namespace caffe

inline constexpr Container kCaffe{
    .id = ContainerId::Caffe, .name = "caffe", .recognizes = caffe::recognizes, .parse = caffe::parse};

}  // namespace elves::formats
