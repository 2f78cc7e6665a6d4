#include "formats/pickle/torch_object.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "unit/formats/pickle_writer.hpp"

namespace elves::formats::torch {
namespace {

using namespace elves::formats::pickled;

Result<ObjectPickle> read(const std::string& value) {
  const auto file = pickle_of(value);
  return read_pickle(source(file));
}

std::string error_of(const std::string& value) {
  const auto result = read(value);
  return result ? "" : result.error().message;
}

std::vector<std::string> names_of(const std::string& value) {
  const auto result = read(value);
  EXPECT_TRUE(result) << result.error().message;
  std::vector<std::string> names;
  if (!result) return names;
  for (const auto& each : result->objects.tensors) names.push_back(each.name);
  return names;
}

using Names = std::vector<std::string>;

/// A tensor [2] with a storage of its own.
std::string small(std::string_view key) {
  return tensor(storage("FloatStorage", key, 2), 0, {2}, {1});
}

TEST(TorchObject, reads_storages_and_tensors) {
  const auto result = read(dict({{"fc.weight", tensor(storage("HalfStorage", "7", 12), 2, {5, 2}, {2, 1})}}));
  ASSERT_TRUE(result) << result.error().message;
  const auto& objects = result->objects;
  ASSERT_EQ(objects.storages.size(), 1u);
  EXPECT_EQ(objects.storages[0].key, "7");
  EXPECT_EQ(objects.storages[0].dtype, DType::F16);
  EXPECT_EQ(objects.storages[0].n_elements, 12u);
  EXPECT_EQ(objects.storages[0].location, "cpu");
  ASSERT_EQ(objects.tensors.size(), 1u);
  EXPECT_EQ(objects.tensors[0].name, "fc.weight");
  EXPECT_EQ(objects.tensors[0].offset_elements, 2u);
  EXPECT_EQ(objects.tensors[0].shape, (std::vector<std::uint64_t>{5, 2}));
  EXPECT_EQ(objects.tensors[0].strides, (std::vector<std::uint64_t>{2, 1}));
}

TEST(TorchObject, names_are_paths) {
  const auto state = dict({{"exp_avg", small("1")}});
  EXPECT_EQ(names_of(dict({{"model", dict({{"fc.weight", small("0")}})},
                           {"optimizer", dict({{"state", "}" + number(3) + state + "s"}})},
                           {"list", list({small("2"), tuple({kNone, small("3")})})}})),
            (Names{"model.fc.weight", "optimizer.state.3.exp_avg", "list.0", "list.1.1"}));
  EXPECT_EQ(names_of(small("0")), Names{""});
  EXPECT_EQ(names_of("}" + kTrue + small("0") + "s" + kNone + small("1") + "s" + tuple({}) + small("2") + "s"),
            (Names{"True", "None", "2"}));
}

TEST(TorchObject, an_ordered_dict_of_any_python_is_a_dict) {
  const auto since_3 = ordered_dict() + set_items({{text("a"), small("0")}});
  EXPECT_EQ(names_of(since_3), Names{"a"});
  const auto before = call(global("collections", "OrderedDict"), {list({list({text("a"), small("0")})})});
  EXPECT_EQ(names_of(before), Names{"a"});
  EXPECT_EQ(names_of(call(global("collections", "defaultdict"), {global("builtins", "list")}) +
                     set_items({{text("a"), small("0")}})),
            Names{"a"});
}

TEST(TorchObject, a_module_saved_whole_has_the_names_of_its_state_dict) {
  const auto fc = instance(global("models", "Linear"),
                           dict({{"training", kTrue},
                                 {"_parameters", dict({{"weight", call(global("torch._utils", "_rebuild_parameter"),
                                                                       {small("0"), kTrue, ordered_dict()})}})},
                                 {"_buffers", dict({{"mean", small("1")}})},
                                 {"_modules", dict({})}}));
  const auto net = instance(global("models", "Net"), dict({{"_modules", dict({{"fc", fc}})}, {"extra", small("2")}}));
  EXPECT_EQ(names_of(net), (Names{"fc.weight", "fc.mean", "extra"}));
  EXPECT_EQ(names_of(dict({{"_modules", small("0")}})), Names{"_modules"}) << "a key of a dict that means itself";
}

TEST(TorchObject, objects_of_unknown_classes_are_searched) {
  const auto slots = tuple({kNone, dict({{"s", small("0")}})});
  EXPECT_EQ(names_of(instance(global("m", "Slotted"), slots)), Names{"s"});
  EXPECT_EQ(names_of(call(global("m", "f"), {small("0")})), Names{""});
  EXPECT_EQ(names_of(call(global("m", "f"), {small("0"), small("1")})), (Names{"0", "1"}));
  EXPECT_EQ(names_of(global("m", "ListClass") + ")\x81" + small("0") + "a"), Names{"0"});
  EXPECT_EQ(names_of(global("m", "F") + ")" + dict({{"key", small("0")}}) + "\x92"), Names{"key"});
}

TEST(TorchObject, wrapped_tensors_have_the_name_of_the_wrapper) {
  const auto function = [](std::string_view name) { return global("torch._utils", name); };
  EXPECT_EQ(names_of(dict({{"p", call(function("_rebuild_parameter_with_state"),
                                      {small("0"), kTrue, ordered_dict(), dict({{"extra", small("1")}})})}})),
            (Names{"p", "p.extra"}));
  EXPECT_EQ(names_of(dict({{"p", call(global("torch.nn.parameter", "Parameter"), {small("0"), kTrue})}})), Names{"p"});
  EXPECT_EQ(names_of(dict({{"l", call(global("torch.jit._pickle", "restore_type_tag"),
                                      {list({small("0")}), text("List[Tensor]")})}})),
            Names{"l.0"});
  const auto args = tuple({storage("FloatStorage", "0", 2), number(0), numbers({2}), numbers({1}), kFalse, kNone});
  EXPECT_EQ(
      names_of(dict(
          {{"t", call(global("torch._tensor", "_rebuild_from_type_v2"),
                      {function("_rebuild_tensor_v2"), global("m", "Sub"), args, dict({{"scale", small("1")}})})}})),
      (Names{"t", "t.scale"}));
  const auto wrapper = call(global("torch._tensor", "_rebuild_from_type_v2"),
                            {function("_rebuild_wrapper_subclass"), global("m", "Q"), tuple({global("m", "Q")}),
                             dict({{"inner", small("1")}})});
  EXPECT_EQ(names_of(dict({{"q", wrapper}})), Names{"q.inner"});
  EXPECT_EQ(names_of(dict({{"m", call(function("_rebuild_meta_tensor_no_storage"),
                                      {global("torch", "float32"), numbers({2}), numbers({1}), kFalse})}})),
            Names{});
}

TEST(TorchObject, sparse_tensors_are_their_parts) {
  const auto layout = [](std::string_view name) {
    return call(global("torch.serialization", "_get_layout"), {text(name)});
  };
  const auto function = global("torch._utils", "_rebuild_sparse_tensor");
  EXPECT_EQ(
      names_of(dict(
          {{"s", call(function, {layout("torch.sparse_coo"), tuple({small("0"), small("1"), numbers({3, 3})})})}})),
      (Names{"s.indices", "s.values"}));
  EXPECT_EQ(names_of(dict({{"s", call(function, {layout("torch.sparse_csr"),
                                                 tuple({small("0"), small("1"), small("2"), numbers({3, 3})})})}})),
            (Names{"s.crow_indices", "s.col_indices", "s.values"}));
  EXPECT_EQ(names_of(dict({{"s", call(function, {layout("torch.sparse_bsc"),
                                                 tuple({small("0"), small("1"), small("2"), numbers({3, 3})})})}})),
            (Names{"s.ccol_indices", "s.row_indices", "s.values"}));
}

TEST(TorchObject, quantized_tensors_are_integers_with_their_scales) {
  const auto scheme = tuple({global("torch", "per_channel_affine"), small("1"), small("2"), number(0)});
  const auto result = read(dict({{"q", call(global("torch._utils", "_rebuild_qtensor"),
                                            {storage("QInt8Storage", "0", 6), number(0), numbers({2, 3}),
                                             numbers({3, 1}), scheme, kFalse, ordered_dict()})}}));
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->objects.tensors.size(), 3u);
  EXPECT_EQ(result->objects.tensors[0].dtype, DType::I8);
  EXPECT_EQ(result->objects.tensors[1].name, "q.scales");
  EXPECT_EQ(result->objects.tensors[2].name, "q.zero_points");
}

TEST(TorchObject, every_storage_class_and_dtype_is_known) {
  const std::vector<std::pair<std::string_view, DType>> classes{{"DoubleStorage", DType::F64},
                                                                {"FloatStorage", DType::F32},
                                                                {"HalfStorage", DType::F16},
                                                                {"BFloat16Storage", DType::BF16},
                                                                {"LongStorage", DType::I64},
                                                                {"IntStorage", DType::I32},
                                                                {"ShortStorage", DType::I16},
                                                                {"CharStorage", DType::I8},
                                                                {"ByteStorage", DType::U8},
                                                                {"BoolStorage", DType::Bool},
                                                                {"ComplexDoubleStorage", DType::C128},
                                                                {"ComplexFloatStorage", DType::C64},
                                                                {"ComplexHalfStorage", DType::C32},
                                                                {"QInt8Storage", DType::I8},
                                                                {"QUInt8Storage", DType::U8},
                                                                {"QInt32Storage", DType::I32},
                                                                {"QUInt4x2Storage", DType::U8},
                                                                {"UntypedStorage", DType::U8}};
  for (const auto& [name, dtype] : classes) {
    const auto result = read(storage(name, "0", 4));
    ASSERT_TRUE(result) << name;
    EXPECT_EQ(result->objects.storages.at(0).dtype, dtype) << name;
  }
  const std::vector<std::pair<std::string_view, DType>> dtypes{{"float8_e4m3fn", DType::F8E4M3},
                                                               {"float8_e5m2", DType::F8E5M2},
                                                               {"float8_e4m3fnuz", DType::F8E4M3FNUZ},
                                                               {"float8_e5m2fnuz", DType::F8E5M2FNUZ},
                                                               {"float8_e8m0fnu", DType::F8E8M0},
                                                               {"uint16", DType::U16},
                                                               {"uint32", DType::U32},
                                                               {"uint64", DType::U64},
                                                               {"bfloat16", DType::BF16}};
  for (const auto& [name, dtype] : dtypes) {
    const auto result = read(call(global("torch._utils", "_rebuild_tensor_v3"),
                                  {storage("UntypedStorage", "0", 16), number(0), numbers({2}), numbers({1}), kFalse,
                                   ordered_dict(), global("torch", name)}));
    ASSERT_TRUE(result) << name;
    EXPECT_EQ(result->objects.tensors.at(0).dtype, dtype) << name;
  }
  EXPECT_FALSE(read(storage("Float4Storage", "0", 4))->objects.storages.at(0).dtype);
}

TEST(TorchObject, legacy_views_refer_to_their_storage) {
  const auto view = persistent(tuple({text("storage"), global("torch", "FloatStorage"), text("k"), text("cpu"),
                                      number(20), tuple({text("v"), number(5), number(10)})}));
  const auto result = read(tensor(view, 2, {3}, {1}));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->objects.tensors.at(0).offset_elements, 7u);
}

