#include "formats/torch_tar/torch_tar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/pickle/machine.hpp"
#include "formats/pickle/pickled.hpp"
#include "formats/pickle/tensor_finder.hpp"
#include "formats/pickle/torch_dtype.hpp"
#include "formats/source_cursor.hpp"
#include "formats/torch_tar/tar.hpp"
#include "support/checked.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats::torch_tar {
namespace {

using pickle::Graph;
using pickle::Index;
using pickle::Kind;
using pickle::Pickled;
using pickle::read_next;

constexpr std::array<std::string_view, 4> kMembers{"sys_info", "pickle", "tensors", "storages"};

const Member* find(const std::vector<Member>& members, std::string_view name) {
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& each) { return each.name == name; });
  return found == members.end() ? nullptr : &*found;
}

Error about(std::string_view what, std::string_view key, std::string_view flaw) {
  return Error{fmt::format("{} {} {}", what, quoted_name(key), flaw)};
}

Result<std::uint64_t> read_count(SourceCursor& cursor) {
  ELVES_TRY(const auto pickled, read_next(cursor, "count"));
  const auto number = pickled.graph.number(pickled.root);
  if (pickled.graph.kind(pickled.root) != Kind::Int || number < 0) return Error{"a count is no number"};
  return static_cast<std::uint64_t>(number);
}

/// The storages and tensors of a file, by their keys.
class Contents final : public torch::References {
 public:
  Result<void> read_storages(const WindowSource& storages, std::uint64_t offset_bytes);
  Result<void> read_tensors(const WindowSource& tensors);
  Result<FoundExtents> read_object(const WindowSource& object, std::uint64_t offset_bytes);

  std::optional<torch::StorageReference> storage(Index node) override;
  std::optional<torch::Tensor> tensor(Index node) override;

 private:
  Result<void> read_storage(SourceCursor& cursor, std::uint64_t offset_bytes);
  Result<void> read_views(SourceCursor& cursor);
  Result<void> read_tensor(SourceCursor& cursor);

  std::vector<torch::Storage> storages_;
  std::vector<std::optional<torch::Place>> places_;
  std::unordered_map<std::string, torch::StorageReference> references_;
  std::unordered_map<std::string, torch::Tensor> tensors_;
  const Graph* graph_ = nullptr;
};

Result<void> Contents::read_storages(const WindowSource& storages, std::uint64_t offset_bytes) {
  SourceCursor cursor(storages);
  ELVES_TRY(const auto n, read_count(cursor));
  for (std::uint64_t i = 0; i < n; ++i) {
    ELVES_CHECK(read_storage(cursor, offset_bytes));
  }
  return cursor.at_end() ? Result<void>{} : read_views(cursor);
}

/// (key, location, class), an 8-byte count, and as many elements
Result<void> Contents::read_storage(SourceCursor& cursor, std::uint64_t offset_bytes) {
  ELVES_TRY(const auto head, read_next(cursor, "storage"));
  const auto key = key_text(head.graph, head.graph.item(head.root, 0));
  const auto type = torch::storage_class(head.graph.name(head.graph.item(head.root, 2)));
  if (!type) return about("storage", key, "is of an unknown class");
  const auto n_elements = cursor.read<std::int64_t>();
  if (cursor.failed()) return about("storage", key, "is " + cursor.error().message);
  const auto length = n_elements < 0
                          ? std::nullopt
                          : checked_mul<std::uint64_t>(static_cast<std::uint64_t>(n_elements), size_bytes(type->dtype));
  if (!length || *length > cursor.remaining()) return about("storage", key, "passes the end of the file");
  if (!references_.try_emplace(key, torch::StorageReference{storages_.size(), type->dtype, 0}).second)
    return about("storage", key, "is a duplicate");
  storages_.push_back({.key = key,
                       .dtype = type->dtype,
                       .n_elements = static_cast<std::uint64_t>(n_elements),
                       .location = std::string(head.graph.text(head.graph.item(head.root, 1)))});
  places_.push_back(torch::Place{.offset_bytes = offset_bytes + cursor.position(), .length_bytes = *length});
  cursor.skip(*length);
  return {};
}

/// A list of (key, key of the storage, offset, n_elements)
Result<void> Contents::read_views(SourceCursor& cursor) {
  ELVES_TRY(const auto views, read_next(cursor, "views"));
  const auto& graph = views.graph;
  for (auto at = graph.items(views.root); at != 0; at = graph.next(at)) {
    const auto view = graph.value(at);
    const auto key = key_text(graph, graph.item(view, 0));
    const auto root = references_.find(key_text(graph, graph.item(view, 1)));
    const auto offset = graph.number(graph.item(view, 2));
    if (root == references_.end()) return about("view", key, "is of a missing storage");
    if (offset < 0) return about("view", key, "has a negative offset");
    const auto from = checked_add(root->second.offset_elements, static_cast<std::uint64_t>(offset));
    if (!from) return about("view", key, "has an offset that overflows");
    references_.try_emplace(key, torch::StorageReference{root->second.storage, root->second.dtype, *from});
  }
  return {};
}

Result<void> Contents::read_tensors(const WindowSource& tensors) {
  SourceCursor cursor(tensors);
  ELVES_TRY(const auto n, read_count(cursor));
  for (std::uint64_t i = 0; i < n; ++i) {
    ELVES_CHECK(read_tensor(cursor));
  }
  return {};
}

