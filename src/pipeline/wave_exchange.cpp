#include "pipeline/wave_exchange.hpp"

#include <algorithm>

#include "support/assert.hpp"
#include "support/byte_cursor.hpp"

namespace elves::pipeline {
namespace {

/// Writes the files and shares of one worker: files are named once, in order of first use.
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

/// The other side of describe(): appends to the work of this rank.
void take(std::span<const std::byte> bytes, Work& work) {
  ByteCursor cursor(bytes);
  auto& sources = work.home_sources.emplace_back();
  auto& shares = work.shares.emplace_back();
  if (bytes.empty()) return;
  for (auto n = cursor.read_varint(); n > 0; --n) {
    sources.push_back(work.sources.size());
    work.sources.push_back(read_source(cursor));
  }
  for (auto n = cursor.read_varint(); n > 0; --n) {
    const auto source = sources.at(cursor.read_varint());
    const auto dtype = cursor.read<DType>();
    const auto offset = cursor.read_varint();
    const auto size = cursor.read_varint();
    const auto first = static_cast<std::uint32_t>(cursor.read_varint());
    const auto count = static_cast<std::uint32_t>(cursor.read_varint());
    shares.push_back({work.chunks.size(), count, size});
    for (auto c = first; c < first + count; ++c) {
      WorkChunk chunk;
      chunk.source = source;
      chunk.dtype = dtype;
      chunk.number = c;
      const auto place = plan::place_of_chunk(dtype, size, c);
      chunk.file_offset = offset + place.offset_bytes;
      chunk.size_bytes = place.size_bytes;
      chunk.buffer_at = work.raw_bytes;
      work.raw_bytes += chunk.size_bytes;
      work.chunks.push_back(chunk);
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

void write(const WorkBase& base, ByteWriter& to) {
  write(base.source, to);
  to.varint(base.offset_bytes);
  to.varint(base.size_bytes);
  to.varint(base.digests.size());
  to.bytes(std::as_bytes(std::span(base.digests)));
  to.write(base.exact);
  to.varint(base.shard);
  to.varint(base.row);
}

WorkBase read_base(ByteCursor& from) {
  WorkBase base;
  base.source = read_source(from);
  base.offset_bytes = from.read_varint();
  base.size_bytes = from.read_varint();
  for (auto n = from.read_varint(); n > 0 && !from.failed(); --n) base.digests.push_back(from.read<Hash128>());
  base.exact = from.read<bool>();
  base.shard = static_cast<std::uint32_t>(from.read_varint());
  base.row = from.read_varint();
  return base;
}

void dispatch(const mpi::Comm& comm, const plan::Plan& plan, std::uint64_t wave, const std::vector<bool>& failed_files,
              Home& home, Work& work) {
  home = {wave, plan::partition(comm, plan, wave, failed_files), {}};
  home.files.resize(home.shares.size());
  mpi::PerRank<std::byte> messages(home.shares.size());
  for (std::size_t r = 0; r < messages.size(); ++r) {
    if (!home.shares[r].empty()) messages[r] = describe(plan, home.shares[r], home.files[r]);
  }
  work = {};
  for (const auto& message : comm.alltoallv(messages)) take(message, work);
}

UnitRange units_of(const plan::Plan& plan, std::uint64_t wave) {
  const auto by_wave = [](const plan::Unit& unit, std::uint64_t w) { return unit.wave < w; };
  const auto first = std::lower_bound(plan.units.begin(), plan.units.end(), wave, by_wave);
  const auto last = std::lower_bound(first, plan.units.end(), wave + 1, by_wave);
  return {static_cast<std::size_t>(first - plan.units.begin()), static_cast<std::size_t>(last - plan.units.begin())};
}

ReadNews report_reading(const mpi::Comm& comm, const plan::Plan& plan, const Home& home, const Work& work) {
  mpi::PerRank<Hash128> digests(work.shares.size());
  mpi::PerRank<std::byte> errors(work.shares.size());
  for (std::size_t r = 0; r < work.shares.size(); ++r) {
    for (const auto& share : work.shares[r]) {
      for (std::size_t c = share.first_chunk; c < share.first_chunk + share.n_chunks; ++c)
        digests[r].push_back(work.chunks[c].digest);
    }
    ByteWriter writer(errors[r]);
    for (const auto source : work.home_sources[r]) writer.text(work.sources[source].error);
  }
  const auto digests_in = comm.alltoallv(digests);
  const auto errors_in = comm.alltoallv(errors);

  const auto units = units_of(plan, home.wave);
  ReadNews news;
  news.digests.resize(units.last - units.first);
  for (std::size_t r = 0; r < home.shares.size(); ++r) {  // ranks and shares in order: chunks of a unit come in order
    std::size_t at = 0;
    for (const auto& share : home.shares[r]) {
      auto& unit = news.digests[share.unit - units.first];
      ELVES_ASSERT(unit.size() == share.first_chunk && at + share.n_chunks <= digests_in[r].size());
      unit.insert(unit.end(), digests_in[r].begin() + static_cast<std::ptrdiff_t>(at),
                  digests_in[r].begin() + static_cast<std::ptrdiff_t>(at + share.n_chunks));
      at += share.n_chunks;
    }
    ByteCursor cursor(errors_in[r]);
    for (const auto file : home.files[r]) {
      if (auto error = cursor.read_text(); !error.empty()) news.failed.emplace_back(file, std::move(error));
    }
  }
  return news;
}

void tell_tasks(const mpi::Comm& comm, const plan::Plan& plan, const Home& home, const std::vector<Task>& tasks,
                Work& work) {
  const auto units = units_of(plan, home.wave);
  mpi::PerRank<Task> to(home.shares.size());
  for (std::size_t r = 0; r < home.shares.size(); ++r) {
    for (const auto& share : home.shares[r]) to[r].push_back(tasks[share.unit - units.first]);
  }
  const auto told = comm.alltoallv(to);
  for (std::size_t r = 0; r < work.shares.size(); ++r) {
    ELVES_ASSERT(told[r].size() == work.shares[r].size());
    for (std::size_t s = 0; s < told[r].size(); ++s) {
      const auto& share = work.shares[r][s];
      for (std::size_t c = share.first_chunk; c < share.first_chunk + share.n_chunks; ++c)
        work.chunks[c].task = told[r][s];
    }
  }
}

std::vector<std::vector<ChunkOutcome>> report_encoding(const mpi::Comm& comm, const plan::Plan& plan, const Home& home,
                                                       const std::vector<Task>& tasks, const Work& work) {
  mpi::PerRank<ChunkOutcome> outcomes(work.shares.size());
  for (std::size_t r = 0; r < work.shares.size(); ++r) {
    for (const auto& share : work.shares[r]) {
      for (std::size_t c = share.first_chunk; c < share.first_chunk + share.n_chunks; ++c) {
        const auto& chunk = work.chunks[c];
        if (chunk.task == Task::Skip) continue;
        outcomes[r].push_back({chunk.decoded, chunk.stats.max_abs_error, chunk.stats.raw_bytes,
                               chunk.stats.transformed_bytes, chunk.stats.encoded_bytes, chunk.stats.alone_bytes,
                               static_cast<std::uint32_t>(chunk.stats.transform), chunk.stats.exact ? 1u : 0u});
      }
    }
  }
  const auto told = comm.alltoallv(outcomes);
  const auto units = units_of(plan, home.wave);
  std::vector<std::vector<ChunkOutcome>> by_unit(units.last - units.first);
  for (std::size_t r = 0; r < home.shares.size(); ++r) {
    std::size_t at = 0;
    for (const auto& share : home.shares[r]) {
      if (tasks[share.unit - units.first] == Task::Skip) continue;
      auto& unit = by_unit[share.unit - units.first];
      ELVES_ASSERT(at + share.n_chunks <= told[r].size());
      unit.insert(unit.end(), told[r].begin() + static_cast<std::ptrdiff_t>(at),
                  told[r].begin() + static_cast<std::ptrdiff_t>(at + share.n_chunks));
      at += share.n_chunks;
    }
  }
  return by_unit;
}

}  // namespace elves::pipeline
