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
    "Lists what an archive holds: its models, or the files and layers of one model, or one file.\n"
    "Stored bytes are charged to the file that stored them first. With --family: the base of\n"
    "each model, how far it is from its base, and what that saved.\n"
    "\n"
    "  elves-ls --archive hub.elves\n"
    "  elves-ls --archive hub.elves org/name\n"
    "  elves-ls --archive hub.elves org/name/model.safetensors\n"
    "  elves-ls --archive hub.elves --family\n"
    "\n"
    "Exit codes: 0 done, 1 failed (or nothing has that name), 2 usage, 3 done but a shard is\n"
    "missing.\n";

std::string ratio(std::uint64_t size, std::uint64_t stored, int digits = 2) {
  return stored == 0 ? "-" : fmt::format("{:.{}f}x", static_cast<double>(size) / static_cast<double>(stored), digits);
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
  return fmt::format("  delta of {} in {}", printable(base.layer), model_text(base.model));
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const auto n : shape) text += (text.size() > 1 ? "," : "") + std::to_string(n);
  return text + "]";
}

void print_models(const restore::Listing& listing) {
  const auto models = restore::sum_by_model(listing.files);
  fmt::print("{:>10} {:>10} {:>8} {:>7} {:>8}  {}\n", "size", "stored", "ratio", "files", "layers", "model");
  std::uint64_t n_files = 0;
  std::uint64_t n_layers = 0;
  for (const auto& model : models) {
    const auto* base = model.base();
    fmt::print("{:>10} {:>10} {:>8} {:>7} {:>8}  {}{}\n", format_bytes(model.size_bytes),
               format_bytes(model.stored_bytes), ratio(model.size_bytes, model.stored_bytes), model.n_files,
               model.n_layers, model_text(model.id),
               base == nullptr ? "" : fmt::format("  (base {})", printable(base->model)));
    n_files += model.n_files;
    n_layers += model.n_layers;
  }
  const auto& totals = listing.totals;
  fmt::print("{:>10} {:>10} {:>8} {:>7} {:>8}  {}; stored: everything on disk (of a model: without tables)\n",
             format_bytes(totals.current_bytes), format_bytes(listing.archive_bytes),
             ratio(totals.current_bytes, listing.archive_bytes, 3), n_files, n_layers, counted(models.size(), "model"));
  if (totals.superseded_files > 0)
    fmt::print("{:>10} {:>10} {:>8} {:>7}  superseded versions of files (--all lists them)\n",
               format_bytes(totals.superseded_bytes), "", "", totals.superseded_files);
}

std::string state_text(const restore::ListedFile& file) {
  std::string text;
  if (file.state == archive::RowState::Former) text += "  [former]";
  if (file.state == archive::RowState::Superseded) text += "  [superseded]";
  if (file.state != archive::RowState::Current) text += fmt::format(" of sweep {}", file.sweep);
  if (file.is_incomplete) text += "  [incomplete: a shard is missing]";
  return text;
}

/// One line a file, and one a layer. Folders are left out.
void print_files(const std::vector<restore::ListedFile>& files) {
  constexpr const char* kLine = "{:>10} {:>10} {:>8}  {:<12} {:<10} {:<9}  {}\n";
  fmt::print(fmt::runtime(kLine), "size", "stored", "ratio", "type", "coding", "loss", "file, layers");
  for (const auto& file : files) {
    if (file.kind == "directory") continue;
    const bool is_file = file.kind == "file";
    const auto arrow = file.target.empty() ? "" : " -> " + printable(file.target);
    fmt::print(fmt::runtime(kLine), is_file ? format_bytes(file.size_bytes) : "",
               is_file ? format_bytes(file.stored_bytes) : "", is_file ? ratio(file.size_bytes, file.stored_bytes) : "",
               is_file ? file.container : file.kind, "", file.exact ? "exact" : "bounded",
               printable(file.path) + arrow + state_text(file));
    for (const auto& layer : file.layers) {
      fmt::print(
          fmt::runtime(kLine), format_bytes(layer.size_bytes), format_bytes(layer.stored_bytes),
          ratio(layer.size_bytes, layer.stored_bytes), layer.dtype, layer.transform,
          layer.max_abs_error == 0 ? "exact" : fmt::format("+-{:.2g}", layer.max_abs_error),
          "  " + printable(layer.name) + " " + shape_text(layer.shape) + (layer.base ? base_text(*layer.base) : ""));
    }
  }
}

