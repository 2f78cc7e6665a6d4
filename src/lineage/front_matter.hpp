#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace elves::lineage {

/// Limits for one file: further names of bases, and longer ones, are ignored.
inline constexpr std::size_t kMostBasesOfFile = 16;
inline constexpr std::size_t kLongestBaseName = 512;

/// The values of the key `base_model` in the front matter of a model card (README.md): YAML between its first two lines
/// "---". Reads a plain or quoted text, a flow list, and a block list; of repeated keys the last one. Ignores all other
/// values, and cards without both lines. Takes any bytes; linear in their number.
std::vector<std::string> bases_in_front_matter(std::string_view card);

}  // namespace elves::lineage
