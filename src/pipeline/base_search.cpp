#include "pipeline/base_search.hpp"

#include <algorithm>
#include <utility>

#include "corpus/model_id.hpp"
#include "elves/codec.hpp"
#include "families/sketch.hpp"
#include "mpi/query.hpp"
#include "support/assert.hpp"
#include "support/byte_cursor.hpp"

namespace elves::pipeline {
namespace {

using Bytes = std::vector<std::byte>;

// FamilyLayer::source of a layer: the rank that planned it and its unit, or kEarlierSweep.
constexpr std::uint64_t kEarlierSweep = UINT64_MAX;
constexpr unsigned kUnitBits = 40;

std::uint64_t source_number(int rank, std::size_t unit) {
  return static_cast<std::uint64_t>(rank) << kUnitBits | unit;
}
std::size_t rank_of(std::uint64_t source) {
  return static_cast<std::size_t>(source >> kUnitBits);
}
std::size_t unit_of(std::uint64_t source) {
  return static_cast<std::size_t>(source & ((std::uint64_t{1} << kUnitBits) - 1));
}

/// The rank that chooses bases for a group of layers.
std::size_t owner_of(const families::FamilyLayer& layer, const mpi::Comm& comm) {
  return mpi::owner_of(layer.group, comm);
}

const formats::Extent& extent_of(const plan::Plan& plan, std::size_t unit) {
  return plan.files[plan.units[unit].file].parsed.extents[plan.units[unit].extent];
}

/// Deltas of blocks of quantized weights save nothing.
bool may_have_base(const formats::Extent& extent, const plan::Unit& unit) {
  return extent.is_layer && unit.size_bytes > 0 && block_elements(extent.dtype) == 1;
}

std::size_t sketch_bytes(const families::FamilyLayer& layer) {
  return families::sketch_bytes(layer.dtype, layer.size_bytes);
}

void append(std::span<const std::byte> bytes, Bytes& to) {
  to.insert(to.end(), bytes.begin(), bytes.end());
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

/// A new layer that may have a base or become one.
struct BaseSearch::Candidate {
  std::size_t unit = 0;       ///< of Plan::units
  std::size_t new_layer = 0;  ///< its position among the NewLayers
  families::FamilyLayer layer;
  Bytes sketch;
  std::optional<families::BaseChoice> choice;
};

void BaseSearch::add_known(std::span<const archive::KnownBase> bases) {
  std::vector<families::FamilyLayer> layers;
  mpi::PerRank<std::byte> sketches(static_cast<std::size_t>(comm_.size()));
  for (const auto& base : bases) {
    families::FamilyLayer layer;
    layer.group = group_of(base.dtype, base.shape, base.part);
    layer.model = base.model;
    layer.name = base.name;
    layer.size_bytes = base.size_bytes;
    layer.source = kEarlierSweep;
    layer.place = base.place;
    layer.loss = kExact;  // its delta is taken from what the archive decodes to
    layer.dtype = base.dtype;
    if (base.sketch.size() != sketch_bytes(layer)) continue;  // of a version with other sketches
    append(base.sketch, sketches[owner_of(layer, comm_)]);
    layers.push_back(layer);
  }
  const auto owner = [&](const families::FamilyLayer& layer) { return owner_of(layer, comm_); };
  const auto received = mpi::send_to_owners(comm_, layers, owner);
  const auto received_sketches = comm_.alltoallv(sketches);
  for (std::size_t r = 0; r < received.size(); ++r) {
    ByteCursor cursor(received_sketches[r]);
    for (const auto& layer : received[r]) planner_.add_known(layer, cursor.take(sketch_bytes(layer)));
  }
}

// Workers sample the chunks that they have read. Planners combine the samples of each layer to its sketch.
void BaseSearch::sketch(const plan::Plan& plan, const PlannedWave& planned, std::span<Candidate> candidates,
                        const Buffer& raw, const AssignedWave& assigned) const {
  mpi::PerRank<std::byte> samples(assigned.runs.size());
  for (std::size_t r = 0; r < assigned.runs.size(); ++r) {
    for (const auto& share : assigned.runs[r]) {
      const auto& first = assigned.chunks[share.first_chunk];
      const auto n_bytes = families::sketch_bytes(first.dtype, share.unit_bytes);
      if (!first.task.encode || n_bytes == 0) continue;
      const auto& last = assigned.chunks[share.first_chunk + share.n_chunks - 1];
      const auto bytes = raw.bytes().subspan(first.buffer_at, last.buffer_at + last.size_bytes - first.buffer_at);
      samples[r].resize(samples[r].size() + n_bytes);
      const auto first_byte = plan::range_of_chunk(first.dtype, share.unit_bytes, first.number).offset_bytes;
      families::sample(first.dtype, share.unit_bytes, first_byte / size_bytes(first.dtype), bytes,
                       std::span(samples[r]).last(n_bytes));
    }
  }
  const auto received = comm_.alltoallv(samples);

  std::map<std::size_t, Candidate*> by_unit;
  for (auto& candidate : candidates) by_unit[candidate.unit] = &candidate;
  for (std::size_t r = 0; r < planned.shares.size(); ++r) {
    ByteCursor cursor(received[r]);
    for (const auto& share : planned.shares[r]) {
      const auto at = by_unit.find(share.unit);
      if (at == by_unit.end()) continue;
      const auto& unit = plan.units[share.unit];
      const auto part = cursor.take(families::sketch_bytes(unit.dtype, unit.size_bytes));
      auto& whole = at->second->sketch;
      whole.resize(part.size());
      for (std::size_t i = 0; i < part.size(); ++i) whole[i] |= part[i];  // samples of other workers' chunks are 0
    }
    ELVES_ASSERT(!cursor.failed() && cursor.at_end());
  }
}

// Sends the candidates to the owners of their groups, which reply with their bases.
void BaseSearch::query_bases(std::span<Candidate* const> candidates) {
  std::vector<families::FamilyLayer> layers;
  mpi::PerRank<std::byte> sketches(static_cast<std::size_t>(comm_.size()));
  for (const auto* candidate : candidates) {
    ELVES_ASSERT(candidate->sketch.empty() || candidate->sketch.size() == sketch_bytes(candidate->layer));
    layers.push_back(candidate->layer);
    append(candidate->sketch, sketches[owner_of(candidate->layer, comm_)]);
  }
  Bytes received_sketches;
  for (const auto& from_rank : comm_.alltoallv(sketches)) append(from_rank, received_sketches);

  // Ranks hold contiguous parts of the corpus, so layers in order of rank are in corpus order.
  const auto choose_bases = [&](const mpi::PerRank<families::FamilyLayer>& received) {
    std::vector<families::FamilyLayer> all;
    for (const auto& from_rank : received) all.insert(all.end(), from_rank.begin(), from_rank.end());
    const auto choices = planner_.plan(all, received_sketches);
    mpi::PerRank<families::BaseChoice> replies;
    auto at = choices.begin();
    for (const auto& from_rank : received) {
      const auto end = at + static_cast<std::ptrdiff_t>(from_rank.size());
      replies.emplace_back(at, end);
      at = end;
    }
    return replies;
  };
  const auto owner = [&](const families::FamilyLayer& layer) { return owner_of(layer, comm_); };
  const auto choices = mpi::query_all(comm_, layers, owner, choose_bases);
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].found) candidates[i]->choice = choices[i];
  }
}

