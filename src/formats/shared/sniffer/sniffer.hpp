#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// Searches a file of no known format for runs of float64, float32, float16 and bfloat16, by the statistics of their
/// exponents. Finds weights in files of darknet, ncnn, TensorFlow.js and CoreML, and in plain dumps. Each run is a
/// `lossless` layer of one dimension, called "f32@4096". If there is no run, opaque_reason names the content ("gzip
/// data", "text"), and opaque_bytes is the size of the file. Known media, archives and programs are not searched. Bytes
/// outside of runs count as opaque if they are a quarter of the file or more. Depends on the bytes alone.
/// Reads files up to 4 MiB whole, and of larger ones at most 32 MiB plus 1/32. Holds 1 MiB and a word for each run. An
/// Error if the file cannot be read.
Result<FoundExtents> sniff(const ByteSource& file);

}  // namespace elves::formats
