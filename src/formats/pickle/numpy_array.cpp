#include "formats/pickle/numpy_array.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "support/checked.hpp"

namespace elves::formats::pickle {
namespace {

constexpr std::string_view kUnknownType = "are of an unknown dtype";
constexpr std::string_view kBigEndian = "are big-endian";
constexpr std::int64_t kHasObjects = 1;  // a flag of numpy's

constexpr std::array kTypes{
    std::pair{std::string_view("b1"), DType::Bool}, std::pair{std::string_view("i1"), DType::I8},
    std::pair{std::string_view("u1"), DType::U8},   std::pair{std::string_view("i2"), DType::I16},
    std::pair{std::string_view("u2"), DType::U16},  std::pair{std::string_view("i4"), DType::I32},
    std::pair{std::string_view("u4"), DType::U32},  std::pair{std::string_view("i8"), DType::I64},
    std::pair{std::string_view("u8"), DType::U64},  std::pair{std::string_view("f2"), DType::F16},
    std::pair{std::string_view("f4"), DType::F32},  std::pair{std::string_view("f8"), DType::F64},
    std::pair{std::string_view("c8"), DType::C64},  std::pair{std::string_view("c16"), DType::C128},
};

/// Types that other packages add to numpy; their dtype is a class.
constexpr std::array kClasses{
    std::pair{std::string_view("bfloat16"), DType::BF16},
    std::pair{std::string_view("float8_e4m3fn"), DType::F8E4M3},
    std::pair{std::string_view("float8_e5m2"), DType::F8E5M2},
    std::pair{std::string_view("float8_e4m3fnuz"), DType::F8E4M3FNUZ},
    std::pair{std::string_view("float8_e5m2fnuz"), DType::F8E5M2FNUZ},
    std::pair{std::string_view("float8_e8m0fnu"), DType::F8E8M0},
};

template <class Table>
std::optional<DType> look_up(const Table& table, std::string_view text) {
  const auto row = std::find_if(table.begin(), table.end(), [&](const auto& each) { return each.first == text; });
  return row == table.end() ? std::nullopt : std::optional(row->second);
}

bool is_of_numpy(std::string_view module) {
  return module == "numpy" || module.starts_with("numpy.");
}

bool has_byte_order(std::string_view code) {
  return !code.empty() && std::string_view("<>=|").find(code.front()) != std::string_view::npos;
}

/// Bytes of an element of a type like "f4", "U10", "V24"; 0 if the code has no size.
std::uint64_t size_of(std::string_view code) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), size);
  if (error != std::errc{} || end != code.data() + code.size()) return 0;
  return code.front() == 'U' ? checked_mul<std::uint64_t>(size, 4).value_or(0) : size;
}

ElementType type_from(std::string_view code, char byte_order, std::int64_t flags) {
  ElementType type{.size_bytes = 0, .has_objects = false, .dtype = std::nullopt, .why_not = kUnknownType};
  if (code.empty()) return type;
  type.size_bytes = size_of(code);
  type.has_objects = code.front() == 'O' || (flags & kHasObjects) != 0;
  if (byte_order == '>' && type.size_bytes > 1) {
    type.why_not = kBigEndian;
  } else {
    type.dtype = look_up(kTypes, code);
  }
  return type;
}

std::optional<Array> array_from(const Graph& graph, Index shape, Index dtype, Index data) {
  const auto numbers = numbers_of(graph, shape);
  if (!numbers || std::any_of(numbers->begin(), numbers->end(), [](auto n) { return n < 0; })) return std::nullopt;
  return Array{.shape = {numbers->begin(), numbers->end()}, .type = element_type(graph, dtype), .data = data};
}

}  // namespace

std::optional<std::vector<std::int64_t>> numbers_of(const Graph& graph, Index sequence) {
  if (graph.kind(sequence) != Kind::Tuple && graph.kind(sequence) != Kind::List) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (auto at = graph.items(sequence); at != 0; at = graph.next(at)) {
    if (graph.kind(graph.value(at)) != Kind::Int || numbers.size() == kMaxDimensions) return std::nullopt;
    numbers.push_back(graph.number(graph.value(at)));
  }
  return numbers;
}

ElementType element_type(const Graph& graph, Index dtype) {
  const auto type = graph.item(graph.args(dtype), 0);
  if (const auto of_class = look_up(kClasses, graph.name(type)))
    return {.size_bytes = size_bytes(*of_class), .has_objects = false, .dtype = of_class, .why_not = {}};
  auto code = graph.text(type);
  const auto state = graph.state(dtype);  // (version, byte order, ..., flags)
  auto byte_order = graph.text(graph.item(state, 1));
  if (has_byte_order(code)) {
    byte_order = code.substr(0, 1);
    code.remove_prefix(1);
  }
  return type_from(code, byte_order.empty() ? '|' : byte_order.front(), graph.number(graph.item(state, 7)));
}

bool is_array_wrapper(const Graph& graph, Index object) {
  const auto type = graph.class_of(object);
  return graph.name(type) == "NumpyArrayWrapper" && graph.module(type).ends_with("joblib.numpy_pickle");
}

std::optional<Array> array_of(const Graph& graph, Index object) {
  if (graph.kind(object) != Kind::Object) return std::nullopt;
  const auto function = graph.callable(object);
  const auto name = graph.name(function);
  const auto args = graph.args(object);
  const auto state = graph.state(object);
  if (is_array_wrapper(graph, object))
    return array_from(graph, graph.find(state, "shape"), graph.find(state, "dtype"), graph.item(object, 0));
  // The state of an array: (version, shape, dtype, is_fortran, data)
  const auto from_state = [&](Index parts) {
    return array_from(graph, graph.item(parts, 1), graph.item(parts, 2), graph.item(parts, 4));
  };
  if (name == "_reconstruct_array") return from_state(graph.item(args, 2));  // of jax
  if (!is_of_numpy(graph.module(function))) return std::nullopt;
  if (name == "_reconstruct" || name == "_mareconstruct") return from_state(state);
  if (name == "_frombuffer") return array_from(graph, graph.item(args, 2), graph.item(args, 1), graph.item(args, 0));
  return std::nullopt;
}

}  // namespace elves::formats::pickle
