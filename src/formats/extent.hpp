#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "elves/dtype.hpp"

namespace elves::formats {

/// A byte range of a file: one layer, or the glue between layers. The extents of a file partition it.
struct Extent {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  bool is_layer = false;
  bool lossless = false;               ///< the layer must never be coded with loss, whatever the options say
  DType dtype = DType::Bytes;          ///< Bytes for glue
  std::string name{};                  ///< of the layer, as the file gives it (any bytes); empty for glue
  std::vector<std::uint64_t> shape{};  ///< of the layer; empty for glue and for a scalar
};

/// The size of a layer with this dtype and shape; nothing if it is 2^64 or more, or not a whole number of blocks. A
/// scalar has one element. An array with a dimension of 0 has none.
std::optional<std::uint64_t> layer_bytes(DType dtype, std::span<const std::uint64_t> shape);

/// The format of a file. The numbers are stored in archives.
enum class FormatId : std::uint16_t {
  Plain = 0,  ///< no layers were found
  Safetensors = 1,
  TorchZip = 2,     ///< torch.save since 1.6, and TorchScript
  TorchLegacy = 3,  ///< torch.save before 1.6
  TorchTar = 4,     ///< torch.save before 0.1.10
  Pickle = 5,       ///< a plain pickle that contains arrays
  Gguf = 6,
  Ggml = 7,
  Npy = 8,
  Npz = 9,
  Hdf5 = 10,
  Keras = 11,  ///< a zip that contains an HDF5 file
  Onnx = 12,
  OnnxData = 13,  ///< external data, described by an ONNX file beside it
  TfLite = 14,
  TensorflowGraph = 15,
  TensorflowData = 16,  ///< .data-0000i-of-0000n, described by the .index beside it
  Sniffed = 17,         ///< no known format: runs of floats found by their statistics
  Caffe = 18,           ///< a NetParameter
  End                   ///< One past the last format: the next format goes before it. Never stored.
};
/// Size of a table indexed by FormatId.
inline constexpr std::size_t kFormatCount = static_cast<std::size_t>(FormatId::End);

/// The result of parsing a file. `extents` partition the file; a file without layers is one extent of glue, and an
/// empty file has none. `opaque_bytes` counts bytes that may contain weights but could not be parsed: compressed data,
/// an unknown dtype, a damaged file, an unknown format. `opaque_reason` says why in a few words. It is empty if there
/// are no such bytes, and for small files of unknown formats.
struct ParsedFile {
  FormatId format = FormatId::Plain;
  std::vector<Extent> extents;
  std::uint64_t opaque_bytes = 0;
  std::string opaque_reason;
};

}  // namespace elves::formats
