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

/// A layer and its sketch. `layer.loss` is exact if the samples say that ELF will not take the layer.
struct FamilyMember {
  FamilyLayer layer;
  std::span<const std::byte> sketch;  ///< empty: none
};

/// A number for the name of a layer. Different names may get the same number by accident: compare the names too.
std::uint64_t name_key(const Hash128& group, const Hash128& model, const Hash128& name) noexcept;

/// The layers of earlier sweeps and waves that new layers may have as bases.
class KnownLayers {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  /// Copies the sketch.
  void add(const FamilyMember& member, SignatureMaker& signatures);

  std::size_t size() const noexcept { return members_.size(); }
  const FamilyMember& operator[](std::uint32_t number) const { return members_[number]; }

  /// The number of the layer of this name that was added last; or kNone.
  std::uint32_t find(const Hash128& group, const Hash128& model, const Hash128& name) const;

  bool has_sketches(const Hash128& group) const { return groups_.contains(group); }

  /// The numbers of the layers of a group that are nearest to `query`, nearest first.
  void nearest(const Hash128& group, const Signature& query, std::size_t limit,
               std::vector<std::uint32_t>& numbers) const;

 private:
  struct Group {
    NearestLayers index;
    std::vector<std::uint32_t> numbers;  ///< by member of the index
  };
  std::span<const std::byte> keep(std::span<const std::byte> sketch);

  std::deque<FamilyMember> members_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_name_;
  std::unordered_map<Hash128, Group> groups_;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;  ///< of sketches
  std::size_t room_in_block_ = 0;
};

}  // namespace elves::families
