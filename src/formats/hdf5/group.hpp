#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/hdf5/metadata.hpp"
#include "formats/hdf5/object_header.hpp"

namespace elves::formats::hdf5 {

/// A hard link: the name of an object, and the address of its header.
struct Link {
  std::string name;
  std::uint64_t address = 0;
};

bool is_group(const ObjectHeader& header);

/// The hard links of a group in order of their names, from a symbol table, or from links in the header or in a heap.
/// Two links with the same name fail the file.
std::vector<Link> read_links(Metadata& file, const ObjectHeader& header);

}  // namespace elves::formats::hdf5
