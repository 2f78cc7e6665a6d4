// What each row of the registry must do, for every dtype that it accepts and every kind of data. A new row needs no
// further code here.
#include <gtest/gtest.h>

#include <algorithm>

#include "encode/registry.hpp"
#include "encode/streams.hpp"
#include "unit/encode/chunk_data.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;
using testing::Kind;

struct Encoded {
  Bytes bytes;
  Bytes base;  ///< empty if the row needs none
  Loss loss;
  Bytes decoded;  ///< joined from the streams before coding
};

std::optional<EncodeOptions> options_for(const Transform& row, DType dtype) {
  const EncodeOptions options{.min_snr_db = 0};
  return row.accepts(dtype, options) ? std::optional(options) : std::nullopt;
}

// A base for rows that need one: 95 % of the elements, some of them changed. Empty for other rows.
Bytes base_of(const Transform& row, const Bytes& raw, DType dtype) {
  if (row.base_use == BaseUse::None) return {};
  testing::Random random(17);
  const auto n = raw.size() / size_bytes(dtype);
  Bytes base(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>((n - n / 20) * size_bytes(dtype)));
  for (std::size_t at = 0; at < base.size(); at += 1 + random.below(6)) {
    base[at] ^= static_cast<std::byte>(random.bits() & random.bits());
  }
  return base;
}

Encoded encode_with(const Transform& row, const Bytes& raw, DType dtype, const EncodeOptions& options) {
  Scratch scratch;
  Split split;
  StreamEncoder streams;
  const auto base = base_of(row, raw, dtype);
  row.split({raw, dtype, {base}}, options, scratch, split);
  Encoded encoded{
      .bytes = {static_cast<std::byte>(row.id)}, .base = base, .loss = split.loss, .decoded = Bytes(raw.size())};
  encoded.bytes.insert(encoded.bytes.end(), split.header.begin(), split.header.end());
  streams.encode(split.streams, options, scratch, encoded.bytes);
  ByteCursor header(split.header);
  SplitStreams source(split);
  EXPECT_TRUE(row.join(header, source, dtype, scratch, encoded.decoded, base).has_value());
  return encoded;
}

/// Calls `check(row, dtype, options)` for each row and each dtype that it accepts.
template <class Check>
void for_each_pair(Check check) {
  std::size_t n_pairs = 0;
  for (const Transform& row : transforms()) {
    for (const DType dtype : testing::all_dtypes()) {
      const auto options = options_for(row, dtype);
      if (!options) continue;
      SCOPED_TRACE(std::string(row.name) + " of " + std::string(name(dtype)));
      check(row, dtype, *options);
      ++n_pairs;
    }
  }
  EXPECT_GE(n_pairs, 18u + 14u + 2u + 3u + 6u + 14u + 2u + 20u + 3u);
}

TEST(EveryTransform, decodes_to_the_original_within_its_bound) {
  for_each_pair([](const Transform& row, DType dtype, const EncodeOptions& options) {
    for (const Kind& kind : testing::kinds()) {
      for (const std::size_t n : {0u, 1u, 2u, 31u, 1024u, 1025u, 20000u}) {
        SCOPED_TRACE(kind.name + ", " + std::to_string(n));
        const Bytes raw = kind.make(dtype, n);
        const auto encoded = encode_with(row, raw, dtype, options);
        Bytes back(raw.size(), std::byte{0xEE});
        const auto decoded = Decoder().decode(encoded.bytes, dtype, back, encoded.base);
        ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
        ASSERT_EQ(testing::difference(dtype, raw, back, row.lossy ? testing::own_bound(dtype) : 0), "");
        ASSERT_EQ(back, encoded.decoded);
        ASSERT_EQ(encoded.loss.exact, back == raw);
      }
    }
  });
}

TEST(EveryTransform, measures_its_largest_error) {
  for_each_pair([](const Transform& row, DType dtype, const EncodeOptions& options) {
    for (const Kind& kind : testing::kinds()) {
      SCOPED_TRACE(kind.name);
      const Bytes raw = kind.make(dtype, 5000);
      const auto encoded = encode_with(row, raw, dtype, options);
      double largest = 0;
      for (std::size_t at = 0; row.lossy && at < raw.size(); at += size_bytes(dtype)) {
        if (std::memcmp(&raw[at], &encoded.decoded[at], size_bytes(dtype)) == 0) continue;
        largest = std::max(largest, std::abs(testing::element_as_double(dtype, &raw[at]) -
                                             testing::element_as_double(dtype, &encoded.decoded[at])));
      }
      ASSERT_EQ(encoded.loss.max_abs_error, largest);
    }
  });
}

