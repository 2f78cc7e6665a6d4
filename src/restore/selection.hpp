#pragma once

#include <string>
#include <vector>

#include "archive/archive_dir.hpp"
#include "archive/file_ref.hpp"
#include "mpi/comm.hpp"
#include "support/file_kind.hpp"

namespace elves::restore {

/// Which files of an archive are meant. Both lists: a file must match one of each; an empty list takes all.
struct Selection {
  std::vector<std::string> models;  ///< as match_model() takes them
  std::vector<std::string> paths;   ///< paths or globs (glob_match)
  bool follow_links = true;         ///< also what the symbolic links among the files lead to

  bool is_all() const { return models.empty() && paths.empty(); }
};

struct SelectedFile {
  archive::FileRef file;
  /// A hard link whose first name is selected too and has the same content: to be linked. False: restored as a file.
  bool link = false;
};

struct SelectedFiles {
  std::vector<SelectedFile> files;      ///< of this rank, in order of shard and row
  std::vector<std::string> unmatched;   ///< "--path x" that match nothing, where others match; equal on all ranks
  std::vector<PathProblem> collisions;  ///< of this rank: selected files whose place another selected file has
};

/// Collective. The rows that a selection means, dealt to ranks by bytes. No rank holds the whole list.
///   * Current rows (see archive::FileHistory) that match.
///   * Where a model or path without glob characters matches no current row: the former rows that match it.
///   * With follow_links: what the symbolic links among them lead to inside the corpus, links to links and folders too.
/// Throws AgreedFailure on all ranks where a shard is damaged, where a selection matches nothing at all (with names
/// that are similar), and where a model's name without organisation fits several models. Memory: about 250 bytes a row
/// of /files of the shards that a rank reads; 100 more where links are followed.
SelectedFiles select_files(const mpi::Comm& comm, const archive::ArchiveDir& directory, const Selection& selection);

}  // namespace elves::restore
