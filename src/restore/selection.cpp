#include "restore/selection.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "archive/file_history.hpp"
#include "archive/shard_reader.hpp"
#include "mpi/query.hpp"
#include "restore/model_match.hpp"
#include "support/byte_cursor.hpp"
#include "support/glob.hpp"
#include "support/link_target.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::restore {
namespace {

using archive::FileHistory;
using archive::FileRow;
using archive::RowState;

/// The rows of all ranks, on all ranks, in order of rank.
template <class Row>
std::vector<Row> all_of(const mpi::Comm& comm, const std::vector<Row>& mine) {
  std::vector<Row> all;
  for (auto& rows : mpi::exchange_rows(comm, mpi::PerRank<Row>(static_cast<std::size_t>(comm.size()), mine)))
    all.insert(all.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  return all;
}

void agree(const mpi::Comm& comm, const Result<void>& outcome) {
  comm.agree(outcome, "archive: select files");
}

/// A file row of a shard that this rank reads.
struct Row {
  archive::FileRef ref;
  Hash128 restored;  ///< digest of its content
  Hash128 target;    ///< of a hard link
  std::size_t model = 0;
  std::size_t paths = 0;  ///< number of the set of path patterns that take it
  FileKind kind = FileKind::Regular;
  RowState state = RowState::Current;
  bool selected = false;

  std::uint64_t order() const { return archive::order_of(ref.shard, ref.row); }
};

/// Sets of patterns, each stored once.
class PatternSets {
 public:
  std::size_t number(std::vector<bool> set) {
    return numbers_.try_emplace(std::move(set), numbers_.size()).first->second;
  }
  std::vector<std::vector<bool>> all() const {
    std::vector<std::vector<bool>> sets(numbers_.size());
    for (const auto& [set, number] : numbers_) sets[number] = set;
    return sets;
  }

 private:
  std::map<std::vector<bool>, std::size_t> numbers_;
};

/// The file rows of this rank's shards.
struct Rows {
  explicit Rows(const archive::ArchiveDir& directory)
      : hash(directory.identity.hash_secret), history(hash), shards(directory) {}

  KeyedHash hash;
  FileHistory history;
  std::vector<Row> rows;
  std::vector<std::string> models;
  std::vector<std::vector<bool>> path_sets;                    ///< by Row::paths, the patterns that take such a row
  std::map<std::string, std::set<std::string>> similar_paths;  ///< by path pattern: paths that differ in case
  archive::ShardSet shards;                                    ///< to read texts of single rows again

  struct Texts {
    std::string path;
    std::string target;
  };
  Result<Texts> texts(std::size_t i) {
    const auto& ref = rows[i].ref;
    ELVES_TRY(const auto shard, shards.at(ref.shard));
    ELVES_TRY(const auto row, shard->file(ref.row));
    ELVES_TRY(auto path, shard->path(row));
    ELVES_TRY(auto target, shard->target(row));
    return Texts{std::move(path), std::move(target)};
  }
};

class RowReader {
 public:
  RowReader(const std::vector<std::string>& patterns, Rows& to) : patterns_(patterns), to_(to) {}

  Result<void> read(archive::ShardReader& reader, std::uint32_t shard) {
    for (std::uint64_t row = 0; row < reader.rows(FileRow::kTable); ++row) {
      ELVES_TRY(const auto file, reader.file(row));
      ELVES_TRY(const auto path, reader.path(file));
      ELVES_TRY(const auto model, reader.model_id(file));
      Row read;
      read.ref = {shard, 0, row, file.size_bytes};
      read.restored = archive::to_hash(file.restored);
      read.kind = static_cast<FileKind>(file.kind);
      if (read.kind == FileKind::Hardlink) {
        ELVES_TRY(const auto target, reader.target(file));
        read.target = to_.hash(target);
      }
      read.model = number_of(model);
      read.paths = sets_.number(taking(path));
      to_.history.add(path, read.kind, archive::order_of(shard, row));
      to_.rows.push_back(read);
    }
    return {};
  }

  void finish() { to_.path_sets = sets_.all(); }

 private:
  std::vector<bool> taking(const std::string& path) {
    std::vector<bool> set;
    for (const auto& pattern : patterns_) {
      set.push_back(pattern == path || glob_match(pattern, path));
      if (!set.back() && equal_but_for_case(pattern, path)) to_.similar_paths[pattern].insert(path);
    }
    return set;
  }

  std::size_t number_of(const std::string& model) {
    const auto [at, is_new] = numbers_.try_emplace(model, to_.models.size());
    if (is_new) to_.models.push_back(model);
    return at->second;
  }

  const std::vector<std::string>& patterns_;
  Rows& to_;
  PatternSets sets_;
  std::unordered_map<std::string, std::size_t> numbers_;
};

/// Collective. Reads this rank's shards, and finds out which rows are current.
void read_rows(const mpi::Comm& comm, const archive::ArchiveDir& directory, const Selection& selection, Rows& to) {
  RowReader rows(selection.paths, to);
  Result<void> outcome;
  for (auto i = static_cast<std::size_t>(comm.rank()); i < directory.shards.size() && outcome;
       i += static_cast<std::size_t>(comm.size())) {
    auto reader = archive::ShardReader::open(directory, directory.shards[i]);
    outcome = reader ? rows.read(*reader, directory.shards[i]) : Result<void>(reader.error());
  }
  agree(comm, outcome);
  rows.finish();
  const auto states = to.history.states(comm);
  for (std::size_t i = 0; i < states.size(); ++i) to.rows[i].state = states[i];
}

/// Marks the rows that match.
class Matcher {
 public:
  Matcher(const mpi::Comm& comm, const Selection& selection, Rows& rows)
      : comm_(comm), selection_(selection), rows_(rows) {}

  /// Collective. The selections that match nothing.
  std::vector<std::string> mark() {
    match_models();
    const auto current = count(RowState::Current);
    // A name that no current file has means former ones.
    for (std::size_t p = 0; p < n_patterns(); ++p) means_former_.push_back(current[p] == 0 && !is_glob(pattern(p)));
    const auto former = count(RowState::Former);
    for (auto& row : rows_.rows) row.selected = is_meant(row);
    std::vector<std::string> unmatched;
    for (std::size_t p = 0; p < n_patterns(); ++p) {
      if (current[p] == 0 && (!means_former_[p] || former[p] == 0)) unmatched.push_back(describe(p));
    }
    return unmatched;
  }

 private:
  std::size_t n_models() const { return selection_.models.size(); }
  std::size_t n_patterns() const { return n_models() + selection_.paths.size(); }
  const std::string& pattern(std::size_t p) const {
    return p < n_models() ? selection_.models[p] : selection_.paths[p - n_models()];
  }

  /// Collective. Finds out which models each --model means.
  void match_models() {
    model_sets_.assign(rows_.models.size(), std::vector<bool>(n_models()));
    for (std::size_t p = 0; p < n_models(); ++p) {
      const auto& text = selection_.models[p];
      auto best = ModelMatch::None;
      for (const auto& id : rows_.models) best = std::max(best, match_model(text, id));
      best = static_cast<ModelMatch>(comm_.max(static_cast<std::uint64_t>(best)));
      if (best == ModelMatch::None) continue;
      std::vector<std::string> meant;
      for (std::size_t m = 0; m < rows_.models.size(); ++m) {
        if (match_model(text, rows_.models[m]) != best) continue;
        model_sets_[m][p] = true;
        meant.push_back(rows_.models[m]);
      }
      if (best == ModelMatch::Name) refuse_several(text, meant);
    }
  }

  /// Collective.
  void refuse_several(const std::string& text, const std::vector<std::string>& mine) const {
    const auto all = all_of(comm_, mine);
    const std::set<std::string> ids(all.begin(), all.end());
    if (ids.size() > 1) throw AgreedFailure("--model: " + several_models(text, ids));
  }

  /// Collective. How many rows of a state each pattern takes; a path also has to be one of a model that is meant.
  std::vector<std::uint64_t> count(RowState state) const {
    std::vector<std::uint64_t> counts(n_patterns());
    for (const auto& row : rows_.rows) {
      if (row.state != state) continue;
      const auto& models = model_sets_[row.model];
      for (std::size_t p = 0; p < n_models(); ++p) counts[p] += models[p] ? 1 : 0;
      if (!takes(models)) continue;
      const auto& paths = rows_.path_sets[row.paths];
      for (std::size_t p = 0; p < paths.size(); ++p) counts[n_models() + p] += paths[p] ? 1 : 0;
    }
    return comm_.sum(counts);
  }

  static bool takes(const std::vector<bool>& set) { return set.empty() || std::ranges::find(set, true) != set.end(); }

  bool is_meant(const Row& row) const {
    const auto& models = model_sets_[row.model];
    const auto& paths = rows_.path_sets[row.paths];
    if (row.state == RowState::Superseded || !takes(models) || !takes(paths)) return false;
    if (row.state == RowState::Current) return true;
    // The narrower selection decides: a path, where there are any.
    const auto& deciding = paths.empty() ? models : paths;
    const auto first = paths.empty() ? 0 : n_models();
    for (std::size_t p = 0; p < deciding.size(); ++p) {
      if (deciding[p] && means_former_[first + p]) return true;
    }
    return false;
  }

  /// Collective. "--model X (did you mean Y?)".
  std::string describe(std::size_t p) const {
    const bool is_model = p < n_models();
    std::vector<std::string> similar;
    if (is_model) {
      similar = similar_names(pattern(p), rows_.models);
    } else if (const auto at = rows_.similar_paths.find(pattern(p)); at != rows_.similar_paths.end()) {
      similar.assign(at->second.begin(), at->second.end());
    }
    similar = similar_names(pattern(p), all_of(comm_, similar));
    return fmt::format("--{} {}{}", is_model ? "model" : "path", printable(pattern(p)), did_you_mean(similar));
  }

  const mpi::Comm& comm_;
  const Selection& selection_;
  Rows& rows_;
  std::vector<std::vector<bool>> model_sets_;  ///< by model, the patterns that mean it
  std::vector<bool> means_former_;             ///< by pattern
};

/// Where rows lie, by the keyed hashes of their paths. Each rank holds the rows of the paths that it owns.
class PathIndex {
 public:
  struct Entry {
    Hash128 path;
    Hash128 restored;
    std::uint64_t row = 0;  ///< of that rank's rows
    std::uint32_t rank = 0;
    std::uint32_t kind = 0;
    std::uint64_t found = 1;
    bool is(FileKind other) const { return found != 0 && kind == static_cast<std::uint32_t>(other); }
  };

  /// Collective. Of all rows that `take` takes.
  template <class Take>
  PathIndex(const mpi::Comm& comm, const Rows& rows, Take take) : comm_(comm) {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < rows.rows.size(); ++i) {
      const auto& row = rows.rows[i];
      if (take(row))
        entries.push_back({rows.history.path(i), row.restored, i, static_cast<std::uint32_t>(comm.rank()),
                           static_cast<std::uint32_t>(row.kind)});
    }
    for (const auto& from_rank :
         mpi::send_to_owners(comm, entries, [&](const Entry& entry) { return mpi::owner_of(entry.path, comm); })) {
      for (const auto& entry : from_rank) entries_.emplace(entry.path, entry);
    }
  }

  /// Collective. `found` is 0 where there is no row.
  std::vector<Entry> find(const std::vector<Hash128>& paths) const {
    return mpi::query(
        comm_, paths, [&](const Hash128& path) { return mpi::owner_of(path, comm_); },
        [&](const Hash128& path) {
          const auto at = entries_.find(path);
          return at == entries_.end() ? Entry{.path = path, .restored = {}, .found = 0} : at->second;
        });
  }

 private:
  const mpi::Comm& comm_;
  std::unordered_map<Hash128, Entry> entries_;
};

/// Selects what the selected symbolic links lead to, until no link leads to anything new.
class LinkFollower {
 public:
  LinkFollower(const mpi::Comm& comm, Rows& rows)
      : comm_(comm), rows_(rows), index_(comm, rows, [](const Row& row) { return row.state == RowState::Current; }) {}

