#include "dedup/layer_table.hpp"

namespace elves::dedup {

const StoredLayer* LayerTable::find(const LayerKey& key, std::uint32_t allowed_lossy_class) const {
  const auto at = layers_.find(key);
  if (at == layers_.end()) return nullptr;
  const auto stored = at->second.lossy_class;
  return stored == 0 || stored == allowed_lossy_class ? &at->second : nullptr;
}

const StoredLayer* LayerTable::latest(const LayerKey& key) const {
  const auto at = layers_.find(key);
  return at == layers_.end() ? nullptr : &at->second;
}

void LayerTable::insert(const LayerKey& key, const StoredLayer& layer) {
  const auto [at, added] = layers_.try_emplace(key, layer);
  // A later sweep stored the layer again because the entry had loss that it does not allow: the newer one serves it.
  if (!added && at->second.lossy_class != 0) at->second = layer;
}

}  // namespace elves::dedup
