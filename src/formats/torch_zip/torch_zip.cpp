#include "formats/torch_zip/torch_zip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/pickle/torch_object.hpp"
#include "formats/shared/zip/entry_extents.hpp"
#include "formats/shared/zip/opaque_tally.hpp"
#include "formats/shared/zip/zip_directory.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats::torch_zip {
namespace {

/// The folder of all records, with its slash. PyTorch takes it from the name of the first entry.
std::string folder_of(std::string_view first_name) {
  const auto slash = first_name.find('/');
  return slash == std::string_view::npos ? std::string() : std::string(first_name.substr(0, slash + 1));
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Collects the layers of a zip. Borrows the file and its entries.
class Reader {
 public:
  Reader(const ByteSource& file, const std::vector<zip::Entry>& entries)
      : file_(file), folder_(folder_of(entries.empty() ? "" : entries.front().name)) {
    for (const auto& entry : entries) by_name_.emplace(entry.name, Record{&entry, false});
  }

  Result<FoundExtents> read() {
    if (is_big_endian()) return Error{"its numbers are big-endian"};
    ELVES_CHECK(add_pickle("data", ""));
    if (find("constants.pkl") != nullptr) {
      ELVES_CHECK(add_pickle("constants", "constants."));
    }
    count_unnamed();
    opaque_.write_to(found_, fmt::format("of {} records", n_records_));
    return std::move(found_);
  }

 private:
  struct Record {
    const zip::Entry* entry;
    bool is_named;  ///< by a pickle
  };

  Record* find(const std::string& name) {
    const auto found = by_name_.find(folder_ + name);
    return found == by_name_.end() ? nullptr : &found->second;
  }

  bool is_big_endian() {
    const auto* record = find("byteorder");
    if (record == nullptr || !record->entry->is_stored() || record->entry->size_bytes != 3) return false;
    std::string order(3, '\0');
    return file_.read(record->entry->data_offset_bytes, std::as_writable_bytes(std::span(order))) && order == "big";
  }

  /// Adds the tensors of NAME.pkl; their storages are the records NAME/KEY.
  Result<void> add_pickle(const std::string& name, const std::string& prefix) {
    const auto* record = find(name + ".pkl");
    if (record == nullptr) return Error{fmt::format("it has no {}.pkl", name)};
    const auto& entry = *record->entry;
    if (!entry.is_stored()) return Error{fmt::format("{}.pkl is compressed or encrypted", name)};
    auto pickle = torch::read_pickle(WindowSource(file_, entry.data_offset_bytes, entry.size_bytes));
    if (!pickle) return Error{fmt::format("{}.pkl: {}", name, pickle.error().message)};
    ELVES_TRY(const auto places, places_of(pickle->objects, name + "/"));
    ELVES_TRY(auto layers, torch::layers_of(pickle->objects, places));
    ELVES_CHECK(zip::move_into_zip(pickle->arrays, entry));
    append(std::move(layers), prefix);
    append(std::move(pickle->arrays), prefix);
    return {};
  }

  Result<std::vector<std::optional<torch::Place>>> places_of(const torch::Objects& objects, const std::string& folder) {
    std::vector<std::optional<torch::Place>> places;
    for (const auto& storage : objects.storages) {
      auto* record = find(folder + storage.key);
      if (record == nullptr) return Error{fmt::format("the record {} is missing", quoted_name(folder + storage.key))};
      record->is_named = true;
      ++n_records_;
      auto& place = places.emplace_back();
      if (record->entry->is_stored()) {
        place = {.offset_bytes = record->entry->data_offset_bytes, .length_bytes = record->entry->size_bytes};
      } else {
        opaque_.add_packed(*record->entry);
      }
    }
    return places;
  }

  void append(FoundExtents&& layers, const std::string& prefix) {
    for (auto& extent : layers.extents) {
      if (extent.is_layer) extent.name.insert(0, prefix);
      found_.extents.push_back(std::move(extent));
    }
    found_.opaque_bytes += layers.opaque_bytes;
    if (layers.opaque_reason.empty()) return;
    found_.opaque_reason += (found_.opaque_reason.empty() ? "" : "; ") + layers.opaque_reason;
  }

  /// Counts records in data/ that no pickle names: they may contain weights.
  void count_unnamed() {
    for (const auto& [name, record] : by_name_) {
      const auto bytes = record.entry->compressed_bytes;
      if (record.is_named || bytes == 0 || !name.starts_with(folder_ + "data/")) continue;
      ++n_records_;
      opaque_.add(" are named by no pickle", bytes);
    }
  }

  const ByteSource& file_;
  std::string folder_;
  std::unordered_map<std::string_view, Record> by_name_;
  FoundExtents found_;
  zip::OpaqueTally opaque_;
  std::uint64_t n_records_ = 0;
};

bool matches(const ByteSource& file) {
  const auto first = zip::first_names(file);
  if (first.names.empty()) return false;
  const auto folder = folder_of(first.names.front());
  const auto is_record = [records = folder + "data/"](std::string_view name) {
    return name.starts_with(records) && is_number(name.substr(records.size()));
  };
  if (folder.empty()) return false;
  if (std::find(first.names.begin(), first.names.end(), folder + "data.pkl") != first.names.end()) return true;
  return !first.complete && std::all_of(first.names.begin(), first.names.end(), is_record);
}

Result<FoundExtents> parse(const ByteSource& file) {
  ELVES_TRY(const auto entries, zip::read_directory(file));
  return Reader(file, entries).read();
}

}  // namespace

}  // namespace elves::formats::torch_zip

namespace elves::formats {

constinit const Format kTorchZip{
    .id = FormatId::TorchZip, .name = "torch-zip", .matches = torch_zip::matches, .parse = torch_zip::parse};

}  // namespace elves::formats
