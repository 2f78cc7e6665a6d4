#include <gtest/gtest.h>

#include "chunk_data.hpp"
#include "encode/registry.hpp"
#include "encode/transforms/blocks/layouts.hpp"
#include "support/hash.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

constexpr std::size_t kBlockCount = 70;  // more than the kernel splits together

std::vector<DType> block_dtypes() {
  std::vector<DType> all;
  for (std::uint8_t number = 0; number < kDTypeCount; ++number) {
    if (block_elements(static_cast<DType>(number)) > 1) all.push_back(static_cast<DType>(number));
  }
  return all;
}

Bytes random_blocks(DType dtype, std::size_t n = kBlockCount) {
  return testing::random_bytes(n * size_bytes(dtype), 5);
}

std::vector<Bytes> split(const Bytes& raw, DType dtype) {
  Scratch scratch;
  Split split;
  kBlocks.split({raw, dtype}, {}, scratch, split);
  EXPECT_TRUE(split.header.empty());
  std::vector<Bytes> streams;
  for (const auto& stream : split.streams) streams.emplace_back(stream.bytes.begin(), stream.bytes.end());
  return streams;
}

/// A chunk that stores these streams.
Bytes chunk_of(const std::vector<Bytes>& streams) {
  Bytes chunk{static_cast<std::byte>(TransformId::Blocks)};
  ByteWriter to(chunk);
  for (const auto& stream : streams) {
    to.varint(stream.size() << 3 | 1);
    to.bytes(stream);
  }
  return chunk;
}

TEST(Blocks, have_a_layout_exactly_for_block_dtypes) {
  EXPECT_EQ(block_dtypes().size(), 24u);
  for (std::uint8_t number = 0; number < kDTypeCount; ++number) {
    const auto dtype = static_cast<DType>(number);
    const auto* layout = blocks::layout_of(dtype);
    ASSERT_EQ(layout != nullptr, block_elements(dtype) > 1) << name(dtype);
    if (layout) {
      EXPECT_EQ(layout->block_bytes, size_bytes(dtype)) << name(dtype);
      EXPECT_EQ(layout->dtype, dtype);
    }
  }
}

// The layouts are part of the format: checksums of the streams of 70 random blocks, in the order of the dtypes.
TEST(Blocks, have_the_layouts_of_the_format) {
  const std::vector<std::uint64_t> expected{
      0x21B19D4289E5BE23, 0x8EA4498EB8AF5391, 0x623C45A223C8F0E0, 0x0E49121239930B45, 0x6215F02EBE9F6FA2,
      0xDC8F28A3C952FBAA, 0xB936EF56A4B96A00, 0x2F9DC45EED0D745B, 0x5BB7FCA0162BC1DD, 0x477644131465EC2B,
      0xA7C1AACD6F832A85, 0xF46F8B7F22509914, 0x4454E7F042D5E2EA, 0xA8E3286E8FCA9461, 0x283283D4A98B0640,
      0x0D463047408EDE75, 0x21B19D4289E5BE23, 0x35EF6A822128C1D9, 0xE0E48BEB5A4A738A, 0x604ABC92D4312518,
      0xD251AEB67B3E483A, 0x4B03B9C3C93B1FB3, 0x6F3A657AF5CD7C45, 0x0B57E94A2B28DA5B};
  std::vector<std::uint64_t> found;
  for (const DType dtype : block_dtypes()) {
    Bytes all;
    for (const auto& stream : split(random_blocks(dtype), dtype)) all.insert(all.end(), stream.begin(), stream.end());
    found.push_back(checksum64(all));
  }
  EXPECT_EQ(found, expected);
}

TEST(Blocks, become_a_stream_for_each_field) {
  for (const DType dtype : block_dtypes()) {
    SCOPED_TRACE(name(dtype));
    const auto& fields = blocks::layout_of(dtype)->fields;
    const auto streams = split(random_blocks(dtype), dtype);
    ASSERT_EQ(streams.size(), fields.size());
    for (std::size_t k = 0; k < fields.size(); ++k) {
      ASSERT_EQ(streams[k].size(), kBlockCount * fields[k].symbols());
      for (const auto symbol : streams[k]) ASSERT_LT(static_cast<unsigned>(symbol), 1u << fields[k].width());
    }
  }
}

