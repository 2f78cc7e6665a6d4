#pragma once

#include <string>
#include <string_view>

namespace elves::lineage {

/// What a file means by the name of a base. People write "org/name", "name", an address of the hub, a folder of a
/// cache, or a path of the machine that they trained on.
struct BaseName {
  std::string id;  ///< the model as corpus::model_id() would call it; empty: it can be told by `last` alone, if at all
  std::string last;      ///< where no model is called `id`: the only one that ends with this; empty: none then
  bool is_path = false;  ///< a path: `id` is a guess, and worth nothing where there is no such model
};

/// Not collective, total: any bytes have a meaning, if only an empty one.
BaseName read_base_name(std::string_view name);

/// What follows the last slash of a model's id.
std::string_view last_component(std::string_view id);

}  // namespace elves::lineage
