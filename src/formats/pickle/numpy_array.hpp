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

/// The whole numbers in a tuple or list, at most kMaxDimensions of them; nothing if it contains anything else.
std::optional<std::vector<std::int64_t>> numbers_of(const Graph& graph, Index sequence);

/// A numpy dtype.
struct ElementType {
  std::uint64_t size_bytes = 0;  ///< 0 if unknown
  bool has_objects = false;      ///< elements are Python objects
  std::optional<DType> dtype;    ///< the dtype of a layer
  std::string_view why_not;      ///< why there is no dtype
};

ElementType element_type(const Graph& graph, Index dtype);

/// A numpy array in any of the forms that pickles use.
struct Array {
  std::vector<std::uint64_t> shape;
  ElementType type;
  Index data = kUnknown;  ///< Bytes if they are in the file as in memory
};

/// Nothing if the object is no array, or one in an unknown form.
std::optional<Array> array_of(const Graph& graph, Index object);

/// True for a joblib wrapper: its array follows it in the file.
bool is_array_wrapper(const Graph& graph, Index object);

}  // namespace elves::formats::pickle
