#pragma once

#include <cstddef>
#include <vector>

#include "families/known_layers.hpp"
#include "families/prediction.hpp"

namespace elves::families {

/// Keeps the Samples of sketches that were loaded last: each sketch has one slot. A sketch is identified by its
/// address, so it must neither move nor change while the cache lives. 3 KiB a slot.
class SamplesCache {
 public:
  /// `with_contexts`: also fill the contexts, for layers that are compared as bases.
  SamplesCache(std::size_t n_slots, bool with_contexts) : slots_(n_slots), with_contexts_(with_contexts) {}

  /// The samples of the member's sketch, which must not be empty. Valid until the next call.
  const Samples& get(const FamilyMember& member, Words words);

 private:
  struct Slot {
    const std::byte* sketch = nullptr;
    Samples samples;
  };
  std::vector<Slot> slots_;
  bool with_contexts_;
};

/// Of layers as deltas, and as bases; 1 MiB.
struct SamplesCaches {
  SamplesCache own{64, false};
  SamplesCache base{256, true};
};

}  // namespace elves::families
