#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace elves {

/// The path that the symbolic link at `path` leads to, by its text alone: both are relative to the corpus. Nothing
/// where that is outside of the corpus (an absolute text is), or the corpus itself.
std::optional<std::string> link_target(std::string_view path, std::string_view text);

}  // namespace elves
