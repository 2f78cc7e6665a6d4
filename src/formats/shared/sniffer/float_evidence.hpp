#pragma once

#include <cstddef>
#include <span>

#include "formats/shared/sniffer/float_kind.hpp"

namespace elves::formats::sniffer {

enum class Verdict {
  Floats,
  Either,  ///< too little to tell: zeros, constants, few elements; belongs to what lies around
  Other,
};

struct Judgement {
  Verdict verdict = Verdict::Other;
  DType dtype = DType::Bytes;  ///< as supposed, or a shorter type
};

/// Whether these elements are floats of this type: their signs, exponents and mantissas, coded apart, must take fewer
/// bits than their bytes in one histogram, and mantissas must look random. What looks like float32 may turn out to be
/// pairs of a shorter type, and bfloat16 to be float16. Time is linear; holds some 15 KB.
Judgement judge(DType supposed, std::span<const std::byte> elements);

}  // namespace elves::formats::sniffer
