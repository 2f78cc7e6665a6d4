#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace elves {

/// The id of the model of a folder of a Hugging Face cache: "models--org--name" gives "org/name", "models--name" gives
/// "name", and "datasets--org--name" and "spaces--org--name" give "datasets/org/name" and "spaces/org/name". Nothing
/// for other folders.
std::optional<std::string> id_of_cache_folder(std::string_view folder);

}  // namespace elves
