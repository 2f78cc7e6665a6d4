#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "unit/formats/zip_builder.hpp"

namespace elves::formats::test {

struct NpyOptions {
  int version = 1;
  std::string order = "False";
};

/// A file with this header, which may be damaged, the padding of NumPy, and this data.
inline Bytes npy_file_of_dict(std::string dict, const Bytes& data, int version = 1) {
  Bytes file = bytes_of("\x93NUMPY");
  put(file, static_cast<std::uint8_t>(version));
  put(file, std::uint8_t{0});
  const auto length_bytes = version == 1 ? 2u : 4u;
  while ((file.size() + length_bytes + dict.size()) % 64 != 0) dict.push_back(' ');
  version == 1 ? put(file, static_cast<std::uint16_t>(dict.size()))
               : put(file, static_cast<std::uint32_t>(dict.size()));
  put(file, dict);
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

/// `descr` and `shape` are Python literals: "'<f4'", "(2, 3)".
inline Bytes npy_file(const std::string& descr, const std::string& shape, std::size_t data_bytes,
                      const NpyOptions& options = {}) {
  Bytes data(data_bytes);
  for (std::size_t i = 0; i < data_bytes; ++i) data[i] = static_cast<std::byte>(i * 7 + 1);
  const auto dict = "{'descr': " + descr + ", 'fortran_order': " + options.order + ", 'shape': " + shape + ", }";
  return npy_file_of_dict(dict, data, options.version);
}

}  // namespace elves::formats::test
