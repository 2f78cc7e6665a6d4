#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "elves/dtype.hpp"
#include "elves/error.hpp"

namespace elves {

/// A layer as a file of the archive has it.
struct LayerInfo {
  std::string name;
  DType dtype = DType::Bytes;
  std::vector<std::uint64_t> shape;
  std::uint64_t size_bytes = 0;
  double max_abs_error = 0;  ///< 0: read_layer() gives the bits that were archived
};

/// A model of the archive.
struct ModelInfo {
  std::string id;                  ///< "org/name"
  std::vector<std::string> files;  ///< paths, in order
};

/// Reads an archive from one process, without MPI. Not thread-safe. Errors name the shard and what to do.
class Archive {
 public:
  static Result<Archive> open(const std::string& path);
  Archive(Archive&&) noexcept;
  Archive& operator=(Archive&&) noexcept;
  ~Archive();

  /// Paths of all current files, links and folders, in order. They were read by open().
  std::vector<std::string> files() const;

  /// The models, in order of identifier, with their current files and links.
  std::vector<ModelInfo> models() const;

  /// The layers of a file, in order of their place in it. A path that is no more means its latest version, here and
  /// below.
  Result<std::vector<LayerInfo>> layers(const std::string& path);

  /// The bytes of one layer as they lie in the file, little endian, checked against the recorded digest: row-major in
  /// most formats; those of Fortran-ordered NPY files and transposed PyTorch tensors are not. Of two layers of one name
  /// the first.
  Result<std::vector<std::byte>> read_layer(const std::string& path, const std::string& layer);
  /// The same into memory of the caller, which must be as large as the layer.
  Result<void> read_layer(const std::string& path, const std::string& layer, std::span<std::byte> out);
  /// Bytes `offset_bytes` to `offset_bytes + out.size()` of a layer. Decodes, and checks, the chunks that hold them and
  /// no others; a chunk decodes to 4 MiB.
  Result<void> read_layer_range(const std::string& path, const std::string& layer, std::uint64_t offset_bytes,
                                std::span<std::byte> out);

  /// The bytes of a whole file as restore would write it.
  Result<std::vector<std::byte>> read_file(const std::string& path);

 private:
  struct State;
  explicit Archive(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace elves
