#include "plan/plan.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "elves/codec.hpp"  // kChunkBytes, chunk_bytes
#include "mpi/query.hpp"
#include "support/assert.hpp"
#include "support/byte_cursor.hpp"
#include "support/checked.hpp"

namespace elves::plan {
namespace {

/// The units of one file, except for their offset in the corpus.
void append_units(std::vector<Unit>& units, const PlannedFile& file, std::size_t file_index, std::uint64_t part_bytes) {
  for (std::size_t e = 0; e < file.parsed.extents.size(); ++e) {
    const auto& extent = file.parsed.extents[e];
    const auto whole = part_bytes / kChunkBytes * chunk_bytes(extent.dtype);
    const auto n_parts = std::max<std::uint64_t>(1, ceil_div(extent.length_bytes, whole));
    for (std::uint64_t part = 0; part < n_parts; ++part) {
      Unit unit;
      unit.file = file_index;
      unit.extent = e;
      unit.part = static_cast<std::uint32_t>(part);
      unit.n_parts = static_cast<std::uint32_t>(n_parts);
      unit.dtype = extent.dtype;
      unit.offset_bytes = extent.offset_bytes + part * whole;
      unit.size_bytes = std::min(whole, extent.length_bytes - part * whole);
      units.push_back(unit);
    }
  }
}

/// The last window of `wave_bytes` in which a unit with bytes begins. `at`: the offset of the first unit.
std::uint64_t last_window(std::span<const Unit> units, std::uint64_t at, std::uint64_t wave_bytes) {
  std::uint64_t last = 0;
  for (const auto& unit : units) {
    if (unit.size_bytes > 0) last = at / wave_bytes;
    at += unit.size_bytes;
  }
  return last;
}

}  // namespace

std::uint64_t state_of(const corpus::FileEntry& entry) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.write(entry.kind);
  writer.write(entry.size_bytes);
  // A symbolic link's own time and mode mean nothing to its users, and many file systems cannot set them.
  const bool is_link = entry.kind == FileKind::Symlink;
  writer.write(is_link ? 0 : entry.mtime_seconds);
  writer.write(is_link ? 0 : entry.mtime_nanoseconds);
  writer.write(is_link ? 0 : entry.mode);
  writer.write(entry.uid);
  writer.write(entry.gid);
  writer.text(entry.target);
  return checksum64(bytes);
}

NewEntries drop_archived(const mpi::Comm& comm, std::vector<corpus::FileEntry> entries,
                         std::span<const KnownFile> archived, const KeyedHash& hash, LossId allowed) {
  const auto owner = [&](const auto& row) { return mpi::owner_of(row.path, comm); };
  std::unordered_map<Hash128, KnownFile> current;
  for (const auto& from_rank : mpi::send_to_owners(comm, archived, owner)) {
    for (const auto& row : from_rank) current.emplace(row.path, row);
  }
  struct Request {
    Hash128 path;
    std::uint64_t state;
  };
  std::vector<Request> requests;
  requests.reserve(entries.size());
  for (const auto& entry : entries) requests.push_back({hash(entry.path), state_of(entry)});
  const auto is_held = mpi::query(comm, requests, owner, [&](const Request& request) {
    const auto row = current.find(request.path);
    if (row == current.end() || row->second.state != request.state) return false;
    return row->second.loss.is_exact() || row->second.loss == allowed;
  });
  NewEntries kept;
  std::uint64_t bytes_before = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto& entry = entries[i];
    if (kept.entries.empty() && is_held[i] != 0 && has_content(entry.kind)) bytes_before += entry.size_bytes;
    if (is_held[i] == 0) kept.entries.push_back(std::move(entry));
  }
  const auto rank = static_cast<std::uint64_t>(comm.rank());
  const auto first_rank = comm.min(kept.entries.empty() ? UINT64_MAX : rank);
  kept.bytes_before = comm.sum(rank <= first_rank ? bytes_before : 0);
  return kept;
}

