#include "formats/hdf5/object_header.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "unit/formats/hdf5_parsed.hpp"

namespace elves::formats {
namespace {

using namespace hdf5_test;

TEST(Hdf5ObjectHeader, all_continuations_are_read) {
  File builder;
  const auto data = builder.put(Bytes(8));
  const auto piece = [](const std::vector<Message>& messages) {
    Writer all;
    all.text("OCHK");
    for (const auto& each : messages) all.u8(each.type).u16(each.body.size()).u8(0).bytes(each.body);
    return Bytes(all.u32(0));
  };
  const auto last_piece = piece({contiguous(data, 8)});
  const auto last = builder.put(last_piece);
  const auto middle_piece = piece({datatype(f32_type()), {0x10, Writer().u64(last).u64(last_piece.size())}});
  const auto middle = builder.put(middle_piece);
  const auto file = builder.finish_with({dataspace({2}), {0x10, Writer().u64(middle).u64(middle_piece.size())}});
  EXPECT_EQ(only_layer(file).offset_bytes, data);
}

TEST(Hdf5ObjectHeader, damaged_headers_are_refused) {
  const auto with_header = [](const Bytes& header) {
    File builder;
    return builder.finish(builder.put(header));
  };
  Writer long_message;
  long_message.text("OHDR").u8(2).u8(0).u8(6).u8(1).u16(500).u8(0).zeros(6);
  File circle;
  const auto at = circle.next();
  circle.put(header_v2({{0x10, Writer().u64(at + 10).u64(20)}}));
  File other_circle;
  const auto piece_at =
      other_circle.put(Writer().text("OCHK").u8(0x10).u16(16).u8(0).u64(other_circle.next()).u64(28).u32(0));
  expect_refused({
      {"object header at address 48 has an unknown version", with_header(Bytes(32))},
      {"object header at address 48 has an unknown version", with_header(with_byte(header_v2({}), 4, 3))},
      {"object header at address 48 has a message that passes its end", with_header(long_message)},
      {"object header passes the end of the file (4294967295 bytes",
       with_header(Writer().u8(1).u8(0).u16(1).u32(1).u32(0xFFFFFFFF).u32(0))},
      {"object header at address 48 has a cycle of continuations", circle.finish(at)},
      {"has a cycle of continuations", other_circle.finish_with({{0x10, Writer().u64(piece_at).u64(28)}})},
      {"object header passes the end of the file", one_dataset({{0x10, Writer().u64(48).u64(std::uint64_t{1} << 62)}})},
      {"has a continuation of too few bytes", one_dataset({{0x10, Writer().u64(48).u64(3)}})},
      {"has a damaged continuation", one_dataset({{0x10, Writer().u64(48).u64(20)}})},
      {"has a damaged continuation", one_dataset({{0x10, Writer().u64(48)}})},
  });
}

}  // namespace
}  // namespace elves::formats
