#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "corpus/file_entry.hpp"
#include "elves/codec.hpp"
#include "formats/extent.hpp"
#include "lineage/lineage.hpp"
#include "mpi/comm.hpp"
#include "support/hash.hpp"

namespace elves::pipeline {

inline constexpr std::size_t kTransforms = kTransformCount;

/// Layers of one model that are stored as deltas from layers of one base model.
struct BaseSums {
  std::uint64_t layers = 0;
  std::uint64_t layers_by_lineage = 0;  ///< of these, layers whose model names the base model
  std::uint64_t bytes = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t standalone_bytes = 0;  ///< the encoder's estimate of their encoded size without a base

  void add(const BaseSums& other);
  std::int64_t saved_bytes() const {
    return static_cast<std::int64_t>(standalone_bytes) - static_cast<std::int64_t>(stored_bytes);
  }
};

/// What this sweep archived of one model.
struct ModelSums {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t stored_bytes = 0;     ///< encoded chunks of layers and glue that this model stored first
  std::uint64_t new_layers = 0;       ///< layers that this model stored first
  std::map<Hash128, BaseSums> bases;  ///< by hash128 of the base model's id
};

struct TransformSums {
  std::uint64_t layers = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t transformed_bytes = 0;
  std::uint64_t encoded_bytes = 0;
  std::uint64_t standalone_bytes = 0;  ///< of deltas: estimated encoded size without a base; else encoded_bytes
};

/// What the files of one format hold.
struct ContainerSums {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t layers = 0;
  std::uint64_t layer_bytes = 0;
};

/// A file with bytes in which weights may lie that elves cannot see.
struct OpaqueFile {
  std::string path;
  std::uint64_t bytes = 0;  ///< how many
  std::string reason;
};

/// Encoding, summed over all threads.
struct EncodingSums {
  std::uint64_t raw_bytes = 0;
  std::uint64_t encoded_bytes = 0;
  std::uint64_t default_bytes = 0;  ///< what Level::Default would have made of them
  std::uint64_t cpu_nanoseconds = 0;

  double cpu_seconds() const { return static_cast<double>(cpu_nanoseconds) / 1e9; }
  double bytes_per_cpu_second() const {
    return cpu_nanoseconds == 0 ? 0 : static_cast<double>(raw_bytes) / cpu_seconds();
  }
  void add(const EncodingSums& other) {
    raw_bytes += other.raw_bytes;
    encoded_bytes += other.encoded_bytes;
    default_bytes += other.default_bytes;
    cpu_nanoseconds += other.cpu_nanoseconds;
  }
};

/// Seconds of each phase; those of the slowest rank after gather().
struct Phases {
  double scan = 0, read = 0, fingerprint = 0, exchange = 0, encode = 0, write = 0;
};

/// What a sweep did. Each rank fills its own; gather() makes that of rank 0 the whole.
struct Report {
  int ranks = 1;
  int threads = 1;
  double seconds = 0;
  bool lossless = false;
  bool stopped = false;  ///< ended early: run again to go on
  bool dry_run = false;
  Level level = Level::Default;
  std::uint64_t wave_bytes = 0;     ///< of the corpus in one wave, over all ranks
  bool wave_bytes_reduced = false;  ///< less than the default, because the ranks cannot hold more

  std::uint64_t corpus_files = 0, corpus_bytes = 0;      ///< found by the walk
  std::uint64_t archived_files = 0, archived_bytes = 0;  ///< by this sweep
  std::uint64_t skipped_files = 0, skipped_bytes = 0;    ///< archived before, unchanged
  /// Of the regular files that this sweep archived: those with a layer that was coded with loss, and all others.
  std::uint64_t files_within_bounds = 0, files_exact = 0;
  /// Layers of the files that this sweep archived. Bytes of glue and of its duplicates are counted apart.
  std::uint64_t layers_total = 0, layers_unique = 0, duplicate_bytes = 0;
  std::uint64_t glue_bytes = 0, glue_duplicate_bytes = 0;
  std::uint64_t exchanged_bytes = 0;
  std::array<TransformSums, kTransforms> transforms{};            ///< by TransformId
  std::array<ContainerSums, formats::kFormatCount> containers{};  ///< by FormatId, of the files to archive
  EncodingSums encoding;

  std::uint64_t bytes_added = 0, bytes_total = 0, shards = 0;  ///< on disk
  std::uint64_t file_bytes_total = 0;                          ///< current files of the archive
  std::uint64_t superseded_bytes = 0;                          ///< versions of files that are not current

  std::map<std::string, ModelSums> models;
  std::map<Hash128, std::string> base_models;  ///< ids of the models in ModelSums::bases
  double max_abs_error = 0;
  std::vector<OpaqueFile> opaque;
  std::vector<PathProblem> failures;      ///< paths that were skipped
  std::vector<PathProblem> unmatched;     ///< selections that match nothing: "--include GLOB", "--files-from PATH"
  std::vector<lineage::ModelNote> notes;  ///< contradictory or unknown bases: a person can correct them
  std::vector<lineage::ModelNote> unused_lineage;  ///< bases that models name and no layer is a delta of
  Phases phases;
  std::uint64_t peak_rss_bytes = 0;  ///< of the largest rank

  /// Bytes of the current files over all bytes on disk. 1 for an empty archive.
  double ratio() const;

  std::uint64_t opaque_bytes() const;
};

/// Calls `f` with each counter that gather() adds up over the ranks.
template <class AnyReport, class F>
void for_each_counter(AnyReport& report, F f) {
  for (auto* counter :
       {&report.corpus_files, &report.corpus_bytes, &report.archived_files, &report.archived_bytes,
        &report.skipped_files, &report.skipped_bytes, &report.files_within_bounds, &report.files_exact,
        &report.layers_total, &report.layers_unique, &report.duplicate_bytes, &report.glue_bytes,
        &report.glue_duplicate_bytes, &report.exchanged_bytes, &report.encoding.raw_bytes,
        &report.encoding.encoded_bytes, &report.encoding.default_bytes, &report.encoding.cpu_nanoseconds})
    f(*counter);
  for (auto& sums : report.transforms) {
    for (auto* counter :
         {&sums.layers, &sums.raw_bytes, &sums.transformed_bytes, &sums.encoded_bytes, &sums.standalone_bytes})
      f(*counter);
  }
  for (auto& sums : report.containers) {
    for (auto* counter : {&sums.files, &sums.bytes, &sums.layers, &sums.layer_bytes}) f(*counter);
  }
}

/// Collective, before gather(). Fills base_models of each rank: the ids of the bases of its models and of those that
/// lineage names. `known`: the ids that this rank knows of models archived before. Sends each id to the owner of its
/// hash, which answers for it.
void name_base_models(const mpi::Comm& comm, const std::map<Hash128, std::string>& known,
                      const lineage::Lineage& lineage, Report& mine);

/// After gather(), at rank 0: fills unused_lineage.
void note_unused_lineage(const lineage::Lineage& lineage, Report& all);

/// Collective. At rank 0 the sums, maxima and lists of all ranks; other ranks keep their own lists. Rank 0 holds about
/// 450 bytes a model and 200 for each listed path.
Report gather(const mpi::Comm& comm, const Report& mine);

/// The report as JSON (docs/guide/report.md), with a final newline.
std::string to_json(const Report& report);

/// The summary for the terminal: a screen at most, no line of zeros.
std::string to_text(const Report& report, const std::string& archive);

}  // namespace elves::pipeline
