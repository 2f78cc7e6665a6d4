#include "formats/registry.hpp"

#include <array>

#include "formats/caffe/caffe.hpp"
#include "formats/ggml/ggml.hpp"
#include "formats/gguf/gguf.hpp"
#include "formats/hdf5/hdf5.hpp"
#include "formats/keras/keras.hpp"
#include "formats/npy/npy.hpp"
#include "formats/npz/npz.hpp"
#include "formats/onnx/onnx.hpp"
#include "formats/onnx_data/onnx_data.hpp"
#include "formats/pickle/pickle.hpp"
#include "formats/safetensors/safetensors.hpp"
#include "formats/tensorflow_data/tensorflow_data.hpp"
#include "formats/tensorflow_graph/tensorflow_graph.hpp"
#include "formats/tflite/tflite.hpp"
#include "formats/torch_legacy/torch_legacy.hpp"
#include "formats/torch_tar/torch_tar.hpp"
#include "formats/torch_zip/torch_zip.hpp"

namespace elves::formats {
namespace {

// Zips come before HDF5: an HDF5 file may begin after a user block, so a zip with an HDF5 entry could match it. Formats
// without a magic number come last.
constexpr std::array kFormats{&kSafetensors, &kTorchZip,        &kKeras, &kNpz,  &kNpy,    &kHdf5,
                              &kTorchLegacy, &kTorchTar,        &kGguf,  &kGgml, &kTfLite, &kPickle,
                              &kOnnx,        &kTensorflowGraph, &kCaffe};
constexpr std::array kCompanionFormats{&kTensorflowData, &kOnnxData};

static_assert(kFormats.size() + kCompanionFormats.size() + 2 == kFormatCount,
              "each FormatId but Plain and Sniffed is one row here");

}  // namespace

std::span<const Format* const> all_formats() {
  return kFormats;
}

std::span<const CompanionFormat* const> all_companion_formats() {
  return kCompanionFormats;
}

std::string_view name(FormatId id) {
  for (const auto* format : kFormats) {
    if (format->id == id) return format->name;
  }
  for (const auto* format : kCompanionFormats) {
    if (format->id == id) return format->name;
  }
  return id == FormatId::Sniffed ? "sniffed" : "plain";
}

}  // namespace elves::formats
