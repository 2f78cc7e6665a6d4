#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "encode/kernels/histogram.hpp"
#include "encode/rans/rans.hpp"
#include "encode/scratch.hpp"
#include "encode/transforms/delta/kernel.hpp"
#include "encode/transforms/elf/kernel.hpp"
#include "encode/transforms/planes/kernel.hpp"
#include "encode_data.hpp"

namespace elves::benchmarks {

/// A kernel and its name. `make` returns a function that owns `n_bytes` of values and runs the kernel once over them.
struct Kernel {
  std::string name;
  std::function<std::function<void()>(std::size_t n_bytes)> make;
};

/// Seeded data for a kernel, in Scratch memory as in the encoder.
class KernelData {
 public:
  std::span<std::byte> noise(std::size_t n_bytes) {
    const auto bytes = scratch_.take(n_bytes);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random_());
    return bytes;
  }

  std::vector<std::byte*> planes(std::size_t n_planes, std::size_t n_words) {
    std::vector<std::byte*> planes(n_planes);
    for (auto& plane : planes) plane = noise(n_words).data();
    return planes;
  }

  /// Normal weights, as floats of the size of Word.
  template <class Word>
  std::span<std::byte> weights(std::size_t n_bytes, double sigma) {
    const auto& kind = sizeof(Word) == 2 ? kF16 : sizeof(Word) == 4 ? kF32 : kF64;
    const auto bytes = scratch_.take(n_bytes);
    std::ranges::copy(kind.make(n_bytes, sigma, 1), bytes.begin());
    return bytes;
  }

  /// Exponents of normal weights.
  std::span<std::byte> exponents(std::size_t n_bytes) {
    const auto floats = kF32.make(4 * n_bytes, 0.03, 1);
    const auto bytes = scratch_.take(n_bytes);
    for (std::size_t i = 0; i < n_bytes; ++i) bytes[i] = floats[4 * i + 3] << 1 | floats[4 * i + 2] >> 7;
    return bytes;
  }

  template <class T>
  std::span<T> array(std::size_t n) {
    return scratch_.take_array<T>(n);
  }

 private:
  encode::Scratch scratch_;
  std::mt19937_64 random_{1};
};

inline Kernel split_planes_kernel(std::string name, encode::WordShape shape) {
  return {std::move(name), [shape](std::size_t n_bytes) {
            const auto data = std::make_shared<KernelData>();
            const std::size_t n = n_bytes / shape.n_bytes;
            return [shape, n, data, words = data->noise(n_bytes), planes = data->planes(shape.n_bytes, n)] {
              encode::split_planes(shape, words.data(), n, planes);
            };
          }};
}

inline Kernel join_planes_kernel(std::string name, encode::WordShape shape) {
  return {std::move(name), [shape](std::size_t n_bytes) {
            const auto data = std::make_shared<KernelData>();
            const std::size_t n = n_bytes / shape.n_bytes;
            const auto planes = data->planes(shape.n_bytes, n);
            const std::vector<const std::byte*> from(planes.begin(), planes.end());
            return [shape, n, data, from, words = data->noise(n_bytes)] {
              encode::join_planes(shape, from, n, words.data());
            };
          }};
}

template <class Word>
Kernel split_elf_kernel(std::string name) {
  return {std::move(name), [](std::size_t n_bytes) {
            const auto data = std::make_shared<KernelData>();
            const std::size_t n = n_bytes / sizeof(Word);
            return [n, data, values = data->weights<Word>(n_bytes, 0.03),
                    planes = data->planes(encode::elf::symbol_planes<Word>(0), n),
                    block_outliers = data->array<std::uint16_t>(n / encode::elf::kBlock + 1)] {
              encode::elf::split_values<Word>(values.data(), n, 0, planes, block_outliers.data());
            };
          }};
}

template <class Word>
Kernel join_elf_kernel(std::string name) {
  return {std::move(name), [](std::size_t n_bytes) {
            const auto data = std::make_shared<KernelData>();
            const std::size_t n = n_bytes / sizeof(Word);
            const auto planes = data->planes(encode::elf::symbol_planes<Word>(0), n);
            const std::vector<const std::byte*> from(planes.begin(), planes.end());
            return [n, data, from, values = data->noise(n_bytes)] {
              encode::elf::join_values<Word>(from, n, 0, values.data());
            };
          }};
}

/// One value in 25 is an outlier.
template <class Word>
Kernel find_outliers_kernel(std::string name) {
  return {std::move(name), [](std::size_t n_bytes) {
            const auto data = std::make_shared<KernelData>();
            return [data, values = data->weights<Word>(n_bytes, 0.49),
                    positions = data->array<std::uint32_t>(encode::elf::kBlock)] {
              constexpr std::size_t kBlockBytes = encode::elf::kBlock * sizeof(Word);
              for (std::size_t at = 0; at + kBlockBytes <= values.size(); at += kBlockBytes) {
                encode::elf::find_outliers<Word>(values.data() + at, encode::elf::kBlock, 0, positions.data());
              }
            };
          }};
}

