#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "elves/dtype.hpp"
#include "formats/hdf5/metadata.hpp"

namespace elves::formats::hdf5 {

struct ElementType {
  std::uint64_t size_bytes = 0;
  std::optional<DType> dtype{};  ///< nothing if elves has no dtype for it
  bool is_glue = false;          ///< text or references
};

/// Reads a datatype message. A damaged one fails the file.
ElementType read_datatype(Metadata& file, std::span<const std::byte> body);

}  // namespace elves::formats::hdf5
