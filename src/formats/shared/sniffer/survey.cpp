#include "formats/shared/sniffer/survey.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace elves::formats::sniffer {
namespace {

constexpr std::uint64_t kSampleBytes = 4 << 10;
constexpr std::uint64_t kPieceBytes = 1 << 20;
/// Bytes that are read before and after a place to judge it.
constexpr std::uint64_t kAroundBytes = kSampleBytes / 2;
/// The largest gap between a layer and an unproven run that continues it.
constexpr std::uint64_t kCloseBytes = 512;

/// The kind of the bytes around a place in the file.
struct Place {
  std::uint64_t at_bytes = 0;
  KindIndex kind = kNoFloats;
  bool is_plain = false;  ///< zeros or one repeated value: takes the kind of the places around it
};

class Surveyor {
 public:
  Surveyor(const ByteSource& file, const SurveyLimits& limits)
      : file_(file), size_(file.size_bytes()), limits_(limits), left_bytes_(limits.borders_bytes + size_ / 32) {}

  Result<std::vector<FloatRun>> survey() {
    if (size_ <= limits_.whole_bytes)
      scan(0, size_);
    else
      sample();
    if (failure_) return *failure_;
    return finish();
  }

 private:
  /// The file around [from, to), with enough context; an empty piece after a failure.
  Piece read_around(std::uint64_t from, std::uint64_t to) {
    const auto begin = (from - std::min(from, kAroundBytes)) / 8 * 8;
    const auto end = std::min(to + kAroundBytes, size_);
    Piece piece{.bytes = nullptr, .size_bytes = static_cast<std::size_t>(end - begin), .offset_bytes = begin};
    buffer_.resize(std::max(buffer_.size(), padded_bytes(piece.size_bytes)));
    const auto read = file_.read(begin, std::span(buffer_).first(piece.size_bytes));
    if (!read && !failure_) failure_ = read.error();
    if (!read) piece.size_bytes = 0;
    std::memset(buffer_.data() + piece.size_bytes, 0, padded_bytes(piece.size_bytes) - piece.size_bytes);
    piece.bytes = buffer_.data();
    return piece;
  }

  /// Reads all of [from, to).
  void scan(std::uint64_t from, std::uint64_t to) {
    while (from < to && !failure_) {
      const auto end = std::min(to, from + kPieceBytes);
      for (auto run : finder_.find(read_around(from, end))) {
        run.begin_bytes = std::max(run.begin_bytes, from);
        run.end_bytes = std::min(run.end_bytes, end);
        append_run(runs_, run);
      }
      from = end;
    }
  }

  Place look_at(std::uint64_t at_bytes) {
    const auto piece = read_around(at_bytes, at_bytes);
    Place place{.at_bytes = at_bytes};
    place.is_plain = piece.size_bytes > 8 && std::memcmp(piece.bytes, piece.bytes + 8, piece.size_bytes - 8) == 0;
    if (place.is_plain) return place;
    for (const auto& run : finder_.find(piece)) {
      if (run.proven && run.begin_bytes <= at_bytes && at_bytes < run.end_bytes) place.kind = run.kind;
    }
    return place;
  }

  void sample() {
    const auto step = std::max(limits_.step_bytes, size_ / limits_.most_samples);
    std::vector<Place> places;
    for (std::uint64_t at = 0; at < size_ && !failure_; at += step) places.push_back(look_at(at));
    places.push_back(look_at(size_ - 1));
    places.back().at_bytes = size_;
    settle_plain_places(places);
    for (std::size_t i = 1; i < places.size() && !failure_; ++i) settle(places[i - 1], places[i]);
  }

  /// A plain place takes the kind of the nearest places before and after it that are not plain, if these agree.
  static void settle_plain_places(std::vector<Place>& places) {
    for (std::size_t i = 1; i < places.size(); ++i) {
      if (!places[i].is_plain) continue;
      auto after = i;
      while (after < places.size() && places[after].is_plain) ++after;
      const bool agree = after < places.size() && places[after].kind == places[i - 1].kind;
      for (; i < after; ++i) places[i].kind = agree ? places[i - 1].kind : kNoFloats;
    }
  }

  /// Appends the runs between two places.
  void settle(const Place& a, const Place& b) {
    if (a.kind == b.kind) {
      if (a.kind != kNoFloats) append_run(runs_, {a.at_bytes, b.at_bytes, a.kind, true});
      return;
    }
    const auto between = b.at_bytes - a.at_bytes;
    if (between <= limits_.step_bytes) {
      if (spend(between + kSampleBytes)) scan(a.at_bytes, b.at_bytes);
      return;
    }
    if (!spend(kSampleBytes)) return;
    const auto middle = look_at(a.at_bytes + between / 2);
    settle(a, middle);
    settle(middle, b);
  }

  bool spend(std::uint64_t bytes) {
    if (failure_ || bytes > left_bytes_) return false;
    left_bytes_ -= bytes;
    return true;
  }

  static bool is_layer(const FloatRun& run) {
    return run.proven && run.end_bytes >= run.begin_bytes + kShortestRunBytes;
  }

  /// Joins an unproven run to a layer close to it: constants look the same in many types.
  static void join(FloatRun& before, FloatRun& after) {
    if (after.begin_bytes - before.end_bytes > kCloseBytes) return;
    if (is_layer(before) && !after.proven) after = {before.end_bytes, after.end_bytes, before.kind, true};
    if (is_layer(after) && !before.proven) before = {before.begin_bytes, after.begin_bytes, after.kind, true};
  }

  std::vector<FloatRun> finish() {
    for (std::size_t i = 1; i < runs_.size(); ++i) join(runs_[i - 1], runs_[i]);
    for (auto i = runs_.size(); i-- > 1;) join(runs_[i - 1], runs_[i]);
    std::vector<FloatRun> runs;
    for (const auto& run : runs_) append_run(runs, run);
    for (auto& run : runs) {
      run.begin_bytes = align_up(kFloatKinds[run.kind], run.begin_bytes);
      run.end_bytes = align_down(kFloatKinds[run.kind], run.end_bytes);
    }
    std::erase_if(runs, [](const FloatRun& run) { return !is_layer(run); });
    return runs;
  }

  const ByteSource& file_;
  std::uint64_t size_;
  SurveyLimits limits_;
  std::uint64_t left_bytes_;  ///< that may still be read in search of borders
  RunFinder finder_;
  std::vector<std::byte> buffer_;
  std::vector<FloatRun> runs_;
  std::optional<Error> failure_;
};

}  // namespace

Result<std::vector<FloatRun>> survey(const ByteSource& file, const SurveyLimits& limits) {
  return Surveyor(file, limits).survey();
}

}  // namespace elves::formats::sniffer
