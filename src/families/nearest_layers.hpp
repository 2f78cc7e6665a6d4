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

/// For fixed pairs of a layer's samples, which of the two is greater. Similar layers agree in most pairs, unrelated
/// layers in half of them. A frame groups layers with n elements, f <= n < 2f, and compares samples whose positions are
/// the same in every layer of the frame. Each layer lies in two frames, so two layers share a frame if one is longer by
/// at most a third.
struct Signature {
  static constexpr std::size_t kFrames = 2;
  static constexpr std::size_t kBits = 256;    ///< of a frame
  std::array<std::uint64_t, kFrames> frame{};  ///< f of each frame
  std::array<std::array<std::uint64_t, kBits / 64>, kFrames> order{};
};

/// Makes signatures. Keeps the pairs of each frame that it has used: about 1 KiB a frame.
class SignatureMaker {
 public:
  /// `sketch` must not be empty. About 1 us.
  Signature make(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch);

 private:
  using Pairs = std::array<std::array<std::uint16_t, 2>, Signature::kBits>;
  const Pairs& pairs_of(std::uint64_t frame, std::size_t n_samples);
  std::map<std::pair<std::uint64_t, std::size_t>, Pairs> pairs_;
};

/// The number of pairs, of 512, whose order differs. 512 for signatures without a common frame.
unsigned distance(const Signature& a, const Signature& b) noexcept;

/// An index of layers by their signatures. Members are numbered as they are added; equal members in equal order give
/// equal results. 80 bytes a member; with more than kFewMembers members, at most 640 more each.
class NearestLayers {
 public:
  /// Layers that are farther apart are not compared: no delta would pay. Noise of one sigma gives a distance of 128.
  static constexpr unsigned kFarthest = 170;
  /// Up to this number of members, each query is compared with all of them.
  static constexpr std::size_t kFewMembers = 64;

  void reserve(std::size_t n_members);
  std::uint32_t add(const Signature& signature);
  std::size_t size() const noexcept { return signatures_.size(); }
  const Signature& signature(std::uint32_t member) const { return signatures_[member]; }

  /// The members nearest to `query`, at most `limit`, nearest first, then by number. With more than kFewMembers
  /// members, only those are compared that have a key of 4 to 16 bits in common with it: of each key the first
  /// kMostOfKey members.
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
