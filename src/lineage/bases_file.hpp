#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "elves/error.hpp"

namespace elves::lineage {

/// One line of the file that --bases names.
struct ListedBase {
  std::string model;
  std::string base;
};

/// Reads lines "model TAB base". Skips empty lines and lines that begin with "#". Names may have any bytes but tab and
/// line feed. A model may have several lines. Error for the first other line, with its number.
Result<std::vector<ListedBase>> parse_bases_file(std::string_view text);

}  // namespace elves::lineage
