#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace tflite {

bool recognizes(const ByteSource& file);

/// A flatbuffer "TFL3" (and what may follow it: data outside of the flatbuffer, a zip of metadata). The tensors that
/// have data are layers, with their names; tensors of all subgraphs that share data are one layer, under the first of
/// their names. Where the data is not the plain array of the shape, the layer has one dimension: integers of less than
/// 8 bits are U8, and a sparse tensor is the values that it keeps. Strings are glue; so is, and counts as opaque, data
/// of a type that is not known, or whose length does not fit the shape. Reads the tables alone, never the data; time
/// and memory are linear in them.
Result<Layout> parse(const ByteSource& file);

}  // namespace tflite

inline constexpr Container kTfLite{
    .id = ContainerId::TfLite, .name = "tflite", .recognizes = tflite::recognizes, .parse = tflite::parse};

}  // namespace elves::formats
