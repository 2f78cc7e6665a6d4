#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace elves {

/// The id of the model whose files lie in this folder of a Hugging Face cache: "models--org--name" gives "org/name",
/// "models--name" gives "name", and "datasets--org--name" and "spaces--org--name" give "datasets/org/name" and
/// "spaces/org/name". Nothing for folders of other names.
std::optional<std::string> id_of_cache_folder(std::string_view folder);

}  // namespace elves
