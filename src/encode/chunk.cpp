#include <fmt/format.h>
#include <algorithm>
#include <optional>

#include "elves/codec.hpp"
#include "encode/registry.hpp"
#include "encode/selector.hpp"
#include "encode/streams.hpp"
#include "support/assert.hpp"
#include "support/try.hpp"

namespace elves {
namespace {

using namespace encode;

/// The size of a chunk is a multiple of this. Chunks of block types may end within a block.
std::size_t unit_bytes(DType dtype) noexcept {
  return block_elements(dtype) == 1 ? size_bytes(dtype) : 1;
}

constexpr std::size_t kMostOverhead = 8;     // bytes that a chunk may take beyond its raw size before raw is tried
constexpr std::size_t kContextAttempts = 2;  // context coding is tried with this many transforms

/// A chunk as one transform encoded it, at the end of the caller's vector.
struct Attempt {
  const Transform* transform = nullptr;
  std::size_t bytes = 0;
  std::size_t transformed_bytes = 0;
  Loss loss;

  std::size_t cost() const noexcept { return cost_of(bytes, loss); }
};

Attempt write(const Transform& transform, const Split& split, const EncodeOptions& options, Contexts contexts,
              StreamEncoder& streams, Scratch& scratch, std::vector<std::byte>& out) {
  const std::size_t begin = out.size();
  ByteWriter to(out);
  to.write(transform.id);
  to.bytes(split.header);
  Attempt attempt{.transform = &transform, .loss = split.loss};
  streams.encode(split.streams, options, scratch, out, contexts);
  for (const Stream& stream : split.streams) attempt.transformed_bytes += stream.bytes.size();
  attempt.bytes = out.size() - begin;
  return attempt;
}

/// The least cost of the candidates that need no base; `raw_bytes` if there are none.
std::size_t least_standalone_cost(const Candidates& candidates, std::size_t raw_bytes) {
  for (const Candidate& candidate : candidates.list()) {
    if (candidate.transform->base_use == BaseUse::None) return candidate.cost;
  }
  return raw_bytes;
}

}  // namespace

struct Encoder::State {
  StreamEncoder streams;
  Scratch scratch;
  Split split;  ///< of the transform that was tried last
  const Transform* split_by = nullptr;
  Attempt best;
  Chunk chunk;
  EncodeOptions options;
  std::vector<std::byte> decoded;  ///< at least the chunk's size if the best attempt is lossy
  bool decoded_ready = false;
  std::size_t default_bytes = 0;     ///< Level::Max: the size at Level::Default
  std::size_t standalone_bytes = 0;  ///< estimated size by the best transform without a base

