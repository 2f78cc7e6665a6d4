#pragma once

#include <cstdio>
#include <cstdlib>

/// Our own mistake: the program's state makes no sense. Kept in release builds, used outside hot loops only.
#define ELVES_ASSERT(condition)                                                                          \
  do {                                                                                                   \
    if (!(condition)) {                                                                                  \
      std::fprintf(stderr, "elves: bug: %s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                                      \
    }                                                                                                    \
  } while (false)
