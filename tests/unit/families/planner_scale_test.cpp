#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <random>

#include "families/planner.hpp"
#include "unit/families/family_data.hpp"

namespace elves::families {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kLayers = 3000;
#else
constexpr std::size_t kLayers = 100'000;
#endif
constexpr double kMostSeconds = 60;
constexpr std::uint64_t kMostMiB = 1024;
constexpr std::uint64_t kBytes = 128u << 10;

std::uint64_t peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) / 1024;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + 1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

/// Layers of one shape, dealt to families; the base of each is the last of them. bf16, a twentieth of sigma apart.
Wave families_of(std::size_t n_families) {
  constexpr std::size_t kSamples = kFewestSamples;
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> bases(n_families * kSamples);
  for (auto& value : bases) value = normal(random);
  Wave wave;
  wave.sketches.reserve(kLayers * 2 * kSamples);
  for (std::size_t i = 0; i < kLayers; ++i) {
    std::vector<float> values(kSamples);
    const bool is_base = i + n_families >= kLayers;
    for (std::size_t s = 0; s < kSamples; ++s)
      values[s] = bases[i % n_families * kSamples + s] + (is_base ? 0 : normal(random) / 20);
    wave.add(DType::BF16, kBytes, bytes_of(DType::BF16, values), std::to_string(i));
  }
  return wave;
}

struct Outcome {
  std::size_t n_found = 0;
  std::size_t n_true = 0;
};

Outcome plan_in_bounds(const Wave& wave, std::size_t n_families) {
  const auto before_mib = peak_mib();
  const auto before = cpu_seconds();
  const auto choices = FamilyPlanner().plan(wave.layers, wave.sketches);
  const auto seconds = cpu_seconds() - before;
  std::printf("%zu families of %zu layers: %.1f s, %zu MiB\n", n_families, wave.layers.size(), seconds,
              static_cast<std::size_t>(peak_mib() - before_mib));
  EXPECT_LT(seconds, kMostSeconds);
  EXPECT_LT(peak_mib(), kMostMiB);
  Outcome outcome;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (!choices[i].found) continue;
    ++outcome.n_found;
    const std::size_t base = choices[i].base.place.row;
    if (base + n_families >= choices.size() && base % n_families == i % n_families) ++outcome.n_true;
  }
  return outcome;
}

TEST(FamilyPlannerScale, similar_layers_have_one_base) {
  const auto outcome = plan_in_bounds(families_of(1), 1);
  EXPECT_EQ(outcome.n_found, kLayers - 1);
  EXPECT_EQ(outcome.n_true, kLayers - 1);
}

TEST(FamilyPlannerScale, unrelated_layers_stay_standalone) {
  EXPECT_EQ(plan_in_bounds(families_of(kLayers), kLayers).n_found, 0u);
}

TEST(FamilyPlannerScale, layers_of_many_families_have_their_bases) {
  constexpr std::size_t kFamilies = kLayers / 1000;
  const auto outcome = plan_in_bounds(families_of(kFamilies), kFamilies);
  EXPECT_EQ(outcome.n_found, kLayers - kFamilies);
  EXPECT_GE(outcome.n_true, (kLayers - kFamilies) * 95 / 100);
}

}  // namespace
}  // namespace elves::families
