#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace hdf5 {

/// True where the format's signature stands at byte 0, 512, 1024, 2048, ... up to 1 MiB (behind a user block).
bool recognizes(const ByteSource& file);

/// The datasets of an HDF5 file, named as h5py's visititems names them ("model_weights/conv/kernel:0"): groups in order
/// of names, an object with several hard links under the first of its paths; soft and external links are not followed.
/// A dataset whose bytes lie in one piece is a layer. Of a chunked dataset without filters each stored chunk is a layer
/// of the chunk's full shape (chunks at the edge are padded in the file), with the position of its first element behind
/// the name: "x[0,64]"; just "x" where one chunk is the dataset. Layers: little endian integers and bit fields (as
/// integers), floats, enums (as their integers, FALSE/TRUE as Bool), compounds {r,i} of floats (complex).
/// Glue: attributes, strings, references. Opaque: datasets with filters, and those of 256 bytes and more of another
/// type. Data in object headers that have checksums is `lossless`. The format's own checksums of metadata are not
/// verified. Time and memory are linear in the metadata read, which ends with an Error at 8 times the file's size or 1
/// GiB.
Result<Layout> parse(const ByteSource& file);

}  // namespace hdf5

inline constexpr Container kHdf5{
    .id = ContainerId::Hdf5, .name = "hdf5", .recognizes = hdf5::recognizes, .parse = hdf5::parse};

}  // namespace elves::formats
