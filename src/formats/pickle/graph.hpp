#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace elves::formats::pickle {

/// A node of a Graph.
using Index = std::uint32_t;

enum class Kind : std::uint8_t {
  None,
  Bool,
  Int,
  Long,   ///< a number of more than 64 bits; its literal is its bytes in the file
  Text,   ///< unicode
  Bytes,  ///< bytes, bytearray, and the strings of Python 2
  Tuple,
  List,
  Set,
  Dict,
  Global,      ///< a class or function, by module and name
  Object,      ///< the result of a call: of a function, or of a class for an instance
  Persistent,  ///< the object of a persistent id
  Unknown,     ///< floats, extension codes, out-of-band buffers, and missing values
};

/// The bytes of a node in the file.
struct Literal {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  bool is_plain = true;  ///< false if they are escaped
};

/// Of longer texts only the place in the file is kept.
inline constexpr std::uint64_t kMaxTextBytes = 1024;
inline constexpr Index kNone = 0;
inline constexpr Index kFalse = 1;
inline constexpr Index kTrue = 2;
inline constexpr Index kUnknown = 3;

/// The values that a pickle builds. Nodes and cells are in two arenas and refer to each other by number: values may be
/// shared and may contain themselves, and nothing is recursive. Costs 12 bytes a node and 8 bytes for each item of a
/// container. A property that the kind of a node does not have is empty: an empty text, 0, kUnknown.
class Graph {
 public:
  Graph();

  Index add_int(std::int64_t number);
  /// `text` is the value of the literal; it is kept if it has at most kMaxTextBytes.
  Index add_literal(Kind kind, const Literal& literal, std::string_view text);
  /// An empty Tuple, List, Set or Dict.
  Index add_container(Kind kind);
  Index add_global(Index module, Index name);
  Index add_object(Index callable, Index args);
  Index add_persistent(Index id);
  /// To a Tuple, List, Set, or Object; false for others.
  bool append_item(Index to, Index value);
  /// To a Dict or Object; false for others.
  bool append_pair(Index to, Index key, Index value);
  void set_state(Index object, Index state);

  std::size_t n_nodes() const { return nodes_.size(); }
  /// Nodes and items of containers: memory is linear in this number.
  std::size_t n_values() const { return nodes_.size() + cells_.size(); }
  Kind kind(Index node) const { return nodes_[node].kind; }
  /// Of an Int or Bool.
  std::int64_t number(Index node) const;
  /// Of a Text, Bytes or Long of at most kMaxTextBytes.
  std::string_view text(Index node) const;
  /// Of a Text, Bytes or Long.
  Literal literal(Index node) const;
  /// "module", "name" of a Global.
  std::string_view module(Index node) const;
  std::string_view name(Index node) const;
  /// The call that made an Object, and the state that was set later.
  Index callable(Index object) const;
  Index args(Index object) const;
  Index state(Index object) const;
  /// The class of an instance; the function of any other call.
  Index class_of(Index object) const;
  /// The id of a Persistent.
  Index persistent_id(Index node) const;

  /// Cells of a Tuple, List, Set or Object; 0 ends them: for (auto at = items(x); at != 0; at = next(at)) value(at).
  Index items(Index node) const;
  /// Cells of a Dict or Object, keys and values in turn.
  Index pairs(Index node) const;
  Index next(Index cell) const { return cells_[cell].next; }
  Index value(Index cell) const { return cells_[cell].value; }
  /// The n-th item, kUnknown beyond the end; costs n steps.
  Index item(Index node, std::size_t n) const;
  /// Number of items, counted up to `limit`.
  std::size_t n_items(Index node, std::size_t limit) const;
  /// The value of a text key among the first 64 of a Dict; kUnknown if there is none.
  Index find(Index dict, std::string_view key) const;

 private:
  struct Node {
    Kind kind;
    Index first = 0;
    Index last = 0;
  };
  struct Cell {
    Index value = 0;
    Index next = 0;
  };
  struct Chain {
    Index first = 0;
    Index last = 0;
  };
  struct Call {
    Index callable = kUnknown;
    Index args = kUnknown;
    Index state = kUnknown;
    Chain items;
    Chain pairs;
  };
  struct KeptLiteral {
    Literal literal;
    std::uint64_t text_at = 0;
    std::uint32_t text_bytes = 0;
  };

  Index add(Kind kind, std::size_t first, std::size_t last);
  void append(Index& first, Index& last, Index value);
  bool has_literal(Index node) const;
  const Call* call(Index node) const;

  std::deque<Node> nodes_;
  std::deque<Cell> cells_;
  std::deque<Call> calls_;
  std::deque<KeptLiteral> literals_;
  std::string texts_;
};

}  // namespace elves::formats::pickle
