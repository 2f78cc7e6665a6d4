#pragma once

#include <cstdio>
#include <cstdlib>

/// An internal invariant: a violation is a bug in elves and aborts. Checked in release builds too, so not used in hot
/// loops.
#define ELVES_ASSERT(condition)                                                                          \
  do {                                                                                                   \
    if (!(condition)) {                                                                                  \
      std::fprintf(stderr, "elves: bug: %s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                                      \
    }                                                                                                    \
  } while (false)
