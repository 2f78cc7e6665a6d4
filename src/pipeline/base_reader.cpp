#include "pipeline/base_reader.hpp"

#include <algorithm>
#include <set>

#include "pipeline/read_stage.hpp"
#include "plan/plan.hpp"

namespace elves::pipeline {
namespace {

/// Decoded chunks that are kept for each thread: adjacent fine-tunes of one base need the same ones.
constexpr std::size_t kCachedChunks = 4;

/// The most shards that stay open for the bases of a wave. More would leave too few descriptors for the rest of the
/// job.
constexpr std::size_t kOpenShards = 16;

/// Bytes of chunk `number` of a layer of `size_bytes`; 0 past its end.
std::uint32_t bytes_of_chunk(DType dtype, std::uint64_t size_bytes, std::uint32_t number) {
  if (number >= plan::chunks_of(dtype, size_bytes)) return 0;
  return plan::range_of_chunk(dtype, size_bytes, number).size_bytes;
}

/// The chunk of this rank that begins at this byte of this source; nullptr if there is none.
const AssignedChunk* find_chunk(const AssignedWave& assigned, std::size_t source, std::uint64_t file_offset) {
  const auto at =
      std::ranges::lower_bound(assigned.chunks, std::pair(source, file_offset), {},
                               [](const AssignedChunk& chunk) { return std::pair(chunk.source, chunk.file_offset); });
  const bool found = at != assigned.chunks.end() && at->source == source && at->file_offset == file_offset;
  return found ? &*at : nullptr;
}

}  // namespace

BaseReader::BaseReader(const archive::ArchiveDir& directory, const std::string& corpus, const KeyedHash& hash,
                       int threads)
    : directory_(directory),
      corpus_(corpus),
      hash_(hash),
      decoded_(kCachedChunks * kChunkBytes * static_cast<std::size_t>(threads)) {
  for (int t = 0; t < threads; ++t) workers_.emplace_back(decoded_);
}

void BaseReader::prepare(const AssignedWave& assigned, const Buffer& raw) {
  assigned_ = &assigned;
  raw_ = &raw;
  resolved_.assign(assigned.bases.size(), {});
  unchanged_.clear();
  if (assigned.bases.empty()) return;
  std::unordered_map<std::string_view, std::size_t> sources;
  for (std::size_t s = 0; s < assigned.sources.size(); ++s) sources.emplace(assigned.sources[s].path, s);
  std::vector<std::vector<std::uint32_t>> chunks(assigned.bases.size());
  std::vector<DType> dtypes(assigned.bases.size());
  for (const auto& chunk : assigned.chunks) {
    if (chunk.base == kNoBase) continue;
    chunks[chunk.base].push_back(chunk.number);
    dtypes[chunk.base] = chunk.dtype;
  }
  std::map<std::uint32_t, std::vector<std::size_t>> archived;  // by shard
  for (std::size_t b = 0; b < assigned.bases.size(); ++b) {
    const auto& base = assigned.bases[b];
    if (const auto at = sources.find(base.source.path); at != sources.end()) resolved_[b].source = at->second;
    resolved_[b].in_corpus = !base.source.path.empty() && is_unchanged(base.source);
    if (!resolved_[b].in_corpus) archived[base.place.shard].push_back(b);
  }
  std::size_t n_open = 0;
  for (const auto& [number, bases] : archived) {
    auto reader =
        archive::ShardReader::open_file(directory_.path + "/" + archive::shard_name(number), directory_.identity.id);
    if (!reader) continue;
    const auto shard = std::make_shared<archive::ShardReader>(std::move(*reader));
    for (const auto b : bases) find_in_archive(shard, assigned.bases[b], chunks[b], dtypes[b], resolved_[b]);
    if (++n_open > kOpenShards) shard->let_go();
  }
}

bool BaseReader::is_unchanged(const SourceFile& source) {
  const auto [at, is_new] = unchanged_.try_emplace(source.path, false);
  if (is_new) {
    const FileDescriptor file(open_regular_file(corpus_ + "/" + source.path));
    at->second = file && changed(file.get(), source).empty();
  }
  return at->second;
}

// If the base cannot be read, or is cut into other chunks, `resolved` stays without chunks: its deltas are encoded
// without a base.
void BaseReader::find_in_archive(const std::shared_ptr<archive::ShardReader>& shard, const BaseLocation& base,
                                 std::span<const std::uint32_t> wanted, DType dtype, ResolvedBase& resolved) {
  const auto layer = shard->layer(base.place.row);
  if (!layer || layer->base_shard != archive::kNoShard || layer->size_bytes != base.size_bytes ||
      dtype_from_number(layer->dtype) != dtype || layer->n_chunks != plan::chunks_of(dtype, base.size_bytes))
    return;
  const std::set<std::uint32_t> numbers(wanted.begin(), wanted.end());
  const auto n = numbers.empty() ? 0 : std::min(*numbers.rbegin() + 1, layer->n_chunks);
  std::map<std::uint32_t, restore::StoredChunk> found;
  for (std::uint32_t number = 0; number < n; ++number) {
    const auto at = layer->first_chunk + number;
    const auto row = shard->chunk(at);
    if (!row || row->raw_bytes != bytes_of_chunk(dtype, base.size_bytes, number) ||
        row->encoded_bytes > restore::kMostEncodedBytes)
      return;
    if (numbers.contains(number))
      found.emplace(number, restore::StoredChunk{{base.place.shard, at, dtype}, shard, *row});
  }
  resolved.chunks = std::move(found);
}

std::optional<std::span<const std::byte>> BaseReader::in_wave(const ResolvedBase& resolved, const BaseLocation& base,
                                                              const AssignedChunk& chunk) const {
  if (resolved.source == kNoBase) return std::nullopt;
  const auto offset = plan::range_of_chunk(chunk.dtype, base.size_bytes, chunk.number).offset_bytes;
  const auto* own = find_chunk(*assigned_, resolved.source, base.offset_bytes + offset);
  if (own == nullptr || own->digest != base.digests[chunk.number]) return std::nullopt;
  return raw_->bytes().subspan(own->buffer_at, own->size_bytes);
}

std::optional<std::span<const std::byte>> BaseReader::from_corpus(const BaseLocation& base, const AssignedChunk& chunk,
                                                                  Worker& worker) {
  if (worker.path != base.source.path) {
    worker.file = FileDescriptor(open_regular_file(corpus_ + "/" + base.source.path));
    worker.path = base.source.path;
  }
  if (!worker.file) return std::nullopt;
  const auto place = plan::range_of_chunk(chunk.dtype, base.size_bytes, chunk.number);
  const std::span bytes(worker.bytes.get(), place.size_bytes);
  if (!pread_exactly(worker.file.get(), bytes, base.offset_bytes + place.offset_bytes)) return std::nullopt;
  if (hash_(bytes) != base.digests[chunk.number]) return std::nullopt;
  return bytes;
}

std::optional<std::span<const std::byte>> BaseReader::from_archive(const ResolvedBase& resolved,
                                                                   const AssignedChunk& chunk, Worker& worker) {
  const auto stored = resolved.chunks.find(chunk.number);
  if (stored == resolved.chunks.end()) return std::nullopt;
  auto bytes = worker.decoder.shared(stored->second);
  if (!bytes) return std::nullopt;
  worker.held = std::move(*bytes);
  return worker.held.span();
}

Base BaseReader::base_of(const AssignedChunk& chunk, std::size_t thread) {
  if (chunk.base == kNoBase) return {};
  const auto& base = assigned_->bases[chunk.base];
  const auto& resolved = resolved_[chunk.base];
  if (bytes_of_chunk(chunk.dtype, base.size_bytes, chunk.number) == 0) return {};
  auto& worker = workers_[thread];
  if (!worker.bytes) worker.bytes = std::make_unique_for_overwrite<std::byte[]>(kChunkBytes);
  if (resolved.in_corpus) {
    auto bytes = in_wave(resolved, base, chunk);
    if (!bytes) bytes = from_corpus(base, chunk, worker);
    return bytes ? Base{.bytes = *bytes, .exact = base.loss.is_exact()} : Base{};
  }
  const auto bytes = from_archive(resolved, chunk, worker);
  return bytes ? Base{.bytes = *bytes, .exact = true} : Base{};
}

}  // namespace elves::pipeline