TEST(TorchObject, numpy_arrays_are_found_too) {
  const auto file =
      std::string(3, '#') + pickle_of(dict({{"t", small("0")}, {"n", array({2}, dtype("i4"), bytes("12345678"))}}));
  const auto result = read_pickle(source(file), 3);
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->arrays.extents.size(), 1u);
  EXPECT_EQ(result->arrays.extents[0].name, "n");
  EXPECT_EQ(file.substr(result->arrays.extents[0].offset_bytes, 8), "12345678");
  EXPECT_EQ(result->end_bytes, file.size());
}

TEST(TorchObject, contradictions_are_refused) {
  const auto s = storage("FloatStorage", "0", 2);
  EXPECT_EQ(error_of(tuple({s, storage("FloatStorage", "0", 3)})), "storage '0' has two sizes");
  EXPECT_EQ(error_of(tuple({s, storage("ByteStorage", "0", 8)})), "") << "the same bytes";
  EXPECT_EQ(error_of(storage("FloatStorage", "0", -1)), "storage '0' has a negative size or offset");
  EXPECT_EQ(error_of(dict({{"w", tensor(s, 0, {-2}, {1})}})), "tensor 'w' has a negative size or stride");
  EXPECT_EQ(error_of(dict({{"w", tensor(s, 0, {2}, {-1})}})), "tensor 'w' has a negative size or stride");
  EXPECT_EQ(error_of(dict({{"w", tensor(s, -1, {2}, {1})}})), "tensor 'w' has an offset that is negative or overflows");
  EXPECT_EQ(error_of(dict({{"w", tensor(s, 0, {2}, {1, 1})}})),
            "tensor 'w' has another number of dimensions than of strides");
}

