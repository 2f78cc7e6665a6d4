#include "formats/pickle/pickle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/pickle/array_findings.hpp"
#include "formats/pickle/machine.hpp"
#include "formats/pickle/pickled.hpp"
#include "formats/pickle/tensor_finder.hpp"
#include "formats/source_cursor.hpp"
#include "formats/torch_legacy/torch_legacy.hpp"
#include "support/try.hpp"

namespace elves::formats::pickle {
namespace {

/// A pickle is recognized by its first 4 KiB.
constexpr std::uint64_t kProbeBytes = 4096;
/// Fewest valid opcodes if the pickle is longer than that.
constexpr std::uint64_t kMinOpcodes = 4;
constexpr std::size_t kMaxPickles = 1 << 16;
/// Shorter byte strings of no array are not counted as opaque.
constexpr std::uint64_t kMinHiddenBytes = 4096;

/// How a pickle starts: with the header of protocols 2 to 5, or with the first opcode of a container or call.
enum class Start { Header, Opcode, Other };

Start start_of(const ByteSource& file) {
  std::array<std::uint8_t, 2> start{};
  if (!file.read(0, std::as_writable_bytes(std::span(start)))) return Start::Other;
  if (start[0] == static_cast<std::uint8_t>(Op::Proto) && start[1] >= 2 && start[1] <= 5) return Start::Header;
  return std::string_view("(c]}").find(static_cast<char>(start[0])) == std::string_view::npos ? Start::Other
                                                                                              : Start::Opcode;
}

bool names_numpy(const Graph& graph) {
  for (Index node = 0; node < graph.n_nodes(); ++node) {
    const auto module = graph.module(node);
    if (module == "numpy" || module.starts_with("numpy.")) return true;
  }
  return false;
}

bool is_pickle_at(const ByteSource& file, std::uint64_t offset_bytes) {
  const WindowSource probe(file, offset_bytes, std::min(kProbeBytes, file.size_bytes() - offset_bytes));
  const auto start = start_of(probe);
  if (start == Start::Other) return false;
  SourceCursor cursor(probe);
  Graph graph;
  Machine machine(cursor, graph, {.inline_arrays = true});
  const bool stops = machine.run().has_value();
  if (!stops && (!cursor.failed() || machine.n_opcodes() < kMinOpcodes)) return false;
  return start == Start::Header || names_numpy(graph);
}

/// The storages of tensors in plain pickles: each is a byte string that is a file of torch.save with this storage
/// alone.
class EmbeddedStorages final : public torch::References {
 public:
  EmbeddedStorages(const ByteSource& file, ArrayFindings& findings) : file_(file), findings_(findings) {}

  void begin(const Graph& graph) { graph_ = &graph; }

  std::optional<torch::StorageReference> storage(Index node) override {
    if (graph_->name(graph_->callable(node)) != "_load_from_bytes") return std::nullopt;
    const auto bytes = graph_->item(graph_->args(node), 0);
    if (graph_->kind(bytes) != Kind::Bytes || !graph_->literal(bytes).is_plain) return std::nullopt;
    const auto [row, is_new] = references_.try_emplace(graph_->literal(bytes).offset_bytes);
    if (is_new) row->second = read(graph_->literal(bytes));
    return row->second;
  }

  Result<FoundExtents> layers(std::vector<torch::Tensor> tensors) const {
    return torch::layers_of({.storages = storages_, .tensors = std::move(tensors)}, places_);
  }

 private:
  std::optional<torch::StorageReference> read(const Literal& literal) {
    const WindowSource inner(file_, literal.offset_bytes, literal.length_bytes);
    if (!kTorchLegacy.matches(inner)) return std::nullopt;
    auto contents = torch_legacy::read(inner);
    if (!contents || contents->places.size() != 1 || !contents->places.front()) return std::nullopt;
    if (!findings_.claim(literal)) return std::nullopt;
    auto place = *contents->places.front();
    place.offset_bytes += literal.offset_bytes;
    places_.emplace_back(place);
    storages_.push_back(std::move(contents->pickle.objects.storages.front()));
    storages_.back().key = std::to_string(literal.offset_bytes);
    return torch::StorageReference{storages_.size() - 1, storages_.back().dtype, 0};
  }

  const ByteSource& file_;
  ArrayFindings& findings_;
  const Graph* graph_ = nullptr;
  std::vector<torch::Storage> storages_;
  std::vector<std::optional<torch::Place>> places_;
  std::unordered_map<std::uint64_t, std::optional<torch::StorageReference>> references_;
};

/// The pickles of a file, one after another.
class FileReader {
 public:
  explicit FileReader(const ByteSource& file) : file_(file), cursor_(file), storages_(file, findings_) {}

  Result<FoundExtents> read() {
    auto pickled = next();
    if (!pickled) return pickled.error();
    const bool is_alone = !is_pickle_at(file_, end_bytes_);
    ELVES_CHECK(take(*pickled, is_alone ? "" : "0"));
    for (std::size_t n = 1; n < kMaxPickles && is_pickle_at(file_, end_bytes_); ++n) {
      pickled = next();
      if (!pickled) break;
      ELVES_CHECK(take(*pickled, std::to_string(n)));
    }
    return walk();
  }

 private:
  Result<Pickled> next() {
    Pickled pickled;
    ELVES_TRY(const auto root, Machine(cursor_, pickled.graph, {.inline_arrays = true}).run());
    pickled.root = root;
    end_bytes_ = cursor_.position();
    return pickled;
  }

  Result<void> take(const Pickled& pickled, std::string name) {
    storages_.begin(pickled.graph);
    ELVES_TRY(auto found, torch::find_tensors(pickled, storages_, findings_, std::move(name)));
    tensors_.insert(tensors_.end(), std::move_iterator(found.begin()), std::move_iterator(found.end()));
    findings_.add_other_bytes(pickled.graph, kMinHiddenBytes);
    return {};
  }

  Result<FoundExtents> walk() {
    const auto rest_bytes = file_.size_bytes() - end_bytes_;
    if (rest_bytes >= kMinHiddenBytes)
      findings_.add_opaque(rest_bytes, fmt::format("{} bytes follow the last pickle", rest_bytes));
    auto found = storages_.layers(std::move(tensors_));
    if (found) torch::add_to(*found, findings_.take_found());
    return found;
  }

  const ByteSource& file_;
  SourceCursor cursor_;
  ArrayFindings findings_;
  EmbeddedStorages storages_;
  std::vector<torch::Tensor> tensors_;
  std::uint64_t end_bytes_ = 0;
};

bool matches(const ByteSource& file) {
  return is_pickle_at(file, 0);
}

Result<FoundExtents> parse(const ByteSource& file) {
  return FileReader(file).read();
}

}  // namespace

}  // namespace elves::formats::pickle

namespace elves::formats {

constinit const Format kPickle{
    .id = FormatId::Pickle, .name = "pickle", .matches = pickle::matches, .parse = pickle::parse};

}  // namespace elves::formats