  void run() {
    for (std::size_t i = 0; i < rows_.rows.size(); ++i) {
      if (rows_.rows[i].selected) want_target(i);
    }
    // Links may lead in a circle through each other and make the path longer each time: an end must come.
    constexpr int kMostSteps = 40;
    for (int step = 0; step < kMostSteps && comm_.any(!wanted_.empty()); ++step) take(std::exchange(wanted_, {}));
    agree(comm_, outcome_);
  }

 private:
  void want(std::optional<std::string> path) {
    if (path && seen_.insert(rows_.hash(*path)).second) wanted_.push_back(std::move(*path));
  }

  void want_target(std::size_t i) {
    if (rows_.rows[i].kind != FileKind::Symlink) return;
    const auto texts = rows_.texts(i);
    if (!texts)
      outcome_ = texts.error();
    else
      want(link_target(texts->path, texts->target));
  }

  void select(std::size_t i) {
    auto& row = rows_.rows[i];
    if (row.selected) return;
    row.selected = true;
    want_target(i);
  }

  void take(const std::vector<std::string>& wanted) {
    std::vector<Hash128> paths;
    paths.reserve(wanted.size());
    for (const auto& path : wanted) paths.push_back(rows_.hash(path));
    const auto found = index_.find(paths);
    mpi::PerRank<std::uint64_t> to(static_cast<std::size_t>(comm_.size()));
    std::vector<Hash128> folders;
    std::vector<std::string> unknown;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (found[i].found != 0) to[found[i].rank].push_back(found[i].row);
      if (found[i].is(FileKind::Directory)) folders.push_back(paths[i]);
      if (found[i].found == 0) unknown.push_back(wanted[i]);
    }
    through_links(unknown, folders);
    for (const auto& from_rank : comm_.alltoallv(to)) {
      for (const auto row : from_rank) select(row);
    }
    select_below(folders);
  }

