#include "formats/hdf5/datatype.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace elves::formats::hdf5 {
namespace {

enum class TypeClass : unsigned {
  Fixed = 0,
  Float = 1,
  Text = 3,
  BitField = 4,
  Compound = 6,
  Reference = 7,
  Enum = 8,
  VariableLength = 9,
};

/// The properties of a float type in a datatype message.
struct FloatFields {
  unsigned size_bytes;
  unsigned sign_at;
  unsigned exponent_at;
  unsigned exponent_bits;
  unsigned mantissa_bits;
  unsigned bias;
  bool operator==(const FloatFields&) const = default;
};

struct FloatRow {
  FloatFields fields;
  DType dtype;
};

constexpr std::array kFloats{
    FloatRow{{2, 15, 10, 5, 10, 15}, DType::F16},  FloatRow{{2, 15, 7, 8, 7, 127}, DType::BF16},
    FloatRow{{4, 31, 23, 8, 23, 127}, DType::F32}, FloatRow{{8, 63, 52, 11, 52, 1023}, DType::F64},
    FloatRow{{1, 7, 3, 4, 3, 7}, DType::F8E4M3},   FloatRow{{1, 7, 2, 5, 2, 15}, DType::F8E5M2},
};

struct Prefix {
  unsigned version = 0;
  TypeClass type_class{};
  unsigned bits = 0;
  std::uint32_t size_bytes = 0;
};

Prefix read_prefix(NumberCursor& cursor) {
  const auto start = cursor.read<std::uint32_t>();
  return Prefix{.version = (start >> 4) & 0xF,
                .type_class = static_cast<TypeClass>(start & 0xF),
                .bits = start >> 8,
                .size_bytes = cursor.read<std::uint32_t>()};
}

bool is_little_endian(const Prefix& prefix) {
  const bool is_vax = prefix.type_class == TypeClass::Float && (prefix.bits & 0x40) != 0;
  return prefix.size_bytes == 1 || ((prefix.bits & 0x01) == 0 && !is_vax);
}

std::optional<DType> integer_of(std::uint32_t size_bytes, bool is_signed) {
  switch (size_bytes) {
    case 1:
      return is_signed ? DType::I8 : DType::U8;
    case 2:
      return is_signed ? DType::I16 : DType::U16;
    case 4:
      return is_signed ? DType::I32 : DType::U32;
    case 8:
      return is_signed ? DType::I64 : DType::U64;
    default:
      return std::nullopt;
  }
}

std::optional<DType> read_integer(const Prefix& prefix, NumberCursor& cursor) {
  const unsigned bit_offset = cursor.read<std::uint16_t>();
  const unsigned bits = cursor.read<std::uint16_t>();
  if (bit_offset != 0 || bits != 8 * std::uint64_t{prefix.size_bytes} || !is_little_endian(prefix)) return std::nullopt;
  return integer_of(prefix.size_bytes, prefix.type_class == TypeClass::Fixed && (prefix.bits & 0x08) != 0);
}

std::optional<DType> read_float(const Prefix& prefix, NumberCursor& cursor) {
  const unsigned bit_offset = cursor.read<std::uint16_t>();
  const unsigned bits = cursor.read<std::uint16_t>();
  const unsigned exponent_at = cursor.read<std::uint8_t>();
  const unsigned exponent_bits = cursor.read<std::uint8_t>();
  const unsigned mantissa_at = cursor.read<std::uint8_t>();
  const unsigned mantissa_bits = cursor.read<std::uint8_t>();
  const unsigned bias = cursor.read<std::uint32_t>();
  const bool implied_bit = ((prefix.bits >> 4) & 0x3) == 2;
  if (bit_offset != 0 || mantissa_at != 0 || bits != 8 * std::uint64_t{prefix.size_bytes} || !implied_bit ||
      !is_little_endian(prefix)) {
    return std::nullopt;
  }
  const FloatFields fields{
      prefix.size_bytes, (prefix.bits >> 8) & 0xFF, exponent_at, exponent_bits, mantissa_bits, bias};
  const auto* row =
      std::find_if(kFloats.begin(), kFloats.end(), [&](const FloatRow& each) { return each.fields == fields; });
  return row == kFloats.end() ? std::nullopt : std::optional(row->dtype);
}

/// A name that ends with NUL; before version 3 it is padded with NUL to a multiple of 8 bytes.
std::string_view read_name(NumberCursor& cursor, unsigned version) {
  const auto rest = NumberCursor(cursor).take_text(cursor.remaining());
  const auto n = rest.find('\0');
  if (n == std::string_view::npos) {
    cursor.skip(kNowhere);
    return {};
  }
  const auto padded = version >= 3 ? n + 1 : (n / 8 + 1) * 8;
  return cursor.take_text(padded).substr(0, n);
}

/// A complex number as h5py and PyTables write it: a compound of real and imaginary part. Nothing for other compounds.
std::optional<DType> read_compound(const Prefix& prefix, NumberCursor& cursor) {
  constexpr std::array<std::string_view, 2> kNames{"r", "i"};
  if ((prefix.bits & 0xFFFF) != kNames.size()) return std::nullopt;
  std::array<std::optional<DType>, 2> parts;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const auto name = read_name(cursor, prefix.version);
    std::uint64_t offset_bytes = 0;
    if (prefix.version < 3) {
      offset_bytes = cursor.read<std::uint32_t>();
      if (prefix.version == 1) cursor.skip(28);
    } else {
      offset_bytes = cursor.number(prefix.size_bytes < (1u << 8)    ? 1
                                   : prefix.size_bytes < (1u << 16) ? 2
                                   : prefix.size_bytes < (1u << 24) ? 3
                                                                    : 4);
    }
    const auto part = read_prefix(cursor);
    if (name != kNames[i] || part.type_class != TypeClass::Float || offset_bytes != i * part.size_bytes ||
        prefix.size_bytes != 2 * std::uint64_t{part.size_bytes}) {
      return std::nullopt;
    }
    parts[i] = read_float(part, cursor);
  }
  if (parts[0] != parts[1] || !parts[0]) return std::nullopt;
  switch (*parts[0]) {
    case DType::F16:
      return DType::C32;
    case DType::F32:
      return DType::C64;
    case DType::F64:
      return DType::C128;
    default:
      return std::nullopt;
  }
}

