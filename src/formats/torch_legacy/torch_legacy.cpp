#include "formats/torch_legacy/torch_legacy.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "formats/pickle/pickled.hpp"
#include "formats/source_cursor.hpp"
#include "support/checked.hpp"
#include "support/text.hpp"

namespace elves::formats::torch_legacy {
namespace {

using namespace std::string_view_literals;
using pickle::Kind;
using pickle::Pickled;
using pickle::read_next;

// 0x1950a86a20f9469cfc6c, as pickles have it since protocol 2, and before.
constexpr auto kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;
constexpr auto kMagicLine = "119547037146038801333356"sv;
constexpr std::int64_t kProtocol = 1001;

/// How files begin whose magic number is pickled with protocols 0 and 1; since protocol 2 it lies after a LONG1 of 10
/// bytes, and since protocol 4 a frame comes before that.
constexpr auto kStartOfLine = "L119547037146038801333356L\n."sv;
constexpr auto kLong1 = "\x8a\x0a"sv;
constexpr std::array<std::size_t, 2> kMagicAt{4, 13};

Result<void> read_magic(SourceCursor& cursor) {
  const auto magic = read_next(cursor, "magic number");
  if (!magic) return magic.error();
  const auto number = magic->graph.text(magic->root);
  if (magic->graph.kind(magic->root) != Kind::Long || (number != kMagic && number != kMagicLine))
    return Error{"magic number is wrong"};
  const auto protocol = read_next(cursor, "protocol");
  if (!protocol) return protocol.error();
  const auto version = protocol->graph.number(protocol->root);
  if (version != kProtocol) return Error{"protocol " + std::to_string(version) + " is not known"};
  return {};
}

Error storage_error(const std::string& key, const std::string& what) {
  return Error{"storage '" + printable(std::string_view(key).substr(0, 100)) + "' " + what};
}

/// An 8-byte count, and as many elements.
Result<torch::Place> read_place(const torch::Storage& storage, SourceCursor& cursor) {
  if (!storage.dtype) return storage_error(storage.key, "is of a class that is not known");
  const auto n_elements = cursor.read<std::int64_t>();
  if (cursor.failed()) return storage_error(storage.key, "is " + cursor.error().message);
  if (n_elements < 0 || static_cast<std::uint64_t>(n_elements) != storage.n_elements)
    return storage_error(storage.key, "has " + std::to_string(n_elements) + " elements where the pickle says " +
                                          std::to_string(storage.n_elements));
  const auto length = checked_mul<std::uint64_t>(storage.n_elements, size_bytes(*storage.dtype));
  if (!length || *length > cursor.remaining()) return storage_error(storage.key, "passes the end of the file");
  const torch::Place place{.offset_bytes = cursor.position(), .length_bytes = *length};
  cursor.skip(*length);
  return place;
}

/// The storages lie in the order of the keys.
Result<std::vector<std::optional<torch::Place>>> read_places(SourceCursor& cursor, const Pickled& keys,
                                                             const std::vector<torch::Storage>& storages) {
  if (keys.graph.kind(keys.root) != Kind::List) return Error{"storage keys are no list"};
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < storages.size(); ++i) index.emplace(storages[i].key, i);
  std::vector<std::optional<torch::Place>> places(storages.size());
  for (auto at = keys.graph.items(keys.root); at != 0; at = keys.graph.next(at)) {
    const auto key = key_text(keys.graph, keys.graph.value(at));
    const auto found = index.find(key);
    if (found == index.end()) return storage_error(key, "is not in the pickle");
    if (places[found->second]) return storage_error(key, "is listed twice");
    const auto place = read_place(storages[found->second], cursor);
    if (!place) return place.error();
    places[found->second] = *place;
  }
  return places;
}

}  // namespace

bool recognizes(const ByteSource& file) {
  std::string start(static_cast<std::size_t>(std::min<std::uint64_t>(file.size_bytes(), 32)), '\0');
  if (!file.read(0, std::as_writable_bytes(std::span(start)))) return false;
  if (start.starts_with(kStartOfLine)) return true;
  if (!start.starts_with('\x80')) return false;
  return std::any_of(kMagicAt.begin(), kMagicAt.end(), [&](std::size_t at) {
    return start.size() >= at + kMagic.size() && std::string_view(start).substr(at - kLong1.size(), 2) == kLong1 &&
           std::string_view(start).substr(at, kMagic.size()) == kMagic;
  });
}

Result<Contents> read(const ByteSource& file) {
  SourceCursor cursor(file);
  if (auto done = read_magic(cursor); !done) return done.error();
  const auto system = read_next(cursor, "system");
  if (!system) return system.error();
  auto pickled = torch::read_pickle(file, cursor.position());
  if (!pickled) return pickled.error();
  cursor.seek(pickled->end_bytes);
  const auto keys = read_next(cursor, "storage keys");
  if (!keys) return keys.error();
  Contents contents{.pickle = std::move(pickled).value(), .places = {}, .big_endian = std::nullopt};
  if (system->graph.find(system->root, "little_endian") == pickle::kFalse) {
    contents.big_endian = {.offset_bytes = cursor.position(), .length_bytes = cursor.remaining()};
    return contents;
  }
  auto places = read_places(cursor, *keys, contents.pickle.objects.storages);
  if (!places) return places.error();
  contents.places = std::move(places).value();
  return contents;
}

Result<Layout> parse(const ByteSource& file) {
  auto contents = read(file);
  if (!contents) return contents.error();
  if (contents->big_endian) return torch::big_endian_layout({&contents->big_endian, 1});
  auto layout = torch::layers_of(contents->pickle.objects, contents->places);
  if (layout) torch::add_to(*layout, std::move(contents->pickle.arrays));
  return layout;
}

}  // namespace elves::formats::torch_legacy
