#include <algorithm>
#include <iostream>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "jobs/common.hpp"
#include "mpi/environment.hpp"
#include "restore/list/family_tree.hpp"
#include "restore/list/listing.hpp"
#include "support/text.hpp"

namespace {

using namespace elves;
using nlohmann::json;
namespace po = boost::program_options;

constexpr const char* kAbout =
    "Lists what an archive holds: the models, or the files and layers of one model. Stored\n"
    "bytes are charged to the file that brought them first. With --family: who rests on whom,\n"
    "how far apart they are, and about what that saved.\n"
    "\n"
    "  elves-ls --archive hub.elves\n"
    "  elves-ls --archive hub.elves org/name --json\n"
    "  elves-ls --archive hub.elves --family\n"
    "\n"
    "Exit codes: 0 done, 1 failed (or no such model), 2 usage.\n";

std::string ratio(std::uint64_t size, std::uint64_t stored) {
  return stored == 0 ? "-" : fmt::format("{:.2f}x", static_cast<double>(size) / static_cast<double>(stored));
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? "-" : fmt::format("{:.1f} %", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string model_text(const std::string& id) {
  return id.empty() ? "(no model)" : printable(id);
}

std::string place_text(const LayerRef& place) {
  return fmt::format("{}:{}", place.shard, place.row);
}

std::string base_text(const restore::ListedBase& base) {
  return fmt::format(" on {} of {} ({})", printable(base.layer), model_text(base.model), place_text(base.place));
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const auto n : shape) text += (text.size() > 1 ? "," : "") + std::to_string(n);
  return text + "]";
}

void print_models(const std::vector<restore::ListedModel>& models) {
  fmt::print("{:>10} {:>10} {:>8} {:>7} {:>8}  {}\n", "size", "stored", "ratio", "files", "layers", "model");
  restore::ListedModel total;
  for (const auto& model : models) {
    const auto* base = model.base();
    fmt::print("{:>10} {:>10} {:>8} {:>7} {:>8}  {}{}\n", format_bytes(model.size_bytes),
               format_bytes(model.stored_bytes), ratio(model.size_bytes, model.stored_bytes), model.n_files,
               model.n_layers, model_text(model.id), base == nullptr ? "" : "  on " + printable(base->model));
    total.size_bytes += model.size_bytes;
    total.stored_bytes += model.stored_bytes;
    total.n_files += model.n_files;
    total.n_layers += model.n_layers;
  }
  fmt::print("{:>10} {:>10} {:>8} {:>7} {:>8}  {} models\n", format_bytes(total.size_bytes),
             format_bytes(total.stored_bytes), ratio(total.size_bytes, total.stored_bytes), total.n_files,
             total.n_layers, models.size());
}

void print_files(const std::vector<restore::ListedFile>& files) {
  for (const auto& file : files) {
    const auto arrow = file.target.empty() ? "" : " -> " + printable(file.target);
    fmt::print("{}{}\n    {}, {}, {} stored, {}\n", printable(file.path), arrow,
               file.kind == "file" ? file.container : file.kind, format_bytes(file.size_bytes),
               format_bytes(file.stored_bytes), file.exact ? "exact" : "within bounds");
    for (const auto& layer : file.layers) {
      fmt::print("    {:>10} {:>10} {:>8} {:<8} {:<10} {}  {} {}{}\n", format_bytes(layer.size_bytes),
                 format_bytes(layer.stored_bytes), ratio(layer.size_bytes, layer.stored_bytes), layer.dtype,
                 layer.transform, layer.max_abs_error == 0 ? "exact" : fmt::format("+-{:.2g}", layer.max_abs_error),
                 printable(layer.name), shape_text(layer.shape), layer.base ? base_text(*layer.base) : "");
    }
  }
}

/// Stored bits of an element of the layers that are differences.
std::optional<double> bits_apart(const restore::ListedKin& kin) {
  if (kin.n_elements == 0) return std::nullopt;
  return 8 * static_cast<double>(kin.stored_bytes) / static_cast<double>(kin.n_elements);
}

std::string saved_text(const restore::ListedModel& model) {
  return format_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, model.saved_bytes())));
}

void print_families(const std::vector<restore::ListedModel>& models) {
  const auto members = restore::family_tree(models);
  fmt::print("{:>10} {:>10} {:>10} {:>12} {:>10}  {}\n", "bits apart", "stored", "saved", "differences", "copies",
             "model");
  std::vector<bool> is_last;  // of the members above
  for (const auto& member : members) {
    const auto& model = *member.model;
    is_last.resize(member.depth);
    std::string lines;
    for (std::size_t depth = 1; depth < member.depth; ++depth) lines += is_last[depth] ? "   " : "|  ";
    if (member.depth > 0) lines += member.is_last ? "`- " : "|- ";
    is_last.push_back(member.is_last);
    const auto bits = member.base == nullptr ? std::nullopt : bits_apart(*member.base);
    fmt::print("{:>10} {:>10} {:>10} {:>12} {:>10}  {}{}{}\n", bits ? fmt::format("{:.2f}", *bits) : "-",
               format_bytes(model.stored_bytes), saved_text(model),
               percent(model.difference_bytes(), model.layer_bytes), percent(model.duplicate_bytes, model.layer_bytes),
               lines, model_text(model.id), member.n_others == 0 ? "" : fmt::format(" (+{} more)", member.n_others));
  }
  fmt::print("{} models in families, {} alone\n", members.size(), models.size() - members.size());
}

