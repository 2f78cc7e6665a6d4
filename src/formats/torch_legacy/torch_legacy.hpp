#pragma once

#include <optional>
#include <vector>

#include "formats/format.hpp"
#include "formats/pickle/torch_object.hpp"

namespace elves::formats {

/// torch.save before 1.6 (and later, if the caller asks for it): pickles of a magic number, the protocol 1001, facts
/// about the system, the object, and the keys of its storages; then for each key an 8-byte count and as many elements.
/// Time and memory are linear in the bytes of the pickles.
extern const Format kTorchLegacy;

namespace torch_legacy {

/// A file before its layers are computed.
struct Contents {
  torch::ObjectPickle pickle;
  std::vector<std::optional<torch::Place>> places;  ///< of its storages
  std::optional<torch::Place> big_endian;           ///< all storages, if the numbers are big-endian
};
Result<Contents> read(const ByteSource& file);

}  // namespace torch_legacy

}  // namespace elves::formats
