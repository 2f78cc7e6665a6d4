#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "families/clustering.hpp"
#include "families/known_layers.hpp"

namespace elves::families {

/// What a newcomer of a group rests on: another newcomer, a known layer, or nothing.
struct GroupChoice {
  std::uint32_t newcomer = Clusters::kNone;
  std::uint32_t known = KnownLayers::kNone;
  bool by_lineage = false;
  bool seen = false;  ///< bits are predicted from samples
  Bits alone = 0;
  Bits delta = 0;
};

/// Sketches made ready, some of the latest. Sketches must stay where they are, and as they are.
class SamplesCache {
 public:
  SamplesCache(std::size_t n_slots, bool with_contexts) : slots_(n_slots), with_contexts_(with_contexts) {}
  /// Good until the next call.
  const Samples& get(const FamilyMember& member, Words words);

 private:
  struct Slot {
    const std::byte* sketch = nullptr;
    Samples samples;
  };
  std::vector<Slot> slots_;
  bool with_contexts_;
};

/// Of layers as children and as bases; 1 MiB.
struct SamplesCaches {
  SamplesCache own{64, false};
  SamplesCache base{256, true};
};

/// The newcomers of one group and wave, and how they are made into families.
class GroupPlan {
 public:
  GroupPlan(std::span<const FamilyMember> newcomers, const KnownLayers& known, SignatureMaker& signatures,
            SamplesCaches& caches);

  /// One choice a newcomer.
  std::vector<GroupChoice> solve();

 private:
  struct Newcomer {
    Words words = Words::Patterns;
    Bits alone = 0;
    std::uint32_t known = KnownLayers::kNone;  ///< the best
    Bits on_known = 0;
    std::array<std::uint32_t, 2> hinted{Clusters::kNone, Clusters::kNone};  ///< newcomers
    std::array<std::uint32_t, 2> hinted_known{KnownLayers::kNone, KnownLayers::kNone};
  };

  void prepare_newcomers();
  void find_hinted();
  void find_known();
  void link_newcomers(std::vector<Link>& links);
  void link_hinted(std::vector<Link>& links);
  void try_known(std::uint32_t child, std::uint32_t known, Bits bits);
  void try_link(std::uint32_t child, std::uint32_t base, std::vector<Link>& links);

  void improve(Clusters& clusters);
  void find_bases(const Clusters& clusters);
  bool reassign(Clusters& clusters);
  bool merge_clusters(Clusters& clusters);
  std::uint32_t merge(Clusters& clusters, std::uint32_t base, std::span<const std::uint32_t> children,
                      std::span<const std::uint32_t> others);
  void move_to(Clusters& clusters, std::uint32_t base, std::span<const std::uint32_t> members);
  bool move_centres(Clusters& clusters);
  bool move_centre(Clusters& clusters, std::uint32_t base, std::span<const std::uint32_t> children);
  /// The members that are tried as centres, those first that are to be taken where several do about as well.
  std::vector<std::uint32_t> possible_centres(std::uint32_t base, std::span<const std::uint32_t> members);
  std::vector<std::uint32_t> nearest_to_median(std::uint32_t base, std::span<const std::uint32_t> members);
  void take_median(std::span<const std::uint32_t> members, Samples& median);
  /// The total of all members but `centre` where they rest on it.
  std::uint64_t total_on(const Clusters& clusters, std::uint32_t centre, std::span<const std::uint32_t> members);
  void follow_hints_to_bases(const Clusters& clusters, std::vector<GroupChoice>& choices) const;
  std::vector<GroupChoice> choices(const Clusters& clusters) const;

  Signature signature_of(std::uint32_t newcomer);
  /// What an element of the newcomer takes on `base`; not less than its `alone` where it may not or need not.
  Bits bits_on(std::uint32_t child, const FamilyMember& base);
  /// The same for a base that lineage names: where a sketch is missing, a little less than alone.
  Bits bits_by_lineage(std::uint32_t child, const FamilyMember& base);

  std::span<const FamilyMember> members_;
  const KnownLayers& known_;
  SignatureMaker& signature_maker_;
  SamplesCaches& caches_;
  std::vector<Newcomer> newcomers_;
  Neighbours bases_;  ///< newcomers with children
  std::vector<std::uint32_t> base_numbers_;
};

}  // namespace elves::families
