#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <unordered_map>

#include "elves/dtype.hpp"
#include "mpi/query.hpp"
#include "support/hash.hpp"
#include "support/layer_ref.hpp"
#include "support/loss_id.hpp"

namespace elves::dedup {

/// Layers with equal keys are stored once: equal bytes (by fingerprint), size and dtype.
struct LayerKey {
  Hash128 fingerprint;
  std::uint64_t size_bytes = 0;
  DType dtype = DType::Bytes;
  bool operator==(const LayerKey&) const = default;
};

/// The rank whose table has the entry of a key.
inline std::size_t owner_of(const LayerKey& key, const mpi::Comm& comm) noexcept {
  return mpi::owner_of(key.fingerprint, comm);
}

}  // namespace elves::dedup

template <>
struct std::hash<elves::dedup::LayerKey> {
  std::size_t operator()(const elves::dedup::LayerKey& key) const noexcept {
    return key.fingerprint.high ^ (key.size_bytes * 0x9E3779B97F4A7C15u) ^ static_cast<std::size_t>(key.dtype);
  }
};

namespace elves::dedup {

/// A layer of the archive: where it is stored, and what it decodes to.
struct StoredLayer {
  LayerRef place;
  Hash128 decoded;  ///< fingerprint of the bytes that decoding gives; the layer's own where it is exact
  LossId loss;      ///< exact if decoding gives the same bits, else of the options that it was encoded with
};

/// This rank's part of the table of all layers of the archive: about 100 bytes a layer.
class LayerTable {
 public:
  /// The entry of a key if it is exact or has lost what `allowed` names; else nullptr.
  const StoredLayer* find(const LayerKey& key, LossId allowed) const;
  /// The entry of a key, whatever its loss.
  const StoredLayer* latest(const LayerKey& key) const;
  /// Keeps the more exact of two entries of one key.
  void insert(const LayerKey& key, const StoredLayer& layer);
  std::size_t size() const noexcept { return layers_.size(); }

 private:
  std::unordered_map<LayerKey, StoredLayer> layers_;
};

}  // namespace elves::dedup