TEST(EveryTransform, is_deterministic) {
  for_each_pair([](const Transform& row, DType dtype, const EncodeOptions& options) {
    for (const Kind& kind : testing::kinds()) {
      const Bytes raw = kind.make(dtype, 3000);
      ASSERT_EQ(encode_with(row, raw, dtype, options).bytes, encode_with(row, raw, dtype, options).bytes) << kind.name;
    }
  });
}

TEST(EveryTransform, rejects_truncated_chunks) {
  for_each_pair([](const Transform& row, DType dtype, const EncodeOptions& options) {
    Decoder decoder;
    for (const Kind& kind : testing::kinds()) {
      const auto encoded = encode_with(row, kind.make(dtype, 70), dtype, options);
      Bytes back(70 * size_bytes(dtype));
      for (std::size_t n = 0; n < encoded.bytes.size(); ++n) {
        const Bytes part(encoded.bytes.begin(), encoded.bytes.begin() + static_cast<std::ptrdiff_t>(n));
        ASSERT_FALSE(decoder.decode(part, dtype, back, encoded.base).has_value())
            << kind.name << " cut to " << n << " bytes";
      }
    }
  });
}

TEST(EveryTransform, rejects_trailing_bytes) {
  for_each_pair([](const Transform& row, DType dtype, const EncodeOptions& options) {
    for (const Kind& kind : testing::kinds()) {
      auto encoded = encode_with(row, kind.make(dtype, 70), dtype, options);
      encoded.bytes.push_back(std::byte{0});
      Bytes back(70 * size_bytes(dtype));
      ASSERT_FALSE(Decoder().decode(encoded.bytes, dtype, back, encoded.base).has_value()) << kind.name;
    }
  });
}

TEST(EveryTransform, rejects_another_raw_size) {
  for_each_pair([](const Transform& row, DType dtype, const EncodeOptions& options) {
    for (const Kind& kind : testing::kinds()) {
      const auto encoded = encode_with(row, kind.make(dtype, 70), dtype, options);
      for (const std::size_t n : {0u, 1u, 35u, 69u, 71u, 140u}) {
        Bytes back(n * size_bytes(dtype));
        ASSERT_FALSE(Decoder().decode(encoded.bytes, dtype, back, encoded.base).has_value())
            << kind.name << " as " << n;
      }
    }
  });
}

// The result is arbitrary; the sanitizers check that no memory is misused. An undamaged chunk must still decode
// afterwards with the same decoder.
TEST(EveryTransform, survives_flipped_bits) {
  for_each_pair([](const Transform& row, DType dtype, const EncodeOptions& options) {
    Decoder decoder;
    testing::Random random(11);
    for (const Kind& kind : testing::kinds()) {
      const auto encoded = encode_with(row, kind.make(dtype, 300), dtype, options);
      Bytes back(300 * size_bytes(dtype));
      for (int round = 0; round < 200; ++round) {
        auto damaged = encoded.bytes;
        for (int flips = 1 + round % 3; flips > 0; --flips) {
          const auto at =
              round % 2 ? random.below(damaged.size()) : random.below(std::min<std::size_t>(damaged.size(), 24));
          damaged[at] ^= static_cast<std::byte>(1 << random.below(8));
        }
        (void)decoder.decode(damaged, dtype, back, encoded.base).has_value();
      }
      ASSERT_TRUE(decoder.decode(encoded.bytes, dtype, back, encoded.base).has_value()) << kind.name;
      ASSERT_EQ(back, encoded.decoded) << kind.name;
    }
  });
}

TEST(EveryTransform, has_its_own_number_and_name) {
  for (const Transform& row : transforms()) {
    EXPECT_EQ(find_transform(static_cast<std::uint8_t>(row.id)), &row);
    EXPECT_EQ(name(row.id), row.name);
    EXPECT_LT(static_cast<std::size_t>(row.id), kTransformCount);
  }
  EXPECT_EQ(name(static_cast<TransformId>(250)), "unknown");
}

