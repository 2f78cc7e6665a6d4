#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "elves/dtype.hpp"

namespace elves::formats {

/// A byte range of a file: one layer, or the glue between layers. The extents of a file partition it.
struct Extent {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  bool is_layer = false;
  bool lossless = false;               ///< a layer that is never coded with loss, whatever the options
  DType dtype = DType::Bytes;          ///< Bytes for glue
  std::string name{};                  ///< of the layer, as its container gives it (any bytes); empty for glue
  std::vector<std::uint64_t> shape{};  ///< of the layer; empty for glue and for a scalar
};

/// How a file's weights are packed. Stored in archives: never renumbered.
enum class ContainerId : std::uint16_t {
  Opaque = 0,
  Safetensors = 1,
  TorchZip = 2,     ///< torch.save since 1.6, and TorchScript
  TorchLegacy = 3,  ///< torch.save before 1.6
  TorchTar = 4,     ///< torch.save before 0.1.10
  Pickle = 5,       ///< a plain pickle with arrays in it
  Gguf = 6,
  Ggml = 7,
  Npy = 8,
  Npz = 9,
  Hdf5 = 10,
  Keras = 11,  ///< a zip with an HDF5 file in it
  Onnx = 12,
  OnnxData = 13,  ///< a file that an ONNX file beside it describes
  TfLite = 14,
  TensorflowGraph = 15,
  TensorflowData = 16,  ///< .data-0000i-of-0000n, described by the .index beside it
  Sniffed = 17,         ///< no known format: runs of floats found by their statistics
  Caffe = 18,           ///< a NetParameter
};
inline constexpr std::size_t kContainerCount = 19;

/// What a parser found. `extents` always partition the file; a file that no parser takes is one glue extent (none at
/// all for an empty file). `opaque_bytes` are bytes in which weights may lie that we cannot see (compressed, an unknown
/// type, a damaged or unknown file), and `opaque_reason` says why in a few words; empty where there are none, and for
/// small files of unknown formats.
struct ParsedFile {
  ContainerId container = ContainerId::Opaque;
  std::vector<Extent> extents;
  std::uint64_t opaque_bytes = 0;
  std::string opaque_reason;
};

}  // namespace elves::formats
