#include "formats/pickle/tensor_finder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "formats/pickle/torch_dtype.hpp"
#include "formats/pickle/walk.hpp"
#include "support/checked.hpp"
#include "support/text.hpp"

namespace elves::formats::torch {
namespace {

using pickle::Branch;
using pickle::Graph;
using pickle::Index;
using pickle::Kind;

/// Limit on all names and shapes together. They may be longer than the pickle, because many tensors can share a value.
constexpr std::uint64_t kMaxFoundBytes = 512 << 20;

using Branches = std::vector<Branch>;

/// A call of a function of torch.
struct Call {
  std::string_view function;
  Index args = pickle::kUnknown;
  Index state = pickle::kUnknown;
};

bool has_negative(const std::vector<std::int64_t>& numbers) {
  return std::any_of(numbers.begin(), numbers.end(), [](auto number) { return number < 0; });
}

class TensorFinder final : public pickle::Visitor {
 public:
  TensorFinder(const Graph& graph, References& references, pickle::ArrayFindings& arrays)
      : graph_(graph), references_(references), arrays_(arrays) {}

  std::optional<Branches> visit(Index node, const std::string& name) override {
    if (error_) return Branches{};
    if (found_bytes_ > kMaxFoundBytes) return refuse(name, "comes after 512 MiB of names and shapes");
    if (auto tensor = references_.tensor(node)) {
      tensor->name = name;
      add(*std::move(tensor));
      return Branches{};
    }
    if (graph_.kind(node) == Kind::Persistent) return Branches{};
    if (const auto array = pickle::array_of(graph_, node)) {
      found_bytes_ += name.size() + array->shape.size() * sizeof(std::uint64_t);
      arrays_.add(graph_, *array, name);
      return Branches{{"", array->data}};
    }
    const auto call = torch_call(node);
    return call ? take(*call, name) : std::nullopt;
  }

  Result<std::vector<Tensor>> take_tensors() {
    if (error_) return *error_;
    return std::move(tensors_);
  }

 private:
  void add(Tensor tensor) {
    found_bytes_ += tensor.name.size() + 2 * tensor.shape.size() * sizeof(std::uint64_t);
    tensors_.push_back(std::move(tensor));
  }

  Index arg(const Call& call, std::size_t n) const { return graph_.item(call.args, n); }

  std::optional<Call> torch_call(Index node) const {
    auto function = graph_.callable(node);
    if (!graph_.module(function).starts_with("torch")) return std::nullopt;
    Call call{.function = graph_.name(function), .args = graph_.args(node), .state = graph_.state(node)};
    if (call.function != "_rebuild_from_type_v2" && call.function != "_rebuild_from_type") return call;
    // (function, type, args, state)
    function = arg(call, 0);
    return Call{.function = graph_.name(function), .args = arg(call, 2), .state = arg(call, 3)};
  }

  /// Handles a call of torch; nothing for an unknown function.
  std::optional<Branches> take(const Call& call, const std::string& name) {
    const auto is = [&](std::string_view function) { return call.function == function; };
    if (is("_rebuild_tensor") || is("_rebuild_tensor_v2") || is("_rebuild_tensor_v3") || is("_rebuild_qtensor"))
      return take_tensor(call, name);
    if (is("_rebuild_parameter") || is("Parameter") || is("Variable") || is("_rebuild_parameter_with_state"))
      return Branches{{"", arg(call, 0)}, {"", arg(call, 3)}, {"", call.state}};
    if (is("_rebuild_device_tensor_from_numpy") || is("_rebuild_xla_tensor") || is("restore_type_tag"))
      return Branches{{"", arg(call, 0)}};
    if (is("_rebuild_sparse_tensor") || is("_rebuild_sparse_csr_tensor")) return sparse(call);
    if (is("_rebuild_wrapper_subclass") || is("_rebuild_meta_tensor_no_storage")) return Branches{{"", call.state}};
    return std::nullopt;
  }

  /// Arguments: layout, (indices, values, size). Compressed layouts have two arrays of indices.
  Branches sparse(const Call& call) const {
    const auto parts = arg(call, 1);
    const auto part = [&](std::size_t n) { return graph_.item(parts, n); };
    // The layout is a call with its name, "torch.sparse_csr".
    const auto layout = graph_.text(graph_.item(graph_.args(arg(call, 0)), 0));
    if (layout.ends_with("_csr") || layout.ends_with("_bsr"))
      return {{"crow_indices", part(0)}, {"col_indices", part(1)}, {"values", part(2)}};
    if (layout.ends_with("_csc") || layout.ends_with("_bsc"))
      return {{"ccol_indices", part(0)}, {"row_indices", part(1)}, {"values", part(2)}};
    return {{"indices", part(0)}, {"values", part(1)}};
  }

  /// Arguments: storage, offset, size, stride, ...
  std::optional<Branches> take_tensor(const Call& call, const std::string& name) {
    const auto storage = references_.storage(arg(call, 0));
    const auto shape = pickle::numbers_of(graph_, size_of(arg(call, 2)));
    const auto strides = pickle::numbers_of(graph_, size_of(arg(call, 3)));
    if (!storage || !shape || !strides || graph_.kind(arg(call, 1)) != Kind::Int) return std::nullopt;
    const auto offset = graph_.number(arg(call, 1));
    const auto from = checked_add(static_cast<std::uint64_t>(offset), storage->offset_elements);
    if (offset < 0 || !from) return refuse(name, "has an offset that is negative or overflows");
    if (has_negative(*shape) || has_negative(*strides)) return refuse(name, "has a negative size or stride");
    if (shape->size() != strides->size()) return refuse(name, "has another number of dimensions than of strides");
    add({.name = name,
         .storage = storage->storage,
         .dtype = is_v3(call) ? dtype_from_name(graph_.name(arg(call, 6))) : storage->dtype,
         .offset_elements = *from,
         .shape = {shape->begin(), shape->end()},
         .strides = {strides->begin(), strides->end()}});
    // (scheme, scales, zero points, axis) if each channel has its own scale.
    const auto scheme = call.function == "_rebuild_qtensor" ? arg(call, 4) : pickle::kUnknown;
    return Branches{{"", call.state}, {"scales", graph_.item(scheme, 1)}, {"zero_points", graph_.item(scheme, 2)}};
  }

  static bool is_v3(const Call& call) { return call.function == "_rebuild_tensor_v3"; }

  /// The tuple of a size: the node itself, or the argument of torch.Size.
  Index size_of(Index node) const {
    return graph_.name(graph_.callable(node)) == "Size" ? graph_.item(graph_.args(node), 0) : node;
  }

  Branches refuse(std::string_view name, std::string_view flaw) {
    error_ = Error{fmt::format("tensor {} {}", quoted_name(name), flaw)};
    return {};
  }

  const Graph& graph_;
  References& references_;
  pickle::ArrayFindings& arrays_;
  std::vector<Tensor> tensors_;
  std::uint64_t found_bytes_ = 0;
  std::optional<Error> error_;
};

}  // namespace

std::optional<Tensor> References::tensor(Index /*node*/) {
  return std::nullopt;
}

Result<std::vector<Tensor>> find_tensors(const pickle::Pickled& pickled, References& references,
                                         pickle::ArrayFindings& arrays, std::string root_name) {
  TensorFinder finder(pickled.graph, references, arrays);
  pickle::walk(pickled.graph, pickled.root, std::move(root_name), finder);
  return finder.take_tensors();
}

}  // namespace elves::formats::torch
