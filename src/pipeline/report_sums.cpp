#include "pipeline/report_sums.hpp"

#include <algorithm>
#include <functional>

#include "encode/registry.hpp"
#include "restore/list/base_of_model.hpp"

namespace elves::pipeline {
namespace {

std::int64_t difference(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b);
}

}  // namespace

double quotient(std::uint64_t a, std::uint64_t b) {
  return b == 0 ? 1.0 : static_cast<double>(a) / static_cast<double>(b);
}

std::array<std::int64_t, kStageCount> saved_by_stage(const Report& report) {
  std::array<std::int64_t, kStageCount> saved{};
  const auto add = [&](Stage stage, std::int64_t bytes) { saved[static_cast<std::size_t>(stage)] += bytes; };
  add(Stage::Hd, difference(report.duplicate_bytes + report.glue_duplicate_bytes, 0));
  for (const auto& transform : encode::transforms()) {
    const auto& sums = report.transforms[static_cast<std::size_t>(transform.id)];
    if (transform.base_use != encode::BaseUse::None) {
      add(Stage::Delta, difference(sums.standalone_bytes, sums.encoded_bytes));
      add(transform.standalone_stage, difference(sums.raw_bytes, sums.standalone_bytes));
    } else if (transform.stage == Stage::Planes) {  // separating bytes alone saves nothing
      add(Stage::Planes, difference(sums.raw_bytes, sums.encoded_bytes));
    } else {
      add(transform.stage.value_or(Stage::Zstd), difference(sums.raw_bytes, sums.transformed_bytes));
      add(Stage::Zstd, difference(sums.transformed_bytes, sums.encoded_bytes));
    }
  }
  return saved;
}

std::string_view NamedBase::found_by() const {
  if (sums.layers_by_lineage == 0) return "content";
  return sums.layers_by_lineage == sums.layers ? "lineage" : "content and lineage";
}

std::vector<NamedBase> bases_of(const Report& report, const std::string& id, const ModelSums& model) {
  std::vector<NamedBase> bases;
  for (const auto& [hash, sums] : model.bases) {
    if (hash == hash128(id)) continue;
    const auto at = report.base_models.find(hash);
    bases.push_back({at == report.base_models.end() ? "" : at->second, sums});
  }
  std::ranges::stable_sort(bases, std::greater{}, [](const NamedBase& base) { return base.sums.bytes; });
  return bases;
}

std::string base_of(const Report& report, const std::string& id, const ModelSums& model) {
  const auto bases = bases_of(report, id, model);
  std::vector<restore::BaseShare> shares;
  for (const auto& base : bases) shares.push_back({base.id, base.sums.bytes});
  return std::string(restore::base_of_model(id, model.bytes, shares));
}

DeltaTotals deltas_of(const Report& report) {
  DeltaTotals deltas;
  for (const auto& [id, model] : report.models) {
    auto bases = bases_of(report, id, model);
    deltas.models += bases.empty() ? 0 : 1;
    for (auto& base : bases) {
      deltas.sums.add(base.sums);
      deltas.pairs.emplace_back(id, std::move(base));
    }
  }
  std::ranges::stable_sort(deltas.pairs, std::greater{},
                           [](const auto& pair) { return pair.second.sums.saved_bytes(); });
  return deltas;
}

std::uint64_t count_models(const Report& report) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      report.models, [](const auto& model) { return !model.first.empty() && model.second.files > 0; }));
}

}  // namespace elves::pipeline