struct Setting {
  std::string name;
  EncodeOptions options;
};

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all{
      {"default", {}},
      {"fast", {.level = Level::Fast}},
      {"max", {.level = Level::Max}},
      {"lossless", {.lossless = true}},
      {"lossless max", {.lossless = true, .level = Level::Max}},
      {"no guard", {.min_snr_db = 0}},
      {"no zstd", {.min_snr_db = 0, .use_entropy_coding = false}},
      {"no planes", {.use_planes = false}},
      {"no elf, no de", {.use_elf = false, .use_de = false}},
      {"nothing",
       {.use_elf = false, .use_de = false, .use_palette = false, .use_planes = false, .use_entropy_coding = false}},
  };
  return all;
}

/// Level::Max encodes about 1 MB/s: it is tried with small chunks only.
std::vector<std::size_t> sizes_for(const Setting& setting, DType dtype) {
  if (setting.options.level == Level::Max) return {block_elements(dtype) > 1 ? 9u : 700u};
  return {0, 1, 9, 700, block_elements(dtype) > 1 ? 900u : 9000u};
}

void expect_round_trip(const Setting& setting, const Bytes& raw, DType dtype, Encoder& encoder, Decoder& decoder) {
  Bytes encoded{std::byte{1}, std::byte{2}};
  const auto stats = encoder.encode(raw, dtype, setting.options, encoded);
  ASSERT_EQ(encoded[0], std::byte{1});
  ASSERT_EQ(encoded[1], std::byte{2});
  encoded.erase(encoded.begin(), encoded.begin() + 2);
  ASSERT_LE(encoded.size(), raw.size() + 16);
  ASSERT_EQ(stats.raw_bytes, raw.size());
  ASSERT_EQ(stats.encoded_bytes, encoded.size());
  Bytes back(raw.size());
  const auto decoded = decoder.decode(encoded, dtype, back);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  ASSERT_TRUE(std::ranges::equal(back, encoder.decoded()));
  ASSERT_EQ(testing::difference(dtype, raw, back, stats.max_abs_error), "");
  ASSERT_EQ(stats.exact, back == raw);
  ASSERT_TRUE(stats.exact || !setting.options.lossless);
}

TEST(Encoder, round_trips_every_dtype_and_kind_in_every_setting) {
  Encoder encoder;
  Decoder decoder;
  for (const Setting& setting : settings()) {
    for (const DType dtype : testing::all_dtypes()) {
      for (const Kind& kind : testing::kinds()) {
        for (const std::size_t n : sizes_for(setting, dtype)) {
          SCOPED_TRACE(setting.name + ", " + std::string(name(dtype)) + ", " + kind.name + ", " + std::to_string(n));
          expect_round_trip(setting, kind.make(dtype, n), dtype, encoder, decoder);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(Encoder, gives_the_same_bytes_after_other_chunks) {
  Encoder used;
  for (const Setting& setting : settings()) {
    for (const DType dtype : testing::all_dtypes()) {
      const Kind& kind = testing::kinds()[(static_cast<std::size_t>(dtype) + 1) % testing::kinds().size()];
      const Bytes raw = kind.make(dtype, sizes_for(setting, dtype).back());
      Bytes first, again;
      Encoder().encode(raw, dtype, setting.options, first);
      used.encode(raw, dtype, setting.options, again);
      ASSERT_EQ(again, first) << setting.name << ", " << name(dtype) << ", " << kind.name;
    }
  }
}

TEST(Decoder, names_an_unknown_transform) {
  Bytes back(4);
  const auto decoded = Decoder().decode(Bytes{std::byte{77}, std::byte{0}}, DType::U8, back);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_NE(decoded.error().message.find("unknown transform 77"), std::string::npos) << decoded.error().message;
}

TEST(Decoder, names_an_unknown_stream_kind) {
  Bytes back(4);
  const auto decoded = Decoder().decode(Bytes{std::byte{0}, std::byte{4 << 3 | 6}, std::byte{9}}, DType::U8, back);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_NE(decoded.error().message.find("unknown stream kind 6"), std::string::npos) << decoded.error().message;
}

TEST(Decoder, refuses_a_transform_that_does_not_accept_the_dtype) {
  Bytes back(8);
  for (std::size_t id = 1; id < kTransformCount; ++id) {
    Bytes chunk(40);
    chunk[0] = static_cast<std::byte>(id);
    EXPECT_FALSE(Decoder().decode(chunk, DType::U8, back).has_value()) << id;
  }
}

TEST(Decoder, refuses_a_size_that_is_not_a_whole_number_of_elements) {
  Bytes back(5);
  EXPECT_FALSE(Decoder().decode(Bytes(20), DType::F32, back).has_value());
}

}  // namespace
}  // namespace elves::encode
