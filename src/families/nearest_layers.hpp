#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "elves/dtype.hpp"

namespace elves::families {

/// The order of pairs of a layer's samples: layers that are near each other have most pairs in the same order, others
/// half of them. Pairs are of samples that stand at the same places in all layers of a frame, a range of numbers of
/// elements from its start to twice its start. Each layer lies in two frames, so that two layers share a frame where
/// one is longer by a third at most.
struct Signature {
  static constexpr std::size_t kFrames = 2;
  static constexpr std::size_t kBits = 256;  ///< of a frame
  std::array<std::uint64_t, kFrames> frame{};
  std::array<std::array<std::uint64_t, kBits / 64>, kFrames> order{};
};

/// Makes signatures. Keeps the pairs of each frame that it has seen, about 1 KiB.
class SignatureMaker {
 public:
  /// Of a sketch that is not empty. About 1 us.
  Signature make(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch);

 private:
  using Pairs = std::array<std::array<std::uint16_t, 2>, Signature::kBits>;
  const Pairs& pairs_of(std::uint64_t frame, std::size_t n_samples);
  std::map<std::pair<std::uint64_t, std::size_t>, Pairs> pairs_;
};

/// Pairs of a signature that are in another order, of 512. Nothing in common: 512.
unsigned distance(const Signature& a, const Signature& b) noexcept;

/// Layers found by their signatures, without a look at all of them. Members are numbered as they are added; the same
/// members in the same order give the same answers. 80 bytes a member, and above kFewMembers at most 640 more.
class Neighbours {
 public:
  /// Above this distance of signatures no difference is worth it: noise of sigma itself makes 128 of 512.
  static constexpr unsigned kFarthest = 170;
  /// So many are compared with each query one by one.
  static constexpr std::size_t kFewMembers = 64;

  void reserve(std::size_t n_members);
  std::uint32_t add(const Signature& signature);
  std::size_t size() const noexcept { return signatures_.size(); }
  const Signature& signature(std::uint32_t member) const { return signatures_[member]; }

  /// The members nearest to `query`, at most `limit`, nearest first (then by number): all where there are few, else of
  /// those that agree with it in all bits of some key, of which each key gives its first kMostOfKey.
  void nearest(const Signature& query, std::size_t limit, std::vector<std::uint32_t>& members) const;

 private:
  static constexpr std::size_t kKeyBits = 16;
  static constexpr std::size_t kKeysOfFrame = Signature::kBits / kKeyBits;
  static constexpr std::size_t kKeys = Signature::kFrames * kKeysOfFrame;
  static constexpr std::size_t kMostOfKey = 16;

  struct Slot {
    std::uint32_t tag = 0;  ///< 0: empty
    std::uint32_t member = 0;
  };
  struct Place {
    std::size_t first;
    std::uint32_t tag;
  };
  struct Found {
    unsigned distance;
    std::uint32_t member;
    auto operator<=>(const Found&) const = default;
  };

  void rebuild(std::size_t for_members);
  void insert(std::uint32_t member);
  std::array<Place, kKeys> places_of(const Signature& signature) const;
  void compare(const Signature& query, std::uint32_t member) const;
  void compare_members_of_keys(const Signature& query) const;

  std::vector<Signature> signatures_;
  std::vector<Slot> slots_;
  std::size_t room_ = kFewMembers;
  unsigned used_key_bits_ = 0;
  mutable std::vector<std::uint32_t> seen_by_query_;
  mutable std::uint32_t query_ = 0;
  mutable std::vector<std::uint32_t> candidates_;
  mutable std::vector<Found> found_;
};

}  // namespace elves::families
