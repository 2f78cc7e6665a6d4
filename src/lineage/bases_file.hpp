#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "elves/error.hpp"

namespace elves::lineage {

/// A row of the list that --bases names.
struct ListedBase {
  std::string model;
  std::string base;
};

/// Reads lines "model TAB base"; empty lines and lines that begin with "#" say nothing. Names are any bytes. A model
/// may have several lines. The Error for any other line names it by its number.
Result<std::vector<ListedBase>> parse_base_list(std::string_view text);

}  // namespace elves::lineage
