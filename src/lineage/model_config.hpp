#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace elves::lineage {

/// What a config.json or adapter_config.json names as the model that it was made from: `base_model_name_or_path`, then
/// `_name_or_path`, each where it is a text at the top. Of repeated keys the last holds. JSON that is damaged names
/// nothing. Takes any bytes, holds no tree of them, and goes as deep as they do without recursion.
std::vector<std::string> bases_in_config(std::string_view json);

}  // namespace elves::lineage
