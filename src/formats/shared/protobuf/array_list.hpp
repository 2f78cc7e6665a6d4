#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/format.hpp"
#include "formats/shared/protobuf/wire_reader.hpp"

namespace elves::formats::protobuf {

/// The fields of a message that contain the numbers of an array: bytes, a packed list, or a field for each number.
struct StoredNumbers {
  std::uint32_t field = 0;      ///< number of the last of them
  ByteRange range{};            ///< of the last of them
  std::uint64_t n_bytes = 0;    ///< of all of them together
  bool in_one_piece = false;    ///< there is one field, and it is bytes or a packed list
  std::uint64_t end_bytes = 0;  ///< offset of the end of the message

  void add(const WireField& of_numbers);
};

inline constexpr std::uint64_t kMaxArrays = 1 << 20;

/// The arrays that a walk over a model has found so far: layers, and arrays that stay glue. More than kMaxArrays are an
/// Error at the end, and so is a layer with a negative dimension (in two's complement).
class ArrayList {
 public:
  /// Adds a layer if the numbers are in one piece, `are_plain` (stored as in memory) and of a known type; otherwise
  /// glue.
  /// An array without elements is a layer at the end of its message.
  void add(const StoredNumbers& numbers, bool are_plain, std::optional<DType> dtype, std::string name,
           std::vector<std::uint64_t> shape);
  void add_layer(ByteRange bytes, DType dtype, std::string name, std::vector<std::uint64_t> shape);
  /// Adds an array that is no layer but lies in one piece.
  void add_glue(ByteRange bytes);

  Result<FoundExtents> take_found();

 private:
  /// Smaller arrays are not counted as opaque: most models contain small lists of integers (axes, shapes), and
  /// reporting
  /// all these models would hide the interesting ones.
  static constexpr std::uint64_t kNotableBytes = 1024;

  void count_opaque(std::uint64_t n_bytes);

  FoundExtents found_;
  std::uint64_t n_arrays_ = 0;
  std::uint64_t n_opaque_ = 0;
  std::optional<Error> error_{};
};

/// Paths are cut to this length, because a hostile file could repeat a long path for each array below it.
inline constexpr std::size_t kMaxPathBytes = 512;

/// "PATH/PART", or PART if PATH is empty; cut to kMaxPathBytes.
std::string join_path(std::string_view path, std::string_view part);

}  // namespace elves::formats::protobuf
