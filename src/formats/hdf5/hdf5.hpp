#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// HDF5. Matches if the signature is at byte 0, 512, 1024, 2048, ... up to 1 MiB (after a user block). Datasets are
/// named as in h5py's visititems ("model_weights/conv/kernel:0"), groups in order of names. An object with several hard
/// links has the first of its paths; soft and external links are not followed.
///
/// A contiguous dataset is a layer. Of a chunked dataset without filters, each stored chunk is a layer with the full
/// shape of a chunk (the file pads chunks at the edge). The position of its first element follows the name: "x[0,64]",
/// or just "x" if one chunk holds the whole dataset. Layers are little-endian integers, bit fields (as integers),
/// floats, enums (as integers, FALSE/TRUE as Bool), and compounds {r,i} of floats (complex).
/// Glue: attributes, strings, references. Opaque: datasets with filters, and datasets of other types from 256 bytes.
///
/// Data inside an object header that has a checksum is `lossless`. Checksums of metadata are not verified. Time and
/// memory are linear in the metadata read; more than 8 times the size of the file, or 1 GiB, is an Error.
extern const Format kHdf5;

}  // namespace elves::formats
