#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "elves/error.hpp"
#include "formats/pickle/graph.hpp"
#include "formats/pickle/memo.hpp"
#include "formats/pickle/opcodes.hpp"
#include "formats/source_cursor.hpp"

namespace elves::formats::pickle {

struct MachineOptions {
  /// joblib writes the bytes of an array after the opcode that completes its NumpyArrayWrapper. They are skipped and
  /// become the only item of the wrapper. An array of objects is a pickle of its own there; its value becomes the item.
  bool inline_arrays = false;
};

/// Interprets the opcodes of one pickle (protocols 0 to 5) and builds its values in a Graph. Nothing is imported and
/// nothing called: calls and instances become Objects. Texts of more than kMaxTextBytes are skipped, not read. Time is
/// linear in the bytes of the pickle; so is memory, up to kMaxValues values, which take 1 GiB at most.
class Machine {
 public:
  static constexpr std::size_t kMaxValues = 32 << 20;
  static constexpr std::uint64_t kMaxReadBytes = 1 << 30;

  /// The pickle begins at the position of the cursor.
  Machine(SourceCursor& cursor, Graph& graph, MachineOptions options = {})
      : cursor_(cursor), graph_(graph), options_(options), begin_bytes_(cursor.position()) {}

  /// Runs up to STOP, returns the top value, and leaves the cursor after STOP. An Error at the first damaged opcode; if
  /// the
  /// file ends too early, the cursor has failed. To be called once.
  Result<Index> run();
  std::uint64_t n_opcodes() const { return n_opcodes_; }

 private:
  struct Line {
    Literal literal;
    std::string text;  ///< empty if it is longer than kMaxTextBytes
  };

  void step();
  void fail(const std::string& what);
  void check_limits();

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  std::span<const Index> above_floor() const { return std::span(stack_).subspan(floor()); }
  void push(Index node) { stack_.push_back(node); }
  Index pop();
  Index top();
  void pop_top_or_mark();
  void drop_mark();
  void replace_mark(Index node);
  Index below_mark();

  void check_protocol();
  void push_unknown(std::uint64_t skipped_bytes);
  void push_literal(Kind kind, std::uint64_t length_bytes);
  void push_long(std::uint64_t length_bytes);
  Line take_line();
  Index line_text();
  void push_int_line();
  void push_long_line();
  void push_string_line(Kind kind);
  std::uint64_t key_line();

  void push_tuple(std::size_t n);
  void push_items(Kind kind);
  void push_dict();
  void append();
  void append_all();
  void set_item();
  void set_items();

  void push_global(Index module, Index name);
  void push_stack_global();
  void push_object(Index keywords);
  void push_instance_of_line();
  void push_instance_of_first();
  void build();
  void take_inline_array(Index wrapper);
  void put(std::uint64_t key);
  void get(std::uint64_t key);

  SourceCursor& cursor_;
  Graph& graph_;
  MachineOptions options_;
  std::uint64_t begin_bytes_;
  std::vector<Index> stack_;
  std::vector<std::size_t> marks_;  ///< sizes of the stack
  Memo memo_;
  Op opcode_{};
  std::uint64_t opcode_at_ = 0;
  std::uint64_t n_opcodes_ = 0;
  std::uint64_t skipped_bytes_ = 0;
  std::optional<Index> result_;
  std::optional<Error> error_;
};

}  // namespace elves::formats::pickle
