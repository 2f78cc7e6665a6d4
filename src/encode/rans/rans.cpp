#include "encode/rans/rans.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "encode/rans/kernel.hpp"
#include "support/assert.hpp"
#include "support/try.hpp"

namespace elves::encode::rans {
namespace {

constexpr std::size_t kPairedBytes = 32u << 10;  // part of the format: segments of at least this size have two parts
constexpr std::size_t kUnitBytes = 128u << 10;   // all segments but the last are whole units
constexpr std::size_t kSampleBytes = 8u << 10;   // size of the sample of a unit,
constexpr std::size_t kPieceBytes = 1u << 10;    // and of the pieces of the sample

constexpr std::size_t kLeastCodedEscapes = 1u << 10;  // fewer escapes are stored
constexpr unsigned kMostDepth = 3;  // escapes are a stream with tables and escapes of its own, at most so deep

std::size_t unit_size(std::size_t n_left) {
  return std::min(n_left, kUnitBytes);
}

constexpr std::size_t rows_of(std::size_t n_bytes) {
  return (n_bytes + kStates - 1) / kStates;
}

struct Halves {
  std::size_t n_parts = 1;
  std::array<std::size_t, 2> bytes{};
};

// The first part has whole rows and is not shorter than the second.
Halves halves_of(std::size_t n_bytes) {
  if (n_bytes < kPairedBytes) return {1, {n_bytes, 0}};
  const auto first = (rows_of(n_bytes) + 1) / 2 * kStates;
  return {2, {first, n_bytes - first}};
}

struct Sample {
  Histogram counts{};
  std::size_t n_bytes = 0;
  bool complete = true;
};

void count(std::span<const std::byte> bytes, Sample& to) {
  const auto counts = histogram(bytes);
  for (std::size_t value = 0; value < counts.size(); ++value) to.counts[value] += counts[value];
  to.n_bytes += bytes.size();
}

Sample sample_of(std::span<const std::byte> unit) {
  Sample sample;
  if (unit.size() <= kUnitBytes / 2) {
    count(unit, sample);
    return sample;
  }
  constexpr std::size_t kPieces = kSampleBytes / kPieceBytes;
  const auto stride = (unit.size() - kPieceBytes) / (kPieces - 1);
  for (std::size_t i = 0; i < kPieces; ++i) count(unit.subspan(i * stride, kPieceBytes), sample);
  sample.complete = false;
  return sample;
}

struct Segment {
  std::size_t n_bytes = 0;
  Sample sample;
  Table table;
};

// Adds the sample of `from`; the table of `to` remains that of its first unit.
void merge(const Segment& from, Segment& to) {
  to.n_bytes += from.n_bytes;
  for (std::size_t value = 0; value < to.sample.counts.size(); ++value) {
    to.sample.counts[value] += from.sample.counts[value];
  }
  to.sample.n_bytes += from.sample.n_bytes;
  to.sample.complete = to.sample.complete && from.sample.complete;
}

// True if a table of its own would save less in `next` than the table takes. A table fits its own sample better than
// the rest of the unit, by about 1 bit for each value that occurs; the same holds for the other table: hence 2 *
// n_values.
bool joins(const Segment& next, const Segment& open) {
  const auto with_own = next.table.cost_bits(next.sample.counts);
  const auto with_other = open.table.cost_bits(next.sample.counts);
  const auto n_values = static_cast<std::uint64_t>(
      std::ranges::count_if(next.table.slots, [](std::uint8_t slots) { return slots != 0; }));
  if (with_other <= with_own + 2 * n_values) return true;
  const auto saved = (with_other - with_own - 2 * n_values) * next.n_bytes / next.sample.n_bytes / 8;
  return saved < 2 * kLeastOverhead + n_values;
}

Segment segment_of(std::span<const std::byte> unit) {
  Segment segment{.n_bytes = unit.size(), .sample = sample_of(unit), .table = {}};
  segment.table = Table::of(segment.sample.counts, segment.sample.complete);
  return segment;
}

/// Encodes one segment, in memory of the scratch.
class SegmentWriter {
 public:
  SegmentWriter(std::span<const std::byte> bytes, const Table& table, Scratch& scratch)
      : halves_(halves_of(bytes.size())), table_(table) {
    for (std::size_t k = 0, at = 0; k < halves_.n_parts; at += halves_.bytes[k], ++k) {
      values_[k] = bytes.subspan(at, halves_.bytes[k]);
      const auto room = kSlack + values_[k].size() + kStates;
      payload_[k] = scratch.take(room).subspan(kSlack);
      escapes_[k] = scratch.take(room).subspan(kSlack);
      parts_[k] = {.payload = payload_[k].data() + payload_[k].size(),
                   .escapes = escapes_[k].data() + escapes_[k].size(),
                   .states = {}};
      parts_[k].states.fill(kFirstState);
    }
    const auto most = std::ranges::max_element(table.slots);
    for (std::size_t k = 0; k < halves_.n_parts; ++k) {
      encode_last_row(k, static_cast<std::byte>(most - table.slots.begin()));
    }
    const auto common = values_[halves_.n_parts - 1].size() / kStates;
    encode_whole_rows(common, values_[0].size() / kStates - common, 1);
    encode_whole_rows(0, common, halves_.n_parts);
  }

