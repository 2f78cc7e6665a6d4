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

/// The numpy arrays in the pickles of a file. Arrays whose bytes are in the file as they are in memory become layers;
/// the others count as opaque.
class ArrayFindings {
 public:
  /// Adds an array. Arrays that share their bytes are one layer, under the first name.
  void add(const Graph& graph, const Array& array, const std::string& name);
  /// Marks bytes as known; false if they are known already.
  bool claim(const Literal& literal) { return claimed_.insert(literal.offset_bytes).second; }
  /// Counts unknown byte strings of at least `min_bytes` as opaque.
  void add_other_bytes(const Graph& graph, std::uint64_t min_bytes);
  void add_opaque(std::uint64_t bytes, std::string_view reason);
  FoundExtents take_found();

 private:
  void add_opaque_array(std::uint64_t bytes, std::string_view flaw);
  void add_reason(std::string_view reason);

  FoundExtents found_;
  std::map<std::string_view, std::size_t> flaws_;
  std::size_t n_other_strings_ = 0;
  std::unordered_set<std::uint64_t> claimed_;  ///< offsets of literals
};

}  // namespace elves::formats::pickle
