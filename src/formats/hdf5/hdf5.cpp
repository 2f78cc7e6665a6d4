#include "formats/hdf5/hdf5.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "formats/hdf5/chunk_index.hpp"
#include "formats/hdf5/dataset.hpp"
#include "formats/hdf5/group.hpp"
#include "formats/hdf5/metadata.hpp"
#include "formats/hdf5/object_header.hpp"
#include "support/checked.hpp"

namespace elves::formats::hdf5 {
namespace {

constexpr std::size_t kMaxDepth = 256;
constexpr std::uint64_t kLeastOpaqueBytes = 256;

std::string with_origin(const std::string& path, const std::vector<std::uint64_t>& origin) {
  return fmt::format("{}[{}]", path, fmt::join(origin, ","));
}

/// Walks the groups of a file and collects its datasets.
class Walker {
 public:
  explicit Walker(const ByteSource& file) : file_(file) {}

  Result<FoundExtents> walk() {
    visit({}, file_.root());
    while (!groups_.empty() && !file_.failed()) {
      auto& group = groups_.back();
      if (group.next == group.links.size()) {
        groups_.pop_back();
        continue;
      }
      const auto& link = group.links[group.next++];
      visit(group.prefix + link.name, link.address);
    }
    if (file_.failed()) return file_.error();
    describe_opaque();
    return std::move(found_);
  }

 private:
  struct Group {
    std::string prefix;
    std::vector<Link> links;
    std::size_t next = 0;
  };

  void visit(const std::string& path, std::uint64_t address) {
    if (!seen_.insert(address).second) return;
    file_.set_object(path);
    file_.charge(path.size());
    const auto header = read_object_header(file_, address);
    if (file_.failed()) return;
    if (is_group(header)) {
      if (groups_.size() == kMaxDepth) return file_.fail("groups are nested too deeply");
      groups_.push_back(Group{.prefix = path.empty() ? "" : path + "/", .links = read_links(file_, header)});
    } else if (is_dataset(header)) {
      add_dataset(path, read_dataset(file_, header));
    }
  }

  void add_dataset(const std::string& path, const Dataset& dataset) {
    ++n_datasets_;
    if (file_.failed() || dataset.type.is_glue || !dataset.space.has_elements) return;
    if (dataset.layout.storage == Storage::Piece) return add_piece(path, dataset);
    if (dataset.layout.storage == Storage::Chunks) return add_chunks(path, dataset);
  }

  void add_piece(const std::string& path, const Dataset& dataset) {
    const auto n_bytes = bytes_of(dataset.type.size_bytes, dataset.space.shape);
    if (file_.failed()) return;
    if (dataset.layout.piece_bytes && *dataset.layout.piece_bytes < n_bytes) {
      return file_.fail("has less storage than its shape needs");
    }
    const auto at = offset_of(dataset.layout.address);
    if (file_.failed()) return;
    if (!dataset.type.dtype) return add_unknown({{at, n_bytes}});
    found_.extents.push_back(Extent{.offset_bytes = at,
                                    .length_bytes = n_bytes,
                                    .is_layer = true,
                                    .lossless = dataset.is_checksummed,
                                    .dtype = *dataset.type.dtype,
                                    .name = path,
                                    .shape = dataset.space.shape});
  }

  void add_chunks(const std::string& path, const Dataset& dataset) {
    const auto& shape = dataset.layout.chunk_shape;
    if (shape.size() != dataset.space.shape.size() || dataset.layout.element_bytes != dataset.type.size_bytes) {
      return file_.fail("chunks have another rank or element size than the dataset");
    }
    const auto chunk_bytes = bytes_of(dataset.type.size_bytes, shape);
    if (file_.failed()) return;
    const auto chunks = read_chunks(file_, dataset, chunk_bytes);
    if (file_.failed()) return;
    if (dataset.has_filters || !dataset.type.dtype) return add_opaque_chunks(dataset, chunks);
    for (const auto& chunk : chunks) {
      auto name = shape == dataset.space.shape ? path : with_origin(path, chunk.origin);
      file_.charge(name.size());
      const auto at = offset_of(chunk.address);
      if (file_.failed()) return;
      found_.extents.push_back(Extent{.offset_bytes = at,
                                      .length_bytes = chunk_bytes,
                                      .is_layer = true,
                                      .dtype = *dataset.type.dtype,
                                      .name = std::move(name),
                                      .shape = shape});
    }
  }

