#include "formats/shared/protobuf/array_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "support/text.hpp"

namespace elves::formats::protobuf {

void StoredNumbers::add(const WireField& of_numbers) {
  if (of_numbers.range.length_bytes == 0) return;
  in_one_piece = n_bytes == 0 && of_numbers.type == WireType::Bytes;
  field = of_numbers.number;
  range = of_numbers.range;
  n_bytes += range.length_bytes;
}

void ArrayList::add(const StoredNumbers& numbers, bool are_plain, std::optional<DType> dtype, std::string name,
                    std::vector<std::uint64_t> shape) {
  if (numbers.n_bytes == 0) {
    const bool has_none = std::find(shape.begin(), shape.end(), 0) != shape.end();
    if (dtype && has_none) add_layer({numbers.end_bytes, 0}, *dtype, std::move(name), std::move(shape));
  } else if (!numbers.in_one_piece) {
    count_opaque(numbers.n_bytes);
  } else if (!dtype || !are_plain) {
    add_glue(numbers.range);
  } else {
    add_layer(numbers.range, *dtype, std::move(name), std::move(shape));
  }
}

void ArrayList::add_layer(ByteRange bytes, DType dtype, std::string name, std::vector<std::uint64_t> shape) {
  const auto is_negative = [](std::uint64_t size) { return size >> 63 != 0; };
  if (!error_ && std::any_of(shape.begin(), shape.end(), is_negative)) {
    error_ = Error{fmt::format("layer {} has a negative dimension", quoted_name(name))};
  }
  if (++n_arrays_ > kMaxArrays || error_) return;
  found_.extents.push_back(Extent{.offset_bytes = bytes.offset_bytes,
                                  .length_bytes = bytes.length_bytes,
                                  .is_layer = true,
                                  .dtype = dtype,
                                  .name = std::move(name),
                                  .shape = std::move(shape)});
}

void ArrayList::add_glue(ByteRange bytes) {
  count_opaque(bytes.length_bytes);
  if (bytes.length_bytes < kNotableBytes || n_arrays_ > kMaxArrays) return;
  found_.extents.push_back(Extent{.offset_bytes = bytes.offset_bytes, .length_bytes = bytes.length_bytes});
}

void ArrayList::count_opaque(std::uint64_t n_bytes) {
  ++n_arrays_;
  if (n_bytes < kNotableBytes) return;
  ++n_opaque_;
  found_.opaque_bytes += n_bytes;
}

Result<FoundExtents> ArrayList::take_found() {
  if (error_) return *error_;
  if (n_arrays_ > kMaxArrays) return Error{fmt::format("more than {} arrays", kMaxArrays)};
  if (n_opaque_ > 0) {
    found_.opaque_reason = fmt::format("{} of {} arrays are not stored as plain numbers", n_opaque_, n_arrays_);
  }
  return std::move(found_);
}

std::string join_path(std::string_view path, std::string_view part) {
  auto joined = std::string(path.substr(0, kMaxPathBytes));
  if (!joined.empty()) joined += '/';
  joined += part.substr(0, kMaxPathBytes);
  joined.resize(std::min(joined.size(), kMaxPathBytes));
  return joined;
}

}  // namespace elves::formats::protobuf
