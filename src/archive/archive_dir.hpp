#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "elves/error.hpp"
#include "mpi/comm.hpp"
#include "support/hash.hpp"

namespace elves::archive {

/// The content of archive.json: fixed when the archive is created.
struct Identity {
  std::string id;                      ///< 32 hexadecimal digits
  std::vector<std::byte> hash_secret;  ///< key of all fingerprints: KeyedHash::kSecretBytes bytes
  std::uint64_t part_bytes = 0;        ///< layers larger than this are stored in parts
};

/// An archive on disk: its path, its identity and its shards.
struct ArchiveDir {
  std::string path;
  Identity identity;
  std::vector<std::uint32_t> shards;  ///< numbers of the shards that exist, ascending
  /// The numbers below the last shard that do not exist, at most 1000. Shards are numbered 0, 1, 2, ...: these are
  /// lost.
  std::vector<std::uint32_t> missing() const;
};

/// Not collective. Opens an existing archive. An Error where `path` is no archive, or one of a newer format version.
Result<ArchiveDir> read_archive(const std::string& path);

/// Collective. Opens an existing archive: rank 0 reads it for all ranks. Throws Failure where `path` is no archive, or
/// one of a newer format version.
ArchiveDir open_archive(const mpi::Comm& comm, const std::string& path);

/// Collective. Makes the directory where it does not exist. Throws Failure where it has files and is no archive.
void prepare_archive(const mpi::Comm& comm, const std::string& path);

/// Collective. Opens an archive; makes a new one with this `part_bytes` in an empty directory. The job must hold the
/// lock.
ArchiveDir open_or_create_archive(const mpi::Comm& comm, const std::string& path, std::uint64_t part_bytes);

/// Collective. Removes the temporary files of killed jobs. The job must hold the lock.
void remove_leftovers(const mpi::Comm& comm, const ArchiveDir& directory);

/// Bytes of all files of the archive. Not collective.
std::uint64_t bytes_on_disk(const std::string& path);

}  // namespace elves::archive
