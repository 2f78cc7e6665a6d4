#include "formats/keras/keras.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "formats/hdf5/hdf5.hpp"
#include "formats/shared/zip/entry_layout.hpp"
#include "formats/shared/zip/opaque_tally.hpp"
#include "formats/shared/zip/zip_directory.hpp"
#include "support/text.hpp"

namespace elves::formats::keras {
namespace {

bool is_weights(std::string_view name) {
  return name.ends_with(".weights.h5");
}

Result<void> add_weights(const ByteSource& file, const zip::Entry& entry, Layout& layout, zip::OpaqueTally& opaque) {
  auto inner = hdf5::parse(WindowSource(file, entry.data_offset_bytes, entry.size_bytes));
  if (!inner) {
    return Error{printable(std::string_view(entry.name).substr(0, 100)) + ": " + inner.error().message};
  }
  if (const auto done = zip::move_into_zip(*inner, entry); !done) return done.error();
  opaque.add(": " + inner->opaque_reason, inner->opaque_bytes);
  std::move(inner->extents.begin(), inner->extents.end(), std::back_inserter(layout.extents));
  return {};
}

}  // namespace

bool recognizes(const ByteSource& file) {
  const auto names = zip::first_names(file).names;
  return std::any_of(names.begin(), names.end(), is_weights) &&
         std::find(names.begin(), names.end(), "config.json") != names.end();
}

Result<Layout> parse(const ByteSource& file) {
  const auto entries = zip::read_directory(file);
  if (!entries) return entries.error();
  Layout layout;
  zip::OpaqueTally opaque;
  std::uint64_t n_files = 0;
  for (const auto& entry : *entries) {
    if (!is_weights(entry.name)) continue;
    ++n_files;
    if (!entry.is_stored()) {
      opaque.add_packed(entry);
    } else if (const auto done = add_weights(file, entry, layout, opaque); !done) {
      return done.error();
    }
  }
  opaque.write_to(layout, " of " + std::to_string(n_files) + " weight files");
  return layout;
}

}  // namespace elves::formats::keras
