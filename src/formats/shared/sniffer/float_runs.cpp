#include "formats/shared/sniffer/float_runs.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "formats/shared/sniffer/float_evidence.hpp"
#include "formats/shared/sniffer/float_scores.hpp"
#include "support/checked.hpp"

namespace elves::formats::sniffer {
namespace {

/// Runs with a smaller gap between them are joined.
constexpr std::uint64_t kGapBytes = 64;

/// The cost of one more extent in an archive (64 bytes: its name, shape, hash and the header of its chunk), as a score.
/// A run must save twice as much, because the glue after it is an extent too. Between 16 and 128 bytes the size of
/// archives changes by less than 0.1 %.
constexpr int kSwitchScore = 64 * 8 * kScoresPerBit;

/// Runs are judged in pieces of this size, so that one array does not decide about its neighbours.
constexpr std::uint64_t kJudgedBytes = 16 << 10;

/// A piece that is not floats as a whole may begin or end with floats: both ends are judged in pieces of this size.
constexpr std::uint64_t kFineBytes = 1 << 10;

constexpr std::size_t kLabels = kFloatKinds.size() + 1;

std::size_t argmax(const std::array<std::int32_t, kLabels>& scores) {
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

/// The offset in [from, to] at which it is best to begin (or end) a run that contains the elements from `to` on (or up
/// to `from`): the sum of the scores in between is largest. Never before `from`. Offsets are in the piece.
std::uint64_t best_begin(const Piece& piece, const FloatKind& kind, std::uint64_t from, std::uint64_t to) {
  const auto first = align_up(kind, from);
  auto best = std::max(first, align_down(kind, to));
  int sum = 0;
  int best_sum = 0;
  for (auto at = best; at >= first + kind.size_bytes;) {
    at -= kind.size_bytes;
    sum += element_score(kind, piece.bytes + at);
    if (sum > best_sum) {
      best_sum = sum;
      best = at;
    }
  }
  return best;
}
std::uint64_t best_end(const Piece& piece, const FloatKind& kind, std::uint64_t from, std::uint64_t to) {
  auto best = align_up(kind, from);
  int sum = 0;
  int best_sum = 0;
  for (auto at = best; at + kind.size_bytes <= to; at += kind.size_bytes) {
    sum += element_score(kind, piece.bytes + at);
    if (sum > best_sum) {
      best_sum = sum;
      best = at + kind.size_bytes;
    }
  }
  return best;
}

KindIndex index_of(DType dtype, std::uint64_t begin_bytes) {
  for (KindIndex i = 0; i < kFloatKinds.size(); ++i) {
    if (kFloatKinds[i].dtype == dtype && begin_bytes % kFloatKinds[i].size_bytes == kFloatKinds[i].phase) return i;
  }
  return kNoFloats;
}

/// Judges a supposed run, and appends the parts of it that may be floats.
class RunJudge {
 public:
  RunJudge(const Piece& piece, DType supposed, std::vector<FloatRun>& runs)
      : piece_(piece), supposed_(supposed), runs_(runs) {}

  void judge_run(std::uint64_t begin, std::uint64_t end) {
    std::uint64_t size = 0;
    for (auto at = begin; at < end; at += size) {
      // A short rest is judged together with the last piece.
      size = end - at < kJudgedBytes * 3 / 2 ? end - at : kJudgedBytes;
      const auto all = judge_part(at, at + size);
      if (all.verdict != Verdict::Other) {
        take(all, at, at + size);
      } else {
        take_start(at, at + size);
        take_end(at, at + size);
      }
    }
  }

 private:
  Judgement judge_part(std::uint64_t begin, std::uint64_t end) const {
    return judge(supposed_, std::span(piece_.bytes + begin, end - begin));
  }

  void take(const Judgement& judgement, std::uint64_t begin, std::uint64_t end) {
    append_run(runs_, {.begin_bytes = piece_.offset_bytes + begin,
                       .end_bytes = piece_.offset_bytes + end,
                       .kind = index_of(judgement.dtype, begin),
                       .proven = judgement.verdict == Verdict::Floats});
    taken_until_ = end;
  }

  /// Takes the floats at the start of a part that is not floats as a whole.
  void take_start(std::uint64_t begin, std::uint64_t end) {
    for (auto at = begin; at + kFineBytes <= end; at += kFineBytes) {
      const auto now = judge_part(at, at + kFineBytes);
      if (now.verdict != Verdict::Floats) return;
      take(now, at, at + kFineBytes);
    }
  }

  /// Takes the floats at its end, as far as they are not taken yet.
  void take_end(std::uint64_t begin, std::uint64_t end) {
    const auto stop = std::max(begin, taken_until_);
    auto from = end;
    while (from >= stop + kFineBytes && judge_part(from - kFineBytes, from).verdict == Verdict::Floats)
      from -= kFineBytes;
    for (; from < end; from += kFineBytes) take(judge_part(from, from + kFineBytes), from, from + kFineBytes);
  }

  const Piece& piece_;
  DType supposed_;
  std::vector<FloatRun>& runs_;
  std::uint64_t taken_until_ = 0;
};

}  // namespace

void append_run(std::vector<FloatRun>& runs, const FloatRun& run) {
  if (run.begin_bytes >= run.end_bytes) return;
  if (!runs.empty() && runs.back().kind == run.kind && run.begin_bytes - runs.back().end_bytes <= kGapBytes) {
    runs.back().end_bytes = run.end_bytes;
    runs.back().proven |= run.proven;
    return;
  }
  runs.push_back(run);
}

std::size_t padded_bytes(std::size_t size_bytes) {
  return ceil_div(size_bytes, kBlockBytes) * kBlockBytes + kBeyondBlockBytes;
}

/// Finds the labels with the largest sum of scores (Viterbi); each change of label costs kSwitchScore.
void RunFinder::label_blocks(const Piece& piece) {
  const auto n = ceil_div(piece.size_bytes, kBlockBytes);
  labels_.resize(n);
  from_.resize(n);
  switched_.assign(n, 0);
  std::array<std::int32_t, kLabels> sums{};
  for (std::size_t i = 0; i < n; ++i) {
    const auto scores = block_scores(piece.bytes + i * kBlockBytes);
    const auto top = argmax(sums);
    const auto after_switch = sums[top] - kSwitchScore;
    from_[i] = static_cast<KindIndex>(top);
    for (std::size_t label = 0; label < kLabels; ++label) {
      if (sums[label] < after_switch) {
        sums[label] = after_switch;
        switched_[i] |= 1u << label;
      }
      if (label != kNoFloats) sums[label] += scores[label];
    }
  }
  auto label = static_cast<KindIndex>(argmax(sums));
  for (auto i = n; i-- > 0;) {
    labels_[i] = label;
    if ((switched_[i] >> label & 1) != 0) label = from_[i];
  }
}

std::vector<FloatRun> RunFinder::find(const Piece& piece) {
  label_blocks(piece);
  std::vector<FloatRun> runs;
  std::uint64_t last_end = 0;
  const auto at = [&](std::size_t block) { return std::min<std::uint64_t>(block * kBlockBytes, piece.size_bytes); };
  for (std::size_t first = 0, after = 0; first < labels_.size(); first = after) {
    while (after < labels_.size() && labels_[after] == labels_[first]) ++after;
    if (labels_[first] == kNoFloats) continue;
    const auto& kind = kFloatKinds[labels_[first]];
    const auto begin = best_begin(piece, kind, std::max(last_end, at(first - (first > 0))), at(first + 1));
    const auto end = best_end(piece, kind, std::max(begin, at(after - 1)), at(after + 1));
    RunJudge(piece, kind.dtype, runs).judge_run(begin, end);
    last_end = std::max(last_end, end);
  }
  return runs;
}

}  // namespace elves::formats::sniffer
