#include "formats/ggml/ggml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "formats/ggml/block_type.hpp"
#include "formats/source_cursor.hpp"
#include "support/checked.hpp"
#include "support/try.hpp"

namespace elves::formats::ggml {
namespace {

// Little endian: a file begins with the letters of the comment reversed.
constexpr std::uint32_t kGgmlMagic = 0x67676d6c;
constexpr std::uint32_t kGgmfMagic = 0x67676d66;
constexpr std::uint32_t kGgjtMagic = 0x67676a74;
constexpr std::uint32_t kGglaMagic = 0x67676c61;

constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint32_t kMaxNameBytes = 256;
constexpr std::uint32_t kMaxDimension = 0x7FFFFFFF;
constexpr std::uint32_t kMaxTypes = 64;
constexpr std::uint32_t kMaxFilters = 1 << 16;
/// The number after the magic is a version or the size of a vocabulary: text would be larger.
constexpr std::uint32_t kMaxFirstNumber = 1 << 24;
constexpr std::uint64_t kMaxTensors = 100'000;
constexpr std::uint64_t kMaxHeaderBytes = 16 << 20;

/// The parts of the format that depend on the magic and the version.
struct Dialect {
  std::uint64_t start_bytes = 4;  ///< offset of the data after magic and version
  bool has_scores = false;        ///< after each entry of the vocabulary
  std::uint64_t alignment_bytes = 1;
  std::vector<Scales> scales{Scales::F16, Scales::F32};  ///< of its block types, in the order in which they are tried
};

Result<Dialect> read_dialect(const ByteSource& file) {
  SourceCursor cursor(file);
  const auto magic = cursor.read<std::uint32_t>();
  if (magic == kGgmlMagic) return Dialect{};
  const auto version = cursor.read<std::uint32_t>();
  if (cursor.failed()) return cursor.error();
  if (magic == kGgmfMagic) return Dialect{.start_bytes = 8, .has_scores = true};
  if (magic == kGgjtMagic && version >= 1 && version <= 3) {
    return Dialect{.start_bytes = 8,
                   .has_scores = true,
                   .alignment_bytes = 32,
                   .scales = {version == 3 ? Scales::F16 : Scales::F32}};
  }
  if (magic == kGglaMagic && version == 1) return Dialect{.start_bytes = 8, .alignment_bytes = 32};
  return Error{fmt::format("version {} is unknown", version)};
}

bool is_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char each) {
    const auto c = static_cast<unsigned char>(each);
    return c >= 0x20 && c != 0x7F;
  });
}

/// Reads one tensor; nothing if there is no well-formed tensor at the cursor.
std::optional<Extent> read_tensor(SourceCursor& cursor, const Dialect& dialect, Scales scales) {
  const auto n_dims = cursor.read<std::uint32_t>();
  const auto name_bytes = cursor.read<std::uint32_t>();
  const auto type = block_type(cursor.read<std::uint32_t>(), scales);
  if (n_dims > kMaxDimensions || name_bytes == 0 || name_bytes > kMaxNameBytes || !type) return std::nullopt;
  std::vector<std::uint64_t> dims(n_dims);
  for (auto& dim : dims) {
    dim = cursor.read<std::uint32_t>();
    if (dim > kMaxDimension) return std::nullopt;
  }
  auto name = cursor.take_text(name_bytes, kMaxNameBytes);
  auto layer = array_of(*type, dims);
  if (!layer || !is_name(name)) return std::nullopt;
  cursor.seek(ceil_div(cursor.position(), dialect.alignment_bytes) * dialect.alignment_bytes);
  layer->name = std::move(name);
  layer->offset_bytes = cursor.position();
  cursor.skip(layer->length_bytes);
  if (cursor.failed()) return std::nullopt;
  return std::move(layer).value();
}

/// All tensors from `from_bytes` on; nothing if they do not end exactly at the end of the file. `budget` is the number
/// of tensors that may still be read, in this call and in later ones.
std::optional<std::vector<Extent>> read_tensors(const ByteSource& file, std::uint64_t from_bytes,
                                                const Dialect& dialect, Scales scales, std::uint64_t& budget) {
  SourceCursor cursor(file, from_bytes);
  std::vector<Extent> layers;
  while (!cursor.at_end()) {
    if (budget == 0) return std::nullopt;
    --budget;
    auto layer = read_tensor(cursor, dialect, scales);
    if (!layer) return std::nullopt;
    layers.push_back(std::move(*layer));
  }
  return layers;
}

/// The bytes before the tensors: where they end, and the arrays in them.
struct Header {
  std::uint64_t end_bytes = 0;
  std::vector<Extent> layers{};
};

/// Reads a vocabulary that ends the header.
std::optional<Header> after_vocabulary(SourceCursor& cursor, std::uint32_t n_tokens, bool has_scores) {
  for (std::uint32_t i = 0; i < n_tokens && !cursor.failed() && cursor.position() <= kMaxHeaderBytes; ++i) {
    const auto token_bytes = cursor.read<std::uint32_t>();
    cursor.skip(token_bytes + (has_scores ? sizeof(float) : 0));
  }
  if (cursor.failed() || cursor.position() > kMaxHeaderBytes) return std::nullopt;
  return Header{.end_bytes = cursor.position()};
}

