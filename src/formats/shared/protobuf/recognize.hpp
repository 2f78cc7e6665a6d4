#pragma once

#include "formats/shared/protobuf/wire_reader.hpp"

/// Recognition of messages without a magic number: fields are judged one after another until the answer is clear.
namespace elves::formats::protobuf {

enum class Verdict { Yes, No, Unclear };

constexpr Verdict yes_if(bool certain) {
  return certain ? Verdict::Yes : Verdict::No;
}
constexpr Verdict unclear_if(bool possible) {
  return possible ? Verdict::Unclear : Verdict::No;
}

/// Calls `judge(field)` for each field until it returns Yes or No, and returns true for Yes. If all fields are Unclear:
/// true if `at_end` is Yes and the message (or the file) ends with a whole field; false if it is damaged or has more
/// than a thousand fields.
template <class Judge>
bool judge_fields(SourceCursor& file, ByteRange message, Judge judge, Verdict at_end = Verdict::No) {
  constexpr int kMaxFields = 1000;
  WireReader fields(file, message);
  for (int i = 0; i < kMaxFields; ++i) {
    const bool whole_file = fields.position() == file.position() + file.remaining();
    const auto field = whole_file ? std::nullopt : fields.next();
    if (!field) return at_end == Verdict::Yes && fields.status();
    if (const auto verdict = judge(*field); verdict != Verdict::Unclear) return verdict == Verdict::Yes;
  }
  return false;
}

/// True if the first 256 bytes of a range (as far as the file goes) contain no control characters.
bool starts_as_text(SourceCursor& file, ByteRange range);

}  // namespace elves::formats::protobuf
