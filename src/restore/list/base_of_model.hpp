#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace elves::restore {

/// Deltas of one model whose bases `model` owns. A layer is owned by the model whose file first stored it.
struct BaseShare {
  std::string_view model;
  std::uint64_t delta_bytes = 0;  ///< size of these deltas, decoded
};

/// The base of a model, as the report, the summary and elves-ls show it: of the other models, the one that owns the
/// bases of most bytes of its deltas; of equals the one with the smaller identifier. Empty where that is less than a
/// tenth of the bytes of the model's files (`file_bytes`). Bases that the model owns itself, and bases that no model
/// owns (an empty identifier), do not count.
std::string_view base_of_model(std::string_view model, std::uint64_t file_bytes, std::span<const BaseShare> bases);

}  // namespace elves::restore
