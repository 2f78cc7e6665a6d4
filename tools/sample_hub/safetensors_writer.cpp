#include "tools/sample_hub/safetensors_writer.hpp"

#include <cstring>
#include <nlohmann/json.hpp>

namespace elves::sample {

Bytes file_with_header(std::string_view header, std::span<const std::byte> data) {
  const std::uint64_t length = header.size();
  Bytes file(sizeof length + header.size() + data.size());
  std::memcpy(file.data(), &length, sizeof length);
  std::memcpy(file.data() + sizeof length, header.data(), header.size());
  if (!data.empty()) std::memcpy(file.data() + sizeof length + header.size(), data.data(), data.size());
  return file;
}

Bytes safetensors_file(const std::vector<Tensor>& tensors, const std::map<std::string, std::string>& metadata) {
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
