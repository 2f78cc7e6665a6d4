#include "corpus/containers/pickle/array_findings.hpp"

#include <utility>

namespace elves::corpus::pickle {
namespace {

/// The text or bytes that an array is made of: themselves, or what a call makes of them (_codecs.encode, bytearray).
Index literal_of(const Graph& graph, Index data) {
  for (int depth = 0; depth < 3 && graph.kind(data) == Kind::Object; ++depth) data = graph.item(graph.args(data), 0);
  return data;
}

}  // namespace

void ArrayFindings::add(const Array& array, const std::string& name) {
  const auto node = literal_of(graph_, array.data);
  const auto literal = graph_.literal(node);
  if (graph_.kind(node) != Kind::Text && graph_.kind(node) != Kind::Bytes) return;
  if (!claimed_.insert(literal.offset_bytes).second) return;
  if (node != array.data || graph_.kind(node) != Kind::Bytes || !literal.is_plain)
    return add_opaque(literal.length_bytes, "encoded as text");
  if (!array.type.dtype) return add_opaque(literal.length_bytes, array.type.why_not);
  if (layer_bytes(*array.type.dtype, array.shape) != literal.length_bytes)
    return add_opaque(literal.length_bytes, "of another size than its shape means");
  layout_.extents.push_back(Extent{.offset_bytes = literal.offset_bytes,
                                   .length_bytes = literal.length_bytes,
                                   .is_layer = true,
                                   .dtype = *array.type.dtype,
                                   .name = name,
                                   .shape = array.shape});
}

void ArrayFindings::add_other_bytes(std::uint64_t min_bytes) {
  for (Index node = 0; node < graph_.n_nodes(); ++node) {
    if (graph_.kind(node) != Kind::Bytes) continue;
    const auto literal = graph_.literal(node);
    if (literal.length_bytes >= min_bytes && claimed_.insert(literal.offset_bytes).second)
      add_opaque(literal.length_bytes, "bytes of no array");
  }
}

void ArrayFindings::add_opaque(std::uint64_t bytes, std::string_view what) {
  if (bytes == 0) return;
  layout_.opaque_bytes += bytes;
  ++reasons_[what];
}

/// "3 encoded as text, 1 big-endian (of 14 arrays)"
Layout ArrayFindings::take_layout() {
  auto n_arrays = layout_.extents.size();
  for (const auto& [what, n] : reasons_) {
    layout_.opaque_reason += (layout_.opaque_reason.empty() ? "" : ", ") + std::to_string(n) + " " + std::string(what);
    n_arrays += n;
  }
  if (!layout_.opaque_reason.empty()) layout_.opaque_reason += " (of " + std::to_string(n_arrays) + " arrays)";
  return std::move(layout_);
}

}  // namespace elves::corpus::pickle
