#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace elves::sample {

using Bytes = std::vector<std::byte>;

/// One array of a safetensors file. `dtype` is the format's own name, for example "F32".
struct Tensor {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  Bytes data;
};

/// A safetensors file of exactly this header, valid or not, and these data.
Bytes file_with_header(std::string_view header, std::span<const std::byte> data);

/// The tensors as a safetensors file: data in their order without gaps, header padded with spaces so that the data
/// begin at a multiple of 8, as the format's own library writes it.
Bytes safetensors_file(const std::vector<Tensor>& tensors, const std::map<std::string, std::string>& metadata = {});

}  // namespace elves::sample
