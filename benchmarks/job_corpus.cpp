// job_corpus DIR float32|bfloat16 MB: a hub of models of normal weights (sigma 0.02), about 100 MB each, in safetensors
// files. benchmarks/job.sh times whole jobs on it. The same arguments give the same bytes.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tools/sample_hub/arrays.hpp"
#include "tools/sample_hub/safetensors_writer.hpp"

namespace {

using namespace elves::sample;

constexpr std::uint64_t kModelBytes = 100'000'000;
constexpr std::uint64_t kLayerBytes[] = {16u << 20, 8192, 64u << 20, 4u << 20, 8192, 1u << 20};

Bytes model_file(bool bf16, std::uint64_t bytes, Random& random) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; bytes > 0; ++i) {
    const auto layer = std::min(bytes, kLayerBytes[i % std::size(kLayerBytes)]);
    const auto n = layer / (bf16 ? 2 : 4);
    const auto weights = normal(n, 0, 0.02, random);
    tensors.push_back({"layers." + std::to_string(i) + ".weight",
                       bf16 ? "BF16" : "F32",
                       {n},
                       bf16 ? as_bf16(weights) : as_f32(weights)});
    bytes -= layer;
  }
  return safetensors_file(tensors);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: job_corpus DIR float32|bfloat16 MB\n");
    return 2;
  }
  const bool bf16 = std::string(argv[2]) == "bfloat16";
  const auto total = std::stoull(argv[3]) * 1'000'000;
  const auto n_models = std::max<std::uint64_t>(1, total / kModelBytes);
  Random random(bf16 ? 2 : 1);
  for (std::uint64_t m = 0; m < n_models; ++m) {
    const auto folder = std::filesystem::path(argv[1]) / "org" / ("model-" + std::to_string(m));
    std::filesystem::create_directories(folder);
    const auto file = model_file(bf16, total / n_models / 4 * 4, random);
    std::ofstream out(folder / "model.safetensors", std::ios::binary);
    out.write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
    if (!out.flush()) {
      std::perror(folder.c_str());
      return 1;
    }
  }
  return 0;
}
