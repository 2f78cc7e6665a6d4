#pragma once

namespace elves {

/// Version of elves; archives have a format version of their own.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace elves
