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

/// A value of a pickle that refers to a storage.
struct StorageReference {
  std::size_t storage = 0;            ///< an index
  std::optional<DType> dtype;         ///< of the elements of tensors that use this reference
  std::uint64_t offset_elements = 0;  ///< offset of the reference in the storage
};

/// Finds the storages that values of a pickle refer to; each file format has references of its own kind.
class References {
 public:
  virtual ~References() = default;
  /// Nothing if the value refers to no storage.
  virtual std::optional<StorageReference> storage(pickle::Index node) = 0;
  /// For pickles that refer to whole tensors; the name of the tensor is ignored.
  virtual std::optional<Tensor> tensor(pickle::Index node);
};

/// The tensors that can be reached from the root, in order, each once. Numpy arrays are added to `arrays`. Names begin
/// with `root_name`. An Error if a tensor has negative numbers.
Result<std::vector<Tensor>> find_tensors(const pickle::Pickled& pickled, References& references,
                                         pickle::ArrayFindings& arrays, std::string root_name = {});

}  // namespace elves::formats::torch
