#include "tools/sample_hub/model.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

namespace elves::sample {
namespace {

constexpr std::uint64_t kBlocks = 4;
constexpr std::uint64_t kVocabularyPerHidden = 8;

bool is_small(const Weight& weight) {
  return weight.shape.size() == 1;
}

Bytes as(const Floats& values, const std::string& dtype) {
  if (dtype == "F32") return as_f32(values);
  if (dtype == "F16") return as_f16(values);
  if (dtype == "BF16") return as_bf16(values);
  if (dtype == "F8_E4M3") return as_f8_e4m3(values);
  throw std::logic_error("no such dtype: " + dtype);
}

}  // namespace

Model make_model(std::uint64_t n_parameters, Random& random) {
  // Parameters are about (12 per block + 8 for the embedding) * hidden^2.
  const double root = std::sqrt(static_cast<double>(n_parameters) / (12 * kBlocks + kVocabularyPerHidden));
  const auto hidden = std::max<std::uint64_t>(8, static_cast<std::uint64_t>(root) / 8 * 8);
  Model model{.hidden = hidden, .weights = {}};
  const auto add = [&](const std::string& name, std::vector<std::uint64_t> shape, double mean, double sigma) {
    const auto n = std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
    model.weights.push_back({name, std::move(shape), normal(n, mean, sigma, random)});
  };
  add("embed_tokens.weight", {kVocabularyPerHidden * hidden, hidden}, 0, 0.02);
  for (std::uint64_t block = 0; block < kBlocks; ++block) {
    const auto prefix = "layers." + std::to_string(block) + ".";
    const auto depth = static_cast<double>(block) / kBlocks;
    for (const auto* part : {"q", "k", "v", "o"}) {
      add(prefix + "self_attn." + part + "_proj.weight", {hidden, hidden}, 0, 0.08 - 0.04 * depth);
    }
    add(prefix + "mlp.up_proj.weight", {4 * hidden, hidden}, 0, 0.03 + 0.02 * depth);
    add(prefix + "mlp.up_proj.bias", {4 * hidden}, 0, 0.01);
    add(prefix + "mlp.down_proj.weight", {hidden, 4 * hidden}, 0, 0.01 + 0.02 * depth);
    add(prefix + "mlp.down_proj.bias", {hidden}, 0, 0);  // never trained: all zero
    add(prefix + "input_layernorm.weight", {hidden}, 1, 0.05);
    add(prefix + "input_layernorm.bias", {hidden}, 0, 0.02);
  }
  add("norm.weight", {hidden}, 1, 0.05);
  add("score.weight", {16, hidden}, 0, 0.05);
  return model;
}

Model fine_tune(const Model& base, Tuned what, Random& random) {
  Model tuned = base;
  const auto last = "layers." + std::to_string(kBlocks - 1) + ".";
  for (auto& weight : tuned.weights) {
    const bool moves = what == Tuned::Everything || weight.name.starts_with(last) || weight.name == "score.weight";
    if (moves) weight.values = nudged(weight.values, 2e-5, random);
  }
  return tuned;
}

Bytes weights_file(const Model& model, const std::string& dtype) {
  std::vector<Tensor> tensors;
  for (const auto& weight : model.weights) {
    const auto stored = dtype == "F8_E4M3" && is_small(weight) ? "BF16" : dtype;
    tensors.push_back({weight.name, stored, weight.shape, as(weight.values, stored)});
  }
  return safetensors_file(tensors, {{"format", "pt"}});
}

std::string config_json(const Model& model, const std::string& dtype, const std::string& base) {
  nlohmann::ordered_json config{{"architectures", {"SampleForSequenceClassification"}},
                                {"hidden_size", model.hidden},
                                {"num_hidden_layers", kBlocks},
                                {"torch_dtype", dtype},
                                {"vocab_size", kVocabularyPerHidden * model.hidden}};
  if (!base.empty()) config["_name_or_path"] = base;
  return config.dump(2) + "\n";
}

}  // namespace elves::sample