/// An enum is stored as an integer. FALSE = 0, TRUE = 1 in a byte is h5py's boolean.
std::optional<DType> read_enum(const Prefix& prefix, NumberCursor& cursor) {
  const auto base = read_prefix(cursor);
  if (base.type_class != TypeClass::Fixed || base.size_bytes != prefix.size_bytes) return std::nullopt;
  const auto integer = read_integer(base, cursor);
  if (!integer || base.size_bytes != 1 || (prefix.bits & 0xFFFF) != 2) return integer;
  const auto first = read_name(cursor, prefix.version);
  const auto second = read_name(cursor, prefix.version);
  const bool is_bool = cursor.read<std::uint16_t>() == 0x0100 && first == "FALSE" && second == "TRUE";
  return is_bool ? DType::Bool : integer;
}

}  // namespace

ElementType read_datatype(Metadata& file, std::span<const std::byte> body) {
  NumberCursor cursor(body, file.widths());
  const auto prefix = read_prefix(cursor);
  ElementType type{.size_bytes = prefix.size_bytes};
  switch (prefix.type_class) {
    case TypeClass::Fixed:
    case TypeClass::BitField:
      type.dtype = read_integer(prefix, cursor);
      break;
    case TypeClass::Float:
      type.dtype = read_float(prefix, cursor);
      break;
    case TypeClass::Compound:
      type.dtype = read_compound(prefix, cursor);
      break;
    case TypeClass::Enum:
      type.dtype = read_enum(prefix, cursor);
      break;
    case TypeClass::Text:
    case TypeClass::Reference:
      type.is_glue = true;
      break;
    case TypeClass::VariableLength:
      type.is_glue = (prefix.bits & 0xF) == 1;
      break;
    default:
      break;
  }
  if (cursor.failed()) file.fail("damaged datatype message");
  if (type.size_bytes == 0) file.fail("datatype of 0 bytes");
  return type;
}

}  // namespace elves::formats::hdf5