  std::size_t n_parts() const { return halves_.n_parts; }
  const States& states(std::size_t k) const { return parts_[k].states; }
  std::span<const std::byte> payload(std::size_t k) const {
    return {parts_[k].payload, std::to_address(payload_[k].end())};
  }
  std::span<const std::byte> escapes(std::size_t k) const {
    return {parts_[k].escapes, std::to_address(escapes_[k].end())};
  }

 private:
  // If the last row is not whole, it is filled up with a value that has slots.
  void encode_last_row(std::size_t k, std::byte filling) {
    const auto rest = values_[k].subspan(values_[k].size() / kStates * kStates);
    if (rest.empty()) return;
    std::array<std::byte, kStates> row;
    row.fill(filling);
    std::ranges::copy(rest, row.begin());
    parts_[k].values = row.data();
    encode_rows(table_, parts_[k], nullptr, 1);
  }

  void encode_whole_rows(std::size_t first_row, std::size_t n_rows, std::size_t n_parts) {
    for (std::size_t k = 0; k < n_parts; ++k) parts_[k].values = values_[k].data() + first_row * kStates;
    encode_rows(table_, parts_[0], n_parts == 2 ? &parts_[1] : nullptr, n_rows);
  }

  Halves halves_;
  EncodeTable table_;
  std::array<std::span<const std::byte>, 2> values_;
  std::array<std::span<std::byte>, 2> payload_, escapes_;
  std::array<EncodePart, 2> parts_;
};

// Inserts a varint in front of the bytes from `at` on.
void insert_varint(std::uint64_t value, std::size_t at, std::vector<std::byte>& out) {
  const auto n_before = static_cast<std::ptrdiff_t>(out.size());
  ByteWriter(out).varint(value);
  std::rotate(out.begin() + static_cast<std::ptrdiff_t>(at), out.begin() + n_before, out.end());
}

void encode_nested(std::span<const std::byte> bytes, unsigned depth, Scratch& scratch, std::vector<std::byte>& to);

// Writes {number of escapes, number in the first of two parts, coded size or 0 if they are stored, the bytes}.
void write_escapes(const SegmentWriter& segment, unsigned depth, Scratch& scratch, std::vector<std::byte>& out) {
  ByteWriter to(out);
  const auto first = segment.escapes(0);
  const auto second = segment.n_parts() == 2 ? segment.escapes(1) : std::span<const std::byte>{};
  to.varint(first.size() + second.size());
  if (first.size() + second.size() == 0) return;
  if (segment.n_parts() == 2) to.varint(first.size());
  const auto all = scratch.take(first.size() + second.size());
  std::ranges::copy(second, std::ranges::copy(first, all.begin()).out);
  const auto begin = out.size();
  if (all.size() >= kLeastCodedEscapes && depth < kMostDepth) encode_nested(all, depth + 1, scratch, out);
  const auto n_coded = out.size() - begin;
  if (n_coded > 0 && n_coded < all.size()) return insert_varint(n_coded, begin, out);
  out.resize(begin);
  to.varint(0);
  to.bytes(all);
}

void write_segment(std::span<const std::byte> bytes, const Table& table, unsigned depth, Scratch& scratch,
                   std::vector<std::byte>& out) {
  const SegmentWriter segment(bytes, table, scratch);
  ByteWriter to(out);
  to.varint(bytes.size());
  table.write(to);
  if (table.escape_slots > 0) write_escapes(segment, depth, scratch, out);
  for (std::size_t k = 0; k < segment.n_parts(); ++k) {
    to.varint(segment.payload(k).size());
    to.bytes(std::as_bytes(std::span(segment.states(k))));
    to.bytes(segment.payload(k));
  }
}

Error damaged(const std::string& what) {
  return Error{"chunk: damaged: a rans stream " + what};
}

/// Decodes the payload of a part. Rows are decoded in runs that cannot read beyond the payload; its end is decoded from
/// a copy that is followed by zeros.
class PartReader {
 public:
  PartReader(std::span<const std::byte> states, std::span<const std::byte> payload, std::span<std::byte> out)
      : end_(payload.data() + payload.size()), out_(out) {
    std::memcpy(part_.states.data(), states.data(), sizeof(States));
    part_.payload = payload.data();
    part_.values = out.data();
  }

