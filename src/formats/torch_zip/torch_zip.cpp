#include "formats/torch_zip/torch_zip.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/pickle/torch_object.hpp"
#include "formats/shared/zip/entry_layout.hpp"
#include "formats/shared/zip/opaque_tally.hpp"
#include "formats/shared/zip/zip_directory.hpp"
#include "support/text.hpp"

namespace elves::formats::torch_zip {
namespace {

/// The folder that all names begin with, slash included; PyTorch takes it from the first.
std::string folder_of(std::string_view first_name) {
  const auto slash = first_name.find('/');
  return slash == std::string_view::npos ? std::string() : std::string(first_name.substr(0, slash + 1));
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Brings the layers of a zip together. Borrows the file and its entries.
class Reader {
 public:
  Reader(const ByteSource& file, const std::vector<zip::Entry>& entries)
      : file_(file), folder_(folder_of(entries.empty() ? "" : entries.front().name)) {
    for (const auto& entry : entries) by_name_.emplace(entry.name, Record{&entry, false});
  }

  Result<Layout> read() {
    if (is_big_endian()) return Error{"its numbers are big-endian"};
    if (const auto done = add_pickle("data", ""); !done) return done.error();
    if (find("constants.pkl") != nullptr) {
      if (const auto done = add_pickle("constants", "constants."); !done) return done.error();
    }
    count_unnamed();
    opaque_.write_to(layout_, " of " + std::to_string(n_records_) + " records");
    return std::move(layout_);
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

  /// The tensors of NAME.pkl, whose storages are the records NAME/KEY.
  Result<void> add_pickle(const std::string& name, const std::string& prefix) {
    const auto* record = find(name + ".pkl");
    if (record == nullptr) return Error{"it has no " + name + ".pkl"};
    const auto& entry = *record->entry;
    if (!entry.is_stored()) return Error{name + ".pkl is not stored plainly"};
    auto pickle = torch::read_pickle(WindowSource(file_, entry.data_offset_bytes, entry.size_bytes));
    if (!pickle) return Error{name + ".pkl: " + pickle.error().message};
    const auto places = places_of(pickle->objects, name + "/");
    if (!places) return places.error();
    auto layers = torch::layers_of(pickle->objects, *places);
    if (!layers) return layers.error();
    if (const auto done = zip::move_into_zip(pickle->arrays, entry); !done) return done.error();
    append(std::move(layers).value(), prefix);
    append(std::move(pickle->arrays), prefix);
    return {};
  }

  Result<std::vector<std::optional<torch::Place>>> places_of(const torch::Objects& objects, const std::string& folder) {
    std::vector<std::optional<torch::Place>> places;
    for (const auto& storage : objects.storages) {
      auto* record = find(folder + storage.key);
      if (record == nullptr) {
        return Error{"the record " + folder + printable(std::string_view(storage.key).substr(0, 100)) + " is missing"};
      }
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

  void append(Layout&& layers, const std::string& prefix) {
    for (auto& extent : layers.extents) {
      if (extent.is_layer) extent.name.insert(0, prefix);
      layout_.extents.push_back(std::move(extent));
    }
    layout_.opaque_bytes += layers.opaque_bytes;
    if (layers.opaque_reason.empty()) return;
    layout_.opaque_reason += (layout_.opaque_reason.empty() ? "" : "; ") + layers.opaque_reason;
  }

  /// Records of data/ that no pickle speaks of may hold weights of a pickle that we cannot see.
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
  Layout layout_;
  zip::OpaqueTally opaque_;
  std::uint64_t n_records_ = 0;
};

}  // namespace

bool recognizes(const ByteSource& file) {
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

Result<Layout> parse(const ByteSource& file) {
  const auto entries = zip::read_directory(file);
  if (!entries) return entries.error();
  return Reader(file, *entries).read();
}

}  // namespace elves::formats::torch_zip
