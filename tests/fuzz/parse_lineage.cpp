#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lineage/bases_file.hpp"
#include "lineage/front_matter.hpp"
#include "lineage/model_config.hpp"
#include "lineage/model_reference.hpp"

namespace elves::lineage {
namespace {

/// Any bytes are read as a card, a config, a bases file and a reference. The names found must keep the limits.
void check(const std::vector<std::string>& names) {
  if (names.size() > kMostBasesOfFile) std::abort();
  for (const auto& name : names) {
    if (name.empty() || name.size() > kLongestBaseName) std::abort();
    const auto base = read_model_reference(name);
    for (const std::string_view part : {std::string_view(base.id), std::string_view(base.last)}) {
      if (part.starts_with('/') || part.ends_with('/')) std::abort();
    }
  }
}

}  // namespace
}  // namespace elves::lineage

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace elves::lineage;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(bases_in_front_matter(text));
  check(bases_in_config(text));
  (void)read_model_reference(text);
  if (const auto rows = parse_bases_file(text)) {
    for (const auto& row : *rows) {
      if (row.model.empty() || row.base.empty()) std::abort();
    }
  }
  return 0;
}