/// Some bits of a symbol, read one by one as the table says.
unsigned symbol_of(const std::byte* block, const blocks::Bits& bits, std::size_t a, std::size_t b, std::size_t c,
                   std::size_t d) {
  unsigned symbol = 0;
  for (unsigned i = 0; i < bits.width; ++i) {
    const auto at = bits.position(a, b, c, d) + i;
    symbol |= (static_cast<unsigned>(block[at / 8]) >> (at % 8) & 1) << i;
  }
  return symbol;
}

TEST(Blocks, are_split_as_their_table_says) {
  for (const DType dtype : block_dtypes()) {
    SCOPED_TRACE(name(dtype));
    const auto raw = random_blocks(dtype);
    const auto streams = split(raw, dtype);
    const auto* layout = blocks::layout_of(dtype);
    for (std::size_t k = 0; k < streams.size(); ++k) {
      const auto& field = layout->fields[k];
      auto symbol = streams[k].begin();
      for (std::size_t at = 0; at < raw.size(); at += layout->block_bytes) {
        for (std::size_t a = 0; a < field.counts[0]; ++a) {
          for (std::size_t b = 0; b < field.counts[1]; ++b) {
            for (std::size_t c = 0; c < field.counts[2]; ++c) {
              for (std::size_t d = 0; d < field.counts[3]; ++d) {
                const auto low = symbol_of(&raw[at], field.low, a, b, c, d);
                const auto high = symbol_of(&raw[at], field.high, a, b, c, d);
                ASSERT_EQ(static_cast<unsigned>(*symbol++), low | high << field.low.width) << "field " << k;
              }
            }
          }
        }
      }
    }
  }
}

TEST(Blocks, round_trip_in_any_number_and_with_a_partial_block) {
  for (const DType dtype : block_dtypes()) {
    for (const std::size_t n_blocks : {0u, 1u, 2u, 63u, 64u, 65u, 200u}) {
      for (const std::size_t rest : {std::size_t{0}, std::size_t{1}, size_bytes(dtype) - 1}) {
        SCOPED_TRACE(std::string(name(dtype)) + ", " + std::to_string(n_blocks) + " blocks and " +
                     std::to_string(rest));
        const auto raw = testing::random_bytes(n_blocks * size_bytes(dtype) + rest, n_blocks);
        Bytes back(raw.size(), std::byte{0xEE});
        const auto decoded = Decoder().decode(chunk_of(split(raw, dtype)), dtype, back);
        ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
        ASSERT_EQ(back, raw);
      }
    }
  }
}

TEST(Blocks, with_a_symbol_of_too_many_bits_are_refused) {
  for (const DType dtype : block_dtypes()) {
    SCOPED_TRACE(name(dtype));
    const auto raw = random_blocks(dtype);
    const auto streams = split(raw, dtype);
    const auto& fields = blocks::layout_of(dtype)->fields;
    for (std::size_t k = 0; k < streams.size(); ++k) {
      if (fields[k].width() == 8) continue;
      for (const std::size_t at : {std::size_t{0}, streams[k].size() / 2, streams[k].size() - 1}) {
        auto damaged = streams;
        damaged[k][at] |= static_cast<std::byte>(1u << fields[k].width());
        Bytes back(raw.size());
        EXPECT_FALSE(Decoder().decode(chunk_of(damaged), dtype, back).has_value())
            << "field " << k << ", symbol " << at;
      }
    }
  }
}

/// The numbers of stream k of one block.
std::vector<int> stream(const Bytes& block, DType dtype, std::size_t k) {
  const auto bytes = split(block, dtype).at(k);
  std::vector<int> numbers;
  for (const auto byte : bytes) numbers.push_back(static_cast<int>(byte));
  return numbers;
}

