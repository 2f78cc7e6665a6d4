#include "restore/list/base_of_model.hpp"

namespace elves::restore {

std::string_view base_of_model(std::string_view model, std::uint64_t file_bytes, std::span<const BaseShare> bases) {
  BaseShare most;
  for (const auto& base : bases) {
    if (base.model == model || base.model.empty()) continue;
    const bool is_more = base.delta_bytes > most.delta_bytes ||
                         (base.delta_bytes == most.delta_bytes && base.delta_bytes > 0 && base.model < most.model);
    if (is_more) most = base;
  }
  return most.delta_bytes > 0 && most.delta_bytes >= file_bytes / 10 ? most.model : std::string_view{};
}

}  // namespace elves::restore
