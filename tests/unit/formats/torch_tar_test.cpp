#include "formats/torch_tar/torch_tar.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/formats/pickle_writer.hpp"

namespace elves::formats {
namespace {

using namespace elves::formats::pickled;

using Members = std::vector<std::pair<std::string, std::string>>;

std::string octal(std::uint64_t value, std::size_t n_digits) {
  std::string text(n_digits, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, value /= 8) *at = static_cast<char>('0' + value % 8);
  return text + '\0';
}

/// A header of tar with a correct checksum.
std::string header(const std::string& name, const std::string& size, char type) {
  std::string block(512, '\0');
  block.replace(0, name.size(), name);
  block.replace(124, size.size(), size);
  block.replace(148, 8, "        ");
  block[156] = type;
  block.replace(257, 8,
                std::string("ustar\0"
                            "00",
                            8));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  block.replace(148, 7, octal(sum, 6));
  return block;
}

std::string padded(std::string data) {
  data.resize((data.size() + 511) / 512 * 512);
  return data;
}

std::string member(const std::string& name, const std::string& data) {
  return header(name, octal(data.size(), 11), '0') + padded(data);
}

std::string tar(const Members& members) {
  std::string file;
  for (const auto& [name, data] : members) file += member(name, data);
  return file + std::string(1024, '\0');
}

std::string storage_of(const std::string& key, const std::string& type, std::int64_t n_elements,
                       const std::string& data) {
  return pickle_of(tuple({key, text("cpu"), global("torch", type)})) + raw(n_elements) + data;
}

std::string tensor_of(std::int64_t key, const std::string& storage, const std::vector<std::int64_t>& shape,
                      const std::vector<std::int64_t>& strides, std::int64_t offset) {
  auto all = pickle_of(tuple({number(key), storage, global("torch", "FloatTensor")})) +
             raw(static_cast<std::int64_t>(shape.size()));
  for (const auto n : shape) all += raw(n);
  for (const auto n : strides) all += raw(n);
  return all + raw(offset);
}

const std::string kFloats(24, 'f');

/// A matrix [2, 3] with the key 70, in the storage 7.
Members small_members() {
  return {{"sys_info", pickle_of(dict({{"little_endian", kTrue}}))},
          {"pickle", pickle_of(dict({{"w", persistent(text("70"))}}))},
          {"tensors", pickle_of(number(1)) + tensor_of(70, number(7), {2, 3}, {3, 1}, 0)},
          {"storages", pickle_of(number(1)) + storage_of(number(7), "FloatStorage", 6, kFloats) + pickle_of(list({}))}};
}

ParsedFile parse(const std::string& file) {
  auto parsed = parse_file(source(file));
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}

TEST(TorchTar, tensors_are_named_by_their_paths_in_the_object) {
  const auto file = tar(small_members());
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::TorchTar);
  const auto layers = layers_in(parsed);
  ASSERT_EQ(layers.size(), 1u) << parsed.opaque_reason;
  EXPECT_EQ(layers[0].name, "w");
  EXPECT_EQ(layers[0].dtype, DType::F32);
  EXPECT_EQ(layers[0].shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(file.substr(layers[0].offset_bytes, 24), kFloats);
}

TEST(TorchTar, reads_parameters_views_and_tensors_without_a_storage) {
  auto members = small_members();
  members[1].second = pickle_of(
      instance(global("models", "Net"),
               dict({{"_parameters",
                      dict({{"w", call(global("torch.nn.parameter", "Parameter"), {persistent(text("70")), kTrue})}})},
                     {"_buffers", dict({{"b", persistent(text("71"))}, {"none", persistent(text("72"))}})}})));
  members[2].second = pickle_of(number(3)) + tensor_of(70, number(7), {3}, {1}, 0) +
                      tensor_of(71, number(8), {2}, {1}, 1) + tensor_of(72, kNone, {}, {}, 0);
  members[3].second = pickle_of(number(1)) + storage_of(number(7), "FloatStorage", 6, kFloats) +
                      pickle_of(list({tuple({number(8), number(7), number(3), number(3)})}));
  const auto layers = layers_in(parse(tar(members)));
  ASSERT_EQ(names_in(layers), (std::vector<std::string>{"w", "b"}));
  EXPECT_EQ(layers[1].offset_bytes, layers[0].offset_bytes + 16);
}

TEST(TorchTar, members_after_the_first_may_be_in_any_order) {
  const auto members = small_members();
  const std::string extended = "20 mtime=1234567890\n";
  const auto storages = members[3].second;
  const auto file = member(members[0].first, members[0].second) + member(members[3].first, storages) +
                    header("PaxHeader", octal(extended.size(), 11), 'x') + padded(extended) +
                    member(members[2].first, members[2].second) + member(members[1].first, members[1].second);
  EXPECT_EQ(names_in(layers_in(parse(file))), std::vector<std::string>{"w"});
}

TEST(TorchTar, sizes_may_be_in_base_256_or_in_an_extended_header) {
  const auto members = small_members();
  const auto storages = members[3].second;
  const auto rest = member(members[0].first, members[0].second) + member(members[1].first, members[1].second) +
                    member(members[2].first, members[2].second);
  std::string binary(12, '\0');
  binary[0] = '\x80';
  binary[11] = static_cast<char>(storages.size());
  EXPECT_EQ(layers_in(parse(rest + header("storages", binary, '0') + padded(storages))).size(), 1u);
  const auto told = "12 size=" + std::to_string(storages.size()) + "\n";
  EXPECT_EQ(layers_in(parse(rest + header("x", octal(told.size(), 11), 'x') + padded(told) +
                            header("storages", octal(0, 11), '0') + padded(storages)))
                .size(),
            1u);
}

TEST(TorchTar, does_not_match_other_tars) {
  const auto matches = [](const std::string& file) { return kTorchTar.matches(source(file)); };
  auto members = small_members();
  EXPECT_TRUE(matches(tar(members)));
  EXPECT_FALSE(matches(tar({{"readme", "text"}, {"weights", kFloats}})));
  EXPECT_FALSE(matches(tar({{"sys_info", "x"}})));
  EXPECT_FALSE(matches(tar({{"pickle", "x"}, {"sys_info", "x"}})));
  members.emplace_back("extra", "x");
  EXPECT_FALSE(matches(tar(members)));
  EXPECT_FALSE(matches(""));
  EXPECT_FALSE(matches(std::string(2048, '\0')));
  auto damaged = tar(small_members());
  damaged[3] = 'X';
  EXPECT_FALSE(matches(damaged)) << "the header's sum is wrong";
}

TEST(TorchTar, big_endian_files_are_opaque) {
  auto members = small_members();
  members[0].second = pickle_of(dict({{"little_endian", kFalse}}));
  EXPECT_EQ(parse(tar(members)).opaque_reason, "torch-tar: its numbers are big-endian");
}

std::string reason(std::size_t n_member, const std::string& data) {
  auto members = small_members();
  members[n_member].second = data;
  const auto parsed = parse(tar(members));
  EXPECT_EQ(parsed.format, FormatId::Plain);
  return parsed.opaque_reason;
}

TEST(TorchTar, damaged_files_are_refused_with_the_reason) {
  const auto one = pickle_of(number(1));
  const auto storage = storage_of(number(7), "FloatStorage", 6, kFloats);
  EXPECT_EQ(reason(0, "x"), "torch-tar: sys_info: opcode 0x78 at byte 0 is unknown");
  EXPECT_EQ(reason(1, "N"), "torch-tar: object: cut short, or a size in it is wrong (at byte 1)");
  EXPECT_EQ(reason(2, pickle_of(kNone)), "torch-tar: a count is no number");
  EXPECT_EQ(reason(2, pickle_of(number(-1))), "torch-tar: a count is no number");
  EXPECT_EQ(reason(2, pickle_of(number(INT64_MAX)) + tensor_of(70, number(7), {6}, {1}, 0)),
            "torch-tar: tensor: cut short, or a size in it is wrong (at byte 89)");
  EXPECT_EQ(reason(2, one + tensor_of(70, number(8), {6}, {1}, 0)), "torch-tar: tensor '70' is of a missing storage");
  EXPECT_EQ(reason(2, one + tensor_of(70, number(7), {-6}, {1}, 0)),
            "torch-tar: tensor '70' has a negative size, stride or offset");
  EXPECT_EQ(reason(2, one + pickle_of(tuple({number(70), number(7), kNone})) + raw(std::int64_t{0x7FFF'FFFF})),
            "torch-tar: tensor '70' has too many dimensions");
  EXPECT_EQ(reason(2, one + tensor_of(70, number(7), {7}, {1}, 0)),
            "torch-tar: tensor 'w' passes the end of storage '7'");
  EXPECT_EQ(reason(3, pickle_of(number(2)) + storage + storage), "torch-tar: storage '7' is a duplicate");
  EXPECT_EQ(reason(3, one + storage_of(number(7), "FloatStorage", -1, kFloats)),
            "torch-tar: storage '7' passes the end of the file");
  EXPECT_EQ(reason(3, one + storage_of(number(7), "FloatStorage", INT64_MAX, kFloats)),
            "torch-tar: storage '7' passes the end of the file");
  EXPECT_EQ(reason(3, one + storage_of(number(7), "OddStorage", 6, kFloats)),
            "torch-tar: storage '7' is of an unknown class");
  EXPECT_EQ(reason(3, one + storage + pickle_of(list({tuple({number(8), number(9), number(0), number(1)})}))),
            "torch-tar: view '8' is of a missing storage");
  EXPECT_EQ(reason(3, one + storage + pickle_of(list({tuple({number(8), number(7), number(-1), number(1)})}))),
            "torch-tar: view '8' has a negative offset");
}

TEST(TorchTar, a_tar_cut_after_its_second_header_is_glue_with_a_reason) {
  const auto file = tar(small_members());
  for (std::size_t n = 1536; n < file.size() - 1024; n += 64) {
    const auto parsed = parse(file.substr(0, n));
    if (parsed.format == FormatId::TorchTar) continue;  // only padding is missing
    EXPECT_NE(parsed.opaque_reason, "") << n;
  }
}

}  // namespace
}  // namespace elves::formats