// Layers too small for a sketch follow the large layers of their model: the model whose layers are bases of most of
// their bytes becomes the first hint.
void BaseSearch::follow_models(std::span<Candidate> candidates) {
  struct Vote {
    Hash128 model;
    Hash128 base;
    std::uint64_t bytes;
  };
  std::vector<Vote> votes;
  std::vector<Hash128> requests;
  std::vector<Candidate*> requesters;
  for (auto& candidate : candidates) {
    const auto& layer = candidate.layer;
    if (candidate.choice) {
      votes.push_back({layer.model, candidate.choice->base.model, layer.size_bytes});
    } else if (candidate.sketch.empty()) {
      requests.push_back(layer.model);
      requesters.push_back(&candidate);
    }
  }
  const auto owner_of_vote = [&](const Vote& vote) { return mpi::owner_of(vote.model, comm_); };
  for (const auto& from_rank : mpi::send_to_owners(comm_, votes, owner_of_vote)) {
    for (const auto& vote : from_rank) votes_[vote.model][vote.base] += vote.bytes;
  }
  std::map<Hash128, Hash128> leaders;  // a model may have many small layers and many bases: counted once
  const auto leader_of = [&](const Hash128& model) {
    const auto [leader, is_new] = leaders.try_emplace(model);
    const auto bases = votes_.find(model);
    if (is_new && bases != votes_.end())
      leader->second = std::ranges::max_element(bases->second, {}, [](const auto& base) { return base.second; })->first;
    return leader->second;
  };
  const auto owner = [&](const Hash128& model) { return mpi::owner_of(model, comm_); };
  const auto replies = mpi::query(comm_, requests, owner, leader_of);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (replies[i] == Hash128{}) continue;
    auto& hints = requesters[i]->layer.hints;
    hints[1] = hints[0];
    hints[0] = replies[i];
  }
}

