#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace ggml {

bool recognizes(const ByteSource& file);

/// The formats before GGUF: "ggml" without a version, "ggmf" 1, "ggjt" 1 to 3, and "ggla" 1 (an adapter). They list
/// their tensors one behind the other up to the end of the file, each with its name, type and shape, but every program
/// put a header of its own before them, and nothing says which. So a header is taken for right where the tensors behind
/// it end exactly with the file: first those of whisper.cpp (its mel filters become the layer "mel_filters") and of
/// llama.cpp, and then whatever lies between the magic and the first place of which it holds. A header is at most
/// 16 MiB long.
///
/// Shapes are outermost dimension first. Block types as ggml has had them since May 2023 keep their dtype; those of
/// before, with scales of f32, are layers of U8, rows of bytes. Time is linear in the header and the number of tensors;
/// a search that goes astray is given up after 100,000 of them.
Result<Layout> parse(const ByteSource& file);

}  // namespace ggml

inline constexpr Container kGgml{
    .id = ContainerId::Ggml, .name = "ggml", .recognizes = ggml::recognizes, .parse = ggml::parse};

}  // namespace elves::formats
