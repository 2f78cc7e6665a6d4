#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

#include "corpus/container.hpp"
#include "corpus/containers/pickle/graph.hpp"
#include "corpus/containers/pickle/numpy_array.hpp"

namespace elves::corpus::pickle {

/// The numpy arrays of a pickle: those that lie in the file as they are become layers, the others count as opaque.
class ArrayFindings {
 public:
  explicit ArrayFindings(const Graph& graph) : graph_(graph) {}

  /// Arrays that share their bytes are one layer, under the first name.
  void add(const Array& array, const std::string& name);
  /// Counts the Bytes of at least `min_bytes` that are no array's.
  void add_other_bytes(std::uint64_t min_bytes);
  Layout take_layout();

 private:
  void add_opaque(std::uint64_t bytes, std::string_view what);

  const Graph& graph_;
  Layout layout_;
  std::map<std::string_view, std::size_t> reasons_;
  std::unordered_set<std::uint64_t> claimed_;  ///< offsets of literals
};

}  // namespace elves::corpus::pickle
