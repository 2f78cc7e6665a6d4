#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/format.hpp"
#include "formats/shared/protobuf/wire_reader.hpp"

namespace elves::formats::protobuf {

/// The fields of a message in which the numbers of an array are: bytes, a packed list, or a field for each number.
struct StoredNumbers {
  std::uint32_t field = 0;      ///< the last of them
  ByteRange range{};            ///< of that one
  std::uint64_t n_bytes = 0;    ///< of all of them
  bool in_one_piece = false;    ///< there is one, and it is bytes or a packed list
  std::uint64_t end_bytes = 0;  ///< of the message

  void add(const WireField& of_numbers);
};

inline constexpr std::uint64_t kMaxArrays = 1 << 20;

/// What a walk over a model has found so far: layers, and arrays that stay glue. More than kMaxArrays are an Error at
/// the end, and so is a layer with a negative dimension (as two's complement).
class ArrayList {
 public:
  /// A layer where the numbers are in one piece, `are_plain` (as in memory), and of a known type; otherwise glue. An
  /// array without elements is a layer where its message ends.
  void add(const StoredNumbers& numbers, bool are_plain, std::optional<DType> dtype, std::string name,
           std::vector<std::uint64_t> shape);
  void add_layer(ByteRange bytes, DType dtype, std::string name, std::vector<std::uint64_t> shape);
  /// An array that is no layer, in one piece.
  void add_glue(ByteRange bytes);

  Result<Layout> take_layout();

 private:
  /// Axes, shapes and the like are small lists of integers: to report each model for them would hide the others.
  static constexpr std::uint64_t kNotableBytes = 1024;

  void count_opaque(std::uint64_t n_bytes);

  Layout layout_;
  std::uint64_t n_arrays_ = 0;
  std::uint64_t n_opaque_ = 0;
  std::optional<Error> error_{};
};

/// What hostile files could have repeated for each array below it is cut to this many bytes.
inline constexpr std::size_t kMaxPathBytes = 512;

/// "PATH/PART", or PART where there is no PATH; cut to kMaxPathBytes.
std::string join_path(std::string_view path, std::string_view part);

}  // namespace elves::formats::protobuf
