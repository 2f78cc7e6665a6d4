#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// TensorFlow Lite: a flatbuffer "TFL3", and what may follow it (data outside of the flatbuffer, a zip of metadata).
/// Tensors with data are layers, with their names. Tensors of any subgraph that share data are one layer, under the
/// first of their names. If the data is not the plain array of the shape, the layer has one dimension: integers of less
/// than 8 bits are U8, and a sparse tensor is the list of its stored values. Strings are glue. Data of an unknown type,
/// or whose length does not fit its shape, is glue and opaque. Reads the tables, never the data; time and memory are
/// linear in the tables.
extern const Format kTfLite;

}  // namespace elves::formats
