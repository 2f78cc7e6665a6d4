#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "families/family_layer.hpp"
#include "families/sketch.hpp"

namespace elves::families {

/// The base chosen for a new layer.
struct BaseChoice {
  bool found = false;
  bool by_lineage = false;    ///< the base is a layer that lineage names
  FamilyLayer base;           ///< if found
  float standalone_bits = 0;  ///< predicted bits an element; 0 if no sketches allow a prediction
  float delta_bits = 0;       ///< the same with the base
};

/// Chooses bases for the layers of the groups that a rank owns. The choices depend only on the layers of a group and
/// their order. Single-threaded. Holds about 200 bytes a known layer; one with a sketch also takes the sketch and 90 to
/// 750 bytes of index.
class FamilyPlanner {
 public:
  FamilyPlanner();
  ~FamilyPlanner();

  /// Adds a layer without a base, of an earlier sweep or wave; in the archive's order. `sketch`: sketch_bytes(dtype,
  /// size_bytes) of them, or none. Of several layers of one group, model and name, lineage means the last.
  void add_known(const FamilyLayer& layer, std::span<const std::byte> sketch);

  /// Chooses bases among known and new layers so that the predicted bits of all new layers are few. A layer that is a
  /// base gets none. `layers`: the new layers of one wave, in corpus order; `sketches`: theirs, one behind the other.
  /// Layers that get no base are known from now on. Returns one choice for each. About 50 us and 500 bytes a layer.
  std::vector<BaseChoice> plan(std::span<const FamilyLayer> layers, std::span<const std::byte> sketches);

  std::size_t n_known() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace elves::families
