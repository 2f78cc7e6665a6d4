#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "elves/dtype.hpp"
#include "formats/pickle/graph.hpp"

namespace elves::formats::pickle {

inline constexpr std::size_t kMaxDimensions = 64;

/// Whole numbers of a tuple or list, at most kMaxDimensions of them; nothing where it has other things.
std::optional<std::vector<std::int64_t>> numbers_of(const Graph& graph, Index sequence);

/// A numpy dtype.
struct ElementType {
  std::uint64_t size_bytes = 0;  ///< 0 where it is not told
  bool has_objects = false;      ///< elements are Python objects
  std::optional<DType> dtype;    ///< as layers have it
  std::string_view why_not;      ///< where there is none
};

ElementType element_type(const Graph& graph, Index dtype);

/// A numpy array in any of the forms in which pickles have them.
struct Array {
  std::vector<std::uint64_t> shape;
  ElementType type;
  Index data = kUnknown;  ///< Bytes where they lie in the file as they are
};

/// Nothing where the object is no array, or one of a form that is not known.
std::optional<Array> array_of(const Graph& graph, Index object);

/// True for a joblib wrapper whose array follows it in the file.
bool is_array_wrapper(const Graph& graph, Index object);

}  // namespace elves::formats::pickle
