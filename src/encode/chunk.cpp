#include <algorithm>
#include <optional>
#include <string>

#include "elves/codec.hpp"
#include "encode/registry.hpp"
#include "encode/selector.hpp"
#include "encode/streams.hpp"
#include "support/assert.hpp"

namespace elves {
namespace {

using namespace encode;

/// Chunks are whole elements; those of block types may cut a block.
std::size_t unit_bytes(DType dtype) noexcept {
  return block_elements(dtype) == 1 ? size_bytes(dtype) : 1;
}

constexpr std::size_t kMostOverhead = 8;     // of a chunk that could not be made smaller
constexpr std::size_t kContextAttempts = 2;  // transforms that context coding is tried with

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
std::size_t least_alone(const Candidates& candidates, std::size_t raw_bytes) {
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
  std::vector<std::byte> decoded;  ///< at least the chunk's size where decoding changes it
  bool decoded_ready = false;
  std::size_t default_bytes = 0;  ///< at Level::Max: what Level::Default takes
  std::size_t alone_bytes = 0;    ///< about what the best transform without base takes

  void encode_well(std::vector<std::byte>& out);
  void encode_smallest(std::vector<std::byte>& out);
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

// Encodes with one transform, at the end of `out`; keeps it in place of the best so far where it costs less. Gives the
// cost, where the transform passes the guard.
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

// Tries the candidates from the best on, until none that is left promises much less than what is reached.
void Encoder::State::encode_well(std::vector<std::byte>& out) {
  const auto candidates = select(chunk, options, streams, scratch, split);
  alone_bytes = least_alone(candidates, chunk.bytes.size());
  for (const Candidate& candidate : candidates.list()) {
    const bool hopeless = candidate.cost >= best.cost() - best.cost() / 32;
    if (best.transform && hopeless) break;
    attempt(*candidate.transform, Contexts::Skip, out);
  }
  if (!best.transform || best.bytes > chunk.bytes.size() + kMostOverhead) {
    attempt(kRaw, Contexts::Skip, out);
  }
}

// Level::Max: tries all candidates, and context coding with those that are smallest without.
void Encoder::State::encode_smallest(std::vector<std::byte>& out) {
  options.level = Level::Default;
  encode_well(out);
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
  options.level == Level::Max ? state.encode_smallest(out) : state.encode_well(out);

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
          .alone_bytes = best.transform->base_use == BaseUse::None ? best.bytes : state.alone_bytes,
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
    return Error{"chunk: " + std::to_string(out.size()) + " bytes are no whole number of " + std::string(name(dtype)) +
                 " elements"};
  }
  ByteCursor cursor(encoded);
  const auto id = cursor.read<std::uint8_t>();
  if (cursor.failed()) return Error{"chunk: damaged: no bytes"};
  const Transform* transform = find_transform(id);
  if (!transform) {
    return Error{"chunk: unknown transform " + std::to_string(id) + ": written by a newer elves, or damaged"};
  }
  state_->scratch.reset();
  CodedStreams streams(cursor, state_->zstd, state_->scratch);
  if (auto joined = transform->join(cursor, streams, dtype, state_->scratch, out, base); !joined) return joined;
  if (!cursor.at_end()) return Error{"chunk: damaged: bytes after the last stream"};
  return {};
}

}  // namespace elves
