#include "encode/transforms/delta/choice.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "encode/repeats.hpp"
#include "support/entropy.hpp"

namespace elves::encode::delta {
namespace {

constexpr std::size_t kPieces = 16;           // pieces of the chunk that are looked at,
constexpr std::size_t kWordsOfProbe = 32;     // together one word in 32,
constexpr std::size_t kLeastPieceWords = 64;  // but at least this many words each
constexpr std::size_t kMostPieceWords = 256;  // and at most this many
constexpr std::size_t kWidths = 65;           // widths of differences: 0 to 64 bits
constexpr std::size_t kClasses = 10;          // classes of symbols: width 0, widths 1 to 8, escapes
constexpr std::size_t kMostClusters = 64;     // clusters of contexts, from which groups are merged
constexpr std::uint64_t kListBits = 8 * 200;  // approximate overhead of one more list of symbols
constexpr std::uint64_t kEscapeBits = 2;      // overhead of an escape, besides its bits

/// Pieces of the chunk and of the base, at the same places.
struct Probes {
  std::size_t n = 0;
  std::span<const std::byte> words;
  std::span<const std::byte> base;
};

Probes probe(unsigned word_bytes, std::span<const std::byte> words, std::span<const std::byte> base, Scratch& scratch) {
  const auto n = words.size() / word_bytes;
  const auto piece_words = std::clamp(n / kWordsOfProbe / kPieces, kLeastPieceWords, kMostPieceWords);
  if (n <= kPieces * piece_words) return {n, words, base};
  const auto piece = piece_words * word_bytes;
  const auto stride = (n - piece_words) / (kPieces - 1) * word_bytes;
  const auto word_probes = scratch.take(kPieces * piece);
  const auto base_probes = scratch.take(kPieces * piece);
  for (std::size_t i = 0; i < kPieces; ++i) {
    std::memcpy(word_probes.data() + i * piece, words.data() + i * stride, piece);
    std::memcpy(base_probes.data() + i * piece, base.data() + i * stride, piece);
  }
  return {kPieces * piece_words, word_probes, base_probes};
}

using Widths = std::array<std::uint32_t, kWidths>;

Widths widths_of(unsigned word_bytes, Operation operation, const Probes& probes, std::span<std::uint8_t> widths) {
  delta::widths_of(word_bytes, operation, probes.words.data(), probes.base.data(), probes.n, widths.data());
  Widths counts{};
  for (const auto width : widths) ++counts[width];
  return counts;
}

std::uint64_t entropy_bits(std::span<const std::uint32_t> counts) {
  std::uint64_t n = 0;
  std::uint64_t logs = 0;  // sum of count * log2(count), times 65536
  for (const auto count : counts) {
    if (count == 0) continue;
    n += count;
    logs += count * std::uint64_t{log2_fixed(count)};
  }
  return n == 0 ? 0 : (n * log2_fixed(static_cast<std::uint32_t>(n)) - logs) >> 16;
}

/// Estimated bits of the differences: the bits below the highest set bit, and the entropy of the widths. Widths up to
/// that of the low bytes count as one.
std::uint64_t cost_of(const Widths& widths, unsigned low_bytes) {
  const std::size_t low_bits = 8 * low_bytes;
  Widths counts{};
  std::uint64_t bits = 0;
  for (std::size_t width = 0; width < kWidths; ++width) {
    counts[std::max(width, low_bits)] += widths[width];
    const auto below_first = std::max(std::max<std::size_t>(width, 1) - 1, low_bits);
    const auto escape = width > low_bits + 8 ? kEscapeBits : 0;
    bits += widths[width] * (below_first + escape);
  }
  return bits + entropy_bits(counts);
}

unsigned choose_low_bytes(unsigned word_bytes, const Widths& widths) {
  unsigned best = 0;
  for (unsigned low_bytes = 1; low_bytes < word_bytes; ++low_bytes) {
    if (cost_of(widths, low_bytes) < cost_of(widths, best)) best = low_bytes;
  }
  return best;
}

/// The words of a range of contexts: how often each class of symbols occurs.
struct Cluster {
  std::array<std::uint32_t, kClasses> classes{};
  std::size_t n = 0;
  std::uint8_t least = 0;         ///< the lowest context
  std::uint64_t bits = 0;         ///< entropy of the classes
  std::uint64_t merged_bits = 0;  ///< entropy after merging with the next cluster

