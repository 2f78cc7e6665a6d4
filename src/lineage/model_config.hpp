#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace elves::lineage {

/// The bases that a config.json or adapter_config.json names: the texts of `base_model_name_or_path` and then of
/// `_name_or_path` in its outermost object; of repeated keys the last. Damaged JSON names none. Takes any bytes of any
/// depth: builds no tree, and does not recurse.
std::vector<std::string> bases_in_config(std::string_view json);

}  // namespace elves::lineage