TEST(TorchObject, malformed_tensors_are_ignored) {
  const auto function = global("torch._utils", "_rebuild_tensor_v2");
  EXPECT_EQ(names_of(call(function, {})), Names{});
  EXPECT_EQ(names_of(call(function, {kNone, number(0), numbers({2}), numbers({1})})), Names{});
  EXPECT_EQ(names_of(call(function, {storage("FloatStorage", "0", 2), number(0), text("x"), numbers({1})})), Names{});
  EXPECT_EQ(names_of(call(function, {storage("FloatStorage", "0", 2), number(0),
                                     numbers(std::vector<std::int64_t>(65, 1)), numbers({1})})),
            Names{});
}

TEST(TorchObject, values_that_contain_themselves_are_visited_once) {
  EXPECT_EQ(names_of("}" + put(1) + text("w") + small("0") + "s" + text("me") + get(1) + "s"), Names{"w"});
  EXPECT_EQ(names_of("]" + put(1) + get(1) + "a" + small("0") + "a"), Names{"1"});
  EXPECT_EQ(names_of(global("m", "C") + ")\x81" + put(1) + get(1) + "b"), Names{});
}

TEST(TorchObject, shared_lists_take_linear_time) {
  // Each list contains the one before twice: 2^200 paths lead to the tensor.
  std::string bomb = list({small("0")}) + put(0);
  for (std::uint32_t i = 1; i <= 200; ++i) bomb += "0" + list({get(i - 1), get(i - 1)}) + put(i);
  EXPECT_EQ(names_of(bomb).size(), 1u);

  // A long tuple is the argument list of very many calls.
  std::string calls = "(" + joined(Values(20'000, kNone)) + "t" + put(0) + "0(";
  for (int i = 0; i < 20'000; ++i) calls += global("m", "f") + get(0) + "R";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(names_of(calls + "t"), Names{});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 20) << "linear work takes a fraction of a second";
}

TEST(TorchObject, long_names_are_cut) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "}" + text("key");
  deep += small("0") + std::string(100'000, 's');
  const auto names = names_of(deep);
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0].size(), 1024u);
}

// Storages as layers.

struct Case {
  Objects objects;
  std::vector<std::optional<Place>> places;
};

/// One storage of floats at byte 100.
Case one_storage(std::uint64_t n_elements, std::vector<Tensor> tensors) {
  for (auto& each : tensors) each.dtype = each.dtype ? each.dtype : DType::F32;
  return {{.storages = {{.key = "k", .dtype = DType::F32, .n_elements = n_elements, .location = "cpu"}},
           .tensors = std::move(tensors)},
          {Place{100, n_elements * 4}}};
}

Tensor view(std::string name, std::uint64_t offset, std::vector<std::uint64_t> shape,
            std::vector<std::uint64_t> strides) {
  return {.name = std::move(name),
          .storage = 0,
          .dtype = {},
          .offset_elements = offset,
          .shape = std::move(shape),
          .strides = std::move(strides)};
}

/// "name offset+length [shape] dtype" of each layer
std::vector<std::string> layers(const Case& given) {
  const auto layout = layers_of(given.objects, given.places);
  if (!layout) return {layout.error().message};
  std::vector<std::string> all;
  for (const auto& each : layout->extents) {
    std::string shape;
    for (const auto n : each.shape) shape += (shape.empty() ? "" : ",") + std::to_string(n);
    all.push_back(each.name + " " + std::to_string(each.offset_bytes) + "+" + std::to_string(each.length_bytes) + " [" +
                  shape + "] " + std::string(each.is_layer ? elves::name(each.dtype) : "glue"));
  }
  if (layout->opaque_bytes > 0) all.push_back(std::to_string(layout->opaque_bytes) + " " + layout->opaque_reason);
  return all;
}

using Layers = std::vector<std::string>;

TEST(TorchLayers, a_tensor_that_fills_its_storage_is_a_layer) {
  EXPECT_EQ(layers(one_storage(6, {view("w", 0, {2, 3}, {3, 1})})), Layers{"w 100+24 [2,3] f32"});
  EXPECT_EQ(layers(one_storage(1, {view("s", 0, {}, {})})), Layers{"s 100+4 [] f32"});
}

TEST(TorchLayers, tied_tensors_are_one_layer_under_the_first_name) {
  EXPECT_EQ(layers(one_storage(6, {view("a", 0, {2, 3}, {3, 1}), view("b", 0, {6}, {1})})),
            Layers{"a 100+24 [2,3] f32"});
}

TEST(TorchLayers, disjoint_views_are_a_layer_each) {
  EXPECT_EQ(layers(one_storage(6, {view("b", 4, {2}, {1}), view("a", 0, {2, 2}, {2, 1})})),
            (Layers{"a 100+16 [2,2] f32", "b 116+8 [2] f32"}));
}

TEST(TorchLayers, a_view_of_a_part_is_left_out) {
  EXPECT_EQ(layers(one_storage(6, {view("row", 3, {3}, {1}), view("w", 0, {2, 3}, {3, 1}), view("col", 1, {2}, {3})})),
            Layers{"w 100+24 [2,3] f32"});
}

TEST(TorchLayers, dense_permutations_keep_the_tensors_shape) {
  EXPECT_EQ(layers(one_storage(6, {view("t", 0, {3, 2}, {1, 3})})), Layers{"t 100+24 [3,2] f32"});
  EXPECT_EQ(layers(one_storage(24, {view("p", 0, {4, 1, 2, 3}, {1, 99, 12, 4})})), Layers{"p 100+96 [4,1,2,3] f32"});
}

TEST(TorchLayers, a_storage_with_gaps_repetitions_or_overlaps_is_one_flat_layer) {
  EXPECT_EQ(layers(one_storage(6, {view("gaps", 0, {2, 2}, {3, 1})})), Layers{"gaps 100+24 [6] f32"});
  EXPECT_EQ(layers(one_storage(1, {view("expanded", 0, {7}, {0})})), Layers{"expanded 100+4 [1] f32"});
  EXPECT_EQ(layers(one_storage(6, {view("a", 0, {4}, {1}), view("b", 2, {4}, {1})})), Layers{"a 100+24 [6] f32"});
  EXPECT_EQ(layers(one_storage(6, {view("part", 1, {2}, {1})})), Layers{"part 100+24 [6] f32"});
  EXPECT_EQ(layers(one_storage(6, {view("half", 1, {3}, {1})})), Layers{"half 104+12 [3] f32"});
}

TEST(TorchLayers, a_storage_without_tensors_is_named_by_its_key) {
  EXPECT_EQ(layers(one_storage(6, {})), Layers{"storage.k 100+24 [6] f32"});
}

TEST(TorchLayers, a_view_may_have_a_dtype_of_its_own) {
  auto given = one_storage(6, {view("w", 1, {4}, {1})});
  given.objects.storages[0].dtype = DType::U8;
  given.objects.tensors[0].dtype = DType::F8E4M3;
  given.places[0]->length_bytes = 6;
  EXPECT_EQ(layers(given), Layers{"w 101+4 [4] f8_e4m3"});
  given.objects.tensors[0] = view("x", 0, {2}, {2});
  given.objects.tensors[0].dtype = DType::U16;
  EXPECT_EQ(layers(given), Layers{"x 100+6 [3] u16"});
}

TEST(TorchLayers, a_storage_of_packed_elements_is_one_flat_layer) {
  auto given = one_storage(6, {view("q4", 0, {12}, {1})});
  given.objects.storages[0].dtype = DType::U8;
  given.objects.tensors[0].dtype.reset();
  given.places[0]->length_bytes = 6;
  EXPECT_EQ(layers(given), Layers{"q4 100+6 [6] u8"});
}

TEST(TorchLayers, storages_of_an_unknown_class_are_opaque) {
  auto given = one_storage(6, {view("w", 0, {6}, {1})});
  given.objects.storages[0].dtype.reset();
  given.objects.tensors[0].dtype.reset();
  EXPECT_EQ(layers(given), (Layers{" 100+24 [] glue", "24 storages of an unknown class"}));
}

TEST(TorchLayers, storages_that_are_not_in_the_file_are_left_out) {
  auto given = one_storage(6, {view("w", 0, {6}, {1})});
  given.places[0].reset();
  EXPECT_EQ(layers(given), Layers{});
}

TEST(TorchLayers, tensors_without_elements_are_layers_if_their_storage_is_empty) {
  EXPECT_EQ(layers(one_storage(0, {view("e", 0, {0, 3}, {3, 1})})), Layers{"e 100+0 [0,3] f32"});
  EXPECT_EQ(layers(one_storage(2, {view("w", 0, {2}, {1}), view("e", 1, {0}, {1})})), Layers{"w 100+8 [2] f32"});
  EXPECT_EQ(layers(one_storage(0, {})), Layers{});
}

TEST(TorchLayers, the_length_in_the_file_counts_not_the_one_in_the_pickle) {
  auto given = one_storage(6, {});
  given.places[0]->length_bytes = 7;
  EXPECT_EQ(layers(given), Layers{"storage.k 100+7 [7] u8"});
}

TEST(TorchLayers, tensors_past_the_end_of_their_storage_are_refused) {
  EXPECT_EQ(layers(one_storage(6, {view("w", 1, {2, 3}, {3, 1})})), Layers{"tensor 'w' passes the end of storage 'k'"});
  EXPECT_EQ(layers(one_storage(6, {view("w", 0, {2}, {6})})), Layers{"tensor 'w' passes the end of storage 'k'"});
  const std::uint64_t huge = std::uint64_t{1} << 63;
  EXPECT_EQ(layers(one_storage(6, {view("w", 0, {huge, huge}, {huge, 1})})),
            Layers{"tensor 'w' has a shape whose size overflows"});
  EXPECT_EQ(layers(one_storage(6, {view("w", ~std::uint64_t{0}, {1}, {1})})),
            Layers{"tensor 'w' has a shape whose size overflows"});
  EXPECT_EQ(layers(one_storage(6, {view("w", huge, {1}, {1})})), Layers{"tensor 'w' has a shape whose size overflows"});
}

}  // namespace
}  // namespace elves::formats::torch
