#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/hdf5/metadata.hpp"
#include "formats/hdf5/object_header.hpp"

namespace elves::formats::hdf5 {

/// A hard link: a name for the object whose header lies at an address.
struct Link {
  std::string name;
  std::uint64_t address = 0;
};

bool is_group(const ObjectHeader& header);

/// The hard links of a group in order of their names, from a symbol table or from links kept in the header or in a
/// heap. Two of the same name fail the file.
std::vector<Link> read_links(Metadata& file, const ObjectHeader& header);

}  // namespace elves::formats::hdf5
