#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/byte_source.hpp"
#include "unit/formats/partition.hpp"

/// Opcodes of pickles, as text: each function returns opcodes that leave one value on the stack.
namespace elves::formats::pickled {

using Values = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

template <class T>
std::string raw(const T& value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::string joined(const Values& values) {
  std::string all;
  for (const auto& each : values) all += each;
  return all;
}

inline const std::string kNone = "N";
inline const std::string kTrue = "\x88";
inline const std::string kFalse = "\x89";

inline std::string number(std::int64_t value) {
  return "\x8a\x08" + raw(value);
}
inline std::string text(std::string_view value) {
  return "X" + raw(static_cast<std::uint32_t>(value.size())) + std::string(value);
}
inline std::string bytes(std::string_view value) {
  return "B" + raw(static_cast<std::uint32_t>(value.size())) + std::string(value);
}
inline std::string tuple(const Values& values) {
  return "(" + joined(values) + "t";
}
inline std::string list(const Values& values) {
  return "](" + joined(values) + "e";
}
inline std::string numbers(const std::vector<std::int64_t>& values) {
  std::string all;
  for (const auto each : values) all += number(each);
  return "(" + all + "t";
}
inline std::string set_items(const Pairs& pairs) {
  std::string all;
  for (const auto& [key, value] : pairs) all += key + value;
  return "(" + all + "u";
}
inline std::string dict(const std::vector<std::pair<std::string_view, std::string>>& pairs) {
  std::string all;
  for (const auto& [key, value] : pairs) all += text(key) + value;
  return "}(" + all + "u";
}
inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
inline std::string call(const std::string& function, const Values& args) {
  return function + tuple(args) + "R";
}
inline std::string instance(const std::string& type, const std::string& state) {
  return type + ")\x81" + state + "b";
}
inline std::string persistent(const std::string& id) {
  return id + "Q";
}
/// Opcodes of the memo: PUT stores the top value under a number, GET pushes it again.
inline std::string put(std::uint32_t key) {
  return "r" + raw(key);
}
inline std::string get(std::uint32_t key) {
  return "j" + raw(key);
}
inline std::string pickle_of(const std::string& value) {
  return "\x80\x02" + value + ".";
}

/// A storage of torch.
inline std::string storage(std::string_view type, std::string_view key, std::int64_t n_elements) {
  return persistent(tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(n_elements), kNone}));
}
inline std::string ordered_dict() {
  return call(global("collections", "OrderedDict"), {});
}
inline std::string tensor(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                          const std::vector<std::int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage, number(offset), numbers(shape), numbers(strides), kFalse, ordered_dict()});
}

/// A numpy array.
inline std::string dtype(std::string_view code, std::string_view byte_order = "<") {
  return call(global("numpy", "dtype"), {text(code), kFalse, kTrue}) +
         tuple({number(3), text(byte_order), kNone, kNone, kNone, number(-1), number(-1), number(0)}) + "b";
}
inline std::string array(const std::vector<std::int64_t>& shape, const std::string& type, const std::string& data) {
  return call(global("numpy.core.multiarray", "_reconstruct"), {global("numpy", "ndarray"), numbers({0}), bytes("b")}) +
         tuple({number(1), numbers(shape), type, kFalse, data}) + "b";
}

}  // namespace elves::formats::pickled

namespace elves::formats {

inline MemorySource source(std::string_view file) {
  return MemorySource(std::as_bytes(std::span(file)));
}

inline std::vector<Extent> layers_in(const ParsedFile& file) {
  std::vector<Extent> layers;
  for (const auto& extent : file.extents) {
    if (extent.is_layer) layers.push_back(extent);
  }
  return layers;
}

inline std::vector<std::string> names_in(const std::vector<Extent>& layers) {
  std::vector<std::string> names;
  for (const auto& layer : layers) names.push_back(layer.name);
  return names;
}

}  // namespace elves::formats
