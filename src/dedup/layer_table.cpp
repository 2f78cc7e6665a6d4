#include "dedup/layer_table.hpp"

namespace elves::dedup {

const StoredLayer* LayerTable::find(const LayerKey& key, LossId allowed) const {
  const auto at = layers_.find(key);
  if (at == layers_.end()) return nullptr;
  const auto loss = at->second.loss;
  return loss.is_exact() || loss == allowed ? &at->second : nullptr;
}

const StoredLayer* LayerTable::latest(const LayerKey& key) const {
  const auto at = layers_.find(key);
  return at == layers_.end() ? nullptr : &at->second;
}

void LayerTable::insert(const LayerKey& key, const StoredLayer& layer) {
  const auto [at, added] = layers_.try_emplace(key, layer);
  // A later sweep stored the layer again because it did not allow the loss of this entry: the newer entry serves it.
  if (!added && !at->second.loss.is_exact()) at->second = layer;
}

}  // namespace elves::dedup
