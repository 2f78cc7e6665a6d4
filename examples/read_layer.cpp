// read_layer ARCHIVE PATH [LAYER]: lists the layers of an archived file, or writes the bytes of one layer to stdout.
#include <cstdio>
#include <iostream>

#include "elves/archive.hpp"

namespace {

int fail(const elves::Error& error) {
  std::cerr << "read_layer: " << error.message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fail({"usage: read_layer ARCHIVE PATH [LAYER]"});
  auto archive = elves::Archive::open(argv[1]);
  if (!archive) return fail(archive.error());
  if (argc > 3) {
    const auto bytes = archive->read_layer(argv[2], argv[3]);
    if (!bytes) return fail(bytes.error());
    const bool written =
        std::fwrite(bytes->data(), 1, bytes->size(), stdout) == bytes->size() && std::fflush(stdout) == 0;
    return written ? 0 : fail({"cannot write to stdout"});
  }
  const auto layers = archive->layers(argv[2]);
  if (!layers) return fail(layers.error());
  for (const auto& layer : *layers)
    std::cout << layer.name << "  " << name(layer.dtype) << "  " << layer.size_bytes << " bytes\n";
  return std::cout.flush() ? 0 : 1;
}
