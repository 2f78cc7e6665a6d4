#include "families/samples_cache.hpp"

#include <cstdint>

namespace elves::families {

const Samples& SamplesCache::get(const FamilyMember& member, Words words) {
  const auto address = reinterpret_cast<std::uintptr_t>(member.sketch.data());
  Slot& slot = slots_[(address * 0x9E3779B97F4A7C15u >> 32) % slots_.size()];
  if (slot.sketch != member.sketch.data() || slot.samples.words != words) {
    load_samples(member.layer.dtype, member.layer.size_bytes, member.sketch, words, slot.samples);
    if (with_contexts_) find_contexts(slot.samples);
    slot.sketch = member.sketch.data();
  }
  return slot.samples;
}

}  // namespace elves::families
