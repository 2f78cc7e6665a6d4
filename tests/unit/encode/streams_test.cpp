#include "encode/streams.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include "chunk_data.hpp"
#include "encode/bits.hpp"
#include "encode/entropy.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

struct Written {
  Bytes bytes;
  StreamKind kind;
};

Written write(const Bytes& raw, const EncodeOptions& options = {}) {
  Scratch scratch;
  Written written;
  const Stream stream{raw};
  StreamEncoder().encode({&stream, 1}, options, scratch, written.bytes);
  written.kind = static_cast<StreamKind>(ByteCursor(written.bytes).read_varint() & 7);
  return written;
}

Result<std::span<const std::byte>> read(const Bytes& bytes, Scratch& scratch, std::size_t least, std::size_t most) {
  ByteCursor cursor(bytes);
  ZstdDecompressor zstd;
  return CodedStreams(cursor, zstd, scratch).next(least, most);
}

Bytes skewed(std::size_t n) {
  testing::Random random(1);
  Bytes bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::byte>(120 + static_cast<int>(2 * random.normal()));
  return bytes;
}

void expect_back(const Bytes& raw, const EncodeOptions& options = {}) {
  const auto written = write(raw, options);
  Scratch scratch;
  const auto back = read(written.bytes, scratch, raw.size(), raw.size());
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_TRUE(std::ranges::equal(*back, raw));
  EXPECT_LE(written.bytes.size(), raw.size() + 5);
}

TEST(Streams, of_one_value_are_constant) {
  const auto written = write(Bytes(1000, std::byte{9}));
  EXPECT_EQ(written.kind, StreamKind::Constant);
  EXPECT_EQ(written.bytes.size(), 3u);
}

TEST(Streams, of_random_bytes_are_stored) {
  EXPECT_EQ(write(testing::random_bytes(100000, 1)).kind, StreamKind::Stored);
}

TEST(Streams, of_skewed_bytes_are_coded_by_rans) {
  const auto written = write(skewed(300000));
  EXPECT_EQ(written.kind, StreamKind::Rans);
  EXPECT_LT(written.bytes.size(), 300000u * 3.1 / 8);
}

TEST(Streams, of_few_skewed_bytes_are_coded_by_huffman) {
  const auto written = write(skewed(600));
  EXPECT_EQ(written.kind, StreamKind::Huffman);
  EXPECT_LT(written.bytes.size(), 600u * 3.5 / 8);
}

TEST(Streams, that_repeat_themselves_are_coded_with_matches) {
  Bytes raw = testing::random_bytes(500, 2);
  for (int i = 0; i < 8; ++i) raw.insert(raw.end(), raw.begin(), raw.begin() + 500);
  EXPECT_EQ(write(raw).kind, StreamKind::Zstd);
  Bytes sparse(100000);
  for (std::size_t i = 0; i < sparse.size(); i += 97) sparse[i] = static_cast<std::byte>(i);
  EXPECT_LT(write(sparse).bytes.size(), sparse.size() / 40);
}

Bytes write_all(const std::vector<Bytes>& raw, const EncodeOptions& options, Contexts contexts = Contexts::Try) {
  std::vector<Stream> streams;
  for (const auto& bytes : raw) streams.push_back({bytes});
  Scratch scratch;
  Bytes written;
  StreamEncoder().encode(streams, options, scratch, written, contexts);
  return written;
}

TEST(Streams, use_preceding_streams_of_their_size_as_contexts) {
  const auto mantissas = testing::random_bytes(70000, 5);
  const std::vector<Bytes> raw{skewed(70000), mantissas, Bytes(70000, std::byte{1}), mantissas, skewed(300), mantissas};
  const auto written = write_all(raw, {.level = Level::Max});
  Scratch scratch;
  ByteCursor cursor(written);
  ZstdDecompressor zstd;
  CodedStreams streams(cursor, zstd, scratch);
  std::vector<std::size_t> sizes;
  for (const auto& bytes : raw) {
    const auto from = cursor.position();
    const auto back = streams.next(bytes.size());
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_TRUE(std::ranges::equal(*back, bytes));
    sizes.push_back(cursor.position() - from);
  }
  EXPECT_TRUE(cursor.at_end());
  EXPECT_LT(sizes[3], 5000u) << "the last but one is the same";
  EXPECT_GE(sizes[5], 70000u) << "the last has another size";
}

TEST(Streams, are_coded_by_context_only_at_level_max) {
  const auto kind_at = [](Level level, Contexts contexts) {
    return ByteCursor(write_all({skewed(300)}, {.level = level}, contexts)).read_varint() & 7;
  };
  const auto context = static_cast<std::uint64_t>(StreamKind::Context);
  EXPECT_EQ(kind_at(Level::Max, Contexts::Try), context);
  EXPECT_NE(kind_at(Level::Max, Contexts::Skip), context);
  EXPECT_NE(kind_at(Level::Default, Contexts::Try), context);
}

TEST(Streams, are_stored_without_entropy_coding) {
  const EncodeOptions off{.use_entropy_coding = false};
  EXPECT_EQ(write(skewed(3000), off).kind, StreamKind::Stored);
  EXPECT_EQ(write(Bytes(3000), off).kind, StreamKind::Stored) << "constant streams too";
  EXPECT_EQ(write({}, off).kind, StreamKind::Stored);
}