  void encode_by_estimate(std::vector<std::byte>& out);
  void encode_exhaustively(std::vector<std::byte>& out);
  std::optional<std::size_t> attempt(const Transform& transform, Contexts contexts, std::vector<std::byte>& out);
  void take_apart(const Transform& transform);
  void join_decoded();
};

void Encoder::State::take_apart(const Transform& transform) {
  scratch.reset();
  split.clear();
  transform.split(chunk, options, scratch, split);
  split_by = &transform;
}

// Encodes by one transform at the end of `out`, and keeps the result in place of the best one so far if it costs less.
// Returns the cost; nothing if the transform fails the guard.
std::optional<std::size_t> Encoder::State::attempt(const Transform& transform, Contexts contexts,
                                                   std::vector<std::byte>& out) {
  take_apart(transform);
  if (transform.lossy && !passes_guard(split.loss, options)) return std::nullopt;
  const auto tried = write(transform, split, options, contexts, streams, scratch, out);
  const auto begin = out.end() - static_cast<std::ptrdiff_t>(tried.bytes);
  if (best.transform && tried.cost() >= best.cost()) {
    out.erase(begin, out.end());
  } else {
    out.erase(begin - static_cast<std::ptrdiff_t>(best.bytes), begin);
    best = tried;
  }
  return tried.cost();
}

// Tries the candidates in order, and stops when the estimate of the next one is not at least 1/32 below the best
// result.
void Encoder::State::encode_by_estimate(std::vector<std::byte>& out) {
  const auto candidates = select(chunk, options, streams, scratch, split);
  standalone_bytes = least_standalone_cost(candidates, chunk.bytes.size());
  for (const Candidate& candidate : candidates.list()) {
    const bool hopeless = candidate.cost >= best.cost() - best.cost() / 32;
    if (best.transform && hopeless) break;
    attempt(*candidate.transform, Contexts::Skip, out);
  }
  if (!best.transform || best.bytes > chunk.bytes.size() + kMostOverhead) {
    attempt(kRaw, Contexts::Skip, out);
  }
}

// Level::Max: tries all candidates, then context coding with the candidates that were smallest without it.
void Encoder::State::encode_exhaustively(std::vector<std::byte>& out) {
  options.level = Level::Default;
  encode_by_estimate(out);
  default_bytes = best.bytes;
  options.level = Level::Max;
  const auto candidates = select(chunk, options, streams, scratch, split);
  Candidates tried;
  for (const Candidate& candidate : candidates.list()) {
    const auto cost = attempt(*candidate.transform, Contexts::Skip, out);
    if (cost) tried.add({candidate.transform, *cost});
  }
  const auto n = std::min(kContextAttempts, tried.list().size());
  for (const Candidate& candidate : tried.list().first(n)) attempt(*candidate.transform, Contexts::Try, out);
}

void Encoder::State::join_decoded() {
  ByteCursor header(split.header);
  SplitStreams source(split);
  const auto joined = best.transform->join(header, source, chunk.dtype, scratch,
                                           std::span(decoded).first(chunk.bytes.size()), chunk.base.bytes);
  ELVES_ASSERT(joined.has_value());
  decoded_ready = true;
}

Encoder::Encoder() : state_(std::make_unique<State>()) {}
Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;

ChunkStats Encoder::encode(std::span<const std::byte> raw, DType dtype, const EncodeOptions& options,
                           std::vector<std::byte>& out, const Base& base) {
  ELVES_ASSERT(raw.size() <= kChunkBytes && raw.size() % unit_bytes(dtype) == 0);
  State& state = *state_;
  state.chunk = {.bytes = raw, .dtype = dtype, .base = base};
  state.options = options;
  state.best = {};
  state.decoded_ready = false;
  state.scratch.reset();
  options.level == Level::Max ? state.encode_exhaustively(out) : state.encode_by_estimate(out);

  const Attempt& best = state.best;
  if (!best.loss.exact) {
    if (state.split_by != best.transform) state.take_apart(*best.transform);
    if (state.decoded.size() < raw.size()) state.decoded.resize(raw.size());
  }
  return {.transform = best.transform->id,
          .raw_bytes = raw.size(),
          .transformed_bytes = best.transformed_bytes,
          .encoded_bytes = best.bytes,
          .default_bytes = options.level == Level::Max ? state.default_bytes : best.bytes,
          .standalone_bytes = best.transform->base_use == BaseUse::None ? best.bytes : state.standalone_bytes,
          .max_abs_error = best.loss.max_abs_error,
          .exact = best.loss.exact};
}

std::span<const std::byte> Encoder::decoded() const noexcept {
  const State& state = *state_;
  if (state.best.loss.exact) return state.chunk.bytes;
  if (!state.decoded_ready) state_->join_decoded();
  return std::span(state.decoded).first(state.chunk.bytes.size());
}

struct Decoder::State {
  ZstdDecompressor zstd;
  Scratch scratch;
};

Decoder::Decoder() : state_(std::make_unique<State>()) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Result<void> Decoder::decode(std::span<const std::byte> encoded, DType dtype, std::span<std::byte> out,
                             std::span<const std::byte> base) {
  if (out.size() % unit_bytes(dtype) != 0) {
    return Error{fmt::format("chunk: {} bytes are not a whole number of {} elements", out.size(), name(dtype))};
  }
  ByteCursor cursor(encoded);
  const auto id = cursor.read<std::uint8_t>();
  if (cursor.failed()) return Error{"chunk: damaged: it is empty"};
  const Transform* transform = find_transform(id);
  if (!transform) {
    return Error{fmt::format("chunk: unknown transform {}: written by a newer elves, or damaged", id)};
  }
  state_->scratch.reset();
  CodedStreams streams(cursor, state_->zstd, state_->scratch);
  ELVES_CHECK(transform->join(cursor, streams, dtype, state_->scratch, out, base));
  if (!cursor.at_end()) return Error{"chunk: damaged: bytes after the last stream"};
  return {};
}

}  // namespace elves
