// Escapes of a row, one by one: what the bodies for AVX2 and for any target share. Included once for each target of
// Highway.
#if defined(ELVES_RANS_ESCAPES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_RANS_ESCAPES_INL
#undef ELVES_RANS_ESCAPES_INL
#else
#define ELVES_RANS_ESCAPES_INL
#endif

#include <cstddef>

#include "encode/rans/kernel.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::rans {
namespace HWY_NAMESPACE {

// Takes the next escapes for those values of a row whose state, `at` the begin of the row, is in a slot of the escapes.
inline void take_escapes(const States& at, unsigned escape_begin, std::byte* values, DecodePart& part) {
  for (std::size_t lane = 0; lane < kStates; ++lane) {
    if ((at[lane] & 255u) < escape_begin) continue;
    part.failed |= part.n_escapes == 0;
    if (part.failed) return;
    values[lane] = *part.escapes++;
    --part.n_escapes;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace elves::encode::rans
HWY_AFTER_NAMESPACE();
#endif
