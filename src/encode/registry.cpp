#include "encode/registry.hpp"

#include <array>

#include "encode/transforms/blocks/blocks.hpp"
#include "encode/transforms/de/de.hpp"
#include "encode/transforms/delta/delta.hpp"
#include "encode/transforms/delta/elf_delta.hpp"
#include "encode/transforms/elf/elf.hpp"
#include "encode/transforms/int_delta/int_delta.hpp"
#include "encode/transforms/palette/palette.hpp"
#include "encode/transforms/planes/planes.hpp"
#include "encode/transforms/raw/raw.hpp"
#include "encode/transforms/window/window.hpp"

namespace elves {
namespace encode {
namespace {

constexpr std::array kTransforms{kRaw, kPlanes, kDe, kElf, kBlocks, kIntDelta, kPalette, kWindow, kDelta, kElfDelta};

}  // namespace

std::span<const Transform> transforms() noexcept {
  return kTransforms;
}

const Transform* find_transform(std::uint8_t id) noexcept {
  for (const Transform& row : kTransforms) {
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
