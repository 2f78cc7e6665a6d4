#include "families/known_layers.hpp"

#include <algorithm>

namespace elves::families {
namespace {

constexpr std::size_t kBlockBytes = 256u << 10;

}  // namespace

std::uint64_t name_key(const Hash128& group, const Hash128& model, const Hash128& name) noexcept {
  const std::uint64_t key = (group.high ^ model.low) * 0x9E3779B97F4A7C15u;
  return (key ^ (key >> 32) ^ name.low) * 0xBF58476D1CE4E5B9u;
}

void KnownLayers::add(const FamilyMember& member, SignatureMaker& signatures) {
  const auto number = static_cast<std::uint32_t>(members_.size());
  const FamilyLayer& layer = member.layer;
  members_.push_back({layer, keep(member.sketch)});
  by_name_[name_key(layer.group, layer.model, layer.name)] = number;
  if (member.sketch.empty()) return;
  Group& group = groups_[layer.group];
  group.index.add(signatures.make(layer.dtype, layer.size_bytes, member.sketch));
  group.numbers.push_back(number);
}

std::uint32_t KnownLayers::find(const Hash128& group, const Hash128& model, const Hash128& name) const {
  const auto at = by_name_.find(name_key(group, model, name));
  if (at == by_name_.end()) return kNone;
  const FamilyLayer& layer = members_[at->second].layer;
  return layer.group == group && layer.model == model && layer.name == name ? at->second : kNone;
}

void KnownLayers::nearest(const Hash128& group, const Signature& query, std::size_t limit,
                          std::vector<std::uint32_t>& numbers) const {
  numbers.clear();
  const auto at = groups_.find(group);
  if (at == groups_.end()) return;
  at->second.index.nearest(query, limit, numbers);
  for (auto& number : numbers) number = at->second.numbers[number];
}

std::span<const std::byte> KnownLayers::keep(std::span<const std::byte> sketch) {
  if (sketch.empty()) return {};
  if (sketch.size() > room_in_block_) {
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kBlockBytes));
    room_in_block_ = kBlockBytes;
  }
  std::byte* const to = blocks_.back().get() + (kBlockBytes - room_in_block_);
  std::copy(sketch.begin(), sketch.end(), to);
  room_in_block_ -= sketch.size();
  return {to, sketch.size()};
}

}  // namespace elves::families
