#include "formats/pickle/array_findings.hpp"

#include <fmt/format.h>

#include <utility>

namespace elves::formats::pickle {
namespace {

/// The text or bytes that contain the data of an array: `data` itself, or the argument of a call (_codecs.encode,
/// bytearray).
Index literal_of(const Graph& graph, Index data) {
  for (int depth = 0; depth < 3 && graph.kind(data) == Kind::Object; ++depth) data = graph.item(graph.args(data), 0);
  return data;
}

}  // namespace

void ArrayFindings::add(const Graph& graph, const Array& array, const std::string& name) {
  const auto node = literal_of(graph, array.data);
  const auto literal = graph.literal(node);
  if (graph.kind(node) != Kind::Text && graph.kind(node) != Kind::Bytes) return;
  // Python has one empty byte string for all empty arrays.
  if (literal.length_bytes > 0 && !claim(literal)) return;
  if (node != array.data || graph.kind(node) != Kind::Bytes || !literal.is_plain)
    return add_opaque_array(literal.length_bytes, "are encoded as text");
  if (!array.type.dtype) return add_opaque_array(literal.length_bytes, array.type.why_not);
  if (layer_bytes(*array.type.dtype, array.shape) != literal.length_bytes)
    return add_opaque_array(literal.length_bytes, "have another size than their shapes need");
  found_.extents.push_back(Extent{.offset_bytes = literal.offset_bytes,
                                  .length_bytes = literal.length_bytes,
                                  .is_layer = true,
                                  .dtype = *array.type.dtype,
                                  .name = name,
                                  .shape = array.shape});
}

void ArrayFindings::add_other_bytes(const Graph& graph, std::uint64_t min_bytes) {
  for (Index node = 0; node < graph.n_nodes(); ++node) {
    // Before protocol 3, Python 3 writes a byte string as a call of _codecs.encode.
    const bool is_encoded = graph.kind(node) == Kind::Object && graph.name(graph.callable(node)) == "encode";
    if (graph.kind(node) != Kind::Bytes && !is_encoded) continue;
    const auto literal = graph.literal(literal_of(graph, node));
    if (literal.length_bytes < min_bytes || !claim(literal)) continue;
    found_.opaque_bytes += literal.length_bytes;
    ++n_other_strings_;
  }
}

void ArrayFindings::add_opaque(std::uint64_t bytes, std::string_view reason) {
  found_.opaque_bytes += bytes;
  if (bytes > 0) add_reason(reason);
}

void ArrayFindings::add_opaque_array(std::uint64_t bytes, std::string_view flaw) {
  found_.opaque_bytes += bytes;
  if (bytes > 0) ++flaws_[flaw];
}

void ArrayFindings::add_reason(std::string_view reason) {
  if (!found_.opaque_reason.empty()) found_.opaque_reason += "; ";
  found_.opaque_reason += reason;
}

/// "3 of 14 arrays are encoded as text; 1 of 14 arrays are big-endian"
FoundExtents ArrayFindings::take_found() {
  auto n_arrays = found_.extents.size();
  for (const auto& [flaw, n] : flaws_) n_arrays += n;
  for (const auto& [flaw, n] : flaws_) add_reason(fmt::format("{} of {} arrays {}", n, n_arrays, flaw));
  if (n_other_strings_ > 0) add_reason(fmt::format("{} long byte strings are no arrays", n_other_strings_));
  return std::move(found_);
}

}  // namespace elves::formats::pickle
