#include "formats/npy/npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "formats/npy/header.hpp"
#include "formats/source_cursor.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats::npy {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::uint64_t kMaxHeaderBytes = 1 << 20;  // NumPy's default limit is 10,000

constexpr std::array kDTypes{
    std::pair{std::string_view("b1"), DType::Bool},  std::pair{std::string_view("?"), DType::Bool},
    std::pair{std::string_view("u1"), DType::U8},    std::pair{std::string_view("i1"), DType::I8},
    std::pair{std::string_view("u2"), DType::U16},   std::pair{std::string_view("i2"), DType::I16},
    std::pair{std::string_view("u4"), DType::U32},   std::pair{std::string_view("i4"), DType::I32},
    std::pair{std::string_view("u8"), DType::U64},   std::pair{std::string_view("i8"), DType::I64},
    std::pair{std::string_view("f2"), DType::F16},   std::pair{std::string_view("f4"), DType::F32},
    std::pair{std::string_view("f8"), DType::F64},   std::pair{std::string_view("c8"), DType::C64},
    std::pair{std::string_view("c16"), DType::C128},
};

/// The dtype of a descr; nothing if it is no number, or big-endian.
std::optional<DType> dtype_from(std::string_view descr) {
  const bool has_order = !descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
  const char order = has_order ? descr[0] : '=';
  const auto type = descr.substr(has_order ? 1 : 0);
  const auto* row = std::find_if(kDTypes.begin(), kDTypes.end(), [&](const auto& each) { return each.first == type; });
  if (row == kDTypes.end()) return std::nullopt;
  if (order == '>' && size_bytes(row->second) > 1) return std::nullopt;
  return row->second;
}

std::string why_opaque(const Header& header) {
  if (header.descr.empty()) return "an array of structs";
  const auto type = quoted_name(header.descr);
  return header.descr[0] == '>' ? fmt::format("a big-endian array ({})", type) : "an array of type " + type;
}

/// The array as a layer. Other bytes may follow it: NumPy reads one array and leaves the rest to its caller.
Result<FoundExtents> extents_of(Header header, std::uint64_t data_at, std::uint64_t file_bytes) {
  const auto rest = file_bytes - data_at;
  const auto dtype = dtype_from(header.descr);
  if (!dtype)
    return FoundExtents{.extents = {}, .opaque_bytes = rest, .opaque_reason = rest > 0 ? why_opaque(header) : ""};
  const auto length = layer_bytes(*dtype, header.shape);
  if (!length) return Error{"has a shape whose size overflows"};
  if (*length > rest) {
    return Error{fmt::format("cut short: the array has {} bytes, but the file only {}", *length, rest)};
  }
  FoundExtents found{
      .extents = {}, .opaque_bytes = rest - *length, .opaque_reason = rest > *length ? "bytes follow the array" : ""};
  found.extents.push_back(Extent{.offset_bytes = data_at,
                                 .length_bytes = *length,
                                 .is_layer = true,
                                 .dtype = *dtype,
                                 .name = "array",
                                 .shape = std::move(header.shape)});
  return found;
}

bool matches(const ByteSource& file) {
  std::array<std::byte, kMagic.size()> start{};
  return file.size_bytes() >= start.size() && file.read(0, start) &&
         std::memcmp(start.data(), kMagic.data(), start.size()) == 0;
}

Result<FoundExtents> parse(const ByteSource& file) {
  if (!matches(file)) return Error{"not a NumPy array"};
  SourceCursor cursor(file, kMagic.size());
  const auto major = cursor.read<std::uint8_t>();
  const auto minor = cursor.read<std::uint8_t>();
  if (!cursor.failed() && (major < 1 || major > 3 || minor != 0)) {
    return Error{fmt::format("version {}.{} is unknown", major, minor)};
  }
  const std::uint64_t length = major == 1 ? cursor.read<std::uint16_t>() : cursor.read<std::uint32_t>();
  const auto text = cursor.take_text(length, kMaxHeaderBytes);
  if (cursor.failed()) return cursor.error();
  ELVES_TRY(auto header, read_header(text));
  return extents_of(std::move(header), cursor.position(), file.size_bytes());
}

}  // namespace

}  // namespace elves::formats::npy

namespace elves::formats {

constinit const Format kNpy{.id = FormatId::Npy, .name = "npy", .matches = npy::matches, .parse = npy::parse};

}  // namespace elves::formats
