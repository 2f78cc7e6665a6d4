#include "corpus/path_sort.hpp"

#include <algorithm>
#include <compare>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "mpi/query.hpp"
#include "support/assert.hpp"
#include "support/byte_cursor.hpp"

namespace elves::corpus {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kSamplesPerRank = 32;

void write_row(Bytes& out, const FoundPath& row) {
  ByteWriter writer(out);
  const auto& entry = row.entry;
  writer.text(entry.path);
  writer.write(static_cast<std::uint8_t>(entry.kind));
  writer.write(static_cast<std::uint8_t>(row.has_other_names));
  writer.varint(entry.mode);
  writer.varint(entry.uid);
  writer.varint(entry.gid);
  writer.write(entry.mtime_seconds);
  writer.write(entry.mtime_nanoseconds);
  writer.write(entry.ctime_seconds);
  writer.write(entry.ctime_nanoseconds);
  writer.varint(entry.size_bytes);
  writer.varint(entry.device);
  writer.varint(entry.inode);
  writer.text(entry.target);
  writer.text(entry.linked_model);
}

FoundPath read_row(ByteCursor& cursor) {
  FoundPath row;
  auto& entry = row.entry;
  entry.path = cursor.read_text();
  entry.kind = static_cast<FileKind>(cursor.read<std::uint8_t>());
  row.has_other_names = cursor.read<std::uint8_t>() != 0;
  entry.mode = static_cast<std::uint32_t>(cursor.read_varint());
  entry.uid = static_cast<std::uint32_t>(cursor.read_varint());
  entry.gid = static_cast<std::uint32_t>(cursor.read_varint());
  entry.mtime_seconds = cursor.read<std::int64_t>();
  entry.mtime_nanoseconds = cursor.read<std::uint32_t>();
  entry.ctime_seconds = cursor.read<std::int64_t>();
  entry.ctime_nanoseconds = cursor.read<std::uint32_t>();
  entry.size_bytes = cursor.read_varint();
  entry.device = cursor.read_varint();
  entry.inode = cursor.read_varint();
  entry.target = cursor.read_text();
  entry.linked_model = cursor.read_text();
  ELVES_ASSERT(!cursor.failed());
  return row;
}

bool earlier(const FoundPath& a, const FoundPath& b) {
  return a.entry.path < b.entry.path;
}
bool same_path(const FoundPath& a, const FoundPath& b) {
  return a.entry.path == b.entry.path;
}

void sort_local(std::vector<FoundPath>& rows) {
  std::sort(rows.begin(), rows.end(), earlier);
  rows.erase(std::unique(rows.begin(), rows.end(), same_path), rows.end());
}

/// Sends each row to the rank `rank_of(index, row)`, and returns the received rows in order of the sending rank.
template <class RankOf>
std::vector<FoundPath> send_rows(const mpi::Comm& comm, std::vector<FoundPath> rows, RankOf rank_of) {
  mpi::PerRank<std::byte> to(static_cast<std::size_t>(comm.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) write_row(to[rank_of(i, rows[i])], rows[i]);
  rows = {};
  std::vector<FoundPath> received;
  for (const auto& bytes : comm.alltoallv(to)) {
    for (ByteCursor cursor(bytes); !cursor.at_end();) received.push_back(read_row(cursor));
  }
  return received;
}

std::vector<std::string> read_texts(std::span<const std::byte> bytes) {
  std::vector<std::string> texts;
  for (ByteCursor cursor(bytes); !cursor.at_end();) texts.push_back(cursor.read_text());
  return texts;
}

/// At most ranks - 1 paths that divide the paths of all ranks into about equal parts; the same on all ranks. `rows` is
/// sorted. Each rank contributes samples in proportion to its number of rows.
std::vector<std::string> choose_splitters(const mpi::Comm& comm, std::span<const FoundPath> rows, std::uint64_t total) {
  const auto n_ranks = static_cast<std::uint64_t>(comm.size());
  const auto stride = std::max<std::uint64_t>(1, total / (n_ranks * kSamplesPerRank));
  Bytes samples;
  for (std::uint64_t i = stride / 2; i < rows.size(); i += stride) ByteWriter(samples).text(rows[i].entry.path);
  std::vector<std::string> sorted;
  for (const auto& bytes : comm.gather(samples)) std::ranges::move(read_texts(bytes), std::back_inserter(sorted));
  std::sort(sorted.begin(), sorted.end());
  Bytes chosen;
  for (std::uint64_t r = 1; r < n_ranks && !sorted.empty(); ++r) {
    ByteWriter(chosen).text(sorted[r * sorted.size() / n_ranks]);
  }
  const auto all = comm.broadcast(std::string(reinterpret_cast<const char*>(chosen.data()), chosen.size()));
  return read_texts(std::as_bytes(std::span(all)));
}

/// Moves rows, in order over the ranks, to the ranks that hold their places in equal shares. The first row of all has
/// the place `begin`, of `total` places.
std::vector<FoundPath> move_to_places(const mpi::Comm& comm, std::vector<FoundPath> rows, std::uint64_t begin,
                                      std::uint64_t total) {
  const auto n_ranks = static_cast<std::uint64_t>(comm.size());
  const auto first = begin + comm.exscan(rows.size());
  // Row i goes to the rank r with r * total / n_ranks <= i < (r + 1) * total / n_ranks.
  return send_rows(comm, std::move(rows), [&](std::size_t i, const FoundPath&) {
    return static_cast<std::size_t>(((first + i + 1) * n_ranks - 1) / total);
  });
}

std::vector<FoundPath> share_equally(const mpi::Comm& comm, std::vector<FoundPath> rows) {
  const auto total = comm.sum(std::uint64_t{rows.size()});
  return move_to_places(comm, std::move(rows), 0, total);
}

struct Inode {
  std::uint64_t device;
  std::uint64_t number;
  auto operator<=>(const Inode&) const = default;
};

std::size_t owner_of(const Inode& inode, const mpi::Comm& comm) {
  const auto mixed = (inode.number ^ (inode.device << 32)) * 0x9E3779B97F4A7C15ull;
  return static_cast<std::size_t>((mixed >> 32) % static_cast<std::uint64_t>(comm.size()));
}

}  // namespace

std::vector<FoundPath> sort_by_path(const mpi::Comm& comm, std::vector<FoundPath> found) {
  sort_local(found);
  const auto total = comm.sum(std::uint64_t{found.size()});
  const auto splitters = choose_splitters(comm, found, total);
  // Equal paths go to one rank, which drops duplicates.
  auto bucket = send_rows(comm, std::move(found), [&](std::size_t, const FoundPath& row) {
    const auto above = std::upper_bound(splitters.begin(), splitters.end(), row.entry.path);
    return static_cast<std::size_t>(above - splitters.begin());
  });
  sort_local(bucket);
  return share_equally(comm, std::move(bucket));
}

std::vector<FileEntry> order_by_tier(const mpi::Comm& comm, std::vector<FileEntry> entries,
                                     std::span<const std::uint8_t> tiers, std::uint8_t n_tiers) {
  ELVES_ASSERT(tiers.size() == entries.size());
  const auto total = comm.sum(std::uint64_t{entries.size()});
  std::vector<FileEntry> ordered;
  std::uint64_t begin = 0;
  for (std::uint8_t tier = 0; tier < n_tiers; ++tier) {
    std::vector<FoundPath> rows;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (tiers[i] == tier) rows.push_back({std::move(entries[i]), false});
    }
    const auto n_of_tier = comm.sum(std::uint64_t{rows.size()});
    if (n_of_tier == 0) continue;
    // Places increase with the tier, so later rows belong after earlier ones.
    for (auto& row : move_to_places(comm, std::move(rows), begin, total)) ordered.push_back(std::move(row.entry));
    begin += n_of_tier;
  }
  return ordered;
}

void link_names_of_one_inode(const mpi::Comm& comm, std::vector<FoundPath>& found) {
  std::vector<Bytes> names;  // inode and path
  std::vector<FileEntry*> entries;
  for (auto& row : found) {
    if (!row.has_other_names) continue;
    ByteWriter writer(names.emplace_back());
    writer.write(Inode{row.entry.device, row.entry.inode});
    writer.text(row.entry.path);
    entries.push_back(&row.entry);
  }
  const auto owner = [&](const Bytes& name) { return owner_of(ByteCursor(name).read<Inode>(), comm); };
  // Ranks hold contiguous parts of the corpus, so the first name that an owner gets is the first in corpus order.
  std::map<Inode, std::string> first_names;
  const auto targets = mpi::query(comm, names, owner, [&](const Bytes& name) {
    ByteCursor cursor(name);
    const auto inode = cursor.read<Inode>();
    const auto [first, is_first] = first_names.try_emplace(inode, cursor.read_text());
    return is_first ? std::string() : first->second;
  });
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (targets[i].empty()) continue;
    entries[i]->kind = FileKind::Hardlink;
    entries[i]->target = targets[i];
  }
}

}  // namespace elves::corpus