/// (key, storage, class), the number of dimensions in 4 bytes of 8, sizes, strides, and the offset
Result<void> Contents::read_tensor(SourceCursor& cursor) {
  ELVES_TRY(const auto head, read_next(cursor, "tensor"));
  const auto key = key_text(head.graph, head.graph.item(head.root, 0));
  const auto n_dimensions = cursor.read<std::uint32_t>();
  cursor.skip(4);
  if (n_dimensions > pickle::kMaxDimensions) return about("tensor", key, "has too many dimensions");
  std::vector<std::int64_t> numbers(2 * n_dimensions + 1);
  cursor.fill(std::as_writable_bytes(std::span(numbers)));
  if (cursor.failed()) return about("tensor", key, "is " + cursor.error().message);
  if (std::any_of(numbers.begin(), numbers.end(), [](auto number) { return number < 0; }))
    return about("tensor", key, "has a negative size, stride or offset");
  const auto storage_key = head.graph.item(head.root, 1);
  if (storage_key == pickle::kNone) return {};
  const auto storage = references_.find(key_text(head.graph, storage_key));
  if (storage == references_.end()) return about("tensor", key, "is of a missing storage");
  const auto offset = checked_add(storage->second.offset_elements, static_cast<std::uint64_t>(numbers.back()));
  if (!offset) return about("tensor", key, "has an offset that overflows");
  const auto strides_at = numbers.begin() + n_dimensions;
  tensors_.try_emplace(key, torch::Tensor{.name = {},
                                          .storage = storage->second.storage,
                                          .dtype = storage->second.dtype,
                                          .offset_elements = *offset,
                                          .shape = {numbers.begin(), strides_at},
                                          .strides = {strides_at, numbers.end() - 1}});
  return {};
}

Result<FoundExtents> Contents::read_object(const WindowSource& object, std::uint64_t offset_bytes) {
  SourceCursor cursor(object);
  ELVES_TRY(const auto pickled, read_next(cursor, "object"));
  graph_ = &pickled.graph;
  pickle::ArrayFindings arrays;
  ELVES_TRY(auto tensors, torch::find_tensors(pickled, *this, arrays));
  auto found = torch::layers_of({.storages = storages_, .tensors = std::move(tensors)}, places_);
  if (found) torch::add_to(*found, arrays.take_found(), offset_bytes);
  return found;
}

std::optional<torch::StorageReference> Contents::storage(Index node) {
  const auto id = graph_->persistent_id(node);
  const auto found = id == pickle::kUnknown ? references_.end() : references_.find(key_text(*graph_, id));
  return found == references_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<torch::Tensor> Contents::tensor(Index node) {
  const auto id = graph_->persistent_id(node);
  const auto found = id == pickle::kUnknown ? tensors_.end() : tensors_.find(key_text(*graph_, id));
  return found == tensors_.end() ? std::nullopt : std::optional(found->second);
}

/// A member of the tar as a file of its own.
struct Part {
  WindowSource window;
  std::uint64_t offset_bytes = 0;
};

Result<Part> part_of(const ByteSource& file, const std::vector<Member>& members, std::string_view name) {
  const auto* member = find(members, name);
  if (member == nullptr) return Error{fmt::format("member '{}' is missing", name)};
  const auto end = checked_add(member->offset_bytes, member->size_bytes);
  if (!end || *end > file.size_bytes()) return Error{fmt::format("member '{}' passes the end of the file", name)};
  return Part{.window = WindowSource(file, member->offset_bytes, member->size_bytes),
              .offset_bytes = member->offset_bytes};
}

Result<bool> is_big_endian(const Part& system) {
  SourceCursor cursor(system.window);
  ELVES_TRY(const auto pickled, read_next(cursor, "sys_info"));
  return pickled.graph.find(pickled.root, "little_endian") == pickle::kFalse;
}

FoundExtents big_endian_storages(const Part& storages) {
  const std::optional<torch::Place> all{{storages.offset_bytes, storages.window.size_bytes()}};
  return torch::big_endian_storages({&all, 1});
}

bool matches(const ByteSource& file) {
  const auto members = read_members(file);
  // A tar that is cut short matches if two members are left.
  return members.size() >= 2 && members.front().name == "sys_info" && find(members, "pickle") != nullptr &&
         std::all_of(members.begin(), members.end(), [](const Member& each) {
           return std::find(kMembers.begin(), kMembers.end(), each.name) != kMembers.end();
         });
}

Result<FoundExtents> parse(const ByteSource& file) {
  const auto members = read_members(file);
  ELVES_TRY(const auto system, part_of(file, members, "sys_info"));
  ELVES_TRY(const auto object, part_of(file, members, "pickle"));
  ELVES_TRY(const auto tensors, part_of(file, members, "tensors"));
  ELVES_TRY(const auto storages, part_of(file, members, "storages"));

  ELVES_TRY(const auto big_endian, is_big_endian(system));
  if (big_endian) return big_endian_storages(storages);
  Contents contents;
  ELVES_CHECK(contents.read_storages(storages.window, storages.offset_bytes));
  ELVES_CHECK(contents.read_tensors(tensors.window));
  return contents.read_object(object.window, object.offset_bytes);
}

}  // namespace

}  // namespace elves::formats::torch_tar

namespace elves::formats {

constinit const Format kTorchTar{
    .id = FormatId::TorchTar, .name = "torch-tar", .matches = torch_tar::matches, .parse = torch_tar::parse};

}  // namespace elves::formats
