#include <array>

#include "formats/caffe/caffe.hpp"
#include "formats/format.hpp"
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

// Zips stand before HDF5, which may begin behind a user block: an entry of a zip could look like that. Formats without
// a magic number come last.
constexpr std::array kContainers{kSafetensors, kTorchZip,        kKeras, kNpz,  kNpy,    kHdf5,
                                 kTorchLegacy, kTorchTar,        kGguf,  kGgml, kTfLite, kPickle,
                                 kOnnx,        kTensorflowGraph, kCaffe};
constexpr std::array kCompanions{kTensorflowData, kOnnxData};

}  // namespace

std::span<const Container> containers() {
  return kContainers;
}

std::span<const Companion> companions() {
  return kCompanions;
}

std::string_view name(ContainerId id) {
  for (const auto& container : kContainers) {
    if (container.id == id) return container.name;
  }
  for (const auto& companion : kCompanions) {
    if (companion.id == id) return companion.name;
  }
  return id == ContainerId::Sniffed ? "sniffed" : "plain";
}

}  // namespace elves::formats
