#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace elves::restore {

/// How a text that names models (--model) fits an identifier. Of all identifiers those of the best fit are meant.
enum class ModelMatch : std::uint8_t {
  None,
  Name,   ///< "name" of "org/name": must be that of one model only
  Whole,  ///< the identifier, the organisation "org" of "org/name", or a glob that takes the identifier
};
ModelMatch match_model(std::string_view text, std::string_view id);

/// What to say where the name `text` is that of several models.
std::string several_models(std::string_view text, const std::set<std::string>& ids);

/// True where a text has characters that a glob interprets.
bool is_glob(std::string_view text);

/// True where two texts differ in the case of ASCII letters at most.
bool equal_but_for_case(std::string_view a, std::string_view b);

/// At most three names that a user may have meant by `text`, the nearest first: others differ in case, or in few
/// letters, as a whole or after the last "/".
std::vector<std::string> similar_names(std::string_view text, std::span<const std::string> names);

/// " (did you mean a, b?)"; empty where there are none.
std::string did_you_mean(std::span<const std::string> names);

}  // namespace elves::restore
