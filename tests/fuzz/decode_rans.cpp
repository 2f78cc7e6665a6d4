// Rans streams against hostile bytes, once for each CPU target. Input: two bytes of output size (little endian), the
// stream.
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "encode/rans/rans.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static elves::encode::Scratch scratch;
  const std::size_t n = data[0] | data[1] << 8;
  const std::vector<std::byte> coded(reinterpret_cast<const std::byte*>(data + 2),
                                     reinterpret_cast<const std::byte*>(data + size));
  std::vector<std::byte> first;
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    std::vector<std::byte> out(n);
    scratch.reset();
    if (!elves::encode::rans::decode(coded, scratch, out).has_value()) out.clear();
    if (target != hwy::SupportedAndGeneratedTargets().front() && out != first) std::abort();  // targets disagree
    first = out;
  }
  hwy::SetSupportedTargetsForTest(0);
  return 0;
}
