#include "formats/shared/zip/entry_layout.hpp"

#include "support/checked.hpp"
#include "support/text.hpp"

namespace elves::formats::zip {

Result<void> move_into_zip(Layout& layout, const Entry& entry) {
  for (auto& extent : layout.extents) {
    const auto end = checked_add(extent.offset_bytes, extent.length_bytes);
    if (!end || *end > entry.size_bytes) {
      return Error{"'" + printable(std::string_view(extent.name).substr(0, 100)) + "' passes the end of entry '" +
                   printable(std::string_view(entry.name).substr(0, 100)) + "'"};
    }
    extent.offset_bytes += entry.data_offset_bytes;
  }
  return {};
}

}  // namespace elves::formats::zip
