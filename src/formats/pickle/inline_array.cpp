#include "formats/pickle/inline_array.hpp"

#include "formats/pickle/numpy_array.hpp"
#include "support/checked.hpp"

namespace elves::formats::pickle {

Result<std::optional<std::uint64_t>> begin_inline_array(const Graph& graph, Index wrapper, SourceCursor& cursor) {
  const auto array = array_of(graph, wrapper);
  if (!array) return Error{"completes an array wrapper without a shape"};
  if (array->type.has_objects) return std::optional<std::uint64_t>{};
  if (array->type.size_bytes == 0) return Error{"completes an array wrapper without a dtype"};
  std::optional<std::uint64_t> length_bytes = array->type.size_bytes;
  for (const auto n : array->shape) length_bytes = length_bytes ? checked_mul(*length_bytes, n) : length_bytes;
  if (!length_bytes) return Error{"completes an array wrapper whose size overflows"};
  const auto alignment = graph.find(graph.state(wrapper), "numpy_array_alignment_bytes");
  if (graph.kind(alignment) == Kind::Int) cursor.skip(cursor.read<std::uint8_t>());
  return length_bytes;
}

}  // namespace elves::formats::pickle
