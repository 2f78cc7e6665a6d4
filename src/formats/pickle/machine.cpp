#include "formats/pickle/machine.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string_view>

#include "formats/pickle/escapes.hpp"
#include "formats/pickle/inline_array.hpp"
#include "formats/pickle/numpy_array.hpp"

namespace elves::formats::pickle {
namespace {

constexpr std::uint8_t kHighestProtocol = 5;

std::optional<std::int64_t> int_from(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_decimal(std::string_view text) {
  return !text.empty() && text.find_first_not_of("-0123456789") == std::string_view::npos;
}

/// A signed length of the format; a negative one becomes larger than any file.
std::uint64_t length_from(std::int32_t number) {
  return static_cast<std::uint64_t>(std::int64_t{number});
}

}  // namespace

Result<Index> Machine::run() {
  while (!result_ && !error_ && !cursor_.failed()) step();
  if (error_) return *error_;
  if (cursor_.failed()) return cursor_.error();
  return *result_;
}

void Machine::fail(const std::string& what) {
  if (error_ || cursor_.failed()) return;
  error_ = Error{fmt::format("opcode {:#04x} at byte {} {}", static_cast<std::uint8_t>(opcode_), opcode_at_, what)};
}

void Machine::check_limits() {
  if (graph_.n_values() > kMaxValues || stack_.size() > kMaxValues || marks_.size() > kMaxValues ||
      memo_.size() > kMaxValues)
    fail(fmt::format("passes the limit of {} values", kMaxValues));
  if (cursor_.position() - begin_bytes_ - skipped_bytes_ > kMaxReadBytes)
    fail(fmt::format("passes the limit of {} bytes", kMaxReadBytes));
}

void Machine::step() {
  opcode_at_ = cursor_.position();
  opcode_ = cursor_.read<Op>();
  if (cursor_.failed()) return;
  ++n_opcodes_;
  check_limits();
  switch (opcode_) {
    case Op::Proto:
      return check_protocol();
    case Op::Frame:
      return cursor_.skip(8);  // a hint for reading ahead; its opcodes follow as without it
    case Op::Stop:
      result_ = pop();
      return;
    case Op::Mark:
      return marks_.push_back(stack_.size());
    case Op::Pop:
      return pop_top_or_mark();
    case Op::PopMark:
      return drop_mark();
    case Op::Dup:
      return push(top());

    case Op::None:
      return push(kNone);
    case Op::NewTrue:
      return push(kTrue);
    case Op::NewFalse:
      return push(kFalse);
    case Op::Int:
      return push_int_line();
    case Op::BinInt:
      return push(graph_.add_int(cursor_.read<std::int32_t>()));
    case Op::BinInt1:
      return push(graph_.add_int(cursor_.read<std::uint8_t>()));
    case Op::BinInt2:
      return push(graph_.add_int(cursor_.read<std::uint16_t>()));
    case Op::Long:
      return push_long_line();
    case Op::Long1:
      return push_long(cursor_.read<std::uint8_t>());
    case Op::Long4:
      return push_long(length_from(cursor_.read<std::int32_t>()));
    case Op::Float:
      take_line();
      return push_unknown(0);
    case Op::BinFloat:
      return push_unknown(8);

    case Op::String:
      return push_string_line(Kind::Bytes);
    case Op::BinString:
      return push_literal(Kind::Bytes, length_from(cursor_.read<std::int32_t>()));
    case Op::ShortBinString:
    case Op::ShortBinBytes:
      return push_literal(Kind::Bytes, cursor_.read<std::uint8_t>());
    case Op::BinBytes:
      return push_literal(Kind::Bytes, cursor_.read<std::uint32_t>());
    case Op::BinBytes8:
    case Op::ByteArray8:
      return push_literal(Kind::Bytes, cursor_.read<std::uint64_t>());
    case Op::Unicode:
      return push_string_line(Kind::Text);
    case Op::ShortBinUnicode:
      return push_literal(Kind::Text, cursor_.read<std::uint8_t>());
    case Op::BinUnicode:
      return push_literal(Kind::Text, cursor_.read<std::uint32_t>());
    case Op::BinUnicode8:
      return push_literal(Kind::Text, cursor_.read<std::uint64_t>());

    case Op::EmptyTuple:
      return push_tuple(0);
    case Op::Tuple1:
      return push_tuple(1);
    case Op::Tuple2:
      return push_tuple(2);
    case Op::Tuple3:
      return push_tuple(3);
    case Op::Tuple:
      return push_items(Kind::Tuple);
    case Op::EmptyList:
      return push(graph_.add_container(Kind::List));
    case Op::List:
      return push_items(Kind::List);
    case Op::EmptySet:
      return push(graph_.add_container(Kind::Set));
    case Op::FrozenSet:
      return push_items(Kind::Set);
    case Op::EmptyDict:
      return push(graph_.add_container(Kind::Dict));
    case Op::Dict:
      return push_dict();
    case Op::Append:
      return append();
    case Op::Appends:
    case Op::AddItems:
      return append_all();
    case Op::SetItem:
      return set_item();
    case Op::SetItems:
      return set_items();

    case Op::Global: {
      const auto module = line_text();
      return push_global(module, line_text());
    }
    case Op::StackGlobal:
      return push_stack_global();
    case Op::Ext1:
      return push_unknown(1);
    case Op::Ext2:
      return push_unknown(2);
    case Op::Ext4:
      return push_unknown(4);
    case Op::Reduce:
    case Op::NewObj:
      return push_object(kUnknown);
    case Op::NewObjEx:
      return push_object(pop());
    case Op::Inst:
      return push_instance_of_line();
    case Op::Obj:
      return push_instance_of_first();
    case Op::Build:
      return build();
    case Op::PersId:
      return push(graph_.add_persistent(line_text()));
    case Op::BinPersId:
      return push(graph_.add_persistent(pop()));
    case Op::NextBuffer:
      return push_unknown(0);
    case Op::ReadOnlyBuffer:
      top();
      return;

    case Op::Put:
      return put(key_line());
    case Op::BinPut:
      return put(cursor_.read<std::uint8_t>());
    case Op::LongBinPut:
      return put(cursor_.read<std::uint32_t>());
    case Op::Memoize:
      return put(memo_.size());
    case Op::Get:
      return get(key_line());
    case Op::BinGet:
      return get(cursor_.read<std::uint8_t>());
    case Op::LongBinGet:
      return get(cursor_.read<std::uint32_t>());
  }
  fail("is unknown");
}

Index Machine::top() {
  if (stack_.size() > floor()) return stack_.back();
  fail("finds too few values");
  return kUnknown;
}

Index Machine::pop() {
  const auto node = top();
  if (stack_.size() > floor()) stack_.pop_back();
  return node;
}

void Machine::pop_top_or_mark() {
  if (!marks_.empty() && marks_.back() == stack_.size()) {
    marks_.pop_back();
  } else {
    pop();
  }
}

void Machine::drop_mark() {
  if (marks_.empty()) return fail("finds no mark");
  stack_.resize(marks_.back());
  marks_.pop_back();
}

void Machine::replace_mark(Index node) {
  drop_mark();
  push(node);
}

/// The container below the mark: the values above the mark are added to it.
Index Machine::below_mark() {
  const auto n_marks = marks_.size();
  const auto lowest = n_marks > 1 ? marks_[n_marks - 2] : 0;
  if (n_marks > 0 && marks_.back() > lowest) return stack_[marks_.back() - 1];
  fail(n_marks > 0 ? "finds too few values" : "finds no mark");
  return kUnknown;
}

void Machine::check_protocol() {
  const auto protocol = cursor_.read<std::uint8_t>();
  if (protocol > kHighestProtocol) fail(fmt::format("is of protocol {}", protocol));
}

void Machine::push_unknown(std::uint64_t skipped_bytes) {
  cursor_.skip(skipped_bytes);
  push(kUnknown);
}

void Machine::push_literal(Kind kind, std::uint64_t length_bytes) {
  const Literal literal{.offset_bytes = cursor_.position(), .length_bytes = length_bytes, .is_plain = true};
  std::string text;
  if (length_bytes <= kMaxTextBytes) {
    text = cursor_.take_text(length_bytes, kMaxTextBytes);
  } else {
    cursor_.skip(length_bytes);
    skipped_bytes_ += cursor_.failed() ? 0 : length_bytes;
  }
  if (!cursor_.failed()) push(graph_.add_literal(kind, literal, text));
}

void Machine::push_long(std::uint64_t length_bytes) {
  if (length_bytes > 8) return push_literal(Kind::Long, length_bytes);
  std::array<std::uint8_t, 8> bytes{};
  cursor_.fill(std::as_writable_bytes(std::span(bytes).first(static_cast<std::size_t>(length_bytes))));
  std::uint64_t number = length_bytes > 0 && bytes[length_bytes - 1] >= 0x80 ? ~std::uint64_t{0} : 0;
  for (auto i = length_bytes; i > 0; --i) number = number << 8 | bytes[i - 1];
  push(graph_.add_int(static_cast<std::int64_t>(number)));
}

Machine::Line Machine::take_line() {
  Line line{.literal = {.offset_bytes = cursor_.position(), .length_bytes = 0, .is_plain = false}, .text = {}};
  for (auto c = cursor_.read<char>(); c != '\n' && !cursor_.failed(); c = cursor_.read<char>()) {
    if (line.literal.length_bytes++ < kMaxTextBytes) line.text.push_back(c);
  }
  if (line.literal.length_bytes > kMaxTextBytes) line.text.clear();
  return line;
}

Index Machine::line_text() {
  const auto line = take_line();
  return graph_.add_literal(Kind::Text, line.literal, line.text);
}

void Machine::push_int_line() {
  const auto line = take_line();
  if (line.text == "00" || line.text == "01") return push(line.text == "01" ? kTrue : kFalse);
  const auto number = int_from(line.text);
  if (!number) return fail("has no number of 64 bits");
  push(graph_.add_int(*number));
}

void Machine::push_long_line() {
  auto line = take_line();
  if (!line.text.empty() && line.text.back() == 'L') line.text.pop_back();
  if (const auto number = int_from(line.text)) return push(graph_.add_int(*number));
  const bool is_long = line.literal.length_bytes > kMaxTextBytes;
  if (!is_long && !is_decimal(line.text)) return fail("has no number");
  push(graph_.add_literal(Kind::Long, line.literal, line.text));
}

void Machine::push_string_line(Kind kind) {
  const auto line = take_line();
  const auto text = kind == Kind::Bytes ? without_quotes(line.text) : without_unicode_escapes(line.text);
  push(graph_.add_literal(kind, line.literal, text));
}

std::uint64_t Machine::key_line() {
  const auto number = int_from(take_line().text);
  if (!number || *number < 0) fail("has no memo number");
  return static_cast<std::uint64_t>(number.value_or(0));
}

void Machine::push_tuple(std::size_t n) {
  if (above_floor().size() < n) return fail("finds too few values");
  const auto tuple = graph_.add_container(Kind::Tuple);
  for (const auto value : above_floor().last(n)) graph_.append_item(tuple, value);
  stack_.resize(stack_.size() - n);
  push(tuple);
}

void Machine::push_items(Kind kind) {
  const auto node = graph_.add_container(kind);
  for (const auto value : above_floor()) graph_.append_item(node, value);
  replace_mark(node);
}

void Machine::push_dict() {
  const auto values = above_floor();
  if (values.size() % 2 != 0) return fail("finds a key without a value");
  const auto dict = graph_.add_container(Kind::Dict);
  for (std::size_t i = 0; i < values.size(); i += 2) graph_.append_pair(dict, values[i], values[i + 1]);
  replace_mark(dict);
}

// Python calls append(), add() or __setitem__() of the object. The effect on an object of another kind is unknown.
void Machine::append() {
  const auto value = pop();
  graph_.append_item(top(), value);
}

void Machine::append_all() {
  const auto to = below_mark();
  for (const auto value : above_floor()) graph_.append_item(to, value);
  drop_mark();
}

void Machine::set_item() {
  const auto value = pop();
  const auto key = pop();
  graph_.append_pair(top(), key, value);
}

void Machine::set_items() {
  const auto to = below_mark();
  const auto values = above_floor();
  if (values.size() % 2 != 0) return fail("finds a key without a value");
  for (std::size_t i = 0; i < values.size(); i += 2) graph_.append_pair(to, values[i], values[i + 1]);
  drop_mark();
}

void Machine::push_global(Index module, Index name) {
  push(graph_.add_global(module, name));
}

void Machine::push_stack_global() {
  const auto name = pop();
  push_global(pop(), name);
}

/// Keyword arguments are kept as the state of the object, until BUILD sets another state.
void Machine::push_object(Index keywords) {
  const auto args = pop();
  const auto object = graph_.add_object(pop(), args);
  graph_.set_state(object, keywords);
  push(object);
}

void Machine::push_instance_of_line() {
  const auto module = line_text();
  const auto type = graph_.add_global(module, line_text());
  const auto args = graph_.add_container(Kind::Tuple);
  for (const auto value : above_floor()) graph_.append_item(args, value);
  replace_mark(graph_.add_object(type, args));
}

void Machine::push_instance_of_first() {
  if (above_floor().empty()) return fail("finds too few values");
  const auto args = graph_.add_container(Kind::Tuple);
  for (const auto value : above_floor().subspan(1)) graph_.append_item(args, value);
  replace_mark(graph_.add_object(above_floor().front(), args));
}

void Machine::build() {
  const auto state = pop();
  const auto object = top();
  graph_.set_state(object, state);
  if (options_.inline_arrays && is_array_wrapper(graph_, object)) take_inline_array(object);
}

void Machine::take_inline_array(Index wrapper) {
  const auto length_bytes = begin_inline_array(graph_, wrapper, cursor_);
  if (!length_bytes) return fail(length_bytes.error().message);
  if (*length_bytes) {
    push_literal(Kind::Bytes, **length_bytes);
  } else {
    const auto objects = Machine(cursor_, graph_).run();
    if (!objects) return fail("is followed by a damaged array of objects: " + objects.error().message);
    push(*objects);
  }
  if (!error_ && !cursor_.failed()) graph_.append_item(wrapper, pop());
}

void Machine::put(std::uint64_t key) {
  if (!memo_.put(key, top())) fail("passes the limit of scattered memo numbers");
}

void Machine::get(std::uint64_t key) {
  const auto node = memo_.get(key);
  if (!node) return fail(fmt::format("needs memo {}, which is not set", key));
  push(*node);
}

}  // namespace elves::formats::pickle