  /// Of paths without a row: either one of their folders is a link, which is followed, or they are folders that were
  /// left out of the archive, unlike the files in them.
  void through_links(const std::vector<std::string>& unknown, std::vector<Hash128>& folders) {
    std::vector<Hash128> above;
    std::vector<std::size_t> ends;  // of each path's folders in `above`, and its first "/"
    for (const auto& path : unknown) {
      for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
        above.push_back(rows_.hash(std::string_view(path).substr(0, slash)));
      ends.push_back(above.size());
    }
    const auto found = index_.find(above);
    mpi::PerRank<std::string> to(static_cast<std::size_t>(comm_.size()));
    for (std::size_t i = 0, at = 0; i < unknown.size(); ++i) {
      auto slash = unknown[i].find('/');
      while (at < ends[i] && !found[at].is(FileKind::Symlink)) {
        slash = unknown[i].find('/', slash + 1);
        ++at;
      }
      if (at < ends[i])
        to[found[at].rank].push_back(fmt::format("{}{}", found[at].row, unknown[i].substr(slash)));
      else
        folders.push_back(rows_.hash(unknown[i]));
      at = ends[i];
    }
    for (const auto& from_rank : mpi::exchange_rows(comm_, to)) {
      for (const auto& text : from_rank) go_on(text);
    }
  }

