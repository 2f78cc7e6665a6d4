#include "pipeline/base_search.hpp"

#include <algorithm>
#include <utility>

#include "corpus/model_id.hpp"
#include "elves/codec.hpp"
#include "families/sketch.hpp"
#include "support/assert.hpp"
#include "support/byte_cursor.hpp"

namespace elves::pipeline {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kArchiveOnly = UINT64_MAX;  // the source of layers of earlier sweeps
constexpr unsigned kUnitBits = 40;

// The catalog hands over by name what has no sketch.
static_assert(archive::kLeastSketchedBytes == families::kLeastSketchedBytes);

/// Home rank and unit in one number.
std::uint64_t source_number(int rank, std::size_t unit) {
  return static_cast<std::uint64_t>(rank) << kUnitBits | unit;
}
std::size_t rank_of(std::uint64_t source) {
  return static_cast<std::size_t>(source >> kUnitBits);
}
std::size_t unit_of(std::uint64_t source) {
  return static_cast<std::size_t>(source & ((std::uint64_t{1} << kUnitBits) - 1));
}

std::size_t owner_of(const Hash128& key, std::size_t ranks) {
  return key.low % ranks;
}

const formats::Extent& extent_of(const plan::Plan& plan, std::size_t unit) {
  return plan.files[plan.units[unit].file].parsed.extents[plan.units[unit].extent];
}

/// Blocks of quantized weights have no differences that would pay.
bool may_have_base(const formats::Extent& extent, const plan::Unit& unit) {
  return extent.is_layer && unit.size_bytes > 0 && block_elements(extent.dtype) == 1;
}

std::size_t sketch_bytes(const families::FamilyLayer& layer) {
  return families::sketch_bytes(layer.dtype, layer.size_bytes);
}

/// A layer on its way to another rank; its sketch, of a size that it tells, follows.
void write(const families::FamilyLayer& layer, std::span<const std::byte> sketch, Bytes& to) {
  ELVES_ASSERT(sketch.size() == sketch_bytes(layer));
  ByteWriter writer(to);
  writer.write(layer);
  writer.bytes(sketch);
}

}  // namespace

Hash128 group_of(DType dtype, std::span<const std::uint64_t> shape, std::uint32_t part) {
  Bytes key;
  ByteWriter writer(key);
  writer.write(dtype);
  writer.write(part);
  writer.varint(shape.size());
  const auto common = shape.size() > 1 ? shape.subspan(1) : shape;
  writer.bytes(std::as_bytes(common));
  return hash128({reinterpret_cast<const char*>(key.data()), key.size()});
}

/// A unit that may be given a base, or become one.
struct BaseSearch::Candidate {
  std::size_t unit = 0;  ///< of Plan::units
  std::size_t news = 0;  ///< of the NewLayers that it is one of
  families::FamilyLayer layer;
  Bytes sketch;
  std::optional<families::BaseChoice> choice;
};

void BaseSearch::add_known(std::span<const archive::KnownBase> bases) {
  const auto ranks = static_cast<std::size_t>(comm_.size());
  mpi::PerRank<std::byte> to(ranks);
  for (const auto& base : bases) {
    families::FamilyLayer layer;
    layer.group = group_of(base.dtype, base.shape, base.part);
    layer.model = base.model;
    layer.name = base.name;
    layer.size_bytes = base.size_bytes;
    layer.source = kArchiveOnly;
    layer.row = base.place.row;
    layer.shard = base.place.shard;
    layer.loss = kExact;  // what the archive gives is what differences are taken from
    layer.dtype = base.dtype;
    const bool fits = base.sketch.size() == sketch_bytes(layer);  // made by a version that sketched otherwise
    if (fits) write(layer, base.sketch, to[owner_of(layer.group, ranks)]);
  }
  for (const auto& message : comm_.alltoallv(to)) {
    for (ByteCursor cursor(message); !cursor.at_end();) {
      const auto layer = cursor.read<families::FamilyLayer>();
      planner_.add_known(layer, cursor.take(sketch_bytes(layer)));
    }
  }
}

