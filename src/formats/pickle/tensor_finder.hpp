#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "elves/error.hpp"
#include "formats/pickle/array_findings.hpp"
#include "formats/pickle/pickled.hpp"
#include "formats/pickle/torch_object.hpp"

namespace elves::formats::torch {

/// A value of a pickle that stands for a storage.
struct StorageReference {
  std::size_t storage = 0;            ///< an index
  std::optional<DType> dtype;         ///< of the elements that tensors have there
  std::uint64_t offset_elements = 0;  ///< where it begins in the storage
};

/// How a pickle speaks of storages, which each container has in its own way.
class References {
 public:
  virtual ~References() = default;
  /// Nothing where the value stands for something else.
  virtual std::optional<StorageReference> storage(pickle::Index node) = 0;
  /// For pickles that speak of whole tensors; its name is not asked for.
  virtual std::optional<Tensor> tensor(pickle::Index node);
};

/// The tensors that can be reached from the root, in order, each once; numpy arrays are added to `arrays`. Names begin
/// with `root_name`. An Error where a tensor has negative numbers.
Result<std::vector<Tensor>> find_tensors(const pickle::Pickled& pickled, References& references,
                                         pickle::ArrayFindings& arrays, std::string root_name = {});

}  // namespace elves::formats::torch
