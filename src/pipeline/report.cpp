#include "pipeline/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "mpi/query.hpp"
#include "support/byte_cursor.hpp"

namespace elves::pipeline {
namespace {

template <class AnySums, class F>
void for_each_model_counter(AnySums& sums, F f) {
  for (auto* counter : {&sums.files, &sums.bytes, &sums.stored_bytes, &sums.new_layers}) f(*counter);
}

void pack_problems(const std::vector<PathProblem>& problems, ByteWriter& writer) {
  writer.varint(problems.size());
  for (const auto& problem : problems) {
    writer.text(problem.path);
    writer.text(problem.reason);
  }
}

void unpack_problems(ByteCursor& cursor, std::vector<PathProblem>& problems) {
  for (auto n = cursor.read_varint(); n > 0; --n) {
    auto path = cursor.read_text();
    problems.push_back({std::move(path), cursor.read_text()});
  }
}

/// The lists of a rank, for rank 0.
std::vector<std::byte> pack(const Report& report) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.varint(report.models.size());
  for (const auto& [id, sums] : report.models) {
    writer.text(id);
    for_each_model_counter(sums, [&](std::uint64_t counter) { writer.write(counter); });
    writer.varint(sums.bases.size());
    for (const auto& [base, base_sums] : sums.bases) {
      writer.write(base);
      writer.write(base_sums);
    }
  }
  writer.varint(report.base_models.size());
  for (const auto& [hash, id] : report.base_models) {
    writer.write(hash);
    writer.text(id);
  }
  writer.varint(report.opaque.size());
  for (const auto& file : report.opaque) {
    writer.text(file.path);
    writer.write(file.bytes);
    writer.text(file.reason);
  }
  pack_problems(report.failures, writer);
  pack_problems(report.unmatched, writer);
  writer.varint(report.notes.size());
  for (const auto& note : report.notes) {
    writer.text(note.model);
    writer.text(note.text);
  }
  return bytes;
}

/// Adds the lists of a rank to those of `report`.
void unpack(std::span<const std::byte> bytes, Report& report) {
  ByteCursor cursor(bytes);
  for (auto n = cursor.read_varint(); n > 0; --n) {
    auto& model = report.models[cursor.read_text()];
    for_each_model_counter(model, [&](std::uint64_t& counter) { counter += cursor.read<std::uint64_t>(); });
    for (auto bases = cursor.read_varint(); bases > 0; --bases) {
      const auto base = cursor.read<Hash128>();
      model.bases[base].add(cursor.read<BaseSums>());
    }
  }
  for (auto n = cursor.read_varint(); n > 0; --n) {
    const auto hash = cursor.read<Hash128>();
    report.base_models[hash] = cursor.read_text();
  }
  for (auto n = cursor.read_varint(); n > 0; --n) {
    OpaqueFile file;
    file.path = cursor.read_text();
    file.bytes = cursor.read<std::uint64_t>();
    file.reason = cursor.read_text();
    report.opaque.push_back(std::move(file));
  }
  unpack_problems(cursor, report.failures);
  unpack_problems(cursor, report.unmatched);
  for (auto n = cursor.read_varint(); n > 0; --n) {
    auto model = cursor.read_text();
    report.notes.push_back({std::move(model), cursor.read_text()});
  }
}

}  // namespace

void BaseSums::add(const BaseSums& other) {
  layers += other.layers;
  layers_by_lineage += other.layers_by_lineage;
  bytes += other.bytes;
  stored_bytes += other.stored_bytes;
  standalone_bytes += other.standalone_bytes;
}

double Report::ratio() const {
  return bytes_total == 0 ? 1.0 : static_cast<double>(file_bytes_total) / static_cast<double>(bytes_total);
}

std::uint64_t Report::opaque_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& file : opaque) bytes += file.bytes;
  return bytes;
}

void name_base_models(const mpi::Comm& comm, const std::map<Hash128, std::string>& known,
                      const lineage::Lineage& lineage, Report& mine) {
  std::vector<std::string> ids;
  ids.reserve(known.size() + mine.models.size());
  for (const auto& [hash, id] : known) ids.push_back(id);
  for (const auto& [id, model] : mine.models) ids.push_back(id);
  std::unordered_map<Hash128, std::string> names;  // of the models that this rank owns
  const auto owner_of_id = [&](const std::string& id) { return mpi::owner_of(hash128(id), comm); };
  for (const auto& from_rank : mpi::send_to_owners(comm, ids, owner_of_id)) {
    for (const auto& id : from_rank) names.emplace(hash128(id), id);
  }
  std::set<Hash128> bases;
  for (const auto& [id, model] : mine.models) {
    for (const auto& [base, sums] : model.bases) bases.insert(base);
    for (const auto& base : lineage.bases_of(hash128(id))) bases.insert(base);
  }
  bases.erase(Hash128{});
  const auto owner = [&](const Hash128& base) { return mpi::owner_of(base, comm); };
  const auto replies = mpi::query(comm, std::vector(bases.begin(), bases.end()), owner, [&](const Hash128& base) {
    const auto at = names.find(base);
    return at == names.end() ? std::string() : at->second;
  });
  auto reply = replies.begin();
  for (const auto& base : bases) {
    const bool is_known = !reply->empty() || base == hash128({});  // files at the root belong to the model ""
    if (is_known) mine.base_models[base] = *reply;
    ++reply;
  }
}

void note_unused_lineage(const lineage::Lineage& lineage, Report& all) {
  for (const auto& [id, model] : all.models) {
    if (model.new_layers == 0) continue;
    for (const auto& base : lineage.bases_of(hash128(id))) {
      const auto name = all.base_models.find(base);
      if (name == all.base_models.end() || model.bases.contains(base)) continue;
      all.unused_lineage.push_back(
          {id, fmt::format("names {} as its base, but none of its layers is a delta of it: the shapes differ, or other "
                           "layers are nearer",
                           name->second)});
    }
  }
}

Report gather(const mpi::Comm& comm, const Report& mine) {
  Report all = mine;
  std::vector<std::uint64_t> counters;
  for_each_counter(mine, [&](std::uint64_t counter) { counters.push_back(counter); });
  counters = comm.sum(counters);
  auto next = counters.begin();
  for_each_counter(all, [&](std::uint64_t& counter) { counter = *next++; });
  for (auto* value : {&all.seconds, &all.max_abs_error, &all.phases.scan, &all.phases.read, &all.phases.fingerprint,
                      &all.phases.exchange, &all.phases.encode, &all.phases.write})
    *value = comm.max(*value);
  all.peak_rss_bytes = comm.max(mine.peak_rss_bytes);
  const auto packed = comm.gather(pack(mine));
  if (!comm.is_root()) return all;
  all.models.clear();
  all.opaque.clear();
  all.failures.clear();
  all.unmatched.clear();
  all.notes.clear();
  for (const auto& from_rank : packed) unpack(from_rank, all);
  std::ranges::sort(all.opaque, {}, &OpaqueFile::path);
  std::ranges::sort(all.failures, {}, &PathProblem::path);
  std::ranges::sort(all.unmatched, {}, &PathProblem::path);
  std::ranges::sort(all.notes);
  all.notes.erase(std::unique(all.notes.begin(), all.notes.end()), all.notes.end());
  return all;
}

}  // namespace elves::pipeline
