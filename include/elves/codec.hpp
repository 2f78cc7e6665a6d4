#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "elves/dtype.hpp"
#include "elves/error.hpp"

namespace elves {

/// The most bytes of one layer that are encoded, checksummed and decoded together.
inline constexpr std::size_t kChunkBytes = 4u << 20;

/// Layers are cut into chunks of this size, the last one shorter: as many whole elements, or blocks, as kChunkBytes
/// hold. Archives of block types that were cut anywhere stay readable.
inline std::size_t chunk_bytes(DType dtype) noexcept {
  return kChunkBytes / size_bytes(dtype) * size_bytes(dtype);
}

/// How a chunk's bytes became streams. Stored in archives: never renumbered. docs/format/transforms/ has a page for
/// each.
enum class TransformId : std::uint8_t {
  Raw = 0,
  Planes = 1,
  Elf = 2,
  De = 3,
  Blocks = 4,
  IntDelta = 5,
  Palette = 6,
  Window = 7,
  Delta = 8,
  ElfDelta = 9
};

/// One past the largest TransformId; the size of tables indexed by it.
inline constexpr std::size_t kTransformCount = 10;

/// The name in reports, for example "int-delta"; "unknown" for a number that this build does not know.
std::string_view name(TransformId transform) noexcept;

/// Whether chunks of this transform are differences: decoding them takes the base's bytes.
constexpr bool needs_base(TransformId transform) noexcept {
  return transform == TransformId::Delta || transform == TransformId::ElfDelta;
}

/// What a chunk may be stored as a difference from: the bytes at the same place of another layer of the same dtype.
struct Base {
  std::span<const std::byte>
      bytes;  ///< whole elements from the first on, at most as many as the chunk has; may be less
  /// The bytes are what decoding the base gives. False: they are its original, and decoding gives what ELF makes of it
  /// with the same options; then only differences of ELF integers are allowed.
  bool exact = true;
};

/// How much time encoding may take. Max tries everything, at about 1 MB/s, and decodes at 4 MB/s and more.
enum class Level : std::uint8_t { Fast, Default, Max };

/// "fast", "default" or "max".
std::string_view name(Level level) noexcept;

/// A step of archiving that can be switched off: the names of --stages and of the report.
enum class Stage : std::uint8_t {
  Hd,       ///< stores duplicate layers once; no part of encoding
  Elf,      ///< codes floats with a bounded error
  De,       ///< repeated values as distances to their last occurrence
  Palette,  ///< few distinct values as indices
  Planes,   ///< separates parts of elements: planes, window, blocks, int-delta
  Delta,    ///< differences from a base
  Zstd      ///< all entropy coding of streams
};

inline constexpr std::size_t kStageCount = 7;

/// "hd", "elf", ...
std::string_view name(Stage stage) noexcept;

/// What encoding may do. A chunk's encoded bytes are a pure function of (bytes, dtype, base, options).
struct EncodeOptions {
  bool lossless = false;   ///< never let a float change
  double error_bound = 0;  ///< largest |error| of a float; 0: ELF's own bound for the dtype (2^-11, 2^-24, 2^-53)
  double min_snr_db = 70;  ///< ELF only where the chunk's signal-to-noise ratio stays above this
  Level level = Level::Default;
  bool use_elf = true;             ///< stage `elf`
  bool use_de = true;              ///< stage `de`
  bool use_palette = true;         ///< stage `palette`
  bool use_planes = true;          ///< stage `planes`
  bool use_delta = true;           ///< stage `delta`; needs a base
  bool use_entropy_coding = true;  ///< stage `zstd`; without it all streams are stored as they are
};

/// The member of EncodeOptions that switches a stage on or off. Null for Stage::Hd.
constexpr bool EncodeOptions::*switch_of(Stage stage) noexcept {
  switch (stage) {
    case Stage::Elf:
      return &EncodeOptions::use_elf;
    case Stage::De:
      return &EncodeOptions::use_de;
    case Stage::Palette:
      return &EncodeOptions::use_palette;
    case Stage::Planes:
      return &EncodeOptions::use_planes;
    case Stage::Delta:
      return &EncodeOptions::use_delta;
    case Stage::Zstd:
      return &EncodeOptions::use_entropy_coding;
    case Stage::Hd:
      break;
  }
  return nullptr;
}

/// What happened to one chunk.
struct ChunkStats {
  TransformId transform = TransformId::Raw;
  std::uint64_t raw_bytes = 0;
  std::uint64_t transformed_bytes = 0;  ///< sum of the streams before entropy coding
  std::uint64_t encoded_bytes = 0;
  std::uint64_t default_bytes = 0;  ///< at Level::Max: what Level::Default would take; else encoded_bytes
  std::uint64_t alone_bytes = 0;  ///< of a difference: about what the chunk would take without base; else encoded_bytes
  double max_abs_error = 0;       ///< measured over all elements; 0 when exact
  bool exact = true;              ///< decoding gives the same bits
};

/// Encodes chunks, one at a time; owns its scratch memory (about 6 chunks). One per thread.
class Encoder {
 public:
  Encoder();
  ~Encoder();
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;

  /// Appends the encoded form of `raw` (at most kChunkBytes, a whole number of elements; of bytes for block types) to
  /// `out`: as a difference from `base` where that is smaller. Never appends more than raw.size() + 16 bytes. Paper 002
  /// sections 5.3 and 6.1, paper 001 section 4.
  ChunkStats encode(std::span<const std::byte> raw, DType dtype, const EncodeOptions& options,
                    std::vector<std::byte>& out, const Base& base = {});

  /// After encode(): the bytes that decoding will give. The argument `raw` itself where the chunk is exact.
  std::span<const std::byte> decoded() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Decodes chunks; owns its scratch memory. One per thread.
class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  /// Fills `out` (exactly the chunk's raw size) from `encoded`. `base`: what the chunk at the same place of the base
  /// layer decodes to, where the chunk is a difference; an Error where it is not the base that encoding had. Hostile
  /// input gives an Error, never a crash, and never memory beyond a few times `out`.
  Result<void> decode(std::span<const std::byte> encoded, DType dtype, std::span<std::byte> out,
                      std::span<const std::byte> base = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace elves