// Workers sample the chunks that they hold; homes put the samples of each layer together.
void BaseSearch::sketch(const plan::Plan& plan, const PlannedWave& planned, std::span<Candidate> candidates,
                        const Buffer& raw, const AssignedWave& assigned) const {
  mpi::PerRank<std::byte> samples(assigned.shares.size());
  for (std::size_t r = 0; r < assigned.shares.size(); ++r) {
    for (const auto& share : assigned.shares[r]) {
      const auto& first = assigned.chunks[share.first_chunk];
      const auto n_bytes = families::sketch_bytes(first.dtype, share.unit_bytes);
      if (!first.task.encode || n_bytes == 0) continue;
      const auto& last = assigned.chunks[share.first_chunk + share.n_chunks - 1];
      const auto bytes = raw.bytes().subspan(first.buffer_at, last.buffer_at + last.size_bytes - first.buffer_at);
      samples[r].resize(samples[r].size() + n_bytes);
      const auto first_byte = plan::place_of_chunk(first.dtype, share.unit_bytes, first.number).offset_bytes;
      families::sample(first.dtype, share.unit_bytes, first_byte / size_bytes(first.dtype), bytes,
                       std::span(samples[r]).last(n_bytes));
    }
  }
  const auto told = comm_.alltoallv(samples);

  std::map<std::size_t, Candidate*> by_unit;
  for (auto& candidate : candidates) by_unit[candidate.unit] = &candidate;
  for (std::size_t r = 0; r < planned.shares.size(); ++r) {
    ByteCursor cursor(told[r]);
    for (const auto& share : planned.shares[r]) {
      const auto at = by_unit.find(share.unit);
      if (at == by_unit.end()) continue;
      const auto& unit = plan.units[share.unit];
      const auto part = cursor.take(families::sketch_bytes(unit.dtype, unit.size_bytes));
      auto& whole = at->second->sketch;
      whole.resize(part.size());
      for (std::size_t i = 0; i < part.size(); ++i) whole[i] |= part[i];  // what a worker does not hold is 0
    }
    ELVES_ASSERT(!cursor.failed() && cursor.at_end());
  }
}

// Brings candidates to the owners of their groups, and the choices back.
void BaseSearch::ask(std::span<Candidate* const> candidates) {
  const auto ranks = static_cast<std::size_t>(comm_.size());
  mpi::PerRank<std::byte> to(ranks);
  mpi::PerRank<Candidate*> askers(ranks);
  for (auto* candidate : candidates) {
    const auto owner = owner_of(candidate->layer.group, ranks);
    write(candidate->layer, candidate->sketch, to[owner]);
    askers[owner].push_back(candidate);
  }
  // Ranks hold contiguous parts of the corpus, so taking senders in order of rank is corpus order.
  std::vector<families::FamilyLayer> layers;
  Bytes sketches;
  std::vector<std::size_t> ends;  // of each rank's layers
  for (const auto& message : comm_.alltoallv(to)) {
    for (ByteCursor cursor(message); !cursor.at_end();) {
      layers.push_back(cursor.read<families::FamilyLayer>());
      const auto sketch = cursor.take(sketch_bytes(layers.back()));
      sketches.insert(sketches.end(), sketch.begin(), sketch.end());
    }
    ends.push_back(layers.size());
  }
  const auto choices = planner_.plan(layers, sketches);
  mpi::PerRank<families::BaseChoice> answers(ranks);
  for (std::size_t r = 0, at = 0; r < ranks; ++r) {
    for (; at < ends[r]; ++at) answers[r].push_back(choices[at]);
  }
  const auto told = comm_.alltoallv(answers);
  for (std::size_t r = 0; r < ranks; ++r) {
    for (std::size_t i = 0; i < told[r].size(); ++i) {
      if (told[r][i].found) askers[r][i]->choice = told[r][i];
    }
  }
}

