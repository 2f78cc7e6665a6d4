#include "formats/pickle/pickle.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/formats/pickle_writer.hpp"

namespace elves::formats {
namespace {

using namespace elves::formats::pickled;
using namespace std::string_literals;

ParsedFile parse(const std::string& file) {
  auto parsed = parse_file(source(file));
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}

/// "name [shape] dtype bytes" of each layer
std::vector<std::string> layers(const std::string& file) {
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Pickle) << parsed.opaque_reason;
  std::vector<std::string> all;
  for (const auto& each : layers_in(parsed)) {
    std::string shape;
    for (const auto n : each.shape) shape += (shape.empty() ? "" : ",") + std::to_string(n);
    all.push_back(each.name + " [" + shape + "] " + std::string(elves::name(each.dtype)) + " " +
                  file.substr(each.offset_bytes, each.length_bytes));
  }
  return all;
}

using Layers = std::vector<std::string>;

bool matches(const std::string& file) {
  return kPickle.matches(source(file));
}

TEST(Pickle, arrays_are_named_by_their_paths) {
  const auto coefficients = array({2, 2}, dtype("f4"), bytes("aaaabbbbccccdddd"));
  const auto model = instance(global("sklearn.svm", "SVC"), dict({{"C", number(1)}, {"coef_", coefficients}}));
  EXPECT_EQ(layers(pickle_of(model)), Layers{"coef_ [2,2] f32 aaaabbbbccccdddd"});
  EXPECT_EQ(layers(pickle_of(
                list({list({array({1}, dtype("i8"), bytes("12345678"))}), array({}, dtype("f2"), bytes("hh"))}))),
            (Layers{"0.0 [1] i64 12345678", "1 [] f16 hh"}));
}

TEST(Pickle, reads_bytes_of_every_opcode) {
  for (const auto& data : {"U\x04wxyz"s, "T\x04\0\0\0wxyz"s, "C\x04wxyz"s, "B\x04\0\0\0wxyz"s,
                           "\x8e\x04\0\0\0\0\0\0\0wxyz"s, "\x96\x04\0\0\0\0\0\0\0wxyz"s}) {
    EXPECT_EQ(layers(pickle_of(array({4}, dtype("u1", "|"), data))), Layers{" [4] u8 wxyz"}) << data;
  }
}

TEST(Pickle, reads_arrays_in_all_forms) {
  const auto buffer = call(global("numpy._core.numeric", "_frombuffer"),
                           {"\x96\x04\0\0\0\0\0\0\0wxyz"s, dtype("f4"), numbers({1}), text("C")});
  EXPECT_EQ(layers(pickle_of(buffer)), Layers{" [1] f32 wxyz"});
  const auto state = tuple({number(1), numbers({1}), dtype("f4"), kFalse, bytes("wxyz")});
  const auto jax = call(global("jax._src.array", "_reconstruct_array"),
                        {global("numpy.core.multiarray", "_reconstruct"), tuple({}), state, dict({})});
  EXPECT_EQ(layers(pickle_of(jax)), Layers{" [1] f32 wxyz"});
  const auto bfloat = call(global("numpy", "dtype"), {global("ml_dtypes", "bfloat16"), kFalse, kTrue});
  EXPECT_EQ(layers(pickle_of(array({2}, bfloat, bytes("wxyz")))), Layers{" [2] bf16 wxyz"});
}

TEST(Pickle, arrays_of_objects_are_searched) {
  const auto inner = array({1}, dtype("f4"), bytes("wxyz"));
  const auto type = call(global("numpy", "dtype"), {text("O8"), kFalse, kTrue});
  EXPECT_EQ(layers(pickle_of(dict({{"trees", array({2}, type, list({kNone, inner}))}}))),
            Layers{"trees.1 [1] f32 wxyz"});
}

TEST(Pickle, arrays_that_share_their_bytes_are_one_layer) {
  const auto one = bytes("wxyz") + put(5);
  EXPECT_EQ(layers(pickle_of(dict({{"a", array({1}, dtype("f4"), one)}, {"b", array({1}, dtype("f4"), get(5))}}))),
            Layers{"a [1] f32 wxyz"});
  const auto none = bytes("") + put(5);
  EXPECT_EQ(layers(pickle_of(dict({{"a", array({0}, dtype("f4"), none)}, {"b", array({0, 2}, dtype("f8"), get(5))}}))),
            (Layers{"a [0] f32 ", "b [0,2] f64 "}));
}

TEST(Pickle, unreadable_arrays_are_opaque) {
  const auto reason = [](const std::string& value) {
    const auto parsed = parse(pickle_of(value));
    EXPECT_EQ(parsed.format, FormatId::Pickle);
    return parsed.opaque_reason + " (" + std::to_string(parsed.opaque_bytes) + ")";
  };
  const auto encoded = call(global("_codecs", "encode"), {text("wxyz"), text("latin1")});
  EXPECT_EQ(reason(array({1}, dtype("f4"), encoded)), "pickle: 1 of 1 arrays are encoded as text (4)");
  EXPECT_EQ(reason(array({1}, dtype("f4"), text("wxyz"))), "pickle: 1 of 1 arrays are encoded as text (4)");
  EXPECT_EQ(reason(array({1}, dtype("f4"), "S'wxyz'\n")), "pickle: 1 of 1 arrays are encoded as text (6)");
  EXPECT_EQ(reason(array({1}, dtype("f4", ">"), bytes("wxyz"))), "pickle: 1 of 1 arrays are big-endian (4)");
  EXPECT_EQ(reason(array({1}, dtype("U1"), bytes("wxyz"))), "pickle: 1 of 1 arrays are of an unknown dtype (4)");
  EXPECT_EQ(reason(array({2}, dtype("f4"), bytes("wxyz"))),
            "pickle: 1 of 1 arrays have another size than their shapes need (4)");
  EXPECT_EQ(
      reason(dict({{"a", array({1}, dtype("f4"), bytes("wxyz"))}, {"b", array({1}, dtype("f4", ">"), bytes("wxyz"))}})),
      "pickle: 1 of 2 arrays are big-endian (4)");
  EXPECT_EQ(reason(list({kNone, bytes(std::string(5000, 'x'))})), "pickle: 1 long byte strings are no arrays (5000)");
  EXPECT_EQ(reason(call(global("_codecs", "encode"), {text(std::string(5000, 'x')), text("latin1")})),
            "pickle: 1 long byte strings are no arrays (5000)");
  EXPECT_EQ(reason(bytes(std::string(500, 'x'))), " (0)");
}

std::string wrapper(const std::vector<std::int64_t>& shape, const std::string& type, bool has_alignment,
                    const std::string& follows) {
  auto state = std::vector<std::pair<std::string_view, std::string>>{{"shape", numbers(shape)}, {"dtype", type}};
  if (has_alignment) state.emplace_back("numpy_array_alignment_bytes", number(16));
  return instance(global("joblib.numpy_pickle", "NumpyArrayWrapper"), dict(state)) + follows;
}

TEST(Pickle, reads_arrays_between_the_opcodes_of_joblib) {
  const auto old = wrapper({1}, dtype("f4"), false, "wxyz");
  const auto aligned = wrapper({1}, dtype("f4"), true,
                               "\x03\xff\xff\xff"
                               "WXYZ");
  const auto type = call(global("numpy", "dtype"), {text("O8"), kFalse, kTrue});
  const auto objects =
      wrapper({1}, type, true, pickle_of(array({1}, type, list({array({1}, dtype("i4"), bytes("iiii"))}))));
  EXPECT_EQ(layers(pickle_of(dict({{"a", old}, {"b", aligned}, {"c", objects}}))),
            (Layers{"a [1] f32 wxyz", "b [1] f32 WXYZ", "c.0 [1] i32 iiii"}));
}

TEST(Pickle, damaged_files_of_joblib_are_refused_with_the_reason) {
  // A file with an invalid opcode near its start does not match.
  const auto reason = [](const std::string& value) {
    return parse(pickle_of(list({bytes(std::string(4096, 'x')), value}))).opaque_reason;
  };
  const auto ends_with = [](const std::string& text, const std::string& end) {
    return text.ends_with(end) ? "" : text;
  };
  EXPECT_EQ(reason(wrapper({100}, dtype("f4"), false, "wxyz")).find("pickle: cut short"), 0u);
  EXPECT_EQ(reason(wrapper({1}, dtype("f4"), true, "\xff")).find("pickle: cut short"), 0u);
  EXPECT_EQ(ends_with(reason(wrapper({1}, kNone, false, "wxyz")), "completes an array wrapper without a dtype"), "");
  EXPECT_EQ(ends_with(reason(wrapper({-1}, dtype("f4"), false, "wxyz")), "completes an array wrapper without a shape"),
            "");
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_EQ(ends_with(reason(wrapper({huge, huge}, dtype("f4"), false, "wxyz")),
                      "completes an array wrapper whose size overflows"),
            "");
  const auto type = call(global("numpy", "dtype"), {text("O8"), kFalse, kTrue});
  EXPECT_NE(reason(wrapper({1}, type, false, "wxyz")).find("is followed by a damaged array of objects: opcode 0x77"),
            std::string::npos);
}

TEST(Pickle, reads_storages_embedded_as_files) {
  const auto inner = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s + pickle_of(number(1001)) +
                     pickle_of(dict({{"little_endian", kTrue}})) + pickle_of(storage("FloatStorage", "k", 2)) +
                     pickle_of(list({text("k")})) + raw(std::int64_t{2}) + "aaaabbbb";
  const auto from_bytes = call(global("torch.storage", "_load_from_bytes"), {bytes(inner)});
  EXPECT_EQ(layers(pickle_of(dict({{"w", tensor(from_bytes, 0, {2}, {1})}}))), Layers{"w [2] f32 aaaabbbb"});
  const auto damaged = call(global("torch.storage", "_load_from_bytes"), {bytes(inner.substr(0, inner.size() - 1))});
  EXPECT_EQ(layers(pickle_of(dict({{"w", tensor(damaged, 0, {2}, {1})}}))), Layers{});
}

TEST(Pickle, several_pickles_in_a_file_are_numbered) {
  const auto one = pickle_of(dict({{"w", array({1}, dtype("f4"), bytes("wxyz"))}}));
  EXPECT_EQ(layers(one + one), (Layers{"0.w [1] f32 wxyz", "1.w [1] f32 wxyz"}));
  EXPECT_EQ(layers(one + "\n\n"), Layers{"w [1] f32 wxyz"});
  const auto parsed = parse(one + std::string(5000, 'x'));
  EXPECT_EQ(parsed.opaque_reason, "pickle: 5000 bytes follow the last pickle");
  EXPECT_EQ(layers_in(parsed).size(), 1u);
}

TEST(Pickle, matches_valid_opcodes) {
  const auto whole = pickle_of(list({array({1}, dtype("f4"), bytes(std::string(10'000, 'x')))}));
  EXPECT_TRUE(matches(whole)) << "its end is not seen";
  EXPECT_TRUE(matches(whole.substr(0, 100))) << "cut short";
  EXPECT_TRUE(matches("\x80\x04\x95"s + raw(9000L) + "]\x94(K\x01" + bytes(std::string(9000, 'x')) + "e."))
      << "frames may be long";
  const auto without_header = whole.substr(2);
  EXPECT_TRUE(matches(without_header)) << "it names numpy";
  EXPECT_FALSE(matches(pickle_of(list({number(1)})).substr(2))) << "nothing of numpy";
  EXPECT_FALSE(matches("\x80\x02"s));
  EXPECT_FALSE(matches("\x80\x02\xff\xff\xff\xff\xff"s));
  EXPECT_FALSE(matches("\x80\x03X\x00\xff\x00\x00"s + std::string(70'000, 'x'))) << "a long text and nothing else";
  EXPECT_FALSE(matches("\x80\x06N."s));
  EXPECT_FALSE(matches("just some text about numpy\n"));
  EXPECT_FALSE(matches("(numpy\n"));
  EXPECT_FALSE(matches("PK\x03\x04\n" + without_header)) << "a zip is no persistent id";
  EXPECT_FALSE(matches(""));
}

TEST(Pickle, a_file_cut_anywhere_or_with_a_byte_changed_is_still_partitioned) {
  const auto good = pickle_of(dict(
      {{"a", array({2}, dtype("f4"), bytes("12345678"))}, {"b", wrapper({1}, dtype("f4"), true, "\x01\xffwxyz")}}));
  ASSERT_EQ(layers(good).size(), 2u);
  for (std::size_t at = 0; at < good.size(); ++at) {
    EXPECT_NE(layers_in(parse(good.substr(0, at))).size(), 2u);
    for (const unsigned flip : {0x01u, 0x10u, 0x80u, 0xFFu}) {
      auto file = good;
      file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ flip);
      parse(file);
    }
  }
}

}  // namespace
}  // namespace elves::formats