/// 11 numbers, the mel filters, the size of the vocabulary, and the vocabulary.
std::optional<Header> read_whisper_header(const ByteSource& file, const Dialect& dialect) {
  SourceCursor cursor(file, dialect.start_bytes);
  cursor.skip(11 * sizeof(std::uint32_t));
  const std::uint64_t n_mels = cursor.read<std::uint32_t>();
  const std::uint64_t n_frequencies = cursor.read<std::uint32_t>();
  if (n_mels == 0 || n_frequencies == 0 || n_mels > kMaxFilters || n_frequencies > kMaxFilters) return std::nullopt;
  Extent filters{.offset_bytes = cursor.position(),
                 .length_bytes = n_mels * n_frequencies * sizeof(float),
                 .is_layer = true,
                 .dtype = DType::F32,
                 .name = "mel_filters",
                 .shape = {n_mels, n_frequencies}};
  cursor.skip(filters.length_bytes);
  auto header = after_vocabulary(cursor, cursor.read<std::uint32_t>(), dialect.has_scores);
  if (header) header->layers.push_back(std::move(filters));
  return header;
}

/// 7 numbers, the first of which is the size of the vocabulary, and the vocabulary.
std::optional<Header> read_llama_header(const ByteSource& file, const Dialect& dialect) {
  SourceCursor cursor(file, dialect.start_bytes);
  const auto n_tokens = cursor.read<std::uint32_t>();
  cursor.skip(6 * sizeof(std::uint32_t));
  return after_vocabulary(cursor, n_tokens, dialect.has_scores);
}

/// True if the three numbers at `at_bytes` could begin a tensor. Scalars do not count: they would match too often.
bool may_be_tensor(SourceCursor& cursor, std::uint64_t at_bytes) {
  cursor.seek(at_bytes);
  const auto n_dims = cursor.read<std::uint32_t>();
  const auto name_bytes = cursor.read<std::uint32_t>();
  const auto type = cursor.read<std::uint32_t>();
  return n_dims > 0 && n_dims <= kMaxDimensions && name_bytes > 0 && name_bytes <= kMaxNameBytes && type < kMaxTypes;
}

class Parser {
 public:
  Parser(const ByteSource& file, Dialect dialect) : file_(file), dialect_(std::move(dialect)) {}

  std::optional<std::vector<Extent>> parse() {
    for (const auto read_header : {read_whisper_header, read_llama_header}) {
      auto header = read_header(file_, dialect_);
      if (!header) continue;
      if (auto tensors = read_tensors_of_any_scales(header->end_bytes)) {
        std::move(tensors->begin(), tensors->end(), std::back_inserter(header->layers));
        return std::move(header->layers);
      }
    }
    return search();
  }

 private:
  std::optional<std::vector<Extent>> read_tensors_of_any_scales(std::uint64_t from_bytes) {
    for (const auto scales : dialect_.scales) {
      if (auto tensors = read_tensors(file_, from_bytes, dialect_, scales, budget_)) return tensors;
    }
    return std::nullopt;
  }

  std::optional<std::vector<Extent>> search() {
    SourceCursor cursor(file_);
    const auto end = std::min(file_.size_bytes(), kMaxHeaderBytes);
    for (auto at = dialect_.start_bytes; at < end && !cursor.failed() && budget_ > 0; ++at) {
      if (!may_be_tensor(cursor, at)) continue;
      if (auto tensors = read_tensors_of_any_scales(at)) return tensors;
    }
    return std::nullopt;
  }

  const ByteSource& file_;
  Dialect dialect_;
  std::uint64_t budget_ = kMaxTensors;
};

bool matches(const ByteSource& file) {
  if (file.size_bytes() < 8) return false;
  SourceCursor start(file);
  const auto magic = start.read<std::uint32_t>();
  const auto next = start.read<std::uint32_t>();
  const bool known = magic == kGgmlMagic || magic == kGgmfMagic || magic == kGgjtMagic || magic == kGglaMagic;
  return !start.failed() && known && next < kMaxFirstNumber;
}

Result<FoundExtents> parse(const ByteSource& file) {
  ELVES_TRY(auto dialect, read_dialect(file));
  auto layers = Parser(file, std::move(dialect)).parse();
  if (!layers) return Error{"no known header fits: the tensors after it do not end with the file"};
  return FoundExtents{.extents = std::move(*layers), .opaque_bytes = 0, .opaque_reason = {}};
}

}  // namespace

}  // namespace elves::formats::ggml

namespace elves::formats {

constinit const Format kGgml{.id = FormatId::Ggml, .name = "ggml", .matches = ggml::matches, .parse = ggml::parse};

}  // namespace elves::formats
