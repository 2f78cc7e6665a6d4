#include "pipeline/corpus_depth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace elves::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSiblings = 8;  // folders that are looked at: of the parent, and of each of its folders
constexpr std::size_t kModels = 4;
constexpr std::size_t kNames = 1000;  // names that are read of each

/// Calls `found` with the entries of a folder until it gives true. False where it never does, and where the folder
/// cannot be read.
template <class Found>
bool any_entry(const fs::path& folder, Found found) {
  std::error_code error;
  std::size_t n = 0;
  for (fs::directory_iterator at(folder, error), end; !error && at != end && n < kNames; at.increment(error), ++n) {
    if (found(*at)) return true;
  }
  return false;
}

/// As any_entry(), with the first folders in it only.
template <class Found>
bool any_folder(const fs::path& folder, std::size_t most, Found found) {
  std::size_t n = 0;
  return any_entry(folder, [&](const fs::directory_entry& entry) {
    std::error_code error;
    if (n == most || !entry.is_directory(error)) return false;
    ++n;
    return found(entry.path());
  });
}

bool is_file_of_a_model(const fs::path& path) {
  constexpr std::array<std::string_view, 8> kEndings{".safetensors", ".gguf",   ".pt", ".pth",
                                                     ".onnx",        ".tflite", ".h5", "pytorch_model.bin"};
  const auto name = path.filename().string();
  return name == "config.json" || std::ranges::any_of(kEndings, [&](auto ending) { return name.ends_with(ending); });
}

bool holds_a_model(const fs::path& folder) {
  return any_entry(folder, [](const fs::directory_entry& entry) { return is_file_of_a_model(entry.path()); });
}

}  // namespace

CorpusDepth::CorpusDepth(std::string corpus) {
  std::error_code error;
  const auto canonical = fs::canonical(corpus, error);
  corpus_ = error ? std::move(corpus) : canonical.string();
  name_ = fs::path(corpus_).filename().string();
}

bool CorpusDepth::is_too_deep_for(std::string_view reference) const {
  if (name_.empty() || !reference.starts_with(name_ + "/")) return false;
  const auto name = reference.substr(name_.size() + 1);
  std::error_code error;
  return !name.empty() && name.find('/') == std::string_view::npos && fs::is_directory(fs::path(corpus_) / name, error);
}

bool CorpusDepth::lies_among_organisations() const {
  return any_folder(fs::path(corpus_).parent_path(), kSiblings, [&](const fs::path& sibling) {
    return sibling != corpus_ && any_folder(sibling, kModels, holds_a_model);
  });
}

lineage::ModelNote CorpusDepth::note() const {
  return {"",
          fmt::format("the corpus looks like the folder of one organisation, '{}', so ids of models lack it: archive "
                      "{} to have ids '{}/NAME'",
                      name_, fs::path(corpus_).parent_path().string(), name_)};
}

}  // namespace elves::pipeline
