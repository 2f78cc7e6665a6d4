#include <array>

#include "corpus/container.hpp"
#include "corpus/containers/caffe/caffe.hpp"
#include "corpus/containers/ggml/ggml.hpp"
#include "corpus/containers/gguf/gguf.hpp"
#include "corpus/containers/hdf5/hdf5.hpp"
#include "corpus/containers/keras/keras.hpp"
#include "corpus/containers/npy/npy.hpp"
#include "corpus/containers/npz/npz.hpp"
#include "corpus/containers/onnx/onnx.hpp"
#include "corpus/containers/onnx_data/onnx_data.hpp"
#include "corpus/containers/pickle/pickle.hpp"
#include "corpus/containers/safetensors/safetensors.hpp"
#include "corpus/containers/tensorflow_data/tensorflow_data.hpp"
#include "corpus/containers/tensorflow_graph/tensorflow_graph.hpp"
#include "corpus/containers/tflite/tflite.hpp"
#include "corpus/containers/torch_legacy/torch_legacy.hpp"
#include "corpus/containers/torch_tar/torch_tar.hpp"
#include "corpus/containers/torch_zip/torch_zip.hpp"

namespace elves::corpus {
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
  return id == ContainerId::Sniffed ? "sniffed" : "opaque";
}

}  // namespace elves::corpus