Plan make_plan(const mpi::Comm& comm, std::vector<PlannedFile> files, const PlanOptions& options) {
  ELVES_ASSERT(options.part_bytes > 0 && options.part_bytes % kChunkBytes == 0 &&
               options.part_bytes <= options.wave_bytes);
  Plan plan;
  plan.files = std::move(files);
  std::uint64_t bytes = 0;
  for (std::size_t f = 0; f < plan.files.size(); ++f) {
    auto& file = plan.files[f];
    file.first_unit = plan.units.size();
    append_units(plan.units, file, f, options.part_bytes);
    file.n_units = plan.units.size() - file.first_unit;
  }
  for (const auto& unit : plan.units) bytes += unit.size_bytes;

  plan.total_bytes = comm.sum(bytes);
  std::uint64_t at = options.bytes_before % options.wave_bytes + comm.exscan(bytes);
  const bool any_file = comm.any(!plan.files.empty());
  plan.n_waves = any_file ? comm.max(last_window(plan.units, at, options.wave_bytes)) + 1 : 0;
  const auto wave_at = [&](std::uint64_t offset) { return std::min(offset / options.wave_bytes, plan.n_waves - 1); };
  for (auto& file : plan.files) {
    file.wave = wave_at(at);
    for (std::size_t u = file.first_unit; u < file.first_unit + file.n_units; ++u) {
      auto& unit = plan.units[u];
      unit.corpus_offset_bytes = at;
      unit.wave = wave_at(at);
      file.wave = unit.wave;
      at += unit.size_bytes;
    }
  }
  return plan;
}

std::uint32_t chunks_of(DType dtype, std::uint64_t unit_bytes) {
  return static_cast<std::uint32_t>(ceil_div<std::uint64_t>(unit_bytes, chunk_bytes(dtype)));
}

ByteRange range_of_chunk(DType dtype, std::uint64_t unit_bytes, std::uint32_t chunk) {
  const auto offset = std::uint64_t{chunk} * chunk_bytes(dtype);
  return {offset, static_cast<std::uint32_t>(std::min<std::uint64_t>(chunk_bytes(dtype), unit_bytes - offset))};
}

mpi::PerRank<Share> partition(const mpi::Comm& comm, const Plan& plan, std::uint64_t wave,
                              const std::vector<bool>& skip_file) {
  const auto by_wave = [](const Unit& unit, std::uint64_t w) { return unit.wave < w; };
  const auto first = std::lower_bound(plan.units.begin(), plan.units.end(), wave, by_wave);
  const auto last = std::lower_bound(first, plan.units.end(), wave + 1, by_wave);
  const std::uint64_t begin = comm.min(first != last ? first->corpus_offset_bytes : UINT64_MAX);
  std::uint64_t end = 0;
  for (auto unit = first; unit != last; ++unit) end = std::max(end, unit->corpus_offset_bytes + unit->size_bytes);
  end = comm.max(end);

  const auto ranks = static_cast<std::uint64_t>(comm.size());
  mpi::PerRank<Share> shares(ranks);
  // offset * ranks / total, rounded down: a wave is at most petabytes (2^50) and ranks at most 2^14.
  const auto rank_at = [&](std::uint64_t offset) {
    const auto total = std::max<std::uint64_t>(1, end - begin);
    return static_cast<std::size_t>(std::min<std::uint64_t>((offset - begin) * ranks / total, ranks - 1));
  };
  for (auto unit = first; unit != last; ++unit) {
    if (skip_file[unit->file]) continue;
    const auto index = static_cast<std::size_t>(unit - plan.units.begin());
    for (std::uint32_t chunk = 0; chunk < chunks_of(unit->dtype, unit->size_bytes); ++chunk) {
      const auto range = range_of_chunk(unit->dtype, unit->size_bytes, chunk);
      auto& to = shares[rank_at(unit->corpus_offset_bytes + range.offset_bytes)];
      if (to.empty() || to.back().unit != index) to.push_back({index, chunk, 0});
      ++to.back().n_chunks;
    }
  }
  return shares;
}

}  // namespace elves::plan
