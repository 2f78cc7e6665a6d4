#pragma once

#include "formats/byte_source.hpp"

namespace elves::formats::tensorflow {

/// True if a file begins like a SavedModel or a GraphDef; see kTensorflowGraph.
bool matches(const ByteSource& file);

}  // namespace elves::formats::tensorflow
