#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/format.hpp"

namespace elves::formats::torch {

/// The bytes of tensors, as a pickle names them: the persistent id ('storage', class, key, location, n).
struct Storage {
  std::string key;               ///< in a zip, the name of its record under data/
  std::optional<DType> dtype;    ///< of its elements, U8 if it is untyped; nothing for an unknown class
  std::uint64_t n_elements = 0;  ///< from the pickle, unchecked
  std::string location;          ///< "cpu", "cuda:0", ...
};

/// A view of a storage. Its numbers are not checked against the size of the storage.
struct Tensor {
  std::string name;                   ///< the path to it: "fc.weight", "optimizer.state.3.exp_avg"
  std::size_t storage = 0;            ///< an index
  std::optional<DType> dtype;         ///< nothing if it is unknown, or if elements are parts of a byte
  std::uint64_t offset_elements = 0;  ///< in elements of its own dtype
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> strides;  ///< in elements; as many as `shape` has
};

/// The tensors of a pickle. Storages: one for each key, in the order in which the pickle first names them. Tensors: in
/// the order of the walk (dicts and lists in their own order); a tensor object that is found twice is listed once.
/// Tensors that share a storage may be equal or overlap. Legacy views of a storage refer to the storage itself.
struct Objects {
  std::vector<Storage> storages;
  std::vector<Tensor> tensors;
};

struct ObjectPickle {
  Objects objects;
  FoundExtents arrays;          ///< numpy arrays in the pickle itself; offsets are those of `file`
  std::uint64_t end_bytes = 0;  ///< offset of the first byte after the pickle
};

/// Interprets the pickle at `offset_bytes`, whose persistent ids are torch storages: of torch.save in any format (for a
/// zip: its data.pkl) and of TorchScript (data.pkl, constants.pkl). Imports and calls nothing: objects of unknown
/// classes are searched for tensors. An Error if the opcodes are damaged, or if one key has storages of two sizes. Time
/// and memory are linear in the bytes of the pickle.
Result<ObjectPickle> read_pickle(const ByteSource& file, std::uint64_t offset_bytes = 0);

/// The place of a storage in the file.
struct Place {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
};

/// The layers of a file. `places` has a row for each storage: nothing if its bytes are not in the file or are
/// compressed (the caller counts these as opaque). Places must lie within the file; a length may differ from the one in
/// the pickle. Tensors of one storage with the same elements are one layer, under the first name. Disjoint dense
/// tensors (in any order of dimensions) are a layer each; a view of a part of another tensor is left out. If tensors
/// have gaps, overlap in part, or cover less than half of the storage, the storage is one flat layer [n_elements] with
/// the name of its first tensor. A storage without tensors is the flat layer "storage.KEY". A storage of an unknown
/// dtype is opaque. An Error if a tensor passes the end of its storage.
Result<FoundExtents> layers_of(const Objects& objects, std::span<const std::optional<Place>> places);

/// The storages of a file whose numbers are big-endian: all of them are opaque.
FoundExtents big_endian_storages(std::span<const std::optional<Place>> places);

/// Adds the extents of a part of the file that begins at `offset_bytes` to `found`.
void add_to(FoundExtents& found, FoundExtents part, std::uint64_t offset_bytes = 0);

}  // namespace elves::formats::torch
