#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "families/family_layer.hpp"
#include "families/sketch.hpp"

namespace elves::families {

/// What a newcomer is to rest on.
struct BaseChoice {
  bool found = false;
  bool by_lineage = false;  ///< the base is one that lineage names
  FamilyLayer base;
  float alone_bits = 0;  ///< predicted bits an element without base, and with it; 0 where no sketch told
  float delta_bits = 0;
};

/// Finds bases for the layers of the groups that a rank owns. What it answers depends on the layers of a group and
/// their order only. Single-threaded. Holds about 200 bytes a known layer, and its sketch with 90 to 750 bytes of
/// index where it has one.
class FamilyPlanner {
 public:
  FamilyPlanner();
  ~FamilyPlanner();

  /// A layer without base of an earlier sweep or wave. `sketch`: sketch_bytes(dtype, size_bytes) or none. In the
  /// archive's order; of two layers of one (group, model, name) the later one is what lineage finds.
  void add_known(const FamilyLayer& layer, std::span<const std::byte> sketch);

  /// Chooses among known layers and newcomers so that the predicted bits of all newcomers are few: a layer that is a
  /// base has none. `newcomers`: of one wave, in corpus order; `sketches`: theirs, one behind the other. Newcomers that
  /// stay alone are known from now on, others are forgotten. About 50 us a newcomer, 500 bytes while it runs.
  std::vector<BaseChoice> plan(std::span<const FamilyLayer> newcomers, std::span<const std::byte> sketches);

  std::size_t n_known() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace elves::families
