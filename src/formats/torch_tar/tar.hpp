#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/format.hpp"

namespace elves::formats::torch_tar {

/// A regular file in a tar.
struct Member {
  std::string name;
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;
};

/// The first members of a tar, at most 16, up to the first damaged header. The last one may pass the end of the file.
/// Reads a header for each member, and the extended headers between them.
std::vector<Member> read_members(const ByteSource& file);

}  // namespace elves::formats::torch_tar
