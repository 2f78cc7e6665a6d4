#include "formats/pickle/graph.hpp"

namespace elves::formats::pickle {
namespace {

constexpr std::size_t kMaxKeysTried = 64;

bool is_sequence(Kind kind) {
  return kind == Kind::Tuple || kind == Kind::List || kind == Kind::Set;
}

}  // namespace

Graph::Graph() : cells_(1) {
  add(Kind::None, 0, 0);
  add(Kind::Bool, 0, 0);
  add(Kind::Bool, 1, 0);
  add(Kind::Unknown, 0, 0);
}

Index Graph::add(Kind kind, std::size_t first, std::size_t last) {
  nodes_.push_back(Node{.kind = kind, .first = static_cast<Index>(first), .last = static_cast<Index>(last)});
  return static_cast<Index>(nodes_.size() - 1);
}

Index Graph::add_int(std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  return add(Kind::Int, bits & 0xFFFF'FFFF, bits >> 32);
}

Index Graph::add_literal(Kind kind, const Literal& literal, std::string_view text) {
  if (text.size() > kMaxTextBytes) text = {};
  literals_.push_back(
      KeptLiteral{.literal = literal, .text_at = texts_.size(), .text_bytes = static_cast<std::uint32_t>(text.size())});
  texts_ += text;
  return add(kind, literals_.size() - 1, 0);
}

Index Graph::add_container(Kind kind) {
  return add(kind, 0, 0);
}

Index Graph::add_global(Index module, Index name) {
  return add(Kind::Global, module, name);
}

Index Graph::add_object(Index callable, Index args) {
  calls_.push_back(Call{.callable = callable, .args = args, .state = kUnknown, .items = {}, .pairs = {}});
  return add(Kind::Object, calls_.size() - 1, 0);
}

Index Graph::add_persistent(Index id) {
  return add(Kind::Persistent, id, 0);
}

void Graph::append(Index& first, Index& last, Index value) {
  cells_.push_back(Cell{.value = value, .next = 0});
  const auto cell = static_cast<Index>(cells_.size() - 1);
  if (last == 0) {
    first = cell;
  } else {
    cells_[last].next = cell;
  }
  last = cell;
}

bool Graph::append_item(Index to, Index value) {
  auto& node = nodes_[to];
  if (node.kind == Kind::Object) {
    auto& items = calls_[node.first].items;
    append(items.first, items.last, value);
    return true;
  }
  if (!is_sequence(node.kind)) return false;
  append(node.first, node.last, value);
  return true;
}

bool Graph::append_pair(Index to, Index key, Index value) {
  auto& node = nodes_[to];
  if (node.kind != Kind::Dict && node.kind != Kind::Object) return false;
  auto& first = node.kind == Kind::Dict ? node.first : calls_[node.first].pairs.first;
  auto& last = node.kind == Kind::Dict ? node.last : calls_[node.first].pairs.last;
  append(first, last, key);
  append(first, last, value);
  return true;
}

void Graph::set_state(Index object, Index state) {
  if (kind(object) == Kind::Object) calls_[nodes_[object].first].state = state;
}

std::int64_t Graph::number(Index node) const {
  const auto& each = nodes_[node];
  if (each.kind != Kind::Int && each.kind != Kind::Bool) return 0;
  return static_cast<std::int64_t>(std::uint64_t{each.last} << 32 | each.first);
}

bool Graph::has_literal(Index node) const {
  return kind(node) == Kind::Text || kind(node) == Kind::Bytes || kind(node) == Kind::Long;
}

std::string_view Graph::text(Index node) const {
  if (!has_literal(node)) return {};
  const auto& kept = literals_[nodes_[node].first];
  return std::string_view(texts_).substr(kept.text_at, kept.text_bytes);
}

Literal Graph::literal(Index node) const {
  return has_literal(node) ? literals_[nodes_[node].first].literal : Literal{};
}

std::string_view Graph::module(Index node) const {
  return kind(node) == Kind::Global ? text(nodes_[node].first) : std::string_view();
}

std::string_view Graph::name(Index node) const {
  return kind(node) == Kind::Global ? text(nodes_[node].last) : std::string_view();
}

const Graph::Call* Graph::call(Index node) const {
  return kind(node) == Kind::Object ? &calls_[nodes_[node].first] : nullptr;
}

Index Graph::callable(Index object) const {
  const auto* found = call(object);
  return found == nullptr ? kUnknown : found->callable;
}

Index Graph::args(Index object) const {
  const auto* found = call(object);
  return found == nullptr ? kUnknown : found->args;
}

Index Graph::state(Index object) const {
  const auto* found = call(object);
  return found == nullptr ? kUnknown : found->state;
}

Index Graph::class_of(Index object) const {
  const auto made_by = callable(object);
  // Before protocol 2, instances are made by calls of copyreg._reconstructor.
  return name(made_by) == "_reconstructor" ? item(args(object), 0) : made_by;
}

Index Graph::persistent_id(Index node) const {
  return kind(node) == Kind::Persistent ? nodes_[node].first : kUnknown;
}

Index Graph::items(Index node) const {
  if (const auto* found = call(node)) return found->items.first;
  return is_sequence(kind(node)) ? nodes_[node].first : 0;
}

Index Graph::pairs(Index node) const {
  if (const auto* found = call(node)) return found->pairs.first;
  return kind(node) == Kind::Dict ? nodes_[node].first : 0;
}

Index Graph::item(Index node, std::size_t n) const {
  auto at = items(node);
  for (; at != 0 && n > 0; --n) at = next(at);
  return at == 0 ? kUnknown : value(at);
}

std::size_t Graph::n_items(Index node, std::size_t limit) const {
  std::size_t n = 0;
  for (auto at = items(node); at != 0 && n < limit; at = next(at)) ++n;
  return n;
}

Index Graph::find(Index dict, std::string_view key) const {
  auto at = pairs(dict);
  for (std::size_t n = 0; at != 0 && n < kMaxKeysTried; ++n) {
    const auto held = next(at);
    if (text(value(at)) == key) return value(held);
    at = next(held);
  }
  return kUnknown;
}

}  // namespace elves::formats::pickle