// Where the bases lie in the corpus, from the ranks that planned them. One for each candidate with a choice.
std::vector<BaseLocation> BaseSearch::locate(const plan::Plan& plan, std::span<const Candidate> candidates) const {
  std::vector<std::uint64_t> requests;
  for (const auto& candidate : candidates) {
    if (candidate.choice && candidate.choice->base.source != kEarlierSweep)
      requests.push_back(candidate.choice->base.source);
  }
  const auto replies = mpi::query(comm_, requests, rank_of, [&](std::uint64_t source) {
    const auto& layer = bases_.at(unit_of(source));
    const auto& unit = plan.units[layer.unit];
    Bytes reply;
    ByteWriter writer(reply);
    write({.source = source_of(plan.files[unit.file].entry),
           .offset_bytes = unit.offset_bytes,
           .size_bytes = unit.size_bytes,
           .digests = layer.digests,
           .loss = layer.loss},
          writer);
    return reply;
  });
  std::vector<BaseLocation> locations;
  auto reply = replies.begin();
  for (const auto& candidate : candidates) {
    if (!candidate.choice) continue;
    const auto& base = candidate.choice->base;
    BaseLocation location;
    if (base.source != kEarlierSweep) {
      ByteCursor cursor(*reply++);
      location = read_base(cursor);
    }
    location.size_bytes = base.size_bytes;
    location.place = base.place;
    locations.push_back(std::move(location));
  }
  return locations;
}

// Sends the locations of the bases to the workers of the deltas.
void BaseSearch::send_locations(const PlannedWave& planned, std::span<const Candidate> candidates,
                                std::span<const BaseLocation> locations, AssignedWave& assigned) const {
  std::map<std::size_t, const BaseLocation*> by_unit;
  auto next = locations.begin();
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
  const auto received = comm_.alltoallv(to);
  for (std::size_t r = 0; r < received.size(); ++r) {
    for (ByteCursor cursor(received[r]); !cursor.at_end();) {
      const auto& share = assigned.runs[r].at(cursor.read_varint());
      for (std::size_t c = share.first_chunk; c < share.first_chunk + share.n_chunks; ++c)
        assigned.chunks[c].base = assigned.bases.size();
      assigned.bases.push_back(read_base(cursor));
      ELVES_ASSERT(!cursor.failed());
    }
  }
}

std::vector<BaseSearch::Candidate> BaseSearch::candidates_of(const plan::Plan& plan,
                                                             std::span<const NewLayer> new_layers) const {
  std::vector<Candidate> candidates;
  std::size_t file = SIZE_MAX;
  std::string model;
  for (std::size_t i = 0; i < new_layers.size(); ++i) {
    const auto u = new_layers[i].unit;
    const auto& unit = plan.units[u];
    const auto& extent = extent_of(plan, u);
    if (!may_have_base(extent, unit)) continue;
    if (unit.file != file) model = corpus::model_of(plan.files[unit.file].entry);
    file = unit.file;
    Candidate candidate;
    candidate.unit = u;
    candidate.new_layer = i;
    auto& layer = candidate.layer;
    layer.group = group_of(extent.dtype, extent.shape, unit.part);
    layer.model = hash128(model);
    layer.name = hash128(extent.name);
    std::ranges::copy(hints_(layer.model), std::begin(layer.hints));
    layer.size_bytes = unit.size_bytes;
    layer.source = source_number(comm_.rank(), u);
    layer.place = new_layers[i].place;
    layer.loss = new_layers[i].loss;
    layer.dtype = extent.dtype;
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

std::vector<BaseSearchResult> BaseSearch::choose(const plan::Plan& plan, const PlannedWave& planned,
                                                 std::vector<NewLayer> new_layers, const Buffer& raw,
                                                 AssignedWave& assigned) {
  auto candidates = candidates_of(plan, new_layers);
  sketch(plan, planned, candidates, raw, assigned);
  std::vector<Candidate*> with_sketch;
  std::vector<Candidate*> without;
  for (auto& candidate : candidates) (candidate.sketch.empty() ? without : with_sketch).push_back(&candidate);
  query_bases(with_sketch);
  follow_models(candidates);
  query_bases(without);
  for (const auto& candidate : candidates) {
    if (!candidate.choice) bases_.emplace(candidate.unit, std::move(new_layers[candidate.new_layer]));
  }
  send_locations(planned, candidates, locate(plan, candidates), assigned);

  std::vector<BaseSearchResult> results(new_layers.size());
  for (auto& candidate : candidates) {
    auto& result = results[candidate.new_layer];
    result.sketch = std::move(candidate.sketch);
    result.base = candidate.choice;
    if (!result.base) continue;
    const auto named = hints_(candidate.layer.model);
    result.base->by_lineage = std::ranges::find(named, result.base->base.model) != named.end();
  }
  return results;
}

void BaseSearch::set_loss(std::size_t unit, LossId loss) {
  if (const auto at = bases_.find(unit); at != bases_.end()) at->second.loss = loss;
}

}  // namespace elves::pipeline
