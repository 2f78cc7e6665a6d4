#include "encode/registry.hpp"

#include <array>

namespace elves {
namespace encode {

std::span<const Transform> transforms() {
  static const std::array rows{kRaw, kPlanes, kDe, kElf, kBlocks, kIntDelta, kPalette, kWindow, kDelta, kElfDelta};
  return rows;
}

const Transform* find_transform(std::uint8_t id) {
  for (const Transform& row : transforms()) {
    if (static_cast<std::uint8_t>(row.id) == id) return &row;
  }
  return nullptr;
}

}  // namespace encode

std::string_view name(TransformId transform) noexcept {
  const auto* row = encode::find_transform(static_cast<std::uint8_t>(transform));
  return row ? row->name : "unknown";
}

std::string_view name(Level level) noexcept {
  if (level == Level::Fast) return "fast";
  return level == Level::Max ? "max" : "default";
}

std::string_view name(Stage stage) noexcept {
  switch (stage) {
    case Stage::Hd:
      return "hd";
    case Stage::Elf:
      return "elf";
    case Stage::De:
      return "de";
    case Stage::Palette:
      return "palette";
    case Stage::Planes:
      return "planes";
    case Stage::Delta:
      return "delta";
    case Stage::Zstd:
      return "zstd";
  }
  return "unknown";
}

}  // namespace elves
