#include "formats/pickle/machine.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "unit/formats/pickle_writer.hpp"

namespace elves::formats::pickle {
namespace {

using namespace elves::formats::pickled;
using namespace std::string_literals;

struct Run {
  Graph graph;
  Index root = kUnknown;
  std::string error;
  std::uint64_t end_bytes = 0;
};

Run run(const std::string& opcodes) {
  Run result;
  const auto file = source(opcodes);
  SourceCursor cursor(file);
  const auto root = Machine(cursor, result.graph).run();
  if (root) {
    result.root = *root;
  } else {
    result.error = root.error().message;
  }
  result.end_bytes = cursor.position();
  return result;
}

/// The value of a pickle, similar to Python's repr.
std::string shown(const Graph& graph, Index node, int depth = 0) {
  if (depth > 8) return "...";
  const auto list_of = [&](Index at, std::string_view open, std::string_view close) {
    std::string all(open);
    for (; at != 0; at = graph.next(at)) all += shown(graph, graph.value(at), depth + 1) + ",";
    return all + std::string(close);
  };
  switch (graph.kind(node)) {
    case Kind::None:
      return "None";
    case Kind::Bool:
      return graph.number(node) != 0 ? "True" : "False";
    case Kind::Int:
      return std::to_string(graph.number(node));
    case Kind::Long:
      return "long";
    case Kind::Text:
      return "'" + std::string(graph.text(node)) + "'";
    case Kind::Bytes:
      return "b'" + std::string(graph.text(node)) + "'";
    case Kind::Tuple:
      return list_of(graph.items(node), "(", ")");
    case Kind::List:
      return list_of(graph.items(node), "[", "]");
    case Kind::Set:
      return list_of(graph.items(node), "set(", ")");
    case Kind::Dict:
      return list_of(graph.pairs(node), "{", "}");
    case Kind::Global:
      return std::string(graph.module(node)) + "." + std::string(graph.name(node));
    case Kind::Object:
      return shown(graph, graph.callable(node), depth + 1) + shown(graph, graph.args(node), depth + 1) +
             list_of(graph.items(node), "[", "]") + list_of(graph.pairs(node), "{", "}") +
             shown(graph, graph.state(node), depth + 1);
    case Kind::Persistent:
      return "<" + shown(graph, graph.persistent_id(node), depth + 1) + ">";
    case Kind::Unknown:
      return "?";
  }
  return "";
}

std::string value_of(const std::string& opcodes) {
  const auto result = run(opcodes);
  return result.error.empty() ? shown(result.graph, result.root) : result.error;
}

TEST(PickleMachine, reads_numbers_of_all_protocols) {
  EXPECT_EQ(value_of("(I-12\nI00\nI01\nL34L\nL5\nF1.5\nJ\xff\xff\xff\xffK\xffM\xff\xfft."s),
            "(-12,False,True,34,5,?,-1,255,65535,)");
  EXPECT_EQ(value_of("(\x8a\x00\x8a\x01\xff\x8a\x02\x00\x80\x8b\x03\x00\x00\x00\x01\x02\x03\x88\x89Nt."s),
            "(0,-1,-32768,197121,True,False,None,)");
  EXPECT_EQ(value_of("(G12345678\x8a\x09" + std::string(9, 'x') + "L123456789012345678901234567890L\nt."),
            "(?,long,long,)");
}

TEST(PickleMachine, reads_texts_of_all_protocols) {
  EXPECT_EQ(value_of("(S'it\\'s \\x41\\n'\nS\"q\"\nVa\\u00e9\\U0001f999\n\x58\x01\x00\x00\x00z\x8c\x01y\x8d"s +
                     raw(1L) + "xt."),
            "(b'it's A\n',b'q','a\u00e9\U0001f999','z','y','x',)");
  EXPECT_EQ(value_of("(U\x01uT\x01\x00\x00\x00tC\x01"s + "cB\x01\x00\x00\x00"s + "b\x8e"s + raw(1L) + "8\x96"s +
                     raw(1L) + "at."),
            "(b'u',b't',b'c',b'b',b'8',b'a',)");
}

TEST(PickleMachine, builds_containers_in_every_way) {
  EXPECT_EQ(value_of("()K\x01\x85K\x01K\x02\x86K\x01K\x02K\x03\x87(K\x01lt."s), "((),(1,),(1,2,),(1,2,3,),[1,],)");
  EXPECT_EQ(value_of("(]K\x01"
                     "a(K\x02K\x03"
                     "e}K\x01Ns(K\x02NK\x03Nu(K\x01Nd\x8f(K\x01\x90(K\x01\x91t."s),
            "([1,2,3,],{1,None,2,None,3,None,},{1,None,},set(1,),set(1,),)");
}

TEST(PickleMachine, calls_become_objects_and_nothing_is_called) {
  EXPECT_EQ(value_of("cos\nsystem\n(X\x01\x00\x00\x00xtR."s), "os.system('x',)[]{}?");
  EXPECT_EQ(value_of("\x8c\x01m\x8c\x01n\x93)\x81}b."s), "m.n()[]{}{}");
  EXPECT_EQ(value_of("cm\nn\n)}\x92."s), "m.n()[]{}{}");
  EXPECT_EQ(value_of("(K\x01im\nn\n."s), "m.n(1,)[]{}?");
  EXPECT_EQ(value_of("(cm\nn\nK\x01o."s), "m.n(1,)[]{}?");
  EXPECT_EQ(value_of("cm\nn\n)RK\x01"
                     "aK\x02K\x03s."s),
            "m.n()[1,]{2,3,}?");
  EXPECT_EQ(value_of("(Pabc\nK\x01Q\x82\x01\x83\x01\x02\x84\x01\x02\x03\x04\x97\x98t."s), "(<'abc'>,<1>,?,?,?,?,)");
}

TEST(PickleMachine, reads_memo_numbers_of_all_protocols) {
  EXPECT_EQ(value_of("(K\x05p7\ng7\nq\x08h\x08r\x00\x00\x01\x00j\x00\x00\x01\x00t."s), "(5,5,5,5,)");
  EXPECT_EQ(value_of("(K\x05\x94K\x06\x94h\x00h\x01t."s), "(5,6,5,6,)");
  EXPECT_EQ(value_of("(K\x01K\x02"
                     "0K\x03"
                     "2(K\x04"
                     "1(0t."s),
            "(1,3,3,)");
}

TEST(PickleMachine, stops_after_its_pickle) {
  const auto result = run("\x80\x04\x95" + raw(2L) + "K\x01.garbage");
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.end_bytes, 14u);
}

TEST(PickleMachine, of_long_bytes_only_the_place_is_kept) {
  const auto result = run(pickle_of(bytes(std::string(100'000, 'x'))));
  const auto literal = result.graph.literal(result.root);
  EXPECT_EQ(literal.offset_bytes, 7u);
  EXPECT_EQ(literal.length_bytes, 100'000u);
  EXPECT_EQ(result.graph.text(result.root), "");
}

TEST(PickleMachine, a_list_that_contains_itself_is_a_list) {
  EXPECT_EQ(value_of("]q\x01h\x01"
                     "a."s)
                .substr(0, 4),
            "[[[[");
}

TEST(PickleMachine, damaged_pickles_are_refused_with_the_reason) {
  EXPECT_EQ(value_of("\xff"s), "opcode 0xff at byte 0 is unknown");
  EXPECT_EQ(value_of("\x80\x06N."s), "opcode 0x80 at byte 0 is of protocol 6");
  EXPECT_EQ(value_of("."s), "opcode 0x2e at byte 0 finds too few values");
  EXPECT_EQ(value_of("K\x01(."s), "opcode 0x2e at byte 3 finds too few values");
  EXPECT_EQ(value_of("0"s), "opcode 0x30 at byte 0 finds too few values");
  EXPECT_EQ(value_of("Nt"s), "opcode 0x74 at byte 1 finds no mark");
  EXPECT_EQ(value_of("1"s), "opcode 0x31 at byte 0 finds no mark");
  EXPECT_EQ(value_of("NNe"s), "opcode 0x65 at byte 2 finds no mark");
  EXPECT_EQ(value_of("(NNe"s), "opcode 0x65 at byte 3 finds too few values");
  EXPECT_EQ(value_of("N((u"s), "opcode 0x75 at byte 3 finds too few values");
  EXPECT_EQ(value_of("NR"s), "opcode 0x52 at byte 1 finds too few values");
  EXPECT_EQ(value_of("(o"s), "opcode 0x6f at byte 1 finds too few values");
  EXPECT_EQ(value_of("Na"s), "opcode 0x61 at byte 1 finds too few values");
  EXPECT_EQ(value_of("NNs"s), "opcode 0x73 at byte 2 finds too few values");
  EXPECT_EQ(value_of("N\x87"s), "opcode 0x87 at byte 1 finds too few values");
  EXPECT_EQ(value_of("b"s), "opcode 0x62 at byte 0 finds too few values");
  EXPECT_EQ(value_of("q\x01"s), "opcode 0x71 at byte 0 finds too few values");
  EXPECT_EQ(value_of("h\x07"s), "opcode 0x68 at byte 0 needs memo 7, which is not set");
  EXPECT_EQ(value_of("g-1\n"s), "opcode 0x67 at byte 0 has no memo number");
  EXPECT_EQ(value_of("Np99999999999999999999\n"s), "opcode 0x70 at byte 1 has no memo number");
  EXPECT_EQ(value_of("(Nd."s), "opcode 0x64 at byte 2 finds a key without a value");
  EXPECT_EQ(value_of("}(Nu."s), "opcode 0x75 at byte 3 finds a key without a value");
  EXPECT_EQ(value_of("Iten\n."s), "opcode 0x49 at byte 0 has no number of 64 bits");
  EXPECT_EQ(value_of("LtenL\n."s), "opcode 0x4c at byte 0 has no number");
}

TEST(PickleMachine, sizes_past_the_end_are_refused_without_reading) {
  const std::string cut = "cut short, or a size in it is wrong (at byte ";
  EXPECT_EQ(value_of("\x8b\x00\x00\x00\x80."s), cut + "5)") << "LONG4 of -2^31 bytes";
  EXPECT_EQ(value_of("\x8b\xff\xff\xff\x7f."s), cut + "5)") << "LONG4 of 2^31 bytes";
  EXPECT_EQ(value_of("T\xff\xff\xff\xff."s), cut + "5)");
  EXPECT_EQ(value_of("B\xff\xff\xff\xff."s), cut + "5)");
  EXPECT_EQ(value_of("\x8e\xff\xff\xff\xff\xff\xff\xff\xff."s), cut + "9)");
  EXPECT_EQ(value_of("\x96\x00\x00\x00\x00\x00\x00\x00\x80."s), cut + "9)");
  EXPECT_EQ(value_of("X\x05\x00\x00\x00"s + "abc."), cut + "5)");
  EXPECT_EQ(value_of("Vno end"s), cut + "7)");
  EXPECT_EQ(value_of(""s), cut + "0)");
}

TEST(PickleMachine, a_pickle_cut_anywhere_is_an_error) {
  const auto whole =
      pickle_of(dict({{"a", array({2}, dtype("f4"), bytes("12345678"))}, {"b", list({kNone, text("x")})}}));
  ASSERT_EQ(run(whole).error, "");
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_NE(run(whole.substr(0, n)).error, "") << n;
}

TEST(PickleMachine, a_million_nested_marks_or_tuples_are_read) {
  EXPECT_EQ(value_of(std::string(1'000'000, '(')), "cut short, or a size in it is wrong (at byte 1000000)");
  std::string deep(1'000'000, '(');
  deep += std::string(1'000'000, 't') + ".";
  EXPECT_EQ(run(deep).error, "");
  std::string nested = ")";
  for (int i = 0; i < 1'000'000; ++i) nested += '\x85';
  EXPECT_EQ(run(nested + ".").error, "");
}

TEST(PickleMachine, the_memory_of_the_memo_is_limited) {
  std::string flood = "N";
  for (int i = 0; i < 1'000'000; ++i) flood += '\x94';
  EXPECT_EQ(run(flood + ".").error, "");

  std::string scattered = "N";
  for (std::uint32_t i = 0; i < (1u << 20) + 2; ++i) scattered += put(0x8000'0000u + i);
  EXPECT_NE(run(scattered + ".").error.find("passes the limit of scattered memo numbers"), std::string::npos);
}

TEST(PickleMachine, the_number_of_values_is_limited) {
  // Each opcode pushes a value without a node: only the stack grows.
  std::string flood(Machine::kMaxValues + 2, 'N');
  EXPECT_NE(run(flood).error.find("passes the limit of 33554432 values"), std::string::npos);
}

}  // namespace
}  // namespace elves::formats::pickle
