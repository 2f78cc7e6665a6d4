#pragma once
#include <cstdint>
#include <span>
#include <vector>
#include "elves/dtype.hpp"
#include "support/hash.hpp"
namespace elves::plan {
struct FamilyLayer {
  Hash128 group;
  Hash128 model;
  Hash128 name;
  Hash128 hints[2];
  std::uint64_t size_bytes = 0;
  std::uint64_t source = UINT64_MAX;
  std::uint64_t row = 0;
  std::uint32_t shard = 0;
  std::uint32_t lossy_class = 0;
  DType dtype = DType::Bytes;
  bool may_lose = false;
};
struct BaseChoice {
  bool found = false;
  bool by_lineage = false;
  FamilyLayer base;
  float alone_bits = 0;
  float delta_bits = 0;
};
class FamilyPlanner {
 public:
  void add_known(const FamilyLayer&, std::span<const std::byte>) {}
  std::vector<BaseChoice> plan(std::span<const FamilyLayer> n, std::span<const std::span<const std::byte>>) { return std::vector<BaseChoice>(n.size()); }
};
}  // namespace elves::plan
