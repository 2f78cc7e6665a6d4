#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "elves/codec.hpp"
#include "pipeline/report.hpp"

namespace elves::pipeline {

/// Figures that the JSON and the summary derive from a gathered report in the same way.

/// a / b; 1 where b is 0.
double quotient(std::uint64_t a, std::uint64_t b);

/// Bytes that each stage saved, by Stage. Their sum is the raw bytes of everything archived minus its encoded bytes.
/// docs/guide/report.md says how the savings of a transform are divided.
std::array<std::int64_t, kStageCount> saved_by_stage(const Report& report);

/// A model from whose layers another model has deltas.
struct NamedBase {
  std::string id;
  BaseSums sums;

  /// "lineage", "content" or "content and lineage".
  std::string_view found_by() const;
};

/// The other models that a model has deltas from, most bytes first. Deltas within the model itself do not count.
std::vector<NamedBase> bases_of(const Report& report, const std::string& id, const ModelSums& model);

/// The base of a model as restore::base_of_model() decides, "" where it has none.
std::string base_of(const Report& report, const std::string& id, const ModelSums& model);

/// The deltas of all models.
struct DeltaTotals {
  std::vector<std::pair<std::string, NamedBase>> pairs;  ///< a model and one of its bases, most saved bytes first
  std::uint64_t models = 0;                              ///< models with a delta from another model
  BaseSums sums;                                         ///< over all pairs
};
DeltaTotals deltas_of(const Report& report);

/// Models with files: folders and loose files above all models do not count.
std::uint64_t count_models(const Report& report);

}  // namespace elves::pipeline
