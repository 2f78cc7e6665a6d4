#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "elves/error.hpp"

namespace elves::formats::npy {

/// The dict at the front of an array.
struct Header {
  std::string descr;  ///< the type of the elements, for example "<f4"; empty for a struct
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

/// Reads a Python literal, a dict of exactly these three keys in any order. Evaluates nothing.
Result<Header> read_header(std::string_view text);

}  // namespace elves::formats::npy