int at(const Bytes& block, std::size_t i) {
  return static_cast<int>(block[i]);
}

// These tests compare the streams with the way in which ggml reads blocks (dequantize_row_*).

TEST(BlockNumbers, halves_are_rotated_like_those_of_planes) {
  const auto block = random_blocks(DType::Q4_0, 1);
  Scratch scratch;
  Split planes;
  kPlanes.split({std::span(block).first(2), DType::F16}, {}, scratch, planes);
  EXPECT_EQ(stream(block, DType::Q4_0, 0), std::vector<int>{static_cast<int>(planes.streams[0].bytes[0])});
  EXPECT_EQ(stream(block, DType::Q4_0, 1), std::vector<int>{static_cast<int>(planes.streams[1].bytes[0])});
}

TEST(BlockNumbers, quants_of_q5_0_are_those_of_ggml) {
  const auto block = random_blocks(DType::Q5_0, 1);
  std::uint32_t qh;
  std::memcpy(&qh, &block[2], 4);
  std::vector<int> quants(32);
  for (std::size_t j = 0; j < 16; ++j) {
    quants[j] = (at(block, 6 + j) & 0x0F) | static_cast<int>((qh >> j << 4) & 0x10);
    quants[j + 16] = at(block, 6 + j) >> 4 | static_cast<int>((qh >> (j + 12)) & 0x10);
  }
  EXPECT_EQ(stream(block, DType::Q5_0, 2), quants);
}

TEST(BlockNumbers, quants_of_q6_k_are_those_of_ggml) {
  const auto block = random_blocks(DType::Q6_K, 1);
  std::vector<int> quants(256);
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t l = 0; l < 32; ++l) {
      const auto low = 64 * n + l;
      const auto high = at(block, 128 + 32 * n + l);
      quants[128 * n + l] = (at(block, low) & 0xF) | (high >> 0 & 3) << 4;
      quants[128 * n + l + 32] = (at(block, low + 32) & 0xF) | (high >> 2 & 3) << 4;
      quants[128 * n + l + 64] = at(block, low) >> 4 | (high >> 4 & 3) << 4;
      quants[128 * n + l + 96] = at(block, low + 32) >> 4 | (high >> 6 & 3) << 4;
    }
  }
  auto found = stream(block, DType::Q6_K, 0);  // the stream has the second and the third 32 of each 128 swapped
  for (std::size_t n = 0; n < 2; ++n) {
    const auto from = found.begin() + static_cast<std::ptrdiff_t>(128 * n);
    std::swap_ranges(from + 32, from + 64, from + 64);
  }
  EXPECT_EQ(found, quants);
}

TEST(BlockNumbers, quants_of_q5_k_are_those_of_ggml) {
  const auto block = random_blocks(DType::Q5_K, 1);
  std::vector<int> quants;
  for (int group = 0; group < 4; ++group) {
    for (const int half : {0, 1}) {
      for (std::size_t l = 0; l < 32; ++l) {
        const auto low = at(block, 48 + 32 * static_cast<std::size_t>(group) + l) >> 4 * half & 0xF;
        quants.push_back(low | (at(block, 16 + l) >> (2 * group + half) & 1) << 4);
      }
    }
  }
  EXPECT_EQ(stream(block, DType::Q5_K, 8), quants);
}

TEST(BlockNumbers, quants_of_q3_k_are_pairs_of_those_of_ggml) {
  const auto block = random_blocks(DType::Q3_K, 1);
  const auto low = [&](std::size_t group, int j, std::size_t l) { return at(block, 32 + 32 * group + l) >> 2 * j & 3; };
  const auto high = [&](std::size_t group, int j, std::size_t l) {
    return at(block, l) >> (4 * static_cast<int>(group) + j) & 1;
  };
  std::vector<int> pairs;
  for (const std::size_t group : {0u, 1u}) {
    for (const int j : {0, 2}) {
      for (std::size_t l = 0; l < 32; ++l) {
        pairs.push_back(low(group, j, l) | low(group, j + 1, l) << 2 | high(group, j, l) << 4 |
                        high(group, j + 1, l) << 5);
      }
    }
  }
  EXPECT_EQ(stream(block, DType::Q3_K, 0), pairs);
}

