// Times the steps of encoding and decoding: memcpy, hash, split, coder, and everything together, each over the same 128
// MiB, in turns within each repetition; one core, CPU time, medians. The rest of encoding besides split and coder is
// the choice of the transform; the rest of decoding besides join is the decoding of streams.
//
// Usage: bench_stages [REPETITIONS]
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "encode/registry.hpp"
#include "encode/streams.hpp"
#include "encode_data.hpp"
#include "measure/timing.hpp"
#include "support/hash.hpp"

namespace {

using namespace elves;
using benchmarks::DataSet;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kDistinctLayers = 8;
constexpr std::size_t kLayers = 32;
constexpr double kNothing = 1000;  // GB/s: faster than any work

enum Stage { kMemcpy, kHash, kEncode, kSplit, kCoder, kDecode, kJoin, kStages };
using StageSeconds = std::array<double, kStages>;

/// Adds the seconds of `work` to `seconds`.
template <class Work>
void time(double& seconds, Work work) {
  seconds += measure::cpu_seconds_of(work);
}

class Stages {
 public:
  explicit Stages(EncodeOptions options) : options_(options) { secret_.fill(std::byte{0x5A}); }

  /// Runs each stage over all chunks before the next stage, so that chunks are read from memory and not from the cache.
  StageSeconds once(const DataSet& set) {
    StageSeconds seconds{};
    for (const auto& raw : set.chunks) time(seconds[kMemcpy], [&] { std::ranges::copy(raw, out_.begin()); });
    const KeyedHash hash(secret_);
    for (const auto& raw : set.chunks) time(seconds[kHash], [&] { hashes_ ^= hash(std::span(raw)).low; });
    for (std::size_t k = 0; k < kLayers; ++k) {
      const auto& raw = set.chunks[k];
      encoded_[k].clear();
      time(seconds[kEncode], [&] { transform_ = encoder_.encode(raw, set.dtype, options_, encoded_[k]).transform; });
    }
    for (const auto& raw : set.chunks) split_and_code(raw, set.dtype, seconds);
    for (const auto& chunk : encoded_) {
      time(seconds[kDecode], [&] { ok_ &= decoder_.decode(chunk, set.dtype, out_).has_value(); });
    }
    if (!ok_) {
      std::fprintf(stderr, "bench_stages: %s does not decode\n", set.name.c_str());
      std::exit(1);
    }
    return seconds;
  }

  std::string_view transform() const { return name(transform_); }

 private:
  void split_and_code(const Bytes& raw, DType dtype, StageSeconds& seconds) {
    const auto& row = *encode::find_transform(static_cast<std::uint8_t>(transform_));
    scratch_.reset();
    split_.clear();
    coded_.clear();
    time(seconds[kSplit], [&] { row.split({raw, dtype}, options_, scratch_, split_); });
    time(seconds[kCoder], [&] { streams_.encode(split_.streams, options_, scratch_, coded_); });
    encode::SplitStreams source(split_);
    ByteCursor header(split_.header);
    time(seconds[kJoin], [&] { ok_ &= row.join(header, source, dtype, scratch_, out_, {}).has_value(); });
  }

  EncodeOptions options_;
  Encoder encoder_;
  Decoder decoder_;
  encode::StreamEncoder streams_;
  encode::Scratch scratch_;
  encode::Split split_;
  TransformId transform_ = TransformId::Raw;
  std::array<std::byte, KeyedHash::kSecretBytes> secret_{};
  std::uint64_t hashes_ = 0;
  bool ok_ = true;
  Bytes coded_;
  Bytes out_ = Bytes(kChunkBytes);
  std::vector<Bytes> encoded_ = std::vector<Bytes>(kLayers);
};

/// The median of of(seconds) over the repetitions.
template <class Of>
double median_of(const std::vector<StageSeconds>& repetitions, Of of) {
  std::vector<double> values;
  for (const auto& seconds : repetitions) values.push_back(of(seconds));
  return measure::median(values);
}

void report(const benchmarks::DataKind& kind, const char* mode, EncodeOptions options, int repetitions) {
  const auto set = repeated(data_set(kind, kDistinctLayers), kLayers);
  Stages stages(options);
  std::vector<StageSeconds> seconds;
  for (int i = -1; i < repetitions; ++i) {
    const auto once = stages.once(set);
    if (i >= 0) seconds.push_back(once);  // the first warms up
  }
  const double gb = static_cast<double>(kLayers * kChunkBytes) / 1e9;
  std::printf("%-22s %-10s", (std::string(kind.name) + mode).c_str(), stages.transform().data());
  for (const Stage stage : {kMemcpy, kHash, kSplit, kCoder, kEncode, kJoin, kDecode}) {
    const double speed = gb / median_of(seconds, [&](const StageSeconds& s) { return s[stage]; });
    if (speed > kNothing) {
      std::printf(" %7s", "-");
    } else {
      std::printf(" %7.2f", speed);
    }
  }
  const auto share = [&](Stage part, Stage whole) {
    return 100 * median_of(seconds, [&](const StageSeconds& s) { return s[part] / s[whole]; });
  };
  const double split = share(kSplit, kEncode);
  const double coder = share(kCoder, kEncode);
  const double join = share(kJoin, kDecode);
  std::printf("   %5.0f %5.0f %6.0f   %5.0f %7.0f   %6.0f %6.0f\n", split, coder, 100 - split - coder, join, 100 - join,
              share(kMemcpy, kEncode), share(kHash, kEncode));
}

}  // namespace

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 5;
  if (repetitions < 1) {
    std::fprintf(stderr, "usage: bench_stages [REPETITIONS]\n");
    return 2;
  }
  std::printf("%-33s %55s   %18s   %13s   %13s\n", "", "GB/s of raw bytes", "% of encode", "% of decode",
              "% of encode");
  std::printf("%-22s %-10s %7s %7s %7s %7s %7s %7s %7s   %5s %5s %6s   %5s %7s   %6s %6s\n", "", "transform", "memcpy",
              "hash", "split", "coder", "encode", "join", "decode", "split", "coder", "choice", "join", "streams",
              "memcpy", "hash");
  report(benchmarks::kF32, "", {}, repetitions);
  report(benchmarks::kF32, ", lossless", {.lossless = true}, repetitions);
  for (const auto& kind : {benchmarks::kF32FromBf16, benchmarks::kBf16, benchmarks::kF16, benchmarks::kF8E4M3,
                           benchmarks::kI32, benchmarks::kI8}) {
    report(kind, "", {}, repetitions);
  }
}
