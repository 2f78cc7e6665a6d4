#include "families/sketch.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "support/assert.hpp"

namespace elves::families {
namespace {

constexpr unsigned kLargestWidth = 48;

std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// The jump consistent hash of Lamping and Veach steps through numbers that do not depend on n: the hash is the last of
// them below n. This class keeps the steps of each index, and for each bit width of n where to begin the search.
class Jumps {
 public:
  Jumps() {
    for (std::size_t index = 0; index < kMostSamples; ++index) append(index);
  }

  std::uint64_t last_below(std::size_t index, std::uint64_t n) const {
    std::uint32_t at = starts_[static_cast<unsigned>(std::bit_width(n)) - 1][index];
    while (steps_[at + 1] < n) ++at;
    return steps_[at];
  }

 private:
  void append(std::size_t index) {
    std::uint64_t key = mix(index);
    std::uint64_t step = 0;
    unsigned width = 0;
    while (width <= kLargestWidth) {
      steps_.push_back(step);
      const auto next = next_step(step, key);
      for (; width <= kLargestWidth && (std::uint64_t{1} << width) <= next; ++width)
        starts_[width][index] = static_cast<std::uint32_t>(steps_.size() - 1);
      step = next;
    }
    steps_.push_back(~std::uint64_t{0});
  }

  static std::uint64_t next_step(std::uint64_t step, std::uint64_t& key) {
    key = key * 2862933555777941757u + 1;
    const double stretch = static_cast<double>(1u << 31) / static_cast<double>((key >> 33) + 1);
    return static_cast<std::uint64_t>(std::min(static_cast<double>(step + 1) * stretch, 0x1p62));
  }

  std::vector<std::uint64_t> steps_;
  std::array<std::array<std::uint32_t, kMostSamples>, kLargestWidth + 1> starts_{};
};

const Jumps& jumps() {
  static const Jumps instance;
  return instance;
}

template <unsigned kBytes>
void copy_samples(const SampleFormat& format, std::uint64_t n, std::uint64_t first, std::span<const std::byte> bytes,
                  std::span<std::byte> sketch) {
  const Jumps& positions = jumps();
  const std::uint64_t n_here = bytes.size() / format.number_bytes;
  const std::byte* const top = bytes.data() + (format.number_bytes - kBytes);
  for (std::size_t i = 0; i < sketch.size() / kBytes; ++i) {
    const std::uint64_t at = positions.last_below(i, n) - first;
    if (at < n_here) std::memcpy(sketch.data() + i * kBytes, top + at * format.number_bytes, kBytes);
  }
}

}  // namespace

SampleFormat sample_format(DType dtype) noexcept {
  switch (dtype) {
    case DType::F64:
    case DType::C128:
      return {4, 8, 11, 20};
    case DType::F32:
    case DType::C64:
      return {4, 4, 8, 23};
    case DType::BF16:
      return {2, 2, 8, 7};
    case DType::F16:
    case DType::C32:
      return {2, 2, 5, 10};
    case DType::F8E4M3:
    case DType::F8E4M3FNUZ:
      return {1, 1, 4, 3};
    case DType::F8E5M2:
    case DType::F8E5M2FNUZ:
      return {1, 1, 5, 2};
    default:
      return {};
  }
}

std::size_t sample_count(std::uint64_t layer_bytes) noexcept {
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(layer_bytes / 2048, kFewestSamples, kMostSamples));
}

std::size_t sketch_bytes(DType dtype, std::uint64_t layer_bytes) noexcept {
  if (layer_bytes < kLeastSketchedBytes || layer_bytes > kMostSketchedBytes) return 0;
  return sample_count(layer_bytes) * sample_format(dtype).bytes;
}

std::uint64_t sample_position(std::size_t index, std::uint64_t n) noexcept {
  ELVES_ASSERT(index < kMostSamples && n != 0 && n <= std::uint64_t{1} << kLargestWidth);
  return jumps().last_below(index, n);
}

void sample(DType dtype, std::uint64_t layer_bytes, std::uint64_t first_element, std::span<const std::byte> bytes,
            std::span<std::byte> sketch) noexcept {
  ELVES_ASSERT(sketch.size() == sketch_bytes(dtype, layer_bytes));
  if (sketch.empty()) return;
  const SampleFormat format = sample_format(dtype);
  const std::uint64_t n = layer_bytes / format.number_bytes;
  const std::uint64_t first = first_element * (size_bytes(dtype) / format.number_bytes);
  ELVES_ASSERT(n <= std::uint64_t{1} << kLargestWidth);
  if (format.bytes == 4) return copy_samples<4>(format, n, first, bytes, sketch);
  if (format.bytes == 2) return copy_samples<2>(format, n, first, bytes, sketch);
  copy_samples<1>(format, n, first, bytes, sketch);
}

}  // namespace elves::families