  /// "7/rest": the path goes on from where the link of row 7 leads.
  void go_on(const std::string& text) {
    const auto slash = text.find('/');
    const auto row = std::stoull(text.substr(0, slash));
    select(row);
    const auto texts = rows_.texts(row);
    if (!texts)
      outcome_ = texts.error();
    else
      want(link_target(texts->path, texts->target + text.substr(slash)));
  }

  /// Collective.
  void select_below(const std::vector<Hash128>& mine) {
    const auto all = all_of(comm_, mine);
    const std::unordered_set<Hash128> folders(all.begin(), all.end());
    if (folders.empty()) return;
    for (std::size_t i = 0; i < rows_.rows.size(); ++i) {
      if (rows_.rows[i].state == RowState::Current && rows_.history.is_below(i, folders)) select(i);
    }
  }

  const mpi::Comm& comm_;
  Rows& rows_;
  PathIndex index_;
  std::unordered_set<Hash128> seen_;
  std::vector<std::string> wanted_;
  Result<void> outcome_;
};

/// Collective. Leaves out selected rows that cannot be beside others: one that is no folder is selected at their path
/// or at one of their folders. Later rows, and current ones, win.
void drop_collisions(const mpi::Comm& comm, Rows& rows, std::vector<PathProblem>& collisions) {
  const auto is_former = [](const Row& row) { return row.selected && row.state != RowState::Current; };
  if (!comm.any(std::ranges::any_of(rows.rows, is_former))) return;
  constexpr std::uint64_t kCurrent = std::uint64_t{1} << 63;
  FileHistory selected(rows.hash);
  std::vector<std::size_t> numbers;
  Result<void> outcome;
  for (std::size_t i = 0; i < rows.rows.size() && outcome; ++i) {
    const auto& row = rows.rows[i];
    if (!row.selected) continue;
    const auto texts = rows.texts(i);
    if (!texts) {
      outcome = texts.error();
      continue;
    }
    selected.add(texts->path, row.kind, row.order() | (row.state == RowState::Current ? kCurrent : 0));
    numbers.push_back(i);
  }
  agree(comm, outcome);
  const auto states = selected.states(comm);
  for (std::size_t k = 0; k < states.size(); ++k) {
    if (states[k] == RowState::Current) continue;
    rows.rows[numbers[k]].selected = false;
    if (const auto texts = rows.texts(numbers[k]); texts)
      collisions.push_back({texts->path, "another selected path has its place: restore it to another --to"});
  }
}

