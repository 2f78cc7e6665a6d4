#include "formats/pickle/walk.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace elves::formats::pickle {
namespace {

constexpr std::array<std::string_view, 3> kBookkeeping{"_parameters", "_buffers", "_modules"};

class Walker {
 public:
  Walker(const Graph& graph, std::string root_name, Visitor& visitor)
      : graph_(graph), visitor_(visitor), entered_(graph.n_nodes(), false), name_(std::move(root_name)) {}

  void walk(Index root) {
    open(root);
    while (!tasks_.empty()) {
      const auto task = tasks_.back();
      tasks_.pop_back();
      name_.resize(task.name_bytes);
      perform(task);
    }
  }

 private:
  enum class What : std::uint8_t {
    Node,        ///< a single value
    Items,       ///< of a list, named by their positions
    PairItems,   ///< of a list of pairs, each a key and a value
    Pairs,       ///< of a dict, named by their keys
    Attributes,  ///< of an object, named by their keys except the bookkeeping of torch
  };

  /// A value that is still to be visited: a node, or the cells of a container from `at` on.
  struct Task {
    What what = What::Node;
    Index at = 0;  ///< a node or a cell
    std::uint32_t position = 0;
    std::uint32_t name_bytes = 0;
    std::string_view part{};
  };

  void push(What what, Index at, std::uint32_t position = 0, std::string_view part = {}) {
    if (what != What::Node && at == 0) return;
    tasks_.push_back(Task{.what = what,
                          .at = at,
                          .position = position,
                          .name_bytes = static_cast<std::uint32_t>(name_.size()),
                          .part = part});
  }

  void perform(const Task& task) {
    if (task.what == What::Node) {
      append(task.part);
      return open(task.at);
    }
    const bool in_pairs = task.what == What::Pairs || task.what == What::Attributes;
    const auto cell = in_pairs ? graph_.next(task.at) : task.at;
    push(task.what, graph_.next(cell), task.position + 1);
    const auto node = graph_.value(cell);
    if (in_pairs) return open_keyed(graph_.value(task.at), node, task);
    if (task.what == What::PairItems) return open_keyed(graph_.item(node, 0), graph_.item(node, 1), task);
    append(std::to_string(task.position));
    open(node);
  }

  void open_keyed(Index key, Index node, const Task& task) {
    const auto text = key_text(key, task.position);
    const bool hidden = task.what == What::Attributes &&
                        std::find(kBookkeeping.begin(), kBookkeeping.end(), text) != kBookkeeping.end();
    if (!hidden) append(text);
    open(node);
  }

  std::string key_text(Index key, std::uint32_t position) const {
    switch (graph_.kind(key)) {
      case Kind::Text:
      case Kind::Bytes:
        if (graph_.literal(key).length_bytes > kMaxTextBytes) break;
        return std::string(graph_.text(key));
      case Kind::Int:
        return std::to_string(graph_.number(key));
      case Kind::Bool:
        return graph_.number(key) != 0 ? "True" : "False";
      case Kind::None:
        return "None";
      default:
        break;
    }
    return std::to_string(position);
  }

  void append(std::string_view part) {
    if (part.empty()) return;
    if (!name_.empty()) name_ += '.';
    name_ += part;
    if (name_.size() > kMaxNameBytes) name_.resize(kMaxNameBytes);
  }

  void open(Index node) {
    if (entered_[node]) return;
    switch (graph_.kind(node)) {
      case Kind::Tuple:
      case Kind::List:
      case Kind::Set:
        entered_[node] = true;
        return push(What::Items, graph_.items(node));
      case Kind::Dict:
        entered_[node] = true;
        return push(What::Pairs, graph_.pairs(node));
      case Kind::Object:
      case Kind::Persistent:
        entered_[node] = true;
        return open_object(node);
      default:
        return;
    }
  }

  void open_object(Index node) {
    if (const auto branches = visitor_.visit(node, name_)) {
      for (auto each = branches->rbegin(); each != branches->rend(); ++each)
        push(What::Node, each->node, 0, each->part);
      return;
    }
    // The task that is pushed last is performed first.
    push_state(graph_.state(node));
    push(What::Items, graph_.items(node));
    push(What::Pairs, graph_.pairs(node));
    push_args(graph_.args(node), graph_.name(graph_.callable(node)) == "OrderedDict");
  }

  /// A state is a dict of attributes, or a tuple of this dict and a dict of slots.
  void push_state(Index state) {
    const auto slots = graph_.item(state, 1);
    if (graph_.kind(state) == Kind::Tuple && graph_.kind(slots) == Kind::Dict && graph_.n_items(state, 3) == 2) {
      push_attributes(slots);
      state = graph_.item(state, 0);
    }
    if (graph_.kind(state) == Kind::Dict) return push_attributes(state);
    push(What::Node, state);
  }

  void push_attributes(Index dict) {
    if (entered_[dict]) return;
    entered_[dict] = true;
    push(What::Attributes, graph_.pairs(dict));
  }

  void push_args(Index args, bool is_dict) {
    if (graph_.n_items(args, 2) != 1) return push(What::Node, args);
    const auto only = graph_.item(args, 0);
    const bool pairs = is_dict && graph_.kind(only) == Kind::List && !entered_[only];
    if (!pairs) return push(What::Node, only);
    entered_[only] = true;
    push(What::PairItems, graph_.items(only));
  }

  const Graph& graph_;
  Visitor& visitor_;
  std::vector<bool> entered_;
  std::vector<Task> tasks_;
  std::string name_;
};

}  // namespace

void walk(const Graph& graph, Index root, std::string root_name, Visitor& visitor) {
  Walker(graph, std::move(root_name), visitor).walk(root);
}

}  // namespace elves::formats::pickle
