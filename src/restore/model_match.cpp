#include "restore/model_match.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "support/glob.hpp"
#include "support/text.hpp"

namespace elves::restore {
namespace {

char fold(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view last_part(std::string_view id) {
  return id.substr(id.rfind('/') + 1);
}

/// Letters to insert, delete or replace, without regard to case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (fold(a[i]) == fold(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

bool is_glob(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

ModelMatch match_model(std::string_view text, std::string_view id) {
  if (text == id) return ModelMatch::Whole;
  if (is_glob(text)) return glob_match(text, id) ? ModelMatch::Whole : ModelMatch::None;
  if (id.size() > text.size() && id.starts_with(text) && id[text.size()] == '/') return ModelMatch::Whole;
  return last_part(id) == text ? ModelMatch::Name : ModelMatch::None;
}

std::string several_models(std::string_view text, const std::set<std::string>& ids) {
  std::string list;
  for (const auto& id : ids) list += (list.empty() ? "" : ", ") + printable(id);
  return fmt::format("'{}' is the name of several models: {}. Give one identifier in full, or '*/{}' for all", text,
                     list, text);
}

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, fold, fold);
}

std::vector<std::string> similar_names(std::string_view text, std::span<const std::string> names) {
  constexpr std::size_t kMost = 3;
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const auto& name : names) {
    const auto distance = std::min(edit_distance(text, name), edit_distance(text, last_part(name)));
    if (distance <= std::max<std::size_t>(1, text.size() / 5)) near.emplace_back(distance, name);
  }
  std::ranges::sort(near);
  near.erase(std::unique(near.begin(), near.end()), near.end());
  near.resize(std::min(near.size(), kMost));
  std::vector<std::string> similar;
  similar.reserve(near.size());
  for (auto& [distance, name] : near) similar.push_back(std::move(name));
  return similar;
}

std::string did_you_mean(std::span<const std::string> names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + printable(name);
  return list.empty() ? "" : fmt::format(" (did you mean {}?)", list);
}

}  // namespace elves::restore
