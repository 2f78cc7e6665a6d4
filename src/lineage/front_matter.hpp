#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace elves::lineage {

/// Names of bases that one file may give, and how long one may be: what is beyond is left out.
inline constexpr std::size_t kMostBasesOfFile = 16;
inline constexpr std::size_t kLongestBaseName = 512;

/// The names under the key `base_model` in the front matter of a model card (README.md): YAML between its first two
/// lines "---". Reads a plain or quoted text, a flow list, and a block list; of repeated keys the last holds. Anything
/// else, and a card without both lines, names nothing. Takes any bytes; linear in their number.
std::vector<std::string> bases_in_front_matter(std::string_view card);

}  // namespace elves::lineage
