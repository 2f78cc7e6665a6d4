#include "encode/context/context.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "encode/context/bit_coder.hpp"
#include "encode/context/model.hpp"
#include "support/assert.hpp"
#include "support/byte_cursor.hpp"

namespace elves::encode::context {
namespace {

constexpr std::size_t kMostPeriod = 4096;        // part of the format
constexpr std::size_t kPeriodBytes = 32u << 10;  // the search for a period looks at this many bytes
constexpr std::size_t kTrialBytes = 128u << 10;  // whenever so many bytes are coded, encoding may be given up

std::uint32_t value(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint32_t>(bytes[at]);
}

/// Computes the contexts of the bytes of a stream, in order.
class ContextWalk {
 public:
  ContextWalk(std::span<const std::byte> bytes, const Before& before, std::size_t period)
      : bytes_(bytes), before_(before), period_(period) {}

  /// The contexts of byte `at`, from the bytes before it.
  Contexts contexts(std::size_t at) {
    const auto above = back(at, period_);
    if (!before_.last.empty()) {
      const auto last = value(before_.last, at);
      const auto both = before_.last_but_one.empty() ? last : last | value(before_.last_but_one, at) << 8;
      return {0, above, last, both, last | above << 8};
    }
    const auto step = at >= 4 * period_ ? period_ : 1;
    const auto level = back(at, step) + back(at, 2 * step) + back(at, 3 * step) + back(at, 4 * step);
    const auto column = column_;
    column_ = column + 1 == period_ ? 0 : column + 1;
    return {0, above, level, back(at, 1) | back(at, 2) << 8, column};
  }

 private:
  std::uint32_t back(std::size_t at, std::size_t distance) const {
    return distance <= at ? value(bytes_, at - distance) : 0;
  }

  std::span<const std::byte> bytes_;
  Before before_;
  std::size_t period_;
  std::uint32_t column_ = 0;
};

std::uint32_t distance_between(std::span<const std::byte> a, const std::byte* b) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto difference = std::to_integer<int>(a[i]) - std::to_integer<int>(b[i]);
    sum += static_cast<std::uint32_t>(difference < 0 ? -difference : difference);
  }
  return sum;
}

}  // namespace

Before History::before(std::size_t n_bytes) const {
  if (last_.size() != n_bytes) return {};
  return {.last = last_,
          .last_but_one = last_but_one_.size() == n_bytes ? last_but_one_ : std::span<const std::byte>{}};
}

void History::add(std::span<const std::byte> stream) {
  last_but_one_ = last_;
  last_ = stream;
}

std::size_t find_period(std::span<const std::byte> bytes) {
  bytes = bytes.first(std::min(bytes.size(), kPeriodBytes));
  const auto most = std::min(kMostPeriod, bytes.size() / 4);
  if (most < 2) return 1;
  std::array<std::uint32_t, kMostPeriod> distances{};
  const auto all = std::span(distances).first(most);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < most; ++i) {
    all[i] = distance_between(bytes.subspan(most), bytes.data() + most - (i + 1));
    sum += all[i];
  }
  const auto mean = sum / most;
  const auto best = *std::ranges::min_element(all);
  if (best >= mean - mean / 50) return 1;
  // A period and its multiples are about equally good: take the first distance that is nearly as good as the best.
  const auto first = std::ranges::find_if(all, [&](auto distance) { return distance <= best + (mean - best) / 8; });
  return static_cast<std::size_t>(first - all.begin()) + 1;
}

bool encode(std::span<const std::byte> bytes, const Before& before, std::size_t period, std::size_t most_bytes,
            Scratch& scratch, std::vector<std::byte>& to) {
  ELVES_ASSERT(!bytes.empty() && period >= 1 && period <= kMostPeriod);
  const auto begin = to.size();
  const auto mark = scratch.mark();
  ByteWriter(to).varint(period);
  Model model(bytes.size(), scratch);
  ContextWalk walk(bytes, before, period);
  BitEncoder encoder(to);
  bool hopeless = false;
  for (std::size_t at = 0; at < bytes.size() && !hopeless; ++at) {
    const auto byte = value(bytes, at);
    model.code_byte(walk.contexts(at), [&](unsigned probability, unsigned at_bit) {
      return encoder.code(probability, byte >> (7 - at_bit) & 1);
    });
    if ((at + 1) % kTrialBytes == 0) {
      hopeless = to.size() - begin > std::uint64_t{most_bytes} * (at + 1) / bytes.size();
    }
  }
  encoder.finish();
  scratch.rewind(mark);
  if (!hopeless && to.size() - begin < most_bytes) return true;
  to.resize(begin);
  return false;
}

Result<void> decode(std::span<const std::byte> coded, const Before& before, Scratch& scratch,
                    std::span<std::byte> out) {
  ByteCursor cursor(coded);
  const auto period = cursor.read_varint();
  if (cursor.failed() || period == 0 || period > kMostPeriod) {
    return Error{fmt::format("chunk: damaged: a context stream with a period of {}", period)};
  }
  const auto mark = scratch.mark();
  Model model(out.size(), scratch);
  ContextWalk walk(out, before, static_cast<std::size_t>(period));
  BitDecoder decoder(cursor.take(cursor.remaining()));
  for (std::size_t at = 0; at < out.size() && !decoder.beyond_end(); ++at) {
    const auto byte =
        model.code_byte(walk.contexts(at), [&](unsigned probability, unsigned) { return decoder.code(probability); });
    out[at] = static_cast<std::byte>(byte);
  }
  scratch.rewind(mark);
  if (!decoder.at_end()) return Error{"chunk: damaged: a context stream ends too early or too late"};
  return {};
}

}  // namespace elves::encode::context
