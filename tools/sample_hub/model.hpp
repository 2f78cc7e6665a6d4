#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/sample_hub/arrays.hpp"

namespace elves::sample {

/// One weight of a model, in full precision.
struct Weight {
  std::string name;
  std::vector<std::uint64_t> shape;
  Floats values;
};

/// A small transformer: embedding, four blocks of attention, feed-forward, norms and biases, and a head.
struct Model {
  std::uint64_t hidden = 0;
  std::vector<Weight> weights;
};

/// Weights as a fresh training leaves them: normal, of a sigma between 0.01 and 0.08 by layer; norms near 1; biases
/// small. About `n_parameters` in all.
Model make_model(std::uint64_t n_parameters, Random& random);

/// A fine-tune: every weight, or only those of the last block and the head, has moved a little.
enum class Tuned { Everything, LastBlock };
Model fine_tune(const Model& base, Tuned what, Random& random);

/// The weights as one safetensors file of dtype "F32", "F16", "BF16" or "F8_E4M3" (norms and biases of the last in
/// BF16).
Bytes weights_file(const Model& model, const std::string& dtype);

/// config.json, with `_name_or_path` where `base` is not empty.
std::string config_json(const Model& model, const std::string& dtype, const std::string& base);

}  // namespace elves::sample
