#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// The formats before GGUF: "ggml" without a version, "ggmf" 1, "ggjt" 1 to 3, and "ggla" 1 (an adapter). Tensors
/// follow one another to the end of the file, each with its name, type and shape. Each program puts a header of its own
/// before them, and nothing in the file says which. So a header is accepted if the tensors after it end exactly where
/// the file ends. The headers of whisper.cpp (its mel filters become the layer "mel_filters") and of llama.cpp are
/// tried first, then every byte after the magic number as the start of the tensors. A header is at most 16 MiB long.
///
/// Shapes have the outermost dimension first. Block types keep their dtype as ggml has had them since May 2023; older
/// blocks, with scales of f32, become layers of U8 whose rows are bytes. Time is linear in the header and the number of
/// tensors; the search stops after 100,000 tensors.
extern const Format kGgml;

}  // namespace elves::formats
