#pragma once

#include <string>
#include <string_view>

namespace elves::lineage {

/// Which models a text may mean that names a base. People write "org/name", "name", a URL of the hub, a folder of a
/// cache, or a path on the machine on which they trained.
struct ModelReference {
  std::string id;    ///< the model's id, as corpus::model_id() gives it; empty: only `last` may identify the model
  std::string last;  ///< if no model is called `id`: the last component of the id of the model; empty: no model then
  bool is_path = false;  ///< the text is a path, so `id` is only a guess
};

/// Not collective. Takes any bytes; both texts are empty where they mean no model.
ModelReference read_model_reference(std::string_view text);

/// The part of a model's id after its last slash.
std::string_view last_component(std::string_view id);

}  // namespace elves::lineage
