#include "formats/hdf5/btree_v1.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace elves::formats::hdf5 {
namespace {

constexpr std::string_view kWhat = "B-tree (version 1)";
constexpr unsigned kMaxLevel = 32;

class Tree {
 public:
  using Take = std::function<void(NumberCursor& key, std::uint64_t child)>;

  Tree(Metadata& file, std::uint64_t key_bytes, BtreeKind kind, const Take& take)
      : file_(file), key_bytes_(key_bytes), kind_(kind), take_(take) {}

  /// Requires each node to be one level below its parent, so that a cycle of nodes is an error.
  void read_node(std::uint64_t address, std::optional<unsigned> level_above) {
    const std::uint64_t address_bytes = file_.widths().address_bytes;
    const auto start_bytes = 8 + 2 * address_bytes;
    auto start = file_.read_signed(address, start_bytes, "TREE", kWhat);
    const auto kind = start.read<std::uint8_t>();
    const unsigned level = start.read<std::uint8_t>();
    const std::uint64_t n_children = start.read<std::uint16_t>();
    if (file_.failed()) return;
    if (kind != static_cast<std::uint8_t>(kind_)) return fail("has a node of another kind");
    if (level > kMaxLevel) return fail("is too deep");
    if (level_above && level + 1 != *level_above) return fail("has a node of a wrong level");
    auto node = file_.read(address + start_bytes, n_children * (key_bytes_ + address_bytes), kWhat);
    for (std::uint64_t i = 0; i < n_children && !file_.failed(); ++i) {
      NumberCursor key(node.take(key_bytes_), file_.widths());
      const auto child = node.address();
      if (level > 0) {
        read_node(child, level);
      } else {
        take_(key, child);
      }
    }
  }

 private:
  void fail(std::string_view why) { file_.fail(fmt::format("{} {}", kWhat, why)); }

  Metadata& file_;
  std::uint64_t key_bytes_;
  BtreeKind kind_;
  const Take& take_;
};

}  // namespace

void for_each_leaf(Metadata& file, std::uint64_t address, std::uint64_t key_bytes, BtreeKind kind,
                   const std::function<void(NumberCursor& key, std::uint64_t child)>& take) {
  Tree(file, key_bytes, kind, take).read_node(address, std::nullopt);
}

}  // namespace elves::formats::hdf5