  struct Range {
    std::uint64_t offset_bytes;
    std::uint64_t length_bytes;
  };

  void add_opaque_chunks(const Dataset& dataset, const std::vector<Chunk>& chunks) {
    std::vector<Range> ranges;
    for (const auto& chunk : chunks) ranges.push_back({offset_of(chunk.address), chunk.n_bytes});
    if (file_.failed()) return;
    if (!dataset.has_filters) return add_unknown(std::move(ranges));
    n_compressed_ += ranges.empty() ? 0 : 1;
    add_opaque(std::move(ranges));
  }

  void add_unknown(std::vector<Range> ranges) {
    std::uint64_t n_bytes = 0;
    for (const auto& range : ranges) n_bytes = checked_add(n_bytes, range.length_bytes).value_or(kNowhere);
    if (n_bytes < kLeastOpaqueBytes) return;
    ++n_unknown_;
    add_opaque(std::move(ranges));
  }

  /// Adds extents of glue: one for each run of bytes without a gap.
  void add_opaque(std::vector<Range> ranges) {
    std::erase_if(ranges, [](const Range& range) { return range.length_bytes == 0; });
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.offset_bytes < b.offset_bytes; });
    const auto first = found_.extents.size();
    for (const auto& range : ranges) {
      const auto sum = checked_add(found_.opaque_bytes, range.length_bytes);
      if (!sum) return file_.fail("its chunks have more bytes than a file can have");
      found_.opaque_bytes = *sum;
      const bool follows =
          found_.extents.size() > first &&
          found_.extents.back().offset_bytes + found_.extents.back().length_bytes == range.offset_bytes;
      if (follows) {
        found_.extents.back().length_bytes += range.length_bytes;
      } else {
        found_.extents.push_back(Extent{.offset_bytes = range.offset_bytes, .length_bytes = range.length_bytes});
      }
    }
  }

  void describe_opaque() {
    auto& reason = found_.opaque_reason;
    if (n_compressed_ > 0) reason = fmt::format("{} of {} datasets are compressed", n_compressed_, n_datasets_);
    if (n_unknown_ == 0) return;
    if (!reason.empty()) reason += "; ";
    reason += fmt::format("{} of {} datasets are of another type", n_unknown_, n_datasets_);
  }

  std::uint64_t bytes_of(std::uint64_t element_bytes, const std::vector<std::uint64_t>& shape) {
    const auto n_elements = layer_bytes(DType::U8, shape);
    const auto n_bytes = n_elements ? checked_mul(*n_elements, element_bytes) : std::nullopt;
    if (!n_bytes) file_.fail("has a shape whose size overflows");
    return n_bytes.value_or(0);
  }

  std::uint64_t offset_of(std::uint64_t address) {
    const auto at = file_.offset_of(address);
    if (!at) file_.fail("its data passes the end of the file");
    return at.value_or(0);
  }

  Metadata file_;
  FoundExtents found_;
  std::vector<Group> groups_;
  std::unordered_set<std::uint64_t> seen_;
  std::uint64_t n_datasets_ = 0;
  std::uint64_t n_compressed_ = 0;
  std::uint64_t n_unknown_ = 0;
};

bool matches(const ByteSource& file) {
  return find_superblock(file).has_value();
}

Result<FoundExtents> parse(const ByteSource& file) {
  return Walker(file).walk();
}

}  // namespace

}  // namespace elves::formats::hdf5

namespace elves::formats {

constinit const Format kHdf5{.id = FormatId::Hdf5, .name = "hdf5", .matches = hdf5::matches, .parse = hdf5::parse};

}  // namespace elves::formats
