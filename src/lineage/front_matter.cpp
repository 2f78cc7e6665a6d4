#include "lineage/front_matter.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace elves::lineage {
namespace {

constexpr std::string_view kKey = "base_model";
constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kBlanksAndBreaks = " \t\r\n";
/// Texts that mean that there is no base.
constexpr std::array<std::string_view, 8> kNothing{"", "~", "null", "Null", "NULL", "none", "None", "false"};
/// Characters with a meaning in YAML: a plain text begins with none of them.
constexpr std::string_view kMarks = "[]{},&*!|>%@`#?\"'";

std::string_view trim(std::string_view text, std::string_view blanks = kBlanksAndBreaks) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

void skip_blanks(std::string_view& text, std::string_view blanks) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
}

/// Removes the next line from `text` and returns it without its end.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_fence(std::string_view line) {
  return line.starts_with("---") && trim(line) == "---";
}

/// The text between the first two fences; nothing if there are fewer.
std::optional<std::string_view> front_matter_of(std::string_view card) {
  if (card.starts_with("\xEF\xBB\xBF")) card.remove_prefix(3);
  skip_blanks(card, kBlanksAndBreaks);
  if (!is_fence(take_line(card))) return std::nullopt;
  const auto* const begin = card.data();
  while (!card.empty()) {
    const auto* const end = card.data();
    if (is_fence(take_line(card))) return std::string_view(begin, static_cast<std::size_t>(end - begin));
  }
  return std::nullopt;
}

/// Of a line "base_model: value", the value with its comment. Nothing for other lines.
std::optional<std::string_view> value_of_key(std::string_view line) {
  const bool is_quoted = line.starts_with('"') || line.starts_with('\'');
  const char quote = is_quoted ? line.front() : '\0';
  if (is_quoted) line.remove_prefix(1);
  if (!line.starts_with(kKey)) return std::nullopt;
  line.remove_prefix(kKey.size());
  if (is_quoted) {
    if (!line.starts_with(quote)) return std::nullopt;
    line.remove_prefix(1);
  }
  skip_blanks(line, kBlanks);
  if (!line.starts_with(':')) return std::nullopt;
  line.remove_prefix(1);
  if (!line.empty() && kBlanks.find(line.front()) == std::string_view::npos) return std::nullopt;
  return line;
}

/// Removes a quoted text from `text`, which begins with the quote. Nothing if it does not end, or has an escape that no
/// name needs.
std::optional<std::string> take_quoted(std::string_view& text) {
  const char quote = text.front();
  text.remove_prefix(1);
  std::string value;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\n') return std::nullopt;
    const bool is_escape = quote == '"' ? c == '\\' : c == quote && text.starts_with(quote);
    if (!is_escape && c == quote) return value;
    if (!is_escape) {
      value += c;
      continue;
    }
    if (text.empty() || std::string_view("\\\"/'").find(text.front()) == std::string_view::npos) return std::nullopt;
    value += text.front();
    text.remove_prefix(1);
  }
  return std::nullopt;
}

/// Where a plain text ends: with its line, before a comment, and in a list before the character that ends the item.
std::size_t end_of_plain(std::string_view text, bool in_list) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || (in_list && (c == ',' || c == ']' || c == '[' || c == '{' || c == '}'))) return i;
    if (c == '#' && i > 0 && kBlanks.find(text[i - 1]) != std::string_view::npos) return i;
  }
  return text.size();
}

/// Removes a plain text from `text`. Nothing if it begins with a mark, is a mapping, or means that there is no base.
std::optional<std::string> take_plain(std::string_view& text, bool in_list) {
  const auto end = end_of_plain(text, in_list);
  const auto value = trim(text.substr(0, end));
  text.remove_prefix(end);
  if (std::find(kNothing.begin(), kNothing.end(), value) != kNothing.end()) return std::nullopt;
  if (kMarks.find(value.front()) != std::string_view::npos) return std::nullopt;
  if (value.starts_with("- ") || value.find(": ") != std::string_view::npos || value.ends_with(':'))
    return std::nullopt;
  return std::string(value);
}

/// The text of a value or list item that fills its line.
std::optional<std::string> scalar_of(std::string_view line) {
  line = trim(line);
  if (!line.starts_with('"') && !line.starts_with('\'')) return take_plain(line, false);
  auto value = take_quoted(line);
  const auto rest = trim(line);
  return rest.empty() || rest.starts_with('#') ? value : std::nullopt;
}

/// Collects names within the limits.
class Names {
 public:
  void add(std::optional<std::string> name) {
    if (name && !name->empty() && name->size() <= kLongestBaseName && names_.size() < kMostBasesOfFile)
      names_.push_back(*std::move(name));
  }
  void clear() { names_.clear(); }
  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
};

/// A list "[a, b]" on one or several lines; `text` follows the bracket. Adds nothing if the list does not end or has
/// items other than texts.
void read_flow_list(std::string_view text, Names& names) {
  Names items;
  while (true) {
    skip_blanks(text, ", \t\r\n");
    if (text.empty()) return;
    if (text.front() == ']') break;
    if (text.front() == '#') {
      take_line(text);
    } else if (text.front() == '"' || text.front() == '\'') {
      items.add(take_quoted(text));
    } else if (kMarks.find(text.front()) != std::string_view::npos) {
      return;
    } else {
      items.add(take_plain(text, true));
    }
  }
  for (auto& name : items.take()) names.add(std::move(name));
}

bool is_item(std::string_view line) {
  return line == "-" || line.starts_with("- ") || line.starts_with("-\t");
}

/// A value on the lines below its key: a block list, or one value that is indented.
void read_block(std::string_view below, Names& names) {
  std::optional<std::size_t> indent;  // of the items
  while (!below.empty()) {
    const auto at = below;
    const auto line = take_line(below);
    const auto text = trim(line);
    if (text.empty() || text.starts_with('#')) continue;
    const auto depth = line.find_first_not_of(kBlanks);
    if (!is_item(text)) {
      if (depth == 0) return;
      if (indent) continue;  // part of an item
      if (text.starts_with('[')) return read_flow_list(at.substr(depth + 1), names);
      return names.add(scalar_of(text));
    }
    if (!indent) indent = depth;
    if (depth < *indent) return;
    if (depth == *indent) names.add(scalar_of(text.substr(1)));
  }
}

}  // namespace

std::vector<std::string> bases_in_front_matter(std::string_view card) {
  const auto matter = front_matter_of(card);
  if (!matter) return {};
  Names names;
  for (auto rest = *matter; !rest.empty();) {
    const auto value = value_of_key(take_line(rest));
    if (!value) continue;
    names.clear();
    const auto text = trim(*value);
    if (text.empty() || text.starts_with('#'))
      read_block(rest, names);
    else if (text.starts_with('['))
      read_flow_list(matter->substr(static_cast<std::size_t>(text.data() + 1 - matter->data())), names);
    else
      names.add(scalar_of(text));
  }
  return names.take();
}

}  // namespace elves::lineage
