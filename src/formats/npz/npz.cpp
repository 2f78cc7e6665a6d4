#include "formats/npz/npz.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "formats/npy/npy.hpp"
#include "formats/shared/zip/entry_extents.hpp"
#include "formats/shared/zip/opaque_tally.hpp"
#include "formats/shared/zip/zip_directory.hpp"
#include "support/try.hpp"

namespace elves::formats::npz {
namespace {

constexpr std::string_view kSuffix = ".npy";

bool is_array(std::string_view name) {
  return name.ends_with(kSuffix);
}

/// Adds the array of a stored entry, or counts the entry as opaque.
void add_array(const ByteSource& file, const zip::Entry& entry, FoundExtents& found, zip::OpaqueTally& opaque) {
  const auto damaged = [&](const Error& why) { opaque.add(": damaged (" + why.message + ")", entry.size_bytes); };
  auto inner = kNpy.parse(WindowSource(file, entry.data_offset_bytes, entry.size_bytes));
  if (!inner) return damaged(inner.error());
  if (const auto done = zip::move_into_zip(*inner, entry); !done) return damaged(done.error());
  opaque.add(": " + inner->opaque_reason, inner->opaque_bytes);
  for (auto& extent : inner->extents) {
    extent.name = entry.name.substr(0, entry.name.size() - kSuffix.size());
    found.extents.push_back(std::move(extent));
  }
}

bool matches(const ByteSource& file) {
  const auto names = zip::first_names(file).names;
  const auto n_arrays = static_cast<std::size_t>(std::count_if(names.begin(), names.end(), is_array));
  return 2 * n_arrays > names.size();
}

Result<FoundExtents> parse(const ByteSource& file) {
  ELVES_TRY(const auto entries, zip::read_directory(file));
  FoundExtents found;
  zip::OpaqueTally opaque;
  std::uint64_t n_arrays = 0;
  for (const auto& entry : entries) {
    if (!is_array(entry.name)) continue;
    ++n_arrays;
    if (entry.is_stored()) {
      add_array(file, entry, found, opaque);
    } else {
      opaque.add_packed(entry);
    }
  }
  opaque.write_to(found, fmt::format("of {} arrays", n_arrays));
  return found;
}

}  // namespace

}  // namespace elves::formats::npz

namespace elves::formats {

constinit const Format kNpz{.id = FormatId::Npz, .name = "npz", .matches = npz::matches, .parse = npz::parse};

}  // namespace elves::formats
