#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
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

/// A safetensors file of this very header, which may be nonsense, and these data.
inline Bytes file_with_header(std::string_view header, std::span<const std::byte> data) {
  const std::uint64_t length = header.size();
  Bytes file(sizeof length + header.size() + data.size());
  std::memcpy(file.data(), &length, sizeof length);
  std::memcpy(file.data() + sizeof length, header.data(), header.size());
  if (!data.empty()) std::memcpy(file.data() + sizeof length + header.size(), data.data(), data.size());
  return file;
}

/// The tensors as a safetensors file: data in their order without gaps, header padded with spaces so that the data
/// begin at a multiple of 8, as the format's own library writes it.
inline Bytes safetensors_file(const std::vector<Tensor>& tensors,
                              const std::map<std::string, std::string>& metadata = {}) {
  auto json = nlohmann::ordered_json::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  Bytes data;
  for (const auto& tensor : tensors) {
    const auto begin = data.size();
    data.insert(data.end(), tensor.data.begin(), tensor.data.end());
    json[tensor.name] = {{"dtype", tensor.dtype},
                         {"shape", tensor.shape},
                         {"data_offsets", std::vector<std::uint64_t>{begin, data.size()}}};
  }
  auto header = json.dump();
  header.append((8 - header.size() % 8) % 8, ' ');
  return file_with_header(header, data);
}

}  // namespace elves::sample