  void set_escapes(std::span<const std::byte> escapes) {
    part_.escapes = escapes.data();
    part_.n_escapes = escapes.size();
  }

  /// The number of whole rows that are left, and of those that can be decoded by the next call of decode_rows().
  std::size_t rows_left() const {
    return static_cast<std::size_t>(std::to_address(out_.end()) - part_.values) / kStates;
  }
  std::size_t rows_ready() {
    const auto left = static_cast<std::size_t>(end_ - part_.payload);
    if (!at_end_ && left < kTailBytes) {
      std::copy(part_.payload, end_, tail_.begin());
      part_.payload = tail_.data();
      end_ = tail_.data() + left;
      at_end_ = true;
    }
    return std::min(rows_left(), at_end_ ? kTailRows : left / kStates);
  }
  /// False if the rows decoded so far needed more bytes or escapes than there are.
  bool good() const { return !part_.failed && part_.payload <= end_; }
  DecodePart& part() { return part_; }

  /// Decodes the values after the last whole row. False if the part does not end as encoding ends it.
  bool finish(const DecodeTable& table) {
    const auto rest = out_.subspan(out_.size() / kStates * kStates);
    if (!rest.empty()) {
      rows_ready();
      std::array<std::byte, kStates> row;
      part_.values = row.data();
      decode_rows(table, part_, nullptr, 1);
      std::copy_n(row.begin(), rest.size(), rest.begin());
    }
    const auto is_first = [](std::uint16_t state) { return state == kFirstState; };
    return good() && part_.payload == end_ && part_.n_escapes == 0 && std::ranges::all_of(part_.states, is_first);
  }

 private:
  static constexpr std::size_t kTailRows = 16;
  static constexpr std::size_t kTailBytes = 2 * kStates;

