#include "formats/extent.hpp"

#include <algorithm>

#include "support/checked.hpp"

namespace elves::formats {

std::optional<std::uint64_t> layer_bytes(DType dtype, std::span<const std::uint64_t> shape) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::optional<std::uint64_t> elements = 1;
  for (std::size_t i = 0; elements && i < shape.size(); ++i) elements = checked_mul(*elements, shape[i]);
  if (!elements || *elements % block_elements(dtype) != 0) return std::nullopt;
  return checked_mul<std::uint64_t>(*elements / block_elements(dtype), size_bytes(dtype));
}

}  // namespace elves::formats
