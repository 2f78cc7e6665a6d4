#pragma once

#include "formats/shared/protobuf/wire_reader.hpp"

/// Recognition of messages that have no magic number: one field after the other is judged until the answer is clear.
namespace elves::formats::protobuf {

enum class Verdict { Yes, No, Unclear };

constexpr Verdict yes_if(bool certain) {
  return certain ? Verdict::Yes : Verdict::No;
}
constexpr Verdict unclear_if(bool possible) {
  return possible ? Verdict::Unclear : Verdict::No;
}

/// Asks `judge(field)` until it knows. Where it never does: `at_end` if the message (or the file) ended with a whole
/// field; No if it is damaged, or longer than a thousand fields.
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

/// Whether the first bytes of a range (as far as the file goes) have no control characters.
bool starts_as_text(SourceCursor& file, ByteRange range);

}  // namespace elves::formats::protobuf
