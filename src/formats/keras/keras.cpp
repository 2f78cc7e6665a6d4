#include "formats/keras/keras.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "formats/hdf5/hdf5.hpp"
#include "formats/shared/zip/entry_extents.hpp"
#include "formats/shared/zip/opaque_tally.hpp"
#include "formats/shared/zip/zip_directory.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats::keras {
namespace {

bool is_weights(std::string_view name) {
  return name.ends_with(".weights.h5");
}

Result<void> add_weights(const ByteSource& file, const zip::Entry& entry, FoundExtents& found,
                         zip::OpaqueTally& opaque) {
  auto inner = kHdf5.parse(WindowSource(file, entry.data_offset_bytes, entry.size_bytes));
  if (!inner) return Error{fmt::format("{}: {}", quoted_name(entry.name), inner.error().message)};
  ELVES_CHECK(zip::move_into_zip(*inner, entry));
  opaque.add(": " + inner->opaque_reason, inner->opaque_bytes);
  std::move(inner->extents.begin(), inner->extents.end(), std::back_inserter(found.extents));
  return {};
}

bool matches(const ByteSource& file) {
  const auto names = zip::first_names(file).names;
  return std::any_of(names.begin(), names.end(), is_weights) &&
         std::find(names.begin(), names.end(), "config.json") != names.end();
}

Result<FoundExtents> parse(const ByteSource& file) {
  ELVES_TRY(const auto entries, zip::read_directory(file));
  FoundExtents found;
  zip::OpaqueTally opaque;
  std::uint64_t n_files = 0;
  for (const auto& entry : entries) {
    if (!is_weights(entry.name)) continue;
    ++n_files;
    if (!entry.is_stored()) {
      opaque.add_packed(entry);
    } else if (const auto done = add_weights(file, entry, found, opaque); !done) {
      return done.error();
    }
  }
  opaque.write_to(found, fmt::format("of {} weight files", n_files));
  return found;
}

}  // namespace

}  // namespace elves::formats::keras

namespace elves::formats {

constinit const Format kKeras{.id = FormatId::Keras, .name = "keras", .matches = keras::matches, .parse = keras::parse};

}  // namespace elves::formats