TEST(BlockNumbers, scales_of_q3_k_are_those_of_ggml) {
  const auto block = random_blocks(DType::Q3_K, 1);
  std::uint32_t aux[4];
  std::memcpy(aux, &block[96], 12);
  const std::uint32_t kmask1 = 0x03030303, kmask2 = 0x0f0f0f0f, tmp = aux[2];
  aux[2] = ((aux[0] >> 4) & kmask2) | (((tmp >> 4) & kmask1) << 4);
  aux[3] = ((aux[1] >> 4) & kmask2) | (((tmp >> 6) & kmask1) << 4);
  aux[0] = (aux[0] & kmask2) | (((tmp >> 0) & kmask1) << 4);
  aux[1] = (aux[1] & kmask2) | (((tmp >> 2) & kmask1) << 4);
  std::uint8_t scales[16];
  std::memcpy(scales, aux, 16);
  EXPECT_EQ(stream(block, DType::Q3_K, 1), std::vector<int>(std::begin(scales), std::end(scales)));
}

TEST(BlockNumbers, scales_and_minima_of_q4_k_and_q5_k_are_those_of_ggml) {
  for (const DType dtype : {DType::Q4_K, DType::Q5_K}) {
    const auto block = random_blocks(dtype, 1);
    std::vector<int> scales[4];
    for (std::size_t j = 0; j < 4; ++j) {
      const auto q = [&](std::size_t i) { return at(block, 4 + i); };
      scales[0].push_back(q(j) & 63);
      scales[1].push_back((q(j + 8) & 0xF) | q(j) >> 6 << 4);
      scales[2].push_back(q(j + 4) & 63);
      scales[3].push_back(q(j + 8) >> 4 | q(j + 4) >> 6 << 4);
    }
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(stream(block, dtype, 4 + k), scales[k]) << k;
  }
}

TEST(BlockNumbers, scales_of_iq4_xs_are_those_of_ggml) {
  const auto block = random_blocks(DType::IQ4_XS, 1);
  const int high = at(block, 2) | at(block, 3) << 8;
  std::vector<int> scales;
  for (std::size_t ib = 0; ib < 8; ++ib) {
    const auto low = at(block, 4 + ib / 2) >> 4 * (ib % 2) & 0xF;
    scales.push_back(low | (high >> 2 * ib & 3) << 4);
  }
  EXPECT_EQ(stream(block, DType::IQ4_XS, 2), scales);
}

TEST(BlockNumbers, scale_of_iq1_m_is_that_of_ggml) {
  const auto block = random_blocks(DType::IQ1_M, 1);
  std::uint16_t sc[4];
  std::memcpy(sc, &block[48], 8);
  const int half = (sc[0] >> 12) | ((sc[1] >> 8) & 0x00f0) | ((sc[2] >> 4) & 0x0f00) | (sc[3] & 0xf000);
  EXPECT_EQ(stream(block, DType::IQ1_M, 3), std::vector<int>{half >> 8});
  EXPECT_EQ(stream(block, DType::IQ1_M, 4), std::vector<int>{half & 0xFF});
}

TEST(Blocks, are_chosen_if_their_fields_differ) {
  for (const DType dtype : block_dtypes()) {
    const auto raw = testing::quantized_blocks(dtype, 16384 / size_bytes(dtype));
    Bytes encoded;
    EXPECT_EQ(Encoder().encode(raw, dtype, {}, encoded).transform, TransformId::Blocks) << name(dtype);
    Bytes plain;
    Encoder().encode(raw, dtype, {.use_planes = false}, plain);
    EXPECT_LT(encoded.size(), plain.size()) << name(dtype);
  }
}

}  // namespace
}  // namespace elves::encode