/// Stored bits of an element of the deltas.
std::optional<double> bits_of_delta(const restore::Relative& base) {
  if (base.n_elements == 0) return std::nullopt;
  return 8 * static_cast<double>(base.stored_bytes) / static_cast<double>(base.n_elements);
}

std::string saved_text(const restore::ListedModel& model) {
  return format_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, model.saved_bytes())));
}

void print_families(const std::vector<restore::ListedModel>& models) {
  const auto members = restore::family_tree(models);
  fmt::print("{:>11} {:>10} {:>10} {:>8} {:>11}  {}\n", "bits/weight", "stored", "saved", "deltas", "duplicates",
             "model");
  std::vector<bool> is_last;  // of the members above
  for (const auto& member : members) {
    const auto& model = *member.model;
    is_last.resize(member.depth);
    std::string lines;
    for (std::size_t depth = 1; depth < member.depth; ++depth) lines += is_last[depth] ? "   " : "|  ";
    if (member.depth > 0) lines += member.is_last ? "`- " : "|- ";
    is_last.push_back(member.is_last);
    const auto bits = member.base == nullptr ? std::nullopt : bits_of_delta(*member.base);
    fmt::print("{:>11} {:>10} {:>10} {:>8} {:>11}  {}{}{}\n", bits ? fmt::format("{:.2f}", *bits) : "-",
               format_bytes(model.stored_bytes), saved_text(model), percent(model.delta_bytes(), model.layer_bytes),
               percent(model.duplicate_bytes, model.layer_bytes), lines, model_text(model.id),
               member.n_others == 0 ? "" : fmt::format(" (+{} more)", member.n_others));
  }
  fmt::print("{} in families, {} standalone\n", counted(members.size(), "model"), models.size() - members.size());
}

json to_json(const restore::Relative& other) {
  const auto bits = bits_of_delta(other);
  return {{"model", printable(other.model)},
          {"layers", other.n_layers},
          {"bytes", other.size_bytes},
          {"stored_bytes", other.stored_bytes},
          {"saved_bytes", other.saved_bytes()},
          {"duplicate_bytes", other.duplicate_bytes},
          {"bits_per_weight", bits ? json(*bits) : json(nullptr)}};
}

json id_of(const restore::Relative* other) {
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
              {"delta_bytes", model.delta_bytes()},
              {"duplicate_bytes", model.duplicate_bytes},
              {"takes_from", json::array()}};
    for (const auto& other : model.relatives) {
      if (other.model != model.id) line["takes_from"].push_back(to_json(other));
    }
    tree["families"].push_back(std::move(line));
  }
  std::cout << tree.dump(2) << "\n";
}

json to_json(const restore::ListedBase& base) {
  return {{"place", place_text(base.place)}, {"model", printable(base.model)}, {"layer", printable(base.layer)}};
}

std::string_view name_of(archive::RowState state) {
  switch (state) {
    case archive::RowState::Current:
      return "current";
    case archive::RowState::Former:
      return "former";
    case archive::RowState::Superseded:
      return "superseded";
  }
  return "unknown";
}

