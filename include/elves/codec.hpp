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

/// The largest chunk: this many bytes of a layer are encoded, checksummed and decoded together.
inline constexpr std::size_t kChunkBytes = 4u << 20;

/// The size of all chunks of a layer but the last, which may be shorter: the largest number of whole elements (for
/// block types: whole blocks) that fits in kChunkBytes. Decoding also takes chunks of block types that end within a
/// block.
inline std::size_t chunk_bytes(DType dtype) noexcept {
  return kChunkBytes / size_bytes(dtype) * size_bytes(dtype);
}

/// How the bytes of a chunk were turned into streams. The numbers are stored in archives; each transform has a page in
/// docs/format/transforms/.
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

/// True if chunks of this transform are deltas, which cannot be decoded without the bytes of their base.
constexpr bool needs_base(TransformId transform) noexcept {
  return transform == TransformId::Delta || transform == TransformId::ElfDelta;
}

/// The base of a chunk: the bytes at the same offset of another layer of the same dtype. The chunk may be stored as a
/// delta of them.
struct Base {
  /// Whole elements, the first of which belongs to the first element of the chunk. May be shorter than the chunk, or
  /// empty: no base.
  std::span<const std::byte> bytes;
  /// true: `bytes` equals what a reader decodes. false: `bytes` is the original of a base that may be stored lossily
  /// with the same options; only elf-delta may use it, because the ELF integers of both are the same.
  bool exact = true;
};

/// How much time encoding may take. Default encodes real weights at about 1 GB/s a core. Fast leaves out `de` and uses
/// zstd's fastest match search: 15 % faster, and 0.6 to 0.8 % larger. Max tries every transform, every kind of stream
/// and context coding: 1 to 3 % smaller, at about 1 MB/s; decoding may be as slow as 4 MB/s.
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
  std::uint64_t default_bytes = 0;     ///< Level::Max: the size at Level::Default; other levels: encoded_bytes
  std::uint64_t standalone_bytes = 0;  ///< of a delta: estimated size without a base; otherwise encoded_bytes
  double max_abs_error = 0;            ///< measured over all elements; 0 if exact
  bool exact = true;                   ///< decoding gives the same bits
};

/// Encodes chunks, one at a time. Owns its scratch memory, about 6 chunks. Use one per thread.
class Encoder {
 public:
  Encoder();
  ~Encoder();
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;

  /// Appends the encoded form of `raw` to `out`: a delta of `base` if that is smaller. `raw`: at most kChunkBytes, a
  /// whole number of elements (block types: any number of bytes). Appends at most raw.size() + 16 bytes. Paper 002,
  /// sections 5.3 and 6.1; paper 001, section 4.
  ChunkStats encode(std::span<const std::byte> raw, DType dtype, const EncodeOptions& options,
                    std::vector<std::byte>& out, const Base& base = {});

  /// After encode(): the bytes that decoding gives. Refers to the argument `raw` if the chunk is exact.
  std::span<const std::byte> decoded() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Decodes chunks. Owns its scratch memory. Use one per thread.
class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  /// Fills `out`, which has exactly the raw size of the chunk, from `encoded`. `base`: for a delta, the decoded bytes
  /// at the same offset of the base layer. Errors: damaged bytes, or a base that is not the one that encoding used.
  /// Damaged or hostile input never causes a crash, and memory stays within a few times `out`.
  Result<void> decode(std::span<const std::byte> encoded, DType dtype, std::span<std::byte> out,
                      std::span<const std::byte> base = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace elves
