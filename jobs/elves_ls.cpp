#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "archive/listing.hpp"
#include "jobs/common.hpp"
#include "mpi/environment.hpp"
#include "support/text.hpp"

namespace {

using namespace elves;
using nlohmann::json;
namespace po = boost::program_options;

constexpr const char* kAbout =
    "Lists what an archive holds: the models, or the files and layers of one model. Stored\n"
    "bytes are charged to the file that brought them first.\n"
    "\n"
    "  elves-ls --archive hub.elves\n"
    "  elves-ls --archive hub.elves org/name --json\n"
    "\n"
    "Exit codes: 0 done, 1 failed (or no such model), 2 usage.\n";

std::string ratio(std::uint64_t size, std::uint64_t stored) {
  return stored == 0 ? "-" : fmt::format("{:.2f}x", static_cast<double>(size) / static_cast<double>(stored));
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const auto n : shape) text += (text.size() > 1 ? "," : "") + std::to_string(n);
  return text + "]";
}

void print_models(const std::vector<archive::ListedModel>& models) {
  fmt::print("{:>10} {:>10} {:>8} {:>7} {:>8}  {}\n", "size", "stored", "ratio", "files", "layers", "model");
  archive::ListedModel total;
  for (const auto& model : models) {
    fmt::print("{:>10} {:>10} {:>8} {:>7} {:>8}  {}\n", format_bytes(model.size_bytes),
               format_bytes(model.stored_bytes), ratio(model.size_bytes, model.stored_bytes), model.n_files,
               model.n_layers, model.id.empty() ? "(no model)" : printable(model.id));
    total.size_bytes += model.size_bytes;
    total.stored_bytes += model.stored_bytes;
    total.n_files += model.n_files;
    total.n_layers += model.n_layers;
  }
  fmt::print("{:>10} {:>10} {:>8} {:>7} {:>8}  {} models\n", format_bytes(total.size_bytes),
             format_bytes(total.stored_bytes), ratio(total.size_bytes, total.stored_bytes), total.n_files,
             total.n_layers, models.size());
}

void print_files(const std::vector<archive::ListedFile>& files) {
  for (const auto& file : files) {
    const auto arrow = file.target.empty() ? "" : " -> " + printable(file.target);
    fmt::print("{}{}\n    {}, {}, {} stored, {}\n", printable(file.path), arrow,
               file.kind == "file" ? file.container : file.kind, format_bytes(file.size_bytes),
               format_bytes(file.stored_bytes), file.exact ? "exact" : "within bounds");
    for (const auto& layer : file.layers) {
      fmt::print("    {:>10} {:>10} {:>8} {:<8} {:<10} {}  {} {}\n", format_bytes(layer.size_bytes),
                 format_bytes(layer.stored_bytes), ratio(layer.size_bytes, layer.stored_bytes), layer.dtype,
                 layer.transform, layer.max_abs_error == 0 ? "exact" : fmt::format("+-{:.2g}", layer.max_abs_error),
                 printable(layer.name), shape_text(layer.shape));
    }
  }
}

json to_json(const archive::ListedFile& file, bool with_layers) {
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
                              {"base", layer.base.empty() ? json(nullptr) : json(layer.base)}});
  }
  return tree;
}

void print_json(const std::vector<archive::ListedFile>& files, bool with_layers) {
  json tree{{"models", json::array()}, {"files", json::array()}};
  for (const auto& model : archive::sum_by_model(files)) {
    tree["models"].push_back({{"id", printable(model.id)},
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
  jobs::CommandLine line("elves-ls", "elves-ls --archive DIR [MODEL] [--layers] [--json]", kAbout);
  std::string path;
  archive::ListOptions options;
  bool as_json = false;
  line.add()("archive", po::value(&path)->value_name("DIR"), "the archive");
  line.add()("model", po::value(&options.model)->value_name("ID"), "this model (or glob): its files and layers");
  line.add()("layers", po::bool_switch(&options.with_layers), "the layers of all models");
  line.add()("json", po::bool_switch(&as_json), "machine-readable");
  line.positional("model", 1);
  po::variables_map values;
  if (!line.parse(argc, argv, comm, values)) return jobs::kDone;
  if (path.empty()) throw UsageError("--archive DIR is missing (see elves-ls --help)");
  options.with_layers = options.with_layers || !options.model.empty();

  const auto directory = archive::open_directory(comm, path);
  Result<void> done;
  if (comm.is_root()) {
    const auto files = archive::list_files(directory, options);
    if (!files)
      done = files.error();
    else if (files->empty() && !options.model.empty())
      done = Error{"no model " + options.model + " in " + path};
    else if (as_json)
      print_json(*files, options.with_layers);
    else if (options.with_layers)
      print_files(*files);
    else
      print_models(archive::sum_by_model(*files));
  }
  comm.agree(done, "ls");
  return jobs::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv, mpi::Threads::Funneled);
  return jobs::run("elves-ls", mpi::world(), [&] { return list(argc, argv, mpi::world()); });
}