struct Dealt {
  archive::FileRef file;
  std::uint64_t link = 0;
};

/// Collective. The selected rows of this rank. Hard links learn whether their first name can be linked to.
std::vector<Dealt> with_hard_links(const mpi::Comm& comm, const Rows& rows) {
  const PathIndex first_names(comm, rows, [](const Row& row) { return row.selected && row.kind == FileKind::Regular; });
  std::vector<Dealt> selected;
  std::vector<Hash128> targets;
  std::vector<std::size_t> links;  // of `selected`
  std::vector<Hash128> contents;
  for (const auto& row : rows.rows) {
    if (!row.selected) continue;
    if (row.kind == FileKind::Hardlink) {
      targets.push_back(row.target);
      contents.push_back(row.restored);
      links.push_back(selected.size());
    }
    selected.push_back({row.ref});
  }
  const auto found = first_names.find(targets);
  for (std::size_t i = 0; i < found.size(); ++i)
    selected[links[i]].link = found[i].found != 0 && found[i].restored == contents[i] ? 1 : 0;
  return selected;
}

/// Collective. Deals rows to ranks by bytes.
std::vector<SelectedFile> deal(const mpi::Comm& comm, const std::vector<Dealt>& selected) {
  constexpr std::uint64_t kFileCost = 64 << 10;  // opening and naming a file costs as much as decoding this many bytes
  std::uint64_t mine = 0;
  for (const auto& row : selected) mine += row.file.size_bytes + kFileCost;
  std::uint64_t at = comm.exscan(mine);
  const auto share = comm.sum(mine) / static_cast<std::uint64_t>(comm.size()) + 1;
  mpi::PerRank<Dealt> to(static_cast<std::size_t>(comm.size()));
  for (const auto& row : selected) {
    to[std::min<std::uint64_t>(at / share, to.size() - 1)].push_back(row);
    at += row.file.size_bytes + kFileCost;
  }
  std::vector<SelectedFile> files;
  for (const auto& from_rank : comm.alltoallv(to)) {
    for (const auto& row : from_rank) files.push_back({row.file, row.link != 0});
  }
  std::ranges::sort(files, {}, [](const SelectedFile& f) { return archive::order_of(f.file.shard, f.file.row); });
  return files;
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list;
}

}  // namespace

SelectedFiles select_files(const mpi::Comm& comm, const archive::ArchiveDir& directory, const Selection& selection) {
  Rows rows(directory);
  read_rows(comm, directory, selection, rows);
  SelectedFiles selected;
  selected.unmatched = Matcher(comm, selection, rows).mark();
  const bool any = comm.any(std::ranges::any_of(rows.rows, &Row::selected));
  if (!any && !selection.is_all())
    throw AgreedFailure(fmt::format("nothing in {} matches {} (elves-ls lists what there is)", directory.path,
                                    list_of(selected.unmatched)));
  if (selection.follow_links && !selection.is_all()) LinkFollower(comm, rows).run();
  drop_collisions(comm, rows, selected.collisions);
  selected.files = deal(comm, with_hard_links(comm, rows));
  return selected;
}

}  // namespace elves::restore