json to_json(const restore::ListedFile& file, bool with_layers) {
  json tree{{"path", printable(file.path)},
            {"model", printable(file.model)},
            {"kind", file.kind},
            {"container", file.container},
            {"state", name_of(file.state)},
            {"bytes", file.size_bytes},
            {"stored_bytes", file.stored_bytes},
            {"layers", file.n_layers},
            {"sweep", file.sweep},
            {"exact", file.exact},
            {"incomplete", file.is_incomplete}};
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

json ratio_json(std::uint64_t size, std::uint64_t stored) {
  return stored == 0 ? json(nullptr) : json(static_cast<double>(size) / static_cast<double>(stored));
}

json to_json(const restore::ListedModel& model) {
  return {{"id", printable(model.id)},
          {"base", id_of(model.base())},
          {"delta_bytes", model.delta_bytes()},
          {"saved_bytes", model.saved_bytes()},
          {"duplicate_bytes", model.duplicate_bytes},
          {"files", model.n_files},
          {"layers", model.n_layers},
          {"bytes", model.size_bytes},
          {"stored_bytes", model.stored_bytes},
          {"ratio", ratio_json(model.size_bytes, model.stored_bytes)}};
}

void print_json(const restore::Listing& listing, const std::vector<std::uint32_t>& missing, bool with_layers) {
  const auto& totals = listing.totals;
  json tree{{"archive",
             {{"bytes_total", listing.archive_bytes},
              {"file_bytes", totals.current_bytes},
              {"files", totals.current_files},
              {"superseded_bytes", totals.superseded_bytes},
              {"superseded_files", totals.superseded_files},
              {"ratio", ratio_json(totals.current_bytes, listing.archive_bytes)},
              {"missing_shards", missing}}},
            {"models", json::array()},
            {"files", json::array()}};
  for (const auto& model : restore::sum_by_model(listing.files)) tree["models"].push_back(to_json(model));
  for (const auto& file : listing.files) tree["files"].push_back(to_json(file, with_layers));
  std::cout << tree.dump(2) << "\n";
}

struct Options {
  std::string archive;
  restore::ListOptions list;
  bool as_json = false;
  bool as_families = false;
};

void print(const restore::Listing& listing, const archive::ArchiveDir& directory, const Options& options) {
  if (options.as_families && options.as_json)
    print_families_json(restore::sum_by_model(listing.files));
  else if (options.as_families)
    print_families(restore::sum_by_model(listing.files));
  else if (options.as_json)
    print_json(listing, directory.missing(), options.list.with_layers);
  else if (options.list.with_layers || options.list.all_versions)
    print_files(listing.files);
  else
    print_models(listing);
}

int list(int argc, char** argv, const mpi::Comm& comm) {
  jobs::CommandLine line("elves-ls", "elves-ls --archive DIR [MODEL | PATH] [--layers] [--family] [--all] [--json]",
                         kAbout);
  Options options;
  line.add()("archive", po::value(&options.archive)->value_name("DIR"), "the archive");
  line.add()("model", po::value(&options.list.name)->value_name("NAME"),
             "this model (or glob), or this path: its files and layers");
  line.add()("layers", po::bool_switch(&options.list.with_layers), "the files and layers of all models");
  line.add()("family", po::bool_switch(&options.as_families), "the tree of models and their bases");
  line.add()("all", po::bool_switch(&options.list.all_versions), "all versions of files, also superseded ones");
  line.add()("json", po::bool_switch(&options.as_json), "machine-readable");
  line.positional("model", 1);
  if (!jobs::parse(line, argc, argv, comm)) return jobs::kDone;
  if (options.archive.empty()) {
    throw UsageError("--archive DIR is missing" +
                     (options.list.name.empty() ? " (see elves-ls --help)"
                                                : fmt::format(": did you mean --archive {}?", options.list.name)));
  }
  if (options.as_families && (options.list.with_layers || options.list.all_versions || !options.list.name.empty()))
    throw UsageError("--family is of all models: leave out --layers, --all and the model");
  options.list.with_layers = options.list.with_layers || !options.list.name.empty();

  const auto directory = archive::open_archive(comm, options.archive);
  Result<void> done;
  if (comm.is_root()) {
    const auto listing = restore::list_files(directory, options.list);
    if (listing)
      print(*listing, directory, options);
    else
      done = Error{options.archive + ": " + listing.error().message};
  }
  comm.agree(done, "ls");
  jobs::warn_of_missing(comm, "elves-ls", directory.missing());
  return directory.missing().empty() ? jobs::kDone : jobs::kSomeSkipped;
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  return jobs::run("elves-ls", mpi::world(), [&] { return list(argc, argv, mpi::world()); });
}
