#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace torch_zip {

/// True for a zip with a data.pkl in the folder that its first entry names, and, where its end is missing or its
/// directory long, for one that begins with the records of such a folder: data/0, data/1, ...
bool recognizes(const ByteSource& file);

/// The tensors of torch.save (since 1.6) and TorchScript: what data.pkl makes of the records in data/. The tensors of a
/// TorchScript file's constants.pkl are named "constants.0", ...; its code is glue. Records that are deflated, or that
/// no pickle speaks of, are opaque. Reads the zip's directory and the pickles.
Result<Layout> parse(const ByteSource& file);

}  // namespace torch_zip

inline constexpr Container kTorchZip{
    .id = ContainerId::TorchZip, .name = "torch-zip", .recognizes = torch_zip::recognizes, .parse = torch_zip::parse};

}  // namespace elves::formats
