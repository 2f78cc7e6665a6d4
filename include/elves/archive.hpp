#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
  double max_abs_error = 0;  ///< 0 where it comes back bit for bit
};

/// Reads an archive from one process, without MPI. Not thread-safe. Errors name the shard and what to do.
class Archive {
 public:
  static Result<Archive> open(const std::string& path);
  Archive(Archive&&) noexcept;
  Archive& operator=(Archive&&) noexcept;
  ~Archive();

  /// Paths of all files, latest version each, in order. Reads all /files tables once.
  Result<std::vector<std::string>> files();

  /// The layers of a file, in order of their place in it.
  Result<std::vector<LayerInfo>> layers(const std::string& path);

  /// The bytes of one layer as they lie in the file, little endian, checked against the recorded digest: row-major in
  /// most formats; those of Fortran-ordered NPY files and transposed PyTorch tensors are not. Of two layers of one name
  /// the first.
  Result<std::vector<std::byte>> read_layer(const std::string& path, const std::string& layer);

  /// The bytes of a whole file as restore would write it.
  Result<std::vector<std::byte>> read_file(const std::string& path);

 private:
  struct State;
  explicit Archive(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace elves
