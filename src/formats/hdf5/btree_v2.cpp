#include "formats/hdf5/btree_v2.hpp"

#include <fmt/format.h>

#include <bit>
#include <string>
#include <vector>

#include "support/checked.hpp"

namespace elves::formats::hdf5 {
namespace {

constexpr std::uint64_t kNodeOverheadBytes = 10;  ///< signature, version, type, checksum
constexpr unsigned kMaxDepth = 16;

constexpr std::string_view kWhat = "B-tree (version 2)";

/// Bytes of a number between 0 and `limit`.
std::uint64_t bytes_for(std::uint64_t limit) {
  return (static_cast<std::uint64_t>(std::bit_width(limit)) + 7) / 8;
}

/// Capacity of a node of some depth. It determines the widths of the numbers in the node above.
struct Level {
  std::uint64_t most_records = 0;
  std::uint64_t most_below = 0;  ///< records in the node and all under it
};

class Tree {
 public:
  Tree(Metadata& file, const std::function<void(NumberCursor&)>& take) : file_(file), take_(take) {}

  void read(std::uint64_t address, RecordType type) {
    auto header = file_.read_signed(address, 22 + file_.widths().address_bytes, "BTHD", kWhat);
    header.skip(1);
    if (header.read<std::uint8_t>() != static_cast<std::uint8_t>(type)) return fail("holds records of another type");
    node_bytes_ = header.read<std::uint32_t>();
    record_bytes_ = header.read<std::uint16_t>();
    const unsigned depth = header.read<std::uint16_t>();
    header.skip(2);
    const auto root = header.address();
    const std::uint64_t n_records = header.read<std::uint16_t>();
    if (file_.failed() || root == kNowhere) return;
    if (depth > kMaxDepth) return fail("is too deep");
    if (record_bytes_ == 0 || !measure(depth)) return fail("has nodes of a wrong size");
    read_node(root, n_records, depth);
  }

 private:
  /// Computes the levels; false if a node cannot hold one record.
  bool measure(unsigned depth) {
    for (unsigned i = 0; i <= depth; ++i) {
      const auto pointer_bytes = i == 0 ? 0 : pointer_bytes_at(i);
      const auto fixed_bytes = kNodeOverheadBytes + pointer_bytes;
      if (node_bytes_ < fixed_bytes) return false;
      const auto most = (node_bytes_ - fixed_bytes) / (record_bytes_ + pointer_bytes);
      if (most == 0) return false;
      const auto below = i == 0 ? 0 : levels_.back().most_below;
      const auto in_children = checked_mul(most + 1, below);
      const auto total = in_children ? checked_add(*in_children, most) : std::nullopt;
      if (!total) return false;
      levels_.push_back(Level{.most_records = most, .most_below = *total});
    }
    return true;
  }

  /// A pointer is an address, the number of records in the child, and for inner children the number of records below.
  std::uint64_t pointer_bytes_at(unsigned depth) const {
    return file_.widths().address_bytes + count_bytes() + below_bytes_at(depth);
  }
  std::uint64_t count_bytes() const { return bytes_for(levels_[0].most_records); }
  std::uint64_t below_bytes_at(unsigned depth) const {
    return depth > 1 ? bytes_for(levels_[depth - 1].most_below) : 0;
  }

  void read_node(std::uint64_t address, std::uint64_t n_records, unsigned depth) {
    if (n_records > levels_[depth].most_records) return fail("has a node with too many records");
    auto node = file_.read_signed(address, node_bytes_, depth == 0 ? "BTLF" : "BTIN", kWhat);
    node.skip(2);
    NumberCursor records(node.take(n_records * record_bytes_), file_.widths());
    for (std::uint64_t i = 0; i <= n_records && !file_.failed(); ++i) {
      if (depth > 0) {
        const auto child = node.address();
        const auto n_in_child = node.number(count_bytes());
        node.skip(below_bytes_at(depth));
        if (node.failed()) return fail("has a node that is cut short");
        read_node(child, n_in_child, depth - 1);
      }
      if (i == n_records || file_.failed()) break;
      NumberCursor record(records.take(record_bytes_), file_.widths());
      take_(record);
      if (record.failed()) return fail("has records that are too short");
    }
  }

  void fail(std::string_view why) { file_.fail(fmt::format("{} {}", kWhat, why)); }

  Metadata& file_;
  const std::function<void(NumberCursor&)>& take_;
  std::uint64_t node_bytes_ = 0;
  std::uint64_t record_bytes_ = 0;
  std::vector<Level> levels_;
};

}  // namespace

void for_each_record(Metadata& file, std::uint64_t address, RecordType type,
                     const std::function<void(NumberCursor&)>& take) {
  Tree(file, take).read(address, type);
}

}  // namespace elves::formats::hdf5
