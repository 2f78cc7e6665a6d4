#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// For a file of no known format. Its runs of float64, float32, float16 and bfloat16, found by the statistics of their
/// exponents, as lossless layers "f32@4096" of one dimension: where the bytes are weights, as in darknet, ncnn,
/// TensorFlow.js and CoreML files and in plain dumps, whatever lies between. Without a run, opaque_reason says what the
/// content is ("gzip data", "text"), and opaque_bytes is the size. Known media, archives and programs are not searched.
/// What is no run counts as opaque where it is a quarter of the file or more. Depends on nothing but the bytes.
/// Reads files up to 4 MiB whole; of larger ones at most 32 MiB and a 32nd part. Holds 1 MiB and a word for each run.
/// An Error where the file cannot be read.
Result<Layout> sniff(const ByteSource& file);

}  // namespace elves::formats
