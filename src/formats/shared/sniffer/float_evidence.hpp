#pragma once

#include <cstddef>
#include <span>

#include "formats/shared/sniffer/float_kind.hpp"

namespace elves::formats::sniffer {

enum class Verdict {
  Floats,
  Either,  ///< too little evidence: zeros, constants, few elements; counted like the bytes around it
  Other,
};

struct Judgement {
  Verdict verdict = Verdict::Other;
  DType dtype = DType::Bytes;  ///< the supposed type, or a shorter one
};

/// Judges whether elements are floats of a supposed type. Floats need fewer bits if signs, exponents and mantissas are
/// coded separately than if all bytes are coded with one histogram, and their mantissas look random. Supposed float32
/// may be judged to be pairs of a shorter type, and supposed bfloat16 to be float16. Time is linear; memory is 15 KB.
Judgement judge(DType supposed, std::span<const std::byte> elements);

}  // namespace elves::formats::sniffer