// Layers too small for a sketch follow the large ones of their model: the base of most bytes is their first hint.
void BaseSearch::follow_models(std::span<Candidate> candidates) {
  struct Vote {
    Hash128 model;
    Hash128 base;
    std::uint64_t bytes;
  };
  const auto ranks = static_cast<std::size_t>(comm_.size());
  mpi::PerRank<Vote> votes(ranks);
  mpi::PerRank<Candidate*> askers(ranks);
  for (auto& candidate : candidates) {
    const auto& model = candidate.layer.model;
    const auto owner = owner_of(model, ranks);
    if (candidate.choice) {
      votes[owner].push_back({model, candidate.choice->base.model, candidate.layer.size_bytes});
      askers[owner].push_back(nullptr);
    } else if (candidate.sketch.empty()) {
      votes[owner].push_back({model, {}, 0});
      askers[owner].push_back(&candidate);
    }
  }
  const auto cast = comm_.alltoallv(votes);
  for (const auto& from_rank : cast) {
    for (const auto& vote : from_rank) {
      if (vote.bytes > 0) votes_[vote.model][vote.base] += vote.bytes;
    }
  }
  const auto base_of_most = [&](const Hash128& model) {
    const auto& bases = votes_[model];
    const auto most = std::ranges::max_element(bases, {}, [](const auto& base) { return base.second; });
    return most == bases.end() ? Hash128{} : most->first;
  };
  std::map<Hash128, Hash128> leaders;  // a model may have many layers on many bases: counted once
  mpi::PerRank<Hash128> answers(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    for (const auto& vote : cast[r]) {
      const auto [leader, is_new] = leaders.try_emplace(vote.model);
      if (is_new) leader->second = base_of_most(vote.model);
      answers[r].push_back(leader->second);
    }
  }
  const auto told = comm_.alltoallv(answers);
  for (std::size_t r = 0; r < ranks; ++r) {
    for (std::size_t i = 0; i < told[r].size(); ++i) {
      if (askers[r][i] == nullptr || told[r][i] == Hash128{}) continue;
      auto& hints = askers[r][i]->layer.hints;
      hints[1] = hints[0];
      hints[0] = told[r][i];
    }
  }
}

// Asks the homes of the bases where these lie in the corpus. One for each candidate with a choice.
std::vector<BaseLocation> BaseSearch::locate(const plan::Plan& plan, std::span<const Candidate> candidates) const {
  mpi::PerRank<std::uint64_t> questions(static_cast<std::size_t>(comm_.size()));
  for (const auto& candidate : candidates) {
    if (!candidate.choice || candidate.choice->base.source == kArchiveOnly) continue;
    const auto source = candidate.choice->base.source;
    questions[rank_of(source)].push_back(unit_of(source));
  }
  mpi::PerRank<std::byte> answers(questions.size());
  const auto asked = comm_.alltoallv(questions);
  for (std::size_t r = 0; r < asked.size(); ++r) {
    ByteWriter writer(answers[r]);
    for (const auto number : asked[r]) {
      const auto& known = bases_.at(number);
      const auto& unit = plan.units[number];
      write({.source = source_of(plan.files[unit.file].entry),
             .offset_bytes = unit.offset_bytes,
             .size_bytes = unit.size_bytes,
             .digests = known.digests,
             .loss = known.loss},
            writer);
    }
  }
  const auto told = comm_.alltoallv(answers);
  std::vector<ByteCursor> cursors(told.begin(), told.end());
  std::vector<BaseLocation> bases;
  for (const auto& candidate : candidates) {
    if (!candidate.choice) continue;
    const auto& base = candidate.choice->base;
    auto place = base.source == kArchiveOnly ? BaseLocation{} : read_base(cursors[rank_of(base.source)]);
    place.size_bytes = base.size_bytes;
    place.shard = base.shard;
    place.row = base.row;
    bases.push_back(std::move(place));
  }
  return bases;
}