/// Data for delta: weights, a base that differs from them in the low bytes, and eight groups by its exponents.
template <class Word>
struct DeltaData {
  explicit DeltaData(std::size_t n_bytes) : n(n_bytes / sizeof(Word)) {
    base = data.weights<Word>(n_bytes, 0.02);
    words = data.noise(n_bytes);
    for (std::size_t i = 0; i < n_bytes; ++i) words[i] = i % sizeof(Word) < layout.low_bytes ? words[i] : base[i];
    sizes = encode::delta::count_groups(layout, base.data(), n);
    for (auto& list : parts.symbols) list = data.noise(n + encode::delta::kSlack).data();
    for (auto& plane : parts.low) plane = data.noise(n).data();
    for (auto& plane : parts.escapes) plane = data.noise(n + encode::delta::kSlack).data();
    n_escapes = encode::delta::split(layout, words.data(), base.data(), n, parts);
    for (std::size_t k = 0; k < parts.symbols.size(); ++k) from.symbols[k] = parts.symbols[k];
    for (std::size_t k = 0; k < parts.low.size(); ++k) from.low[k] = parts.low[k];
    for (std::size_t k = 0; k < parts.escapes.size(); ++k) from.escapes[k] = parts.escapes[k];
  }

  static constexpr std::array<std::uint8_t, 7> kThresholds{123, 122, 121, 120, 119, 118, 117};
  encode::delta::Layout layout{.word_bytes = sizeof(Word), .low_bytes = sizeof(Word) / 2, .thresholds = kThresholds};
  KernelData data;
  std::size_t n;
  std::span<std::byte> base;
  std::span<std::byte> words;
  std::array<std::size_t, encode::delta::kMostGroups> sizes{};
  encode::delta::Parts<std::byte> parts;
  encode::delta::Parts<const std::byte> from;
  std::size_t n_escapes = 0;
};

template <class Word>
void add_delta_kernels(const std::string& bits, std::vector<Kernel>& all) {
  all.push_back({"split_delta" + bits, [](std::size_t n_bytes) {
                   const auto d = std::make_shared<DeltaData<Word>>(n_bytes);
                   return [d] { encode::delta::split(d->layout, d->words.data(), d->base.data(), d->n, d->parts); };
                 }});
  all.push_back({"join_delta" + bits, [](std::size_t n_bytes) {
                   const auto d = std::make_shared<DeltaData<Word>>(n_bytes);
                   return [d] {
                     encode::delta::join(d->layout, d->from, d->sizes, d->n_escapes, d->base.data(), d->n,
                                         d->words.data());
                   };
                 }});
}

inline Kernel histogram_kernel(std::string name, std::span<std::byte> (KernelData::*bytes_of)(std::size_t)) {
  return {std::move(name), [bytes_of](std::size_t n_bytes) {
            const auto data = std::make_shared<KernelData>();
            return [data, bytes = (*data.*bytes_of)(n_bytes), counts = std::make_shared<encode::Histogram>()] {
              *counts = encode::histogram(bytes);
            };
          }};
}

/// The stream coder, including the making of tables.
inline Kernel encode_rans_kernel(std::string name) {
  return {std::move(name), [](std::size_t n_bytes) {
            const auto data = std::make_shared<KernelData>();
            return [data, bytes = data->exponents(n_bytes), coded = std::make_shared<std::vector<std::byte>>(),
                    scratch = std::make_shared<encode::Scratch>()] {
              coded->clear();
              scratch->reset();
              encode::rans::encode(bytes, bytes.size(), *scratch, *coded);
            };
          }};
}

inline Kernel decode_rans_kernel(std::string name) {
  return {std::move(name), [](std::size_t n_bytes) {
            const auto data = std::make_shared<KernelData>();
            const auto scratch = std::make_shared<encode::Scratch>();
            const auto coded = std::make_shared<std::vector<std::byte>>();
            const auto bytes = data->exponents(n_bytes);
            encode::rans::encode(bytes, bytes.size(), *scratch, *coded);
            return [data, bytes, coded, scratch] {
              scratch->reset();
              (void)encode::rans::decode(*coded, *scratch, bytes).has_value();
            };
          }};
}

/// Every kernel of src/encode.
inline std::vector<Kernel> all_kernels() {
  std::vector<Kernel> all;
  for (const unsigned word : {1u, 2u, 4u, 8u}) {
    const auto bits = "_" + std::to_string(8 * word);
    if (word > 1) all.push_back(split_planes_kernel("split_planes" + bits, {.n_bytes = word, .rotate = false}));
    all.push_back(split_planes_kernel("split_planes" + bits + "_rotated", {.n_bytes = word, .rotate = true}));
    if (word > 1) all.push_back(join_planes_kernel("join_planes" + bits, {.n_bytes = word, .rotate = false}));
    all.push_back(join_planes_kernel("join_planes" + bits + "_rotated", {.n_bytes = word, .rotate = true}));
  }
  all.push_back(split_elf_kernel<std::uint16_t>("split_elf_f16"));
  all.push_back(split_elf_kernel<std::uint32_t>("split_elf_f32"));
  all.push_back(split_elf_kernel<std::uint64_t>("split_elf_f64"));
  all.push_back(join_elf_kernel<std::uint16_t>("join_elf_f16"));
  all.push_back(join_elf_kernel<std::uint32_t>("join_elf_f32"));
  all.push_back(join_elf_kernel<std::uint64_t>("join_elf_f64"));
  all.push_back(find_outliers_kernel<std::uint16_t>("find_outliers_f16"));
  all.push_back(find_outliers_kernel<std::uint32_t>("find_outliers_f32"));
  all.push_back(find_outliers_kernel<std::uint64_t>("find_outliers_f64"));
  add_delta_kernels<std::uint16_t>("_16", all);
  add_delta_kernels<std::uint32_t>("_32", all);
  all.push_back(histogram_kernel("histogram_noise", &KernelData::noise));
  all.push_back(histogram_kernel("histogram_exponents", &KernelData::exponents));
  all.push_back(encode_rans_kernel("encode_rans_exponents"));
  all.push_back(decode_rans_kernel("decode_rans_exponents"));
  return all;
}

}  // namespace elves::benchmarks
