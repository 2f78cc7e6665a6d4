#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/format.hpp"

namespace elves::formats::torch {

/// Bytes that tensors share, as the pickle speaks of them: the persistent id ('storage', class, key, location, n).
struct Storage {
  std::string key;               ///< in a zip, the name of its record under data/
  std::optional<DType> dtype;    ///< of its elements, U8 where it is untyped; nothing for a class that we do not know
  std::uint64_t n_elements = 0;  ///< as the pickle claims, unchecked
  std::string location;          ///< "cpu", "cuda:0", ...
};

/// A view of a storage. Nothing in it is checked against the storage's size.
struct Tensor {
  std::string name;                   ///< the path to it: "fc.weight", "optimizer.state.3.exp_avg"
  std::size_t storage = 0;            ///< an index
  std::optional<DType> dtype;         ///< nothing where we do not know it, or where elements are parts of a byte
  std::uint64_t offset_elements = 0;  ///< of its own dtype
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> strides;  ///< of elements; as many as `shape` has
};

/// What a pickle says of tensors: all storages, one for each key, in order of first mention; all tensors in order of
/// the walk (dicts and lists in their own order). Tensors that share their storage may be tied, or overlap; a tensor
/// object that is found twice comes once. Legacy views of a storage are told in terms of the storage itself.
struct Objects {
  std::vector<Storage> storages;
  std::vector<Tensor> tensors;
};

struct ObjectPickle {
  Objects objects;
  Layout arrays;                ///< numpy arrays in the pickle itself; offsets are those of `file`
  std::uint64_t end_bytes = 0;  ///< offset of the first byte after the pickle
};

/// Interprets the pickle at `offset_bytes`, whose persistent ids are torch storages: of torch.save in any format (for a
/// zip: its data.pkl) and of TorchScript (data.pkl, constants.pkl). Imports and calls nothing: an object of an unknown
/// class is looked into for tensors. An Error where the opcodes are damaged, or two storages contradict each other
/// under one key. Time and memory are linear in the pickle's bytes.
Result<ObjectPickle> read_pickle(const ByteSource& file, std::uint64_t offset_bytes = 0);

/// Where a storage lies in the file.
struct Place {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
};

/// The layers of a file: `places` has a row for each storage; nothing for a storage whose bytes are not in the file, or
/// not plainly (the caller counts these as opaque). Offsets and lengths are the file's and must lie within it; a length
/// need not be what the pickle claims.
///
/// Tensors of one storage that are the same elements are one layer, under the first name; disjoint dense ones (in any
/// order of dimensions) are a layer each; a view of a part of another tensor is left out. Where they have gaps, overlap
/// in part, or cover less than half of their storage, it is one flat layer [n_elements] under its first tensor's name.
/// A storage that no tensor speaks of is the flat layer "storage.KEY". A storage of an unknown dtype counts as opaque.
/// An Error where a tensor passes the end of its storage.
Result<Layout> layers_of(const Objects& objects, std::span<const std::optional<Place>> places);

/// For files whose numbers are big-endian: all of these are opaque.
Layout big_endian_layout(std::span<const std::optional<Place>> places);

/// Adds to a layout what was found in a part of the file that begins at `offset_bytes`.
void add_to(Layout& layout, Layout part, std::uint64_t offset_bytes = 0);

}  // namespace elves::formats::torch
