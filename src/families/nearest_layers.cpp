#include "families/nearest_layers.hpp"

#include <algorithm>
#include <bit>

#include "families/prediction.hpp"
#include "families/sketch.hpp"
#include "support/assert.hpp"

namespace elves::families {
namespace {

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// Pseudo-random numbers, the same on every machine.
class Sequence {
 public:
  explicit Sequence(std::uint64_t seed) : state_(mix(seed)) {}
  std::size_t below(std::size_t n) {
    state_ += 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(mix(state_) % n);
  }

 private:
  std::uint64_t state_;
};

// The frames of n start at a power of two and at 3/4 or 3/2 of it.
std::array<std::uint64_t, Signature::kFrames> frames_of(std::uint64_t n) {
  const std::uint64_t power = std::bit_floor(n);
  const std::uint64_t half = power / 2;
  return {power, n - power >= half ? power + half : half + half / 2};
}

}  // namespace

const SignatureMaker::Pairs& SignatureMaker::pairs_of(std::uint64_t frame, std::size_t n_samples) {
  const auto [at, added] = pairs_.try_emplace({frame, n_samples});
  if (!added) return at->second;
  std::vector<std::uint16_t> stable;
  for (std::size_t i = 0; i < n_samples; ++i)
    if (sample_position(i, frame) == sample_position(i, 2 * frame)) stable.push_back(static_cast<std::uint16_t>(i));
  ELVES_ASSERT(stable.size() >= 2);
  Sequence random(frame);
  std::size_t next = stable.size();
  const auto draw = [&] {
    if (next == stable.size()) {
      for (std::size_t i = stable.size(); i > 1; --i) std::swap(stable[i - 1], stable[random.below(i)]);
      next = 0;
    }
    return stable[next++];
  };
  for (auto& pair : at->second) {
    pair[0] = draw();
    do pair[1] = draw();
    while (pair[1] == pair[0]);
  }
  return at->second;
}

Signature SignatureMaker::make(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch) {
  std::array<std::uint32_t, kMostSamples> values;
  const std::size_t n = ordered_samples(dtype, sketch, values);
  const unsigned number_bytes = sample_format(dtype).number_bytes;
  Signature signature;
  signature.frame = frames_of(layer_bytes / number_bytes);
  for (std::size_t f = 0; f < Signature::kFrames; ++f) {
    const std::size_t n_samples = sample_count(signature.frame[f] * number_bytes);
    ELVES_ASSERT(n_samples <= n);
    const Pairs& pairs = pairs_of(signature.frame[f], n_samples);
    for (std::size_t bit = 0; bit < Signature::kBits; ++bit) {
      const std::uint64_t greater = values[pairs[bit][0]] > values[pairs[bit][1]] ? 1 : 0;
      signature.order[f][bit / 64] |= greater << (bit % 64);
    }
  }
  return signature;
}

namespace {

// std::popcount would call a function: not every x86-64 has the instruction.
unsigned count_bits(std::uint64_t x) {
  x -= x >> 1 & 0x5555555555555555u;
  x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
  return static_cast<unsigned>(((x + (x >> 4)) & 0x0F0F0F0F0F0F0F0Fu) * 0x0101010101010101u >> 56);
}

}  // namespace

unsigned distance(const Signature& a, const Signature& b) noexcept {
  unsigned n_frames = 0;
  unsigned n_different = 0;
  for (std::size_t f = 0; f < Signature::kFrames; ++f) {
    if (a.frame[f] != b.frame[f]) continue;
    ++n_frames;
    for (std::size_t word = 0; word < a.order[f].size(); ++word)
      n_different += count_bits(a.order[f][word] ^ b.order[f][word]);
  }
  return n_frames == 0 ? 512 : n_different * 2 / n_frames;
}

void NearestLayers::reserve(std::size_t n_members) {
  signatures_.reserve(n_members);
  if (n_members > room_) rebuild(n_members);
}

std::uint32_t NearestLayers::add(const Signature& signature) {
  const auto member = static_cast<std::uint32_t>(signatures_.size());
  signatures_.push_back(signature);
  seen_by_query_.push_back(0);
  if (signatures_.size() > room_)
    rebuild(2 * room_);
  else if (!slots_.empty())
    insert(member);
  return member;
}

void NearestLayers::rebuild(std::size_t for_members) {
  room_ = std::bit_ceil(for_members);
  // So many bits that about four unrelated members share a key.
  used_key_bits_ = std::min<unsigned>(static_cast<unsigned>(std::countr_zero(room_)) - 2, kKeyBits);
  slots_.assign(room_ * Signature::kFrames * kKeysOfFrame / 4 * 5, {});
  for (std::uint32_t member = 0; member < signatures_.size(); ++member) insert(member);
}

// The slots where the search for each key of a signature begins. They are far apart in memory: all are prefetched.
std::array<NearestLayers::Place, NearestLayers::kKeys> NearestLayers::places_of(const Signature& signature) const {
  std::array<Place, kKeys> places;
  const std::uint64_t mask = (std::uint64_t{1} << used_key_bits_) - 1;
  for (std::size_t key = 0; key < kKeys; ++key) {
    const std::size_t frame = key / kKeysOfFrame;
    const std::size_t first = key % kKeysOfFrame * kKeyBits;
    const std::uint64_t bits = signature.order[frame][first / 64] >> (first % 64) & mask;
    const std::uint64_t hash = mix(mix(signature.frame[frame] + 0x9E3779B97F4A7C15u) + key * 0x10001u + (bits << 32));
    places[key] = {static_cast<std::size_t>((hash >> 32) * slots_.size() >> 32), static_cast<std::uint32_t>(hash) | 1u};
    __builtin_prefetch(&slots_[places[key].first]);
  }
  return places;
}

void NearestLayers::insert(std::uint32_t member) {
  for (const auto& [first, tag] : places_of(signatures_[member])) {
    std::size_t at = first;
    std::size_t n_same = 0;
    while (slots_[at].tag != 0 && n_same < kMostOfKey) {
      if (slots_[at].tag == tag) ++n_same;
      if (++at == slots_.size()) at = 0;
    }
    if (n_same < kMostOfKey) slots_[at] = {tag, member};
  }
}

void NearestLayers::compare(const Signature& query, std::uint32_t member) const {
  const unsigned apart = distance(query, signatures_[member]);
  if (apart <= kFarthest) found_.push_back({apart, member});
}

void NearestLayers::compare_members_of_keys(const Signature& query) const {
  ++query_;
  candidates_.clear();
  for (const auto& [first, tag] : places_of(query)) {
    for (std::size_t at = first; slots_[at].tag != 0; at = at + 1 == slots_.size() ? 0 : at + 1) {
      const std::uint32_t member = slots_[at].member;
      if (slots_[at].tag != tag || seen_by_query_[member] == query_) continue;
      seen_by_query_[member] = query_;
      __builtin_prefetch(&signatures_[member]);
      candidates_.push_back(member);
    }
  }
  for (const auto member : candidates_) compare(query, member);
}

void NearestLayers::nearest(const Signature& query, std::size_t limit, std::vector<std::uint32_t>& members) const {
  members.clear();
  found_.clear();
  if (slots_.empty()) {
    for (std::uint32_t member = 0; member < signatures_.size(); ++member) compare(query, member);
  } else {
    compare_members_of_keys(query);
  }
  const auto end = found_.begin() + static_cast<std::ptrdiff_t>(std::min(limit, found_.size()));
  std::partial_sort(found_.begin(), end, found_.end());
  for (auto at = found_.begin(); at != end; ++at) members.push_back(at->member);
}

}  // namespace elves::families
