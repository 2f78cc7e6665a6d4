#include "lineage/bases_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "support/text.hpp"

namespace elves::lineage {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \r") - first + 1);
}

}  // namespace

Result<std::vector<ListedBase>> parse_bases_file(std::string_view text) {
  std::vector<ListedBase> rows;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trim(line).empty() || line.starts_with('#')) continue;
    const auto tab = line.find('\t');
    const auto model = trim(line.substr(0, tab));
    const auto base = tab == std::string_view::npos ? std::string_view() : trim(line.substr(tab + 1));
    if (model.empty() || base.empty() || base.find('\t') != std::string_view::npos)
      return Error{fmt::format("line {} is not 'model TAB base': '{}'", number, printable(line.substr(0, 200)))};
    rows.push_back({std::string(model), std::string(base)});
  }
  return rows;
}

}  // namespace elves::lineage
