#include "pipeline/report.hpp"

#include <algorithm>
#include <set>

#include "support/byte_cursor.hpp"

namespace elves::pipeline {
namespace {

/// The lists of a rank, for rank 0.
std::vector<std::byte> pack(const Report& report) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.varint(report.models.size());
  for (const auto& [id, sums] : report.models) {
    writer.text(id);
    writer.write(sums.files);
    writer.write(sums.bytes);
    writer.write(sums.stored_bytes);
    writer.write(sums.new_layers);
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
  writer.varint(report.failures.size());
  for (const auto& failure : report.failures) {
    writer.text(failure.path);
    writer.text(failure.reason);
  }
  writer.varint(report.notes.size());
  for (const auto& note : report.notes) {
    writer.text(note.model);
    writer.text(note.text);
  }
  return bytes;
}

void unpack(std::span<const std::byte> bytes, Report& report) {
  ByteCursor cursor(bytes);
  for (auto n = cursor.read_varint(); n > 0; --n) {
    auto& model = report.models[cursor.read_text()];
    model.files += cursor.read<std::uint64_t>();
    model.bytes += cursor.read<std::uint64_t>();
    model.stored_bytes += cursor.read<std::uint64_t>();
    model.new_layers += cursor.read<std::uint64_t>();
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
  for (auto n = cursor.read_varint(); n > 0; --n) {
    PathProblem failure;
    failure.path = cursor.read_text();
    failure.reason = cursor.read_text();
    report.failures.push_back(std::move(failure));
  }
  for (auto n = cursor.read_varint(); n > 0; --n) {
    lineage::ModelNote note;
    note.model = cursor.read_text();
    note.text = cursor.read_text();
    report.notes.push_back(std::move(note));
  }
}

}  // namespace

std::uint64_t Report::opaque_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& file : opaque) bytes += file.bytes;
  return bytes;
}

void name_base_models(const mpi::Comm& comm, const std::map<Hash128, std::string>& known,
                      const lineage::Lineage& lineage, Report& mine) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::map<Hash128, std::string> names = known;
  for (const auto& [id, model] : mine.models) names.emplace(hash128(id), id);
  std::set<Hash128> wanted;
  for (const auto& [id, model] : mine.models) {
    for (const auto& [base, sums] : model.bases) wanted.insert(base);
    for (const auto& base : lineage.bases_of(hash128(id))) wanted.insert(base);
  }
  std::vector<Hash128> unknown;
  for (const auto& base : wanted) {
    if (const auto at = names.find(base); at != names.end())
      mine.base_models[base] = at->second;
    else if (base != Hash128{})
      unknown.push_back(base);
  }
  mpi::PerRank<std::byte> answers(ranks);
  const auto asked = comm.alltoallv(mpi::PerRank<Hash128>(ranks, unknown));
  for (std::size_t r = 0; r < ranks; ++r) {
    ByteWriter writer(answers[r]);
    for (const auto& hash : asked[r]) {
      const auto at = names.find(hash);
      if (at == names.end()) continue;
      writer.write(hash);
      writer.text(at->second);
    }
  }
  for (const auto& answer : comm.alltoallv(answers)) {
    for (ByteCursor cursor(answer); !cursor.at_end();) {
      const auto hash = cursor.read<Hash128>();
      mine.base_models[hash] = cursor.read_text();
    }
  }
}

void note_unused_lineage(const lineage::Lineage& lineage, Report& all) {
  for (const auto& [id, model] : all.models) {
    if (model.new_layers == 0) continue;
    for (const auto& base : lineage.bases_of(hash128(id))) {
      const auto name = all.base_models.find(base);
      if (name == all.base_models.end() || model.bases.contains(base)) continue;
      all.notes.push_back({id, "names " + name->second +
                                   " as its base, but no layer of it is stored as a difference from there: other "
                                   "shapes, or others are nearer"});
    }
  }
  std::ranges::sort(all.notes);
}

Report gather(const mpi::Comm& comm, const Report& mine) {
  Report all = mine;
  std::vector<std::uint64_t> sums{mine.corpus_files,    mine.corpus_bytes,  mine.archived_files, mine.archived_bytes,
                                  mine.skipped_files,   mine.skipped_bytes, mine.layers_total,   mine.layers_unique,
                                  mine.duplicate_bytes, mine.glue_bytes,    mine.exchanged_bytes};
  const auto& encoding = mine.encoding;
  sums.insert(sums.end(),
              {encoding.raw_bytes, encoding.encoded_bytes, encoding.default_bytes, encoding.cpu_nanoseconds});
  for (const auto& t : mine.transforms)
    sums.insert(sums.end(), {t.layers, t.raw_bytes, t.transformed_bytes, t.encoded_bytes, t.alone_bytes});
  for (const auto& c : mine.containers) sums.insert(sums.end(), {c.files, c.bytes, c.layers, c.layer_bytes});
  sums = comm.sum(sums);
  std::size_t at = 0;
  for (auto* value : {&all.corpus_files, &all.corpus_bytes, &all.archived_files, &all.archived_bytes,
                      &all.skipped_files, &all.skipped_bytes, &all.layers_total, &all.layers_unique,
                      &all.duplicate_bytes, &all.glue_bytes, &all.exchanged_bytes, &all.encoding.raw_bytes,
                      &all.encoding.encoded_bytes, &all.encoding.default_bytes, &all.encoding.cpu_nanoseconds})
    *value = sums[at++];
  for (auto& t : all.transforms) {
    for (auto* value : {&t.layers, &t.raw_bytes, &t.transformed_bytes, &t.encoded_bytes, &t.alone_bytes})
      *value = sums[at++];
  }
  for (auto& c : all.containers) {
    for (auto* value : {&c.files, &c.bytes, &c.layers, &c.layer_bytes}) *value = sums[at++];
  }
  for (auto* value : {&all.seconds, &all.max_abs_error, &all.phases.scan, &all.phases.read, &all.phases.fingerprint,
                      &all.phases.exchange, &all.phases.encode, &all.phases.write})
    *value = comm.max(*value);
  all.peak_rss_bytes = comm.max(mine.peak_rss_bytes);
  all.models.clear();
  all.opaque.clear();
  all.failures.clear();
  all.notes.clear();
  for (const auto& packed : comm.gather(pack(mine))) unpack(packed, all);
  const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
  std::sort(all.opaque.begin(), all.opaque.end(), by_path);
  std::sort(all.failures.begin(), all.failures.end(), by_path);
  std::sort(all.notes.begin(), all.notes.end());
  all.notes.erase(std::unique(all.notes.begin(), all.notes.end()), all.notes.end());
  return all;
}

}  // namespace elves::pipeline
