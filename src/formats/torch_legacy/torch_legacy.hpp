#pragma once

#include <optional>
#include <vector>

#include "formats/format.hpp"
#include "formats/pickle/torch_object.hpp"

namespace elves::formats {

namespace torch_legacy {

bool recognizes(const ByteSource& file);

/// Reads what torch.save wrote before 1.6 (and writes still where it is told to): pickles of a magic number, the
/// protocol 1001, facts of the system, the object, and the keys of its storages; then for each key an 8-byte count and
/// as many elements. Time and memory are linear in the pickles' bytes.
Result<Layout> parse(const ByteSource& file);

/// The same file, not yet made layers of.
struct Contents {
  torch::ObjectPickle pickle;
  std::vector<std::optional<torch::Place>> places;  ///< of its storages
  std::optional<torch::Place> big_endian;           ///< all storages, where their places cannot be told
};
Result<Contents> read(const ByteSource& file);

}  // namespace torch_legacy

inline constexpr Container kTorchLegacy{.id = ContainerId::TorchLegacy,
                                        .name = "torch-legacy",
                                        .recognizes = torch_legacy::recognizes,
                                        .parse = torch_legacy::parse};

}  // namespace elves::formats
