#include "formats/torch_legacy/torch_legacy.hpp"

#include <fmt/format.h>

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
#include "support/try.hpp"

namespace elves::formats::torch_legacy {
namespace {

using namespace std::string_view_literals;
using pickle::Kind;
using pickle::Pickled;
using pickle::read_next;

// 0x1950a86a20f9469cfc6c, as pickles write it since protocol 2, and before.
constexpr auto kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;
constexpr auto kMagicLine = "119547037146038801333356"sv;
constexpr std::int64_t kProtocol = 1001;

/// The start of a file whose magic number is pickled with protocols 0 and 1. Since protocol 2 the number follows a
/// LONG1 of 10 bytes, and since protocol 4 a frame comes before that.
constexpr auto kStartOfLine = "L119547037146038801333356L\n."sv;
constexpr auto kLong1 = "\x8a\x0a"sv;
constexpr std::array<std::size_t, 2> kMagicAt{4, 13};

Result<void> read_magic(SourceCursor& cursor) {
  ELVES_TRY(const auto magic, read_next(cursor, "magic number"));
  const auto number = magic.graph.text(magic.root);
  if (magic.graph.kind(magic.root) != Kind::Long || (number != kMagic && number != kMagicLine))
    return Error{"magic number is wrong"};
  ELVES_TRY(const auto protocol, read_next(cursor, "protocol"));
  const auto version = protocol.graph.number(protocol.root);
  if (version != kProtocol) return Error{fmt::format("protocol {} is unknown", version)};
  return {};
}

Error storage_error(std::string_view key, std::string_view flaw) {
  return Error{fmt::format("storage {} {}", quoted_name(key), flaw)};
}

/// An 8-byte count, and as many elements.
Result<torch::Place> read_place(const torch::Storage& storage, SourceCursor& cursor) {
  if (!storage.dtype) return storage_error(storage.key, "is of an unknown class");
  const auto n_elements = cursor.read<std::int64_t>();
  if (cursor.failed()) return storage_error(storage.key, "is " + cursor.error().message);
  if (n_elements < 0 || static_cast<std::uint64_t>(n_elements) != storage.n_elements)
    return storage_error(storage.key,
                         fmt::format("has {} elements, but {} in the pickle", n_elements, storage.n_elements));
  const auto length = checked_mul<std::uint64_t>(storage.n_elements, size_bytes(*storage.dtype));
  if (!length || *length > cursor.remaining()) return storage_error(storage.key, "passes the end of the file");
  const torch::Place place{.offset_bytes = cursor.position(), .length_bytes = *length};
  cursor.skip(*length);
  return place;
}

/// The storages follow one another in the order of the keys.
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
    ELVES_TRY(const auto place, read_place(storages[found->second], cursor));
    places[found->second] = place;
  }
  return places;
}

bool matches(const ByteSource& file) {
  std::string start(static_cast<std::size_t>(std::min<std::uint64_t>(file.size_bytes(), 32)), '\0');
  if (!file.read(0, std::as_writable_bytes(std::span(start)))) return false;
  if (start.starts_with(kStartOfLine)) return true;
  if (!start.starts_with('\x80')) return false;
  return std::any_of(kMagicAt.begin(), kMagicAt.end(), [&](std::size_t at) {
    return start.size() >= at + kMagic.size() && std::string_view(start).substr(at - kLong1.size(), 2) == kLong1 &&
           std::string_view(start).substr(at, kMagic.size()) == kMagic;
  });
}

Result<FoundExtents> parse(const ByteSource& file) {
  ELVES_TRY(auto contents, read(file));
  if (contents.big_endian) return torch::big_endian_storages({&contents.big_endian, 1});
  auto found = torch::layers_of(contents.pickle.objects, contents.places);
  if (found) torch::add_to(*found, std::move(contents.pickle.arrays));
  return found;
}

}  // namespace

Result<Contents> read(const ByteSource& file) {
  SourceCursor cursor(file);
  ELVES_CHECK(read_magic(cursor));
  ELVES_TRY(const auto system, read_next(cursor, "system"));
  ELVES_TRY(auto pickled, torch::read_pickle(file, cursor.position()));
  cursor.seek(pickled.end_bytes);
  ELVES_TRY(const auto keys, read_next(cursor, "storage keys"));
  Contents contents{.pickle = std::move(pickled), .places = {}, .big_endian = std::nullopt};
  if (system.graph.find(system.root, "little_endian") == pickle::kFalse) {
    contents.big_endian = {.offset_bytes = cursor.position(), .length_bytes = cursor.remaining()};
    return contents;
  }
  ELVES_TRY(auto places, read_places(cursor, keys, contents.pickle.objects.storages));
  contents.places = std::move(places);
  return contents;
}

}  // namespace elves::formats::torch_legacy

namespace elves::formats {

constinit const Format kTorchLegacy{.id = FormatId::TorchLegacy,
                                    .name = "torch-legacy",
                                    .matches = torch_legacy::matches,
                                    .parse = torch_legacy::parse};

}  // namespace elves::formats
