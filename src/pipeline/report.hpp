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

/// Layers of one model that are stored as differences from those of another one.
struct BaseSums {
  std::uint64_t layers = 0;
  std::uint64_t layers_by_lineage = 0;  ///< their model names the base model
  std::uint64_t bytes = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t alone_bytes = 0;  ///< about what they would take without base

  void add(const BaseSums& other) {
    layers += other.layers;
    layers_by_lineage += other.layers_by_lineage;
    bytes += other.bytes;
    stored_bytes += other.stored_bytes;
    alone_bytes += other.alone_bytes;
  }
};

/// What one model brought in this sweep.
struct ModelSums {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t stored_bytes = 0;     ///< encoded chunks and rows of what this model was the first to bring
  std::uint64_t new_layers = 0;       ///< that it was the first to bring
  std::map<Hash128, BaseSums> bases;  ///< by hash128 of the base model's identity
};

struct TransformSums {
  std::uint64_t layers = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t transformed_bytes = 0;
  std::uint64_t encoded_bytes = 0;
  std::uint64_t alone_bytes = 0;  ///< of differences: about what they would take without base; else encoded_bytes
};

/// What the files of one format hold.
struct ContainerSums {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t layers = 0;
  std::uint64_t layer_bytes = 0;
};

/// A file with bytes in which weights may lie that we cannot see.
struct OpaqueFile {
  std::string path;
  std::uint64_t bytes = 0;  ///< how many
  std::string reason;
};

/// What encoding took, over all threads.
struct EncodingSums {
  std::uint64_t raw_bytes = 0;
  std::uint64_t encoded_bytes = 0;
  std::uint64_t default_bytes = 0;  ///< what level default would have made of it
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

/// What a sweep did. Filled by each rank for itself; gather() makes rank 0's the whole.
struct Report {
  int ranks = 1;
  int threads = 1;
  double seconds = 0;
  bool lossless = false;
  bool stopped = false;  ///< ended early, run again to go on
  bool dry_run = false;
  Level level = Level::Default;

  std::uint64_t corpus_files = 0, corpus_bytes = 0;                        ///< found by the walk
  std::uint64_t archived_files = 0, archived_bytes = 0;                    ///< by this sweep
  std::uint64_t skipped_files = 0, skipped_bytes = 0;                      ///< archived before, unchanged
  std::uint64_t layers_total = 0, layers_unique = 0, duplicate_bytes = 0;  ///< layers of the files archived
  std::uint64_t glue_bytes = 0;
  std::uint64_t bytes_added = 0, bytes_total = 0, shards = 0, file_bytes_total = 0;
  std::uint64_t exchanged_bytes = 0;
  std::array<TransformSums, kTransforms> transforms{};
  std::array<ContainerSums, formats::kContainerCount> containers{};  ///< by ContainerId, of the files to archive
  EncodingSums encoding;
  std::map<std::string, ModelSums> models;
  std::map<Hash128, std::string> base_models;  ///< identities of the models in ModelSums::bases
  double max_abs_error = 0;
  std::vector<OpaqueFile> opaque;
  std::vector<PathProblem> failures;
  std::vector<lineage::ModelNote> notes;  ///< what is odd about the bases that models name
  Phases phases;
  std::uint64_t peak_rss_bytes = 0;  ///< of the largest rank

  /// Size of all files that the archive holds, over its size on disk. 1 for an empty archive.
  double ratio() const;

  std::uint64_t opaque_bytes() const;
};

/// Collective, before gather(). Fills base_models of each rank, for the bases of its models and those that lineage
/// names. `known`: the identities that this rank knows of models archived before.
void name_base_models(const mpi::Comm& comm, const std::map<Hash128, std::string>& known,
                      const lineage::Lineage& lineage, Report& mine);

/// After gather(): notes on models whose lineage led to nothing, although there is such a base.
void note_unused_lineage(const lineage::Lineage& lineage, Report& all);

/// Collective. Sums, maxima and lists of all ranks, at rank 0 (others keep their own lists).
Report gather(const mpi::Comm& comm, const Report& mine);

/// The JSON of DESIGN section 6.
std::string to_json(const Report& report);

/// A summary for the terminal, a screen at most.
std::string to_text(const Report& report, const std::string& archive);

}  // namespace elves::pipeline
