#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// torch.save since 1.6, and TorchScript: a zip with a data.pkl in the folder that its first entry names. A zip whose
/// end is missing or whose directory is long also matches if it begins with the records of such a folder: data/0,
/// data/1, ... The layers are the tensors of data.pkl, in the records in data/. Tensors of a TorchScript file's
/// constants.pkl are named "constants.0", ...; its code is glue. Records that are deflated, or that no pickle names,
/// are opaque. Reads the directory of the zip and the pickles.
extern const Format kTorchZip;

}  // namespace elves::formats
