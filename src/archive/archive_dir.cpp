#include "archive/archive_dir.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "archive/tables.hpp"
#include "elves/codec.hpp"
#include "support/byte_cursor.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::archive {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kIdentityFile = "archive.json";
constexpr std::string_view kTemporaryPrefix = ".tmp-";
constexpr const char* kHash = "xxh3-128";
constexpr std::uint64_t kIdentityLimit = 1u << 20;

std::vector<std::byte> random_bytes(std::size_t n) {
  std::random_device source;
  std::vector<std::byte> bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::byte>(source());
  return bytes;
}

Result<Identity> read_identity(const std::string& path) {
  const auto file = fmt::format("{}/{}", path, kIdentityFile);
  const auto text = read_small_file(file, kIdentityLimit);
  if (!text) return Error{fmt::format("{} is not an elves archive ({})", path, text.error().message)};
  const auto tree = json::parse(*text, nullptr, false);
  const Error damaged{file + " is damaged: restore it from a backup of the archive"};
  if (!tree.is_object() || tree.value("format", json()) != "elves-archive") return damaged;
  if (!tree.contains("version") || !tree["version"].is_number_unsigned()) return damaged;
  if (const auto version = tree["version"].get<std::uint64_t>(); version > kFormatVersion)
    return Error{fmt::format("{} is an archive of format version {}, but this elves reads up to {}: use a newer elves",
                             path, version, kFormatVersion)};
  if (!tree.contains("id") || !tree["id"].is_string() || !tree.contains("hash_secret") ||
      !tree["hash_secret"].is_string() || !tree.contains("part_bytes") || !tree["part_bytes"].is_number_unsigned())
    return damaged;
  if (tree.value("hash", json()) != kHash)
    return Error{path + " has fingerprints of an unknown hash function: use a newer elves"};
  Identity identity;
  identity.id = tree["id"].get<std::string>();
  const auto secret = from_hex(tree["hash_secret"].get<std::string>());
  if (!secret || secret->size() != KeyedHash::kSecretBytes) return damaged;
  identity.hash_secret = *secret;
  identity.part_bytes = tree["part_bytes"].get<std::uint64_t>();
  if (identity.part_bytes == 0 || identity.part_bytes % kChunkBytes != 0) return damaged;
  return identity;
}

Result<void> create_identity(const std::string& path, std::uint64_t part_bytes) {
  const json tree{{"format", "elves-archive"},
                  {"version", kFormatVersion},
                  {"id", to_hex(random_bytes(16))},
                  {"hash", kHash},
                  {"hash_secret", to_hex(random_bytes(KeyedHash::kSecretBytes))},
                  {"part_bytes", part_bytes}};
  return create_file_durably(fmt::format("{}/{}", path, kIdentityFile), tree.dump(2) + "\n");
}

bool has_identity(const std::string& path) {
  return fs::exists(fmt::format("{}/{}", path, kIdentityFile));
}

Result<void> make_directory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return Error{fmt::format("{}: cannot create the archive: {}", path, error.message())};
  if (has_identity(path)) return {};
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("lock") && !name.starts_with(fmt::format("{}.tmp-", kIdentityFile)))
      return Error{path + " is not an elves archive and not empty: choose another --archive"};
  }
  if (error) return Error{fmt::format("{}: {}", path, error.message())};
  return {};
}

Result<std::vector<std::uint32_t>> list_shards(const std::string& path) {
  std::vector<std::uint32_t> shards;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    std::uint32_t number = 0;
    const auto name = entry.path().filename().string();
    constexpr std::string_view kPrefix = "shard-";
    if (!name.starts_with(kPrefix)) continue;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
    if (name == shard_name(number)) shards.push_back(number);
  }
  if (error) return Error{fmt::format("{}: {}", path, error.message())};
  std::sort(shards.begin(), shards.end());
  return shards;
}

/// Collective. The archive as rank 0 reads it, on all ranks.
ArchiveDir share(const mpi::Comm& comm, const std::string& path, const Result<void>& ready) {
  Result<ArchiveDir> read = ArchiveDir{};
  std::vector<std::byte> bytes;
  if (comm.is_root()) {
    read = ready ? read_archive(path) : Result<ArchiveDir>(ready.error());
    if (read) {
      ByteWriter writer(bytes);
      writer.text(read->identity.id);
      writer.bytes(read->identity.hash_secret);
      writer.write(read->identity.part_bytes);
      for (const auto shard : read->shards) writer.write(shard);
    }
  }
  comm.agree(read ? Result<void>{} : Result<void>{read.error()}, "archive");
  const auto packed = comm.broadcast({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  ByteCursor cursor(std::as_bytes(std::span(packed)));
  ArchiveDir directory{path, {}, {}};
  directory.identity.id = cursor.read_text();
  const auto secret = cursor.take(KeyedHash::kSecretBytes);
  directory.identity.hash_secret.assign(secret.begin(), secret.end());
  directory.identity.part_bytes = cursor.read<std::uint64_t>();
  while (!cursor.at_end() && !cursor.failed()) directory.shards.push_back(cursor.read<std::uint32_t>());
  return directory;
}

}  // namespace

Result<ArchiveDir> read_archive(const std::string& path) {
  ELVES_TRY(auto identity, read_identity(path));
  ELVES_TRY(auto shards, list_shards(path));
  return ArchiveDir{path, std::move(identity), std::move(shards)};
}

std::vector<std::uint32_t> ArchiveDir::missing() const {
  std::vector<std::uint32_t> lost;
  std::uint32_t expected = 0;
  for (const auto shard : shards) {
    for (; expected < shard && lost.size() < 1000; ++expected) lost.push_back(expected);
    expected = shard + 1;
  }
  return lost;
}

ArchiveDir open_archive(const mpi::Comm& comm, const std::string& path) {
  return share(comm, path, {});
}

void prepare_archive(const mpi::Comm& comm, const std::string& path) {
  comm.agree(comm.is_root() ? make_directory(path) : Result<void>{}, "archive");
}

ArchiveDir open_or_create_archive(const mpi::Comm& comm, const std::string& path, std::uint64_t part_bytes) {
  return share(comm, path, comm.is_root() && !has_identity(path) ? create_identity(path, part_bytes) : Result<void>{});
}

void remove_leftovers(const mpi::Comm& comm, const ArchiveDir& directory) {
  if (comm.is_root()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory.path, error)) {
      const auto name = entry.path().filename().string();
      if (name.starts_with(kTemporaryPrefix) || name.find(".json.tmp-") != std::string::npos)
        fs::remove(entry.path(), error);
    }
  }
  comm.barrier();
}

std::uint64_t bytes_on_disk(const std::string& path) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const auto name = entry.path().filename().string();
    if (name == kIdentityFile || name.starts_with("shard-")) bytes += entry.file_size(error);
  }
  return bytes;
}

}  // namespace elves::archive