json kin_to_json(const restore::ListedKin& kin) {
  const auto bits = bits_apart(kin);
  return {{"model", printable(kin.model)},
          {"layers", kin.n_layers},
          {"bytes", kin.size_bytes},
          {"stored_bytes", kin.stored_bytes},
          {"saved_bytes", kin.saved_bytes()},
          {"copied_bytes", kin.copied_bytes},
          {"bits_per_weight", bits ? json(*bits) : json(nullptr)}};
}

json id_of(const restore::ListedKin* other) {
  return other == nullptr ? json(nullptr) : json(printable(other->model));
}

void print_families_json(const std::vector<restore::ListedModel>& models) {
  json tree{{"families", json::array()}};
  for (const auto& member : restore::family_tree(models)) {
    const auto& model = *member.model;
    json line{{"model", printable(model.id)},
              {"base", id_of(model.base())},
              {"duplicate_of", model.base() != nullptr ? json(nullptr) : id_of(model.original())},
              {"depth", member.depth},
              {"layer_bytes", model.layer_bytes},
              {"stored_bytes", model.stored_bytes},
              {"saved_bytes", model.saved_bytes()},
              {"difference_bytes", model.difference_bytes()},
              {"duplicate_bytes", model.duplicate_bytes},
              {"takes_from", json::array()}};
    for (const auto& kin : model.kin) {
      if (kin.model != model.id) line["takes_from"].push_back(kin_to_json(kin));
    }
    tree["families"].push_back(std::move(line));
  }
  std::cout << tree.dump(2) << "\n";
}

json to_json(const restore::ListedBase& base) {
  return {{"place", place_text(base.place)}, {"model", printable(base.model)}, {"layer", printable(base.layer)}};
}

json to_json(const restore::ListedFile& file, bool with_layers) {
  json tree{{"path", printable(file.path)},
            {"model", printable(file.model)},
            {"kind", file.kind},
            {"container", file.container},
            {"bytes", file.size_bytes},
            {"stored_bytes", file.stored_bytes},
            {"layers", file.n_layers},
            {"sweep", file.sweep},
            {"exact", file.exact}};
  if (!file.target.empty()) tree["target"] = printable(file.target);
  if (!with_layers) return tree;
  tree["layers"] = json::array();
  for (const auto& layer : file.layers) {
    tree["layers"].push_back({{"name", printable(layer.name)},
                              {"dtype", layer.dtype},
                              {"shape", layer.shape},
                              {"bytes", layer.size_bytes},
                              {"stored_bytes", layer.stored_bytes},
                              {"transform", layer.transform},
                              {"max_abs_error", layer.max_abs_error},
                              {"base", layer.base ? to_json(*layer.base) : json(nullptr)}});
  }
  return tree;
}

void print_json(const std::vector<restore::ListedFile>& files, bool with_layers) {
  json tree{{"models", json::array()}, {"files", json::array()}};
  for (const auto& model : restore::sum_by_model(files)) {
    const auto* base = model.base();
    tree["models"].push_back({{"id", printable(model.id)},
                              {"base", base == nullptr ? json(nullptr) : json(printable(base->model))},
                              {"difference_bytes", model.difference_bytes()},
                              {"duplicate_bytes", model.duplicate_bytes},
                              {"files", model.n_files},
                              {"layers", model.n_layers},
                              {"bytes", model.size_bytes},
                              {"stored_bytes", model.stored_bytes},
                              {"ratio", model.stored_bytes == 0 ? json(nullptr)
                                                                : json(static_cast<double>(model.size_bytes) /
                                                                       static_cast<double>(model.stored_bytes))}});
  }
  for (const auto& file : files) tree["files"].push_back(to_json(file, with_layers));
  std::cout << tree.dump(2) << "\n";
}

int list(int argc, char** argv, const mpi::Comm& comm) {
  jobs::CommandLine line("elves-ls", "elves-ls --archive DIR [MODEL] [--layers] [--family] [--json]", kAbout);
  std::string path;
  restore::ListOptions options;
  bool as_json = false;
  bool as_families = false;
  line.add()("archive", po::value(&path)->value_name("DIR"), "the archive");
  line.add()("model", po::value(&options.model)->value_name("ID"), "this model (or glob): its files and layers");
  line.add()("layers", po::bool_switch(&options.with_layers), "the layers of all models");
  line.add()("family", po::bool_switch(&as_families), "the tree of models that rest on others");
  line.add()("json", po::bool_switch(&as_json), "machine-readable");
  line.positional("model", 1);
  if (!jobs::parse(line, argc, argv, comm)) return jobs::kDone;
  if (path.empty()) throw UsageError("--archive DIR is missing (see elves-ls --help)");
  if (as_families && (options.with_layers || !options.model.empty()))
    throw UsageError("--family is of all models: leave out --layers and the model");
  options.with_layers = options.with_layers || !options.model.empty();

  const auto directory = archive::open_directory(comm, path);
  Result<void> done;
  if (comm.is_root()) {
    const auto files = restore::list_files(directory, options);
    if (!files)
      done = files.error();
    else if (files->empty() && !options.model.empty())
      done = Error{"no model " + options.model + " in " + path};
    else if (as_families)
      as_json ? print_families_json(restore::sum_by_model(*files)) : print_families(restore::sum_by_model(*files));
    else if (as_json)
      print_json(*files, options.with_layers);
    else if (options.with_layers)
      print_files(*files);
    else
      print_models(restore::sum_by_model(*files));
  }
  comm.agree(done, "ls");
  return jobs::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv, mpi::Threads::Funneled);
  return jobs::run("elves-ls", mpi::world(), [&] { return list(argc, argv, mpi::world()); });
}
