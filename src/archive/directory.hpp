#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "elves/error.hpp"
#include "mpi/comm.hpp"
#include "support/hash.hpp"

namespace elves::archive {

/// What archive.json says: fixed when the archive is created.
struct Identity {
  std::string id;                      ///< 32 hexadecimal digits
  std::vector<std::byte> hash_secret;  ///< key of all fingerprints: KeyedHash::kSecretBytes bytes
  std::uint64_t part_bytes = 0;        ///< layers larger than this are stored in parts
};

/// A directory that is an archive.
struct Directory {
  std::string path;
  Identity identity;
  std::vector<std::uint32_t> shards;  ///< numbers of the shards that are there, ascending
  /// Numbers below the last that are not there: shards are numbered 0, 1, 2, ... so these have been lost.
  std::vector<std::uint32_t> missing() const;
};

/// Not collective. Opens an existing archive; an Error where `path` is none, or one of a newer format version.
Result<Directory> read_directory(const std::string& path);

/// Collective. Opens an existing archive: rank 0 reads, all get the same. Throws Failure where `path` is no archive, or
/// one of a newer format version.
Directory open_directory(const mpi::Comm& comm, const std::string& path);

/// Collective. Makes the directory where it is missing. Throws Failure where it holds files and is no archive.
void prepare_directory(const mpi::Comm& comm, const std::string& path);

/// Collective. Opens an archive; an empty directory becomes a new one with this `part_bytes`. Holder of the lock only.
Directory open_or_create_directory(const mpi::Comm& comm, const std::string& path, std::uint64_t part_bytes);

/// Collective. Removes what killed jobs have left behind (temporary names). Holder of the lock only.
void remove_leftovers(const mpi::Comm& comm, const Directory& directory);

/// Bytes of all files of the archive. Not collective.
std::uint64_t bytes_on_disk(const std::string& path);

}  // namespace elves::archive