  DecodePart part_;
  const std::byte* end_;
  std::span<std::byte> out_;
  bool at_end_ = false;
  std::array<std::byte, kTailBytes + kTailRows * kStates + kSlack> tail_{};
};

// Decodes all values of one part, or of two parts at once.
bool read_rows(const DecodeTable& table, PartReader& first, PartReader* second) {
  const auto both_ready = [&] { return std::min(first.rows_ready(), second->rows_ready()); };
  while (second != nullptr && second->rows_left() > 0) {
    decode_rows(table, first.part(), &second->part(), both_ready());
    if (!first.good() || !second->good()) return false;
  }
  while (first.rows_left() > 0) {
    decode_rows(table, first.part(), nullptr, first.rows_ready());
    if (!first.good()) return false;
  }
  return first.finish(table) && (second == nullptr || second->finish(table));
}

Result<void> decode_nested(std::span<const std::byte> coded, unsigned depth, Scratch& scratch,
                           std::span<std::byte> out);

// Reads `n` escapes. kSlack readable bytes follow them.
Result<std::span<const std::byte>> read_escapes(ByteCursor& from, std::size_t n, unsigned depth, Scratch& scratch) {
  const auto n_coded = from.read_varint();
  const auto coded = from.take(n_coded == 0 ? n : n_coded);
  if (from.failed()) return damaged("ends within its escapes");
  const auto escapes = scratch.take(n + kSlack).first(n);
  if (n_coded == 0) {
    std::ranges::copy(coded, escapes.begin());
  } else {
    ELVES_CHECK(decode_nested(coded, depth + 1, scratch, escapes));
  }
  return std::span<const std::byte>(escapes);
}

Result<void> read_segment(ByteCursor& from, unsigned depth, Scratch& scratch, std::span<std::byte> out) {
  const auto table = Table::read(from);
  if (!table) return damaged("has a table that does not add up");
  const DecodeTable decode_table(*table);
  const auto halves = halves_of(out.size());
  std::span<const std::byte> escapes;
  std::size_t first_escapes = 0;
  if (table->escape_slots > 0) {
    const auto n = from.read_varint();
    first_escapes = static_cast<std::size_t>(n == 0 ? 0 : halves.n_parts == 2 ? from.read_varint() : n);
    if (from.failed() || n > out.size() || first_escapes > n) return damaged("has more escapes than bytes");
    if (n > 0) {
      ELVES_TRY(escapes, read_escapes(from, static_cast<std::size_t>(n), depth, scratch));
    }
  }
  std::array<std::optional<PartReader>, 2> parts;
  for (std::size_t k = 0, at = 0; k < halves.n_parts; at += halves.bytes[k], ++k) {
    const auto n_payload = from.read_varint();
    const auto states = from.take(sizeof(States));
    const auto payload = from.take(n_payload);
    if (from.failed()) return damaged("ends before its payload does");
    parts[k].emplace(states, payload, out.subspan(at, halves.bytes[k]));
  }
  parts[0]->set_escapes(escapes.first(first_escapes));
  if (parts[1]) parts[1]->set_escapes(escapes.subspan(first_escapes));
  if (!read_rows(decode_table, *parts[0], parts[1] ? &*parts[1] : nullptr))
    return damaged("does not end where it should");
  return {};
}

Result<void> decode_nested(std::span<const std::byte> coded, unsigned depth, Scratch& scratch,
                           std::span<std::byte> out) {
  if (depth > kMostDepth) return damaged("has escapes of escapes of escapes");
  ByteCursor from(coded);
  while (!out.empty()) {
    const auto n = from.read_varint();
    if (from.failed() || n == 0 || n > out.size()) return damaged("has segments that do not add up to its size");
    const auto mark = scratch.mark();
    ELVES_CHECK(read_segment(from, depth, scratch, out.first(static_cast<std::size_t>(n))));
    scratch.rewind(mark);
    out = out.subspan(static_cast<std::size_t>(n));
  }
  if (!from.at_end()) return damaged("has bytes after its last segment");
  return {};
}

void encode_nested(std::span<const std::byte> bytes, unsigned depth, Scratch& scratch, std::vector<std::byte>& to) {
  const auto flush = [&](const Segment& segment, bool is_one_unit) {
    const auto mark = scratch.mark();
    const auto table = is_one_unit ? segment.table : Table::of(segment.sample.counts, segment.sample.complete);
    write_segment(bytes.first(segment.n_bytes), table, depth, scratch, to);
    scratch.rewind(mark);
    bytes = bytes.subspan(segment.n_bytes);
  };
  Segment open = segment_of(bytes.first(unit_size(bytes.size())));
  bool is_one_unit = true;
  for (auto rest = bytes.subspan(open.n_bytes); !rest.empty();) {
    const auto next = segment_of(rest.first(unit_size(rest.size())));
    rest = rest.subspan(next.n_bytes);
    if (joins(next, open)) {
      merge(next, open);
      is_one_unit = false;
      continue;
    }
    flush(open, is_one_unit);
    open = next;
    is_one_unit = true;
  }
  flush(open, is_one_unit);
}

}  // namespace

bool encode(std::span<const std::byte> bytes, std::size_t most_bytes, Scratch& scratch, std::vector<std::byte>& to) {
  ELVES_ASSERT(!bytes.empty());
  const auto begin = to.size();
  encode_nested(bytes, 0, scratch, to);
  if (to.size() - begin < most_bytes) return true;
  to.resize(begin);
  return false;
}

Result<void> decode(std::span<const std::byte> coded, Scratch& scratch, std::span<std::byte> out) {
  return decode_nested(coded, 0, scratch, out);
}

}  // namespace elves::encode::rans