  void add(const Cluster& other) {
    for (std::size_t i = 0; i < kClasses; ++i) classes[i] += other.classes[i];
    n += other.n;
    least = other.least;
  }
};

std::vector<Cluster> clusters_of(std::span<const std::byte> contexts, std::span<const std::uint8_t> widths,
                                 std::size_t low_bits) {
  std::array<Cluster, 256> all{};
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    auto& cluster = all[static_cast<std::uint8_t>(contexts[i])];
    const std::size_t width = widths[i];
    ++cluster.classes[std::min(std::max(width, low_bits) - low_bits, kClasses - 1)];
    ++cluster.n;
  }
  const auto least_words = contexts.size() / kMostClusters + 1;
  std::vector<Cluster> clusters;
  for (std::size_t context = all.size(); context-- > 0;) {
    if (all[context].n == 0) continue;
    all[context].least = static_cast<std::uint8_t>(context);
    if (clusters.empty() || clusters.back().n >= least_words) {
      clusters.push_back(all[context]);
    } else {
      clusters.back().add(all[context]);
    }
  }
  return clusters;
}

void measure_merger(std::vector<Cluster>& clusters, std::size_t i) {
  if (i + 1 >= clusters.size()) return;
  Cluster merged = clusters[i];
  merged.add(clusters[i + 1]);
  clusters[i].merged_bits = entropy_bits(merged.classes);
}

// Merges the two neighbours that lose least by it, until there are at most kMostGroups and each group saves more than
// its list costs.
std::vector<std::uint8_t> choose_thresholds(std::vector<Cluster> clusters, std::size_t n_words, std::size_t n_probes) {
  for (auto& cluster : clusters) cluster.bits = entropy_bits(cluster.classes);
  for (std::size_t i = 0; i < clusters.size(); ++i) measure_merger(clusters, i);
  const auto lost_with = [&](std::size_t i) {
    const auto apart = clusters[i].bits + clusters[i + 1].bits;
    return clusters[i].merged_bits > apart ? clusters[i].merged_bits - apart : 0;
  };
  while (clusters.size() > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < clusters.size(); ++i) {
      if (lost_with(i) < lost_with(best)) best = i;
    }
    if (clusters.size() <= kMostGroups && lost_with(best) * n_words > kListBits * n_probes) break;
    clusters[best].add(clusters[best + 1]);
    clusters[best].bits = clusters[best].merged_bits;
    clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    measure_merger(clusters, best);
    if (best > 0) measure_merger(clusters, best - 1);
  }
  std::vector<std::uint8_t> thresholds;
  for (std::size_t i = 0; i + 1 < clusters.size(); ++i) thresholds.push_back(clusters[i].least);
  return thresholds;
}

}  // namespace

Choice choose(unsigned word_bytes, bool is_float, std::span<const std::byte> words, std::span<const std::byte> base,
              Scratch& scratch) {
  const auto mark = scratch.mark();
  const auto probes = probe(word_bytes, words, base, scratch);
  const auto of_xor = scratch.take_array<std::uint8_t>(probes.n);
  const auto of_difference = scratch.take_array<std::uint8_t>(probes.n);
  const auto subtract = is_float ? Operation::Floats : Operation::Integers;
  const auto xor_widths = widths_of(word_bytes, Operation::Xor, probes, of_xor);
  const auto difference_widths = widths_of(word_bytes, subtract, probes, of_difference);
  const bool take_xor = cost_of(xor_widths, 0) < cost_of(difference_widths, 0);

  Choice choice{.operation = take_xor ? Operation::Xor : subtract,
                .low_bytes = choose_low_bytes(word_bytes, take_xor ? xor_widths : difference_widths),
                .thresholds = {},
                .repeats = repeats_itself(std::as_bytes(take_xor ? of_xor : of_difference))};
  if (is_float) {
    const auto contexts = scratch.take(probes.n);
    contexts_of(word_bytes, probes.base.data(), probes.n, contexts.data());
    auto clusters = clusters_of(contexts, take_xor ? of_xor : of_difference, 8 * choice.low_bytes);
    choice.thresholds = choose_thresholds(std::move(clusters), words.size() / word_bytes, probes.n);
  }
  scratch.rewind(mark);
  return choice;
}

}  // namespace elves::encode::delta
