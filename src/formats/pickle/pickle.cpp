#include "formats/pickle/pickle.hpp"

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

namespace elves::formats::pickle {
namespace {

/// So much is interpreted to recognize a pickle.
constexpr std::uint64_t kProbeBytes = 4096;
/// A pickle that the probe does not see the end of has begun with at least as many opcodes.
constexpr std::uint64_t kMinOpcodes = 4;
constexpr std::size_t kMaxPickles = 1 << 16;
/// Shorter byte strings are not taken for hidden weights.
constexpr std::uint64_t kMinHiddenBytes = 4096;

/// The header of protocols 2 to 5, and the first opcodes that containers and calls have without it.
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

/// Tensors in plain pickles: each brings its storage as what torch.save makes of that alone.
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

  Result<Layout> layers(std::vector<torch::Tensor> tensors) const {
    return torch::layers_of({.storages = storages_, .tensors = std::move(tensors)}, places_);
  }

 private:
  std::optional<torch::StorageReference> read(const Literal& literal) {
    const WindowSource inner(file_, literal.offset_bytes, literal.length_bytes);
    if (!torch_legacy::recognizes(inner)) return std::nullopt;
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

  Result<Layout> read() {
    auto pickled = next();
    if (!pickled) return pickled.error();
    const bool is_alone = !is_pickle_at(file_, end_bytes_);
    if (auto done = take(*pickled, is_alone ? "" : "0"); !done) return done.error();
    for (std::size_t n = 1; n < kMaxPickles && is_pickle_at(file_, end_bytes_); ++n) {
      pickled = next();
      if (!pickled) break;
      if (auto done = take(*pickled, std::to_string(n)); !done) return done.error();
    }
    return layout();
  }

 private:
  Result<Pickled> next() {
    Pickled pickled;
    const auto root = Machine(cursor_, pickled.graph, {.inline_arrays = true}).run();
    if (!root) return root.error();
    pickled.root = *root;
    end_bytes_ = cursor_.position();
    return pickled;
  }

  Result<void> take(const Pickled& pickled, std::string name) {
    storages_.begin(pickled.graph);
    auto found = torch::find_tensors(pickled, storages_, findings_, std::move(name));
    if (!found) return found.error();
    tensors_.insert(tensors_.end(), std::move_iterator(found->begin()), std::move_iterator(found->end()));
    findings_.add_other_bytes(pickled.graph, kMinHiddenBytes);
    return {};
  }

  Result<Layout> layout() {
    const auto rest_bytes = file_.size_bytes() - end_bytes_;
    if (rest_bytes >= kMinHiddenBytes)
      findings_.add_opaque(rest_bytes, std::to_string(rest_bytes) + " bytes follow the last pickle");
    auto layout = storages_.layers(std::move(tensors_));
    if (layout) torch::add_to(*layout, findings_.take_layout());
    return layout;
  }

  const ByteSource& file_;
  SourceCursor cursor_;
  ArrayFindings findings_;
  EmbeddedStorages storages_;
  std::vector<torch::Tensor> tensors_;
  std::uint64_t end_bytes_ = 0;
};

}  // namespace

bool recognizes(const ByteSource& file) {
  return is_pickle_at(file, 0);
}

Result<Layout> parse(const ByteSource& file) {
  return FileReader(file).read();
}

}  // namespace elves::formats::pickle