TEST(Streams, round_trip_at_every_level_and_size) {
  for (const Level level : {Level::Fast, Level::Default, Level::Max}) {
    for (const std::size_t n : {0u, 1u, 15u, 16u, 100u, 4096u, 4097u, 70000u}) {
      SCOPED_TRACE(n);
      expect_back(skewed(n), {.level = level});
      expect_back(testing::random_bytes(n, 3), {.level = level});
      expect_back(Bytes(n, std::byte{200}), {.level = level});
    }
  }
}

TEST(Streams, coded_by_huffman_are_plain_zstd_frames) {
  for (const auto& raw : {skewed(600), skewed(900)}) {
    const auto written = write(raw);
    ByteCursor cursor(written.bytes);
    const auto head = cursor.read_varint();
    ASSERT_EQ(head >> 3, raw.size());
    const auto frame = cursor.take(cursor.read_varint());
    EXPECT_TRUE(cursor.at_end());
    Bytes back(raw.size());
    EXPECT_EQ(ZSTD_decompress(back.data(), back.size(), frame.data(), frame.size()), raw.size());
    EXPECT_EQ(back, raw);
  }
}

TEST(Streams, are_refused_if_a_frame_has_another_raw_size) {
  const Bytes raw = skewed(1000);
  auto written = write(raw).bytes;
  ByteCursor cursor(written);
  const auto kind = cursor.read_varint() & 7;
  const auto rest = cursor.take(cursor.remaining());
  Scratch scratch;
  for (const std::uint64_t claimed : {999u, 1001u}) {
    Bytes lie;
    ByteWriter(lie).varint(claimed << 3 | kind);
    ByteWriter(lie).bytes(rest);
    EXPECT_FALSE(read(lie, scratch, 0, 5000).has_value()) << claimed;
  }
}

TEST(Streams, that_are_too_large_are_refused_before_memory_is_taken) {
  Bytes huge;
  ByteWriter(huge).varint(std::uint64_t{1} << 60 | 0);  // a constant of 2^57 bytes
  ByteWriter(huge).write(std::uint8_t{1});
  Scratch scratch;
  EXPECT_FALSE(read(huge, scratch, 4, 4).has_value());
}

TEST(Streams, with_two_frames_are_refused) {
  const Bytes raw = skewed(1000);
  Bytes written = write(raw).bytes;
  ByteCursor cursor(written);
  const auto head = cursor.read_varint();
  const auto frame = cursor.take(cursor.read_varint());
  Bytes longer;
  ByteWriter to(longer);
  to.varint(head);
  to.varint(frame.size() + 9);
  to.bytes(frame);
  for (const int byte : {0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 7}) {  // a skippable frame
    to.write(static_cast<std::uint8_t>(byte));
  }
  Scratch scratch;
  EXPECT_FALSE(read(longer, scratch, 1000, 1000).has_value());
}

TEST(Bits, are_written_the_most_significant_first) {
  Bytes bytes(3);
  BitWriter writer(bytes.data());
  writer.write(0b101, 3);
  writer.write(0, 0);
  writer.write(0b0110011001, 10);
  EXPECT_EQ(writer.finish(), bytes.data() + 2);
  EXPECT_EQ(bytes[0], std::byte{0b10101100});
  EXPECT_EQ(bytes[1], std::byte{0b11001000});
  BitReader reader(std::span<const std::byte>(bytes).first(2));
  EXPECT_EQ(reader.read(3), 0b101u);
  EXPECT_EQ(reader.read(10), 0b0110011001u);
  EXPECT_TRUE(reader.at_end());
  reader.read(4);
  EXPECT_TRUE(reader.failed());
}

TEST(Entropy, of_a_sample_estimates_that_of_its_source) {
  EXPECT_NEAR(static_cast<double>(entropy_bits(histogram(testing::random_bytes(16384, 4)))), 8 * 16384, 240);
  EXPECT_NEAR(static_cast<double>(entropy_bits(histogram(testing::random_bytes(2048, 4)))), 8 * 2048, 120);
  EXPECT_EQ(entropy_bits(histogram(Bytes(800))), 0u);
  EXPECT_EQ(entropy_bits(Histogram{}), 0u);
  Bytes two(1000);
  std::fill(two.begin(), two.begin() + 500, std::byte{9});
  EXPECT_NEAR(static_cast<double>(entropy_bits(histogram(two))), 1000, 2);
}

TEST(Streams, are_planned_with_nearly_their_real_size) {
  for (const std::size_t n : {500u, 3000u, 20000u, 70000u, 500000u}) {
    for (const auto& raw : {skewed(n), testing::random_bytes(n, 4)}) {
      Scratch scratch;
      const auto plan = StreamEncoder().plan({raw}, {}, scratch);
      const auto written = write(raw);
      EXPECT_EQ(plan.kind, written.kind) << n;
      EXPECT_NEAR(static_cast<double>(plan.bytes), static_cast<double>(written.bytes.size()),
                  0.015 * static_cast<double>(n) + 40)
          << n;
    }
  }
}

}  // namespace
}  // namespace elves::encode
