#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "families/family_layer.hpp"
#include "families/nearest_layers.hpp"

namespace elves::families {

/// A layer as predictions see it: `layer.loss` is exact where the samples say that ELF will not take it.
struct FamilyMember {
  FamilyLayer layer;
  std::span<const std::byte> sketch;  ///< may be empty
};

/// A number for a layer's name; others have the same by accident only.
std::uint64_t name_key(const Hash128& group, const Hash128& model, const Hash128& name) noexcept;

/// The layers without base of earlier sweeps and waves: what newcomers may rest on.
class KnownLayers {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  /// Copies the sketch.
  void add(const FamilyMember& member, SignatureMaker& signatures);

  std::size_t size() const noexcept { return members_.size(); }
  const FamilyMember& operator[](std::uint32_t number) const { return members_[number]; }

  /// The latest layer of this name, by number; or kNone.
  std::uint32_t find(const Hash128& group, const Hash128& model, const Hash128& name) const;

  bool has_sketches(const Hash128& group) const { return groups_.contains(group); }

  /// The layers of a group nearest to `query`, by number.
  void nearest(const Hash128& group, const Signature& query, std::size_t limit,
               std::vector<std::uint32_t>& numbers) const;

 private:
  struct GroupHash {
    std::size_t operator()(const Hash128& group) const noexcept { return group.high; }
  };
  struct Group {
    Neighbours neighbours;
    std::vector<std::uint32_t> numbers;  ///< of the neighbours' members
  };
  std::span<const std::byte> keep(std::span<const std::byte> sketch);

  std::deque<FamilyMember> members_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_name_;
  std::unordered_map<Hash128, Group, GroupHash> groups_;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;  ///< of sketches
  std::size_t room_in_block_ = 0;
};

}  // namespace elves::families
