#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

#include "formats/format.hpp"
#include "formats/pickle/graph.hpp"
#include "formats/pickle/numpy_array.hpp"

namespace elves::formats::pickle {

/// The numpy arrays of a file's pickles: those that lie in the file as they are become layers, the others count as
/// opaque.
class ArrayFindings {
 public:
  /// Arrays that share their bytes are one layer, under the first name.
  void add(const Graph& graph, const Array& array, const std::string& name);
  /// Marks bytes as known; false where they are already.
  bool claim(const Literal& literal) { return claimed_.insert(literal.offset_bytes).second; }
  /// Counts as opaque the byte strings of at least `min_bytes` that are not known.
  void add_other_bytes(const Graph& graph, std::uint64_t min_bytes);
  void add_opaque(std::uint64_t bytes, std::string_view reason);
  Layout take_layout();

 private:
  void add_opaque_array(std::uint64_t bytes, std::string_view flaw);
  void add_reason(std::string_view reason);

  Layout layout_;
  std::map<std::string_view, std::size_t> flaws_;
  std::size_t n_other_strings_ = 0;
  std::unordered_set<std::uint64_t> claimed_;  ///< offsets of literals
};

}  // namespace elves::formats::pickle
