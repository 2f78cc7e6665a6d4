#include "corpus/walk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "corpus/folder_listing.hpp"
#include "corpus/path_sort.hpp"
#include "corpus/shared_blobs.hpp"
#include "support/byte_cursor.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::corpus {
namespace {

/// FNV-1a with a final mix: the same on all ranks and in every build.
std::uint64_t hash_path(std::string_view path) {
  std::uint64_t hash = 0xCBF29CE484222325ull;
  for (const char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return (hash ^ (hash >> 32)) * 0x9E3779B97F4A7C15ull >> 32;
}

/// A path of --files-from without empty parts and "." ("" is the root). An Error if it is not below the corpus.
Result<std::string> normalise(std::string_view path) {
  if (path.starts_with('/')) return Error{"an absolute path: write it relative to the corpus"};
  if (path.find('\0') != std::string_view::npos) return Error{"a path with a NUL byte"};
  std::string normal;
  for (const auto& name : split(path, '/')) {
    if (name.empty() || name == ".") continue;
    if (name == "..") return Error{"a path with \"..\": write it relative to the corpus"};
    normal = join(normal, name);
  }
  return normal;
}

/// Sets errno if it returns false.
bool exists(int folder, const std::string& name) {
  return ::faccessat(folder, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/// The part of one rank in the walk.
class Walker {
 public:
  Walker(const mpi::Comm& comm, const FileDescriptor& root, const WalkOptions& options)
      : comm_(comm),
        root_(root),
        filter_(options.filter),
        matched_(options.filter.include.size()),
        excludes_{.include = {}, .exclude = options.filter.exclude} {}

  /// Queues the whole tree, or only the listed paths.
  void begin(const std::vector<std::string>& files_from) {
    if (files_from.empty()) {
      if (is_mine("")) level_.emplace_back();
      return;
    }
    revisits_ = true;
    std::unordered_set<std::string> mine;
    for (const auto& listed : files_from) {
      auto path = normalise(listed);
      if (!path) {
        if (is_mine(listed) && mine.insert(listed).second) add_problem(listed, path.error());
      } else if (is_mine(*path) && mine.insert(*path).second) {
        begin_at(*path);
      }
    }
  }

  /// Collective. Lists the folders of one level; false when no rank found another level.
  bool step() {
    mpi::PerRank<std::byte> children(static_cast<std::size_t>(comm_.size()));
    for (const auto& folder : std::exchange(level_, {})) list(folder, children);
    for (const auto& bytes : comm_.alltoallv(children)) {
      for (ByteCursor cursor(bytes); !cursor.at_end();) enter(cursor.read_text());
    }
    return comm_.any(!level_.empty());
  }

  std::vector<FoundPath> take_found() { return std::move(found_); }
  std::vector<PathProblem> take_problems() { return std::move(problems_); }

  /// Collective. Selections that matched nothing.
  std::vector<PathProblem> take_unmatched() {
    const auto matched = comm_.sum(matched_);
    for (std::size_t i = 0; comm_.is_root() && i < matched.size(); ++i) {
      if (matched[i] == 0) unmatched_.push_back({"--include " + filter_.include[i], "matches nothing"});
    }
    return std::move(unmatched_);
  }

 private:
  std::size_t owner(std::string_view folder) const {
    return static_cast<std::size_t>(hash_path(folder) % static_cast<std::uint64_t>(comm_.size()));
  }
  bool is_mine(std::string_view folder) const { return owner(folder) == static_cast<std::size_t>(comm_.rank()); }

  void add_problem(std::string path, const Error& why) { problems_.push_back({std::move(path), why.message}); }
  void add_unmatched(const std::string& listed, const Error& why) {
    unmatched_.push_back({"--files-from " + listed, why.message});
  }

  void mark_includes(const std::string& path) {
    for (std::size_t i = 0; i < matched_.size(); ++i) {
      if (matched_[i] == 0 && glob_match(filter_.include[i], path)) matched_[i] = 1;
    }
  }

  /// Queues a folder of this rank. Only with --files-from can a folder occur twice.
  void enter(std::string folder) {
    if (revisits_ && !entered_.insert(folder).second) return;
    level_.push_back(std::move(folder));
  }

  void begin_at(const std::string& path) {
    if (path.empty()) return enter(path);
    const auto slash = path.rfind('/');
    const auto parent = slash == std::string::npos ? std::string() : path.substr(0, slash);
    const auto folder = open_folder(root_.get(), parent, true);
    if (!folder) {
      return add_unmatched(
          path, Error{fmt::format("its folder: {} (symbolic links are not followed)", folder.error().message)});
    }
    if (!exists(folder->get(), path.substr(slash + 1))) return add_unmatched(path, Error{errno_text(errno)});
    if (take(folder->get(), path.substr(slash + 1), path)) enter(path);
  }

  void list(const std::string& folder, mpi::PerRank<std::byte>& children) {
    const auto opened = open_folder(root_.get(), folder);
    if (!opened) return add_problem(folder, opened.error());
    const auto listing = list_names(opened->get());
    if (!listing.complete) add_problem(folder, listing.complete.error());
    for (const auto& name : listing.names) {
      const auto path = join(folder, name);
      if (take(opened->get(), name, path)) ByteWriter(children[owner(path)]).text(path);
    }
  }

  /// Looks up one path and keeps it if the filter takes it. True for a folder that must be listed.
  bool take(int folder, const std::string& name, const std::string& path) {
    if (!excludes_.takes(path)) return false;
    auto found = look_at(folder, name, path);
    const bool taken = filter_.takes(path);
    if (taken) mark_includes(path);
    if (!found) {
      if (taken) add_problem(path, found.error());
      return false;
    }
    const bool is_folder = found->entry.kind == FileKind::Directory;
    if (taken) found_.push_back(std::move(found).value());
    return is_folder;
  }

  const mpi::Comm& comm_;
  const FileDescriptor& root_;
  const PathFilter& filter_;
  std::vector<std::uint64_t> matched_;  ///< by include: 1 if a path of this rank matched
  PathFilter excludes_;                 ///< only the excludes of the filter: they decide whether a folder is entered
  bool revisits_ = false;
  std::unordered_set<std::string> entered_;
  std::vector<std::string> level_;
  std::vector<FoundPath> found_;
  std::vector<PathProblem> problems_;
  std::vector<PathProblem> unmatched_;
};

Result<void> check_root(const FileDescriptor& root, const std::string& path) {
  if (!root) return Error{fmt::format("{}: {}", printable(path), errno_text(errno))};
  return {};
}

}  // namespace

WalkResult walk(const mpi::Comm& comm, const std::string& root, const WalkOptions& options) {
  const FileDescriptor opened(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  comm.agree(check_root(opened, root), "corpus");

  Walker walker(comm, opened, options);
  walker.begin(options.files_from);
  while (walker.step()) {
  }

  auto found = sort_by_path(comm, walker.take_found());
  link_names_of_one_inode(comm, found);
  WalkResult result;
  result.problems = walker.take_problems();
  result.unmatched = walker.take_unmatched();
  result.entries.reserve(found.size());
  for (auto& each : found) result.entries.push_back(std::move(each.entry));
  assign_shared_blobs(comm, result.entries);
  return result;
}

}  // namespace elves::corpus
