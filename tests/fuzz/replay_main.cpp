// A main for fuzz targets without libFuzzer: runs the target on every file of the given folders, whole, cut short, and
// with bytes changed. A finding ends the program, as under libFuzzer.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

/// Every position of a small file; of a larger one its first and last bytes, and some in between.
std::vector<std::size_t> positions(std::size_t size) {
  constexpr std::size_t kEnds = 300;
  constexpr std::size_t kBetween = 200;
  std::vector<std::size_t> at;
  const auto step = std::max<std::size_t>(size / kBetween, 1);
  for (std::size_t i = 0; i < size; ++i) {
    if (i < kEnds || i + kEnds >= size || i % step == 0) at.push_back(i);
  }
  return at;
}

std::size_t replay(const Bytes& seed) {
  std::size_t n = 1;
  LLVMFuzzerTestOneInput(seed.data(), seed.size());
  for (const auto at : positions(seed.size())) {
    const Bytes cut(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(at));
    LLVMFuzzerTestOneInput(cut.data(), cut.size());
    Bytes changed = seed;
    for (const unsigned value : {seed[at] ^ 0xFFu, seed[at] ^ 0x80u, seed[at] + 1u, 0u, 0xFFu}) {
      changed[at] = static_cast<std::uint8_t>(value);
      LLVMFuzzerTestOneInput(changed.data(), changed.size());
    }
    n += 6;
  }
  return n;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t seeds = 0;
  std::size_t inputs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!file.is_regular_file()) continue;
      std::ifstream stream(file.path(), std::ios::binary);
      const std::vector<char> bytes(std::istreambuf_iterator<char>(stream), {});
      inputs += replay(Bytes(bytes.begin(), bytes.end()));
      ++seeds;
    }
  }
  std::printf("%zu seeds, %zu inputs\n", seeds, inputs);
  return seeds > 0 ? 0 : 1;
}
