#include "pipeline/lineage.hpp"

#include <omp.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "corpus/model_id.hpp"
#include "corpus/path_sort.hpp"
#include "lineage/model_reference.hpp"
#include "pipeline/corpus_depth.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

using lineage::NamedClaim;

std::vector<lineage::SeenModel> seen_models(const LineageSources& sources,
                                            const std::vector<corpus::FileEntry>& entries) {
  std::unordered_set<std::string> in_sweep;
  for (const auto& entry : entries) {
    if (entry.kind != FileKind::Directory) in_sweep.insert(corpus::model_of(entry));
  }
  std::vector<lineage::SeenModel> seen;
  for (const auto& model : sources.models) seen.push_back({model, in_sweep.contains(model)});
  return seen;
}

/// The claims of --bases, in equal parts over the ranks.
std::vector<NamedClaim> listed_claims(const mpi::Comm& comm, const std::vector<lineage::ListedBase>& bases) {
  const auto rank = static_cast<std::size_t>(comm.rank());
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<NamedClaim> claims;
  for (auto i = bases.size() * rank / ranks; i < bases.size() * (rank + 1) / ranks; ++i) {
    claims.push_back({lineage::read_model_reference(bases[i].model).id, bases[i].base, lineage::BaseSource::List,
                      static_cast<std::uint32_t>(i)});
  }
  return claims;
}

/// Collective. One reply for the model of each row of `of`.
template <class T>
std::vector<lineage::KnownModel> find_models(const lineage::ModelDirectory& models, const std::vector<T>& of) {
  std::vector<Hash128> ids;
  ids.reserve(of.size());
  for (const auto& each : of) ids.push_back(lineage::hash_of_model(each.model));
  return models.find_by_id(ids);
}

std::vector<NamedClaim> read_claims(const std::string& root, const std::vector<lineage::LineageFile>& files,
                                    int threads) {
  std::vector<std::vector<std::string>> bases(files.size());
  const auto n = static_cast<std::ptrdiff_t>(files.size());
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      bases[at] = lineage::read_bases(root, files[at]);
    } catch (const std::exception&) {  // out of memory: must not leave the parallel region
      bases[at].clear();
    }
  }
  std::vector<NamedClaim> claims;
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::size_t position = 0; position < bases[i].size(); ++position)
      claims.push_back(
          {files[i].model, std::move(bases[i][position]), files[i].source, static_cast<std::uint32_t>(position)});
  }
  return claims;
}

}  // namespace

LineageSources lineage_sources(const std::vector<corpus::FileEntry>& walked) {
  LineageSources sources;
  std::unordered_set<std::string> known;
  for (const auto& entry : walked) {
    if (auto file = lineage::as_lineage_file(entry)) sources.files.push_back(*std::move(file));
    if (entry.kind == FileKind::Directory) continue;
    auto model = corpus::model_of(entry);
    const bool is_new = !model.empty() && (sources.models.empty() || sources.models.back() != model);
    if (is_new && known.insert(model).second) sources.models.push_back(std::move(model));
  }
  return sources;
}

lineage::FoundLineage find_lineage(const mpi::Comm& comm, const SweepOptions& options, const LineageSources& sources,
                                   const std::vector<corpus::FileEntry>& entries,
                                   const std::vector<Hash128>& archived_models, int threads) {
  if (!options.encode.use_delta || !comm.any(!entries.empty())) return {};
  if (!comm.any(!sources.files.empty() || !options.bases.empty())) return {};
  const lineage::ModelDirectory models(comm, seen_models(sources, entries), archived_models);

  auto files = sources.files;
  const auto owners = find_models(models, files);
  std::size_t i = 0;
  std::erase_if(files, [&](const lineage::LineageFile&) { return owners[i++].in_sweep == 0; });
  auto claims = read_claims(options.corpus, files, threads);

  std::vector<lineage::ModelNote> notes;
  const CorpusDepth depth(options.corpus);
  const bool is_too_deep = std::ranges::any_of(claims, [&](const NamedClaim& claim) {
    return depth.is_too_deep_for(lineage::read_model_reference(claim.base).id);
  });
  if (is_too_deep) notes.push_back(depth.note());
  auto listed = listed_claims(comm, options.bases);
  const auto found = find_models(models, listed);
  for (std::size_t row = 0; row < listed.size(); ++row) {
    if (!found[row].found()) notes.push_back({listed[row].model, "--bases names its base, but there is no such model"});
    if (found[row].in_sweep != 0) claims.push_back(std::move(listed[row]));
  }
  auto lineage = lineage::find_lineage(comm, models, claims);
  lineage.notes.insert(lineage.notes.end(), notes.begin(), notes.end());
  return lineage;
}

std::vector<corpus::FileEntry> bases_first(const mpi::Comm& comm, std::vector<corpus::FileEntry> entries,
                                           const lineage::Lineage& lineage) {
  if (lineage.empty()) return entries;  // on all ranks
  std::vector<std::uint8_t> tiers;
  tiers.reserve(entries.size());
  for (const auto& entry : entries) tiers.push_back(lineage.tier_of(lineage::hash_of_model(corpus::model_of(entry))));
  if (!comm.any(std::any_of(tiers.begin(), tiers.end(), [](std::uint8_t tier) { return tier > 0; }))) return entries;
  return corpus::order_by_tier(comm, std::move(entries), tiers, lineage::kTiers);
}

}  // namespace elves::pipeline