void BaseSearch::tell(const PlannedWave& planned, std::span<const Candidate> candidates,
                      std::span<const BaseLocation> bases, AssignedWave& assigned) const {
  std::map<std::size_t, const BaseLocation*> by_unit;
  auto next = bases.begin();
  for (const auto& candidate : candidates) {
    if (candidate.choice) by_unit[candidate.unit] = &*next++;
  }
  mpi::PerRank<std::byte> to(planned.shares.size());
  for (std::size_t r = 0; r < planned.shares.size(); ++r) {
    ByteWriter writer(to[r]);
    for (std::size_t s = 0; s < planned.shares[r].size(); ++s) {
      const auto at = by_unit.find(planned.shares[r][s].unit);
      if (at == by_unit.end()) continue;
      writer.varint(s);
      write(*at->second, writer);
    }
  }
  const auto told = comm_.alltoallv(to);
  for (std::size_t r = 0; r < told.size(); ++r) {
    for (ByteCursor cursor(told[r]); !cursor.at_end();) {
      const auto& share = assigned.shares[r].at(cursor.read_varint());
      for (std::size_t c = share.first_chunk; c < share.first_chunk + share.n_chunks; ++c)
        assigned.chunks[c].base = assigned.bases.size();
      assigned.bases.push_back(read_base(cursor));
      ELVES_ASSERT(!cursor.failed());
    }
  }
}

std::vector<BaseSearch::Candidate> BaseSearch::candidates_of(const plan::Plan& plan,
                                                             std::span<const NewLayer> news) const {
  std::vector<Candidate> candidates;
  std::size_t file = SIZE_MAX;
  std::string model;
  for (std::size_t i = 0; i < news.size(); ++i) {
    const auto u = news[i].unit;
    const auto& unit = plan.units[u];
    const auto& extent = extent_of(plan, u);
    if (!may_have_base(extent, unit)) continue;
    if (unit.file != file) model = corpus::model_id(plan.files[unit.file].entry.path);
    file = unit.file;
    Candidate candidate;
    candidate.unit = u;
    candidate.news = i;
    auto& layer = candidate.layer;
    layer.group = group_of(extent.dtype, extent.shape, unit.part);
    layer.model = hash128(model);
    layer.name = hash128(extent.name);
    std::ranges::copy(hints_(layer.model), std::begin(layer.hints));
    layer.size_bytes = unit.size_bytes;
    layer.source = source_number(comm_.rank(), u);
    layer.row = news[i].place.row;
    layer.shard = news[i].place.shard;
    layer.loss = news[i].loss;
    layer.dtype = extent.dtype;
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

std::vector<BaseSearchResult> BaseSearch::choose(const plan::Plan& plan, const PlannedWave& planned,
                                                 std::vector<NewLayer> news, const Buffer& raw,
                                                 AssignedWave& assigned) {
  auto candidates = candidates_of(plan, news);
  sketch(plan, planned, candidates, raw, assigned);
  std::vector<Candidate*> with_sketch;
  std::vector<Candidate*> without;
  for (auto& candidate : candidates) (candidate.sketch.empty() ? without : with_sketch).push_back(&candidate);
  ask(with_sketch);
  follow_models(candidates);
  ask(without);
  for (const auto& candidate : candidates) {
    if (!candidate.choice) bases_.emplace(candidate.unit, std::move(news[candidate.news]));
  }
  tell(planned, candidates, locate(plan, candidates), assigned);

  std::vector<BaseSearchResult> found(news.size());
  for (auto& candidate : candidates) {
    auto& family = found[candidate.news];
    family.sketch = std::move(candidate.sketch);
    const auto& choice = candidate.choice;
    if (!choice) continue;
    const auto named = hints_(candidate.layer.model);
    const bool by_lineage = std::ranges::find(named, choice->base.model) != named.end();
    family.base = {{choice->base.shard, choice->base.row}, choice->base.model, by_lineage};
  }
  return found;
}

void BaseSearch::set_loss(std::size_t unit, LossId loss) {
  if (const auto at = bases_.find(unit); at != bases_.end()) at->second.loss = loss;
}

}  // namespace elves::pipeline
