#include "formats/pickle/torch_object.hpp"

#include <fmt/format.h>

#include <string_view>
#include <unordered_map>
#include <utility>

#include "formats/pickle/pickled.hpp"
#include "formats/pickle/tensor_finder.hpp"
#include "formats/pickle/torch_dtype.hpp"
#include "support/checked.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats::torch {
namespace {

using pickle::Graph;
using pickle::Index;

std::optional<std::uint64_t> claimed_bytes(const Storage& storage) {
  return checked_mul<std::uint64_t>(storage.n_elements, storage.dtype ? size_bytes(*storage.dtype) : 1);
}

/// Storages in the form of torch's persistent ids: ('storage', class, key, location, n_elements, view). The view is
/// (key, offset, n_elements), None, or missing.
class PersistentStorages final : public References {
 public:
  explicit PersistentStorages(const Graph& graph) : graph_(graph) {}

  /// Reads all storages of the pickle, also those of tensors that cannot be reached.
  Result<std::vector<Storage>> read() {
    for (Index node = 0; node < graph_.n_nodes(); ++node) {
      const auto id = graph_.persistent_id(node);
      if (graph_.text(graph_.item(id, 0)) != "storage") continue;
      ELVES_CHECK(take(node, id));
    }
    return std::move(storages_);
  }

  std::optional<StorageReference> storage(Index node) override {
    const auto found = references_.find(node);
    return found == references_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  Result<void> take(Index node, Index id) {
    Storage storage{.key = pickle::key_text(graph_, graph_.item(id, 2)),
                    .dtype = std::nullopt,
                    .n_elements = static_cast<std::uint64_t>(graph_.number(graph_.item(id, 4))),
                    .location = std::string(graph_.text(graph_.item(id, 3)))};
    const auto type = storage_class(graph_.name(graph_.item(id, 1)));
    if (type) storage.dtype = type->dtype;
    const auto offset = graph_.number(graph_.item(graph_.item(id, 5), 1));
    const auto refuse = [&](std::string_view flaw) {
      return Error{fmt::format("storage {} {}", quoted_name(storage.key), flaw)};
    };
    if (graph_.number(graph_.item(id, 4)) < 0 || offset < 0) return refuse("has a negative size or offset");
    const auto [row, is_new] = index_.try_emplace(storage.key, storages_.size());
    if (!is_new && claimed_bytes(storages_[row->second]) != claimed_bytes(storage)) return refuse("has two sizes");
    const auto dtype = type && !type->has_parts ? std::optional(type->dtype) : std::nullopt;
    references_[node] = {.storage = row->second, .dtype = dtype, .offset_elements = static_cast<std::uint64_t>(offset)};
    if (is_new) storages_.push_back(std::move(storage));
    return {};
  }

  const Graph& graph_;
  std::vector<Storage> storages_;
  std::unordered_map<std::string, std::size_t> index_;
  std::unordered_map<Index, StorageReference> references_;
};

}  // namespace

Result<ObjectPickle> read_pickle(const ByteSource& file, std::uint64_t offset_bytes) {
  SourceCursor cursor(file, offset_bytes);
  ELVES_TRY(const auto pickled, pickle::read_next(cursor, "pickle"));
  PersistentStorages references(pickled.graph);
  ELVES_TRY(auto storages, references.read());
  pickle::ArrayFindings arrays;
  ELVES_TRY(auto tensors, find_tensors(pickled, references, arrays));
  return ObjectPickle{.objects = {.storages = std::move(storages), .tensors = std::move(tensors)},
                      .arrays = arrays.take_found(),
                      .end_bytes = cursor.position()};
}

}  // namespace elves::formats::torch
