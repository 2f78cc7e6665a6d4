#include "pipeline/wave_exchange.hpp"

#include <algorithm>

#include "support/assert.hpp"
#include "support/byte_cursor.hpp"

namespace elves::pipeline {
namespace {

/// The message to one worker: its files, each once in order of first use, and its shares. Fills `files`.
std::vector<std::byte> describe(const plan::Plan& plan, std::span<const plan::Share> shares,
                                std::vector<std::size_t>& files) {
  for (const auto& share : shares) {
    if (files.empty() || files.back() != plan.units[share.unit].file) files.push_back(plan.units[share.unit].file);
  }
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.varint(files.size());
  for (const auto file : files) write(source_of(plan.files[file].entry), writer);
  writer.varint(shares.size());
  std::size_t at = 0;
  for (const auto& share : shares) {
    const auto& unit = plan.units[share.unit];
    while (files[at] != unit.file) ++at;
    writer.varint(at);
    writer.write(unit.dtype);
    writer.varint(unit.offset_bytes);
    writer.varint(unit.size_bytes);
    writer.varint(share.first_chunk);
    writer.varint(share.n_chunks);
  }
  return bytes;
}

/// Reads the message of one planner, and appends its chunks.
void take(std::span<const std::byte> bytes, AssignedWave& assigned) {
  ByteCursor cursor(bytes);
  auto& sources = assigned.source_lists.emplace_back();
  auto& runs = assigned.runs.emplace_back();
  if (bytes.empty()) return;
  for (auto n = cursor.read_varint(); n > 0; --n) {
    sources.push_back(assigned.sources.size());
    assigned.sources.push_back(read_source(cursor));
  }
  for (auto n = cursor.read_varint(); n > 0; --n) {
    const auto source = sources.at(cursor.read_varint());
    const auto dtype = cursor.read<DType>();
    const auto offset = cursor.read_varint();
    const auto size = cursor.read_varint();
    const auto first = static_cast<std::uint32_t>(cursor.read_varint());
    const auto count = static_cast<std::uint32_t>(cursor.read_varint());
    runs.push_back({assigned.chunks.size(), count, size});
    for (auto c = first; c < first + count; ++c) {
      AssignedChunk chunk;
      chunk.source = source;
      chunk.dtype = dtype;
      chunk.number = c;
      const auto place = plan::range_of_chunk(dtype, size, c);
      chunk.file_offset = offset + place.offset_bytes;
      chunk.size_bytes = place.size_bytes;
      chunk.buffer_at = assigned.raw_bytes;
      assigned.raw_bytes += chunk.size_bytes;
      assigned.chunks.push_back(chunk);
    }
  }
  ELVES_ASSERT(!cursor.failed());
}

}  // namespace

SourceFile source_of(const corpus::FileEntry& entry) {
  return {entry.path,          entry.size_bytes,        entry.mtime_seconds, entry.mtime_nanoseconds,
          entry.ctime_seconds, entry.ctime_nanoseconds, entry.inode,         {}};
}

void write(const SourceFile& source, ByteWriter& to) {
  to.text(source.path);
  to.varint(source.size_bytes);
  to.write(source.mtime_seconds);
  to.write(source.mtime_nanoseconds);
  to.write(source.ctime_seconds);
  to.write(source.ctime_nanoseconds);
  to.write(source.inode);
}

SourceFile read_source(ByteCursor& from) {
  SourceFile source;
  source.path = from.read_text();
  source.size_bytes = from.read_varint();
  source.mtime_seconds = from.read<std::int64_t>();
  source.mtime_nanoseconds = from.read<std::uint32_t>();
  source.ctime_seconds = from.read<std::int64_t>();
  source.ctime_nanoseconds = from.read<std::uint32_t>();
  source.inode = from.read<std::uint64_t>();
  return source;
}

void write(const BaseLocation& base, ByteWriter& to) {
  write(base.source, to);
  to.varint(base.offset_bytes);
  to.varint(base.size_bytes);
  to.varint(base.digests.size());
  to.bytes(std::as_bytes(std::span(base.digests)));
  to.write(base.loss);
  to.varint(base.place.shard);
  to.varint(base.place.row);
}

BaseLocation read_base(ByteCursor& from) {
  BaseLocation base;
  base.source = read_source(from);
  base.offset_bytes = from.read_varint();
  base.size_bytes = from.read_varint();
  for (auto n = from.read_varint(); n > 0 && !from.failed(); --n) base.digests.push_back(from.read<Hash128>());
  base.loss = from.read<LossId>();
  base.place.shard = static_cast<std::uint32_t>(from.read_varint());
  base.place.row = from.read_varint();
  return base;
}

void assign(const mpi::Comm& comm, const plan::Plan& plan, std::uint64_t wave, const std::vector<bool>& failed_files,
            PlannedWave& planned, AssignedWave& assigned) {
  planned = {wave, plan::partition(comm, plan, wave, failed_files), {}};
  planned.files.resize(planned.shares.size());
  mpi::PerRank<std::byte> messages(planned.shares.size());
  for (std::size_t r = 0; r < messages.size(); ++r) {
    if (!planned.shares[r].empty()) messages[r] = describe(plan, planned.shares[r], planned.files[r]);
  }
  assigned = {};
  for (const auto& message : comm.alltoallv(messages)) take(message, assigned);
}

UnitRange units_of(const plan::Plan& plan, std::uint64_t wave) {
  const auto by_wave = [](const plan::Unit& unit, std::uint64_t w) { return unit.wave < w; };
  const auto first = std::lower_bound(plan.units.begin(), plan.units.end(), wave, by_wave);
  const auto last = std::lower_bound(first, plan.units.end(), wave + 1, by_wave);
  return {static_cast<std::size_t>(first - plan.units.begin()), static_cast<std::size_t>(last - plan.units.begin())};
}

ReadResult collect_read_results(const mpi::Comm& comm, const plan::Plan& plan, const PlannedWave& planned,
                                const AssignedWave& assigned) {
  mpi::PerRank<Hash128> digests(assigned.runs.size());
  mpi::PerRank<std::byte> errors(assigned.runs.size());
  for (std::size_t r = 0; r < assigned.runs.size(); ++r) {
    for (const auto& run : assigned.runs[r]) {
      for (std::size_t c = run.first_chunk; c < run.first_chunk + run.n_chunks; ++c)
        digests[r].push_back(assigned.chunks[c].digest);
    }
    ByteWriter writer(errors[r]);
    for (const auto source : assigned.source_lists[r]) writer.text(assigned.sources[source].error);
  }
  const auto digests_in = comm.alltoallv(digests);
  const auto errors_in = comm.alltoallv(errors);

  const auto units = units_of(plan, planned.wave);
  ReadResult result;
  result.digests.resize(units.last - units.first);
  for (std::size_t r = 0; r < planned.shares.size();
       ++r) {  // ranks and shares in order: chunks of a unit come in order
    std::size_t at = 0;
    for (const auto& share : planned.shares[r]) {
      auto& unit = result.digests[share.unit - units.first];
      ELVES_ASSERT(unit.size() == share.first_chunk && at + share.n_chunks <= digests_in[r].size());
      unit.insert(unit.end(), digests_in[r].begin() + static_cast<std::ptrdiff_t>(at),
                  digests_in[r].begin() + static_cast<std::ptrdiff_t>(at + share.n_chunks));
      at += share.n_chunks;
    }
    ByteCursor cursor(errors_in[r]);
    for (const auto file : planned.files[r]) {
      if (auto error = cursor.read_text(); !error.empty()) result.failed.emplace_back(file, std::move(error));
    }
  }
  return result;
}

void send_tasks(const mpi::Comm& comm, const plan::Plan& plan, const PlannedWave& planned,
                const std::vector<Task>& tasks, AssignedWave& assigned) {
  const auto units = units_of(plan, planned.wave);
  mpi::PerRank<Task> to(planned.shares.size());
  for (std::size_t r = 0; r < planned.shares.size(); ++r) {
    for (const auto& share : planned.shares[r]) to[r].push_back(tasks[share.unit - units.first]);
  }
  const auto replies = comm.alltoallv(to);
  for (std::size_t r = 0; r < assigned.runs.size(); ++r) {
    ELVES_ASSERT(replies[r].size() == assigned.runs[r].size());
    for (std::size_t s = 0; s < replies[r].size(); ++s) {
      const auto& run = assigned.runs[r][s];
      for (std::size_t c = run.first_chunk; c < run.first_chunk + run.n_chunks; ++c)
        assigned.chunks[c].task = replies[r][s];
    }
  }
}

std::vector<std::vector<ChunkOutcome>> collect_outcomes(const mpi::Comm& comm, const plan::Plan& plan,
                                                        const PlannedWave& planned, const std::vector<Task>& tasks,
                                                        const AssignedWave& assigned) {
  mpi::PerRank<ChunkOutcome> outcomes(assigned.runs.size());
  for (std::size_t r = 0; r < assigned.runs.size(); ++r) {
    for (const auto& run : assigned.runs[r]) {
      for (std::size_t c = run.first_chunk; c < run.first_chunk + run.n_chunks; ++c) {
        const auto& chunk = assigned.chunks[c];
        if (!chunk.task.encode) continue;
        outcomes[r].push_back({chunk.decoded, chunk.stats.max_abs_error, chunk.stats.raw_bytes,
                               chunk.stats.transformed_bytes, chunk.stats.encoded_bytes, chunk.stats.standalone_bytes,
                               static_cast<std::uint32_t>(chunk.stats.transform), chunk.stats.exact ? 1u : 0u});
      }
    }
  }
  const auto replies = comm.alltoallv(outcomes);
  const auto units = units_of(plan, planned.wave);
  std::vector<std::vector<ChunkOutcome>> by_unit(units.last - units.first);
  for (std::size_t r = 0; r < planned.shares.size(); ++r) {
    std::size_t at = 0;
    for (const auto& share : planned.shares[r]) {
      if (!tasks[share.unit - units.first].encode) continue;
      auto& unit = by_unit[share.unit - units.first];
      ELVES_ASSERT(at + share.n_chunks <= replies[r].size());
      unit.insert(unit.end(), replies[r].begin() + static_cast<std::ptrdiff_t>(at),
                  replies[r].begin() + static_cast<std::ptrdiff_t>(at + share.n_chunks));
      at += share.n_chunks;
    }
  }
  return by_unit;
}

}  // namespace elves::pipeline
