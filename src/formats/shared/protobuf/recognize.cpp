#include "formats/shared/protobuf/recognize.hpp"

#include <algorithm>

namespace elves::formats::protobuf {

bool starts_as_text(SourceCursor& file, ByteRange range) {
  constexpr std::uint64_t kSampleBytes = 256;
  file.seek(range.offset_bytes);
  const auto text = file.take_text(std::min({range.length_bytes, file.remaining(), kSampleBytes}), kSampleBytes);
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  return !file.failed() && std::none_of(text.begin(), text.end(), is_control);
}

}  // namespace elves::formats::protobuf
