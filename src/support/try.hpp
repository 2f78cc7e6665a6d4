#pragma once

#include <utility>

#include "elves/error.hpp"

/// Passing an Error on. Both return from the enclosing function, whose return type is a Result.
///
///   ELVES_TRY(const auto row, shard.layer(n));   // declares `row`, or returns the Error of shard.layer(n)
///   ELVES_CHECK(reader.seek(offset));            // for Result<void>, or where the value is not needed
///
/// ELVES_TRY is two statements: use it in a block of its own, never as the body of an `if`.
#define ELVES_TRY(declaration, ...) \
  ELVES_TRY_NAMED_(ELVES_TRY_JOIN_(elves_result_, __COUNTER__), declaration, __VA_ARGS__)
#define ELVES_CHECK(...)                                                                          \
  do {                                                                                            \
    if (auto elves_result = (__VA_ARGS__); !elves_result) return std::move(elves_result).error(); \
  } while (false)

#define ELVES_TRY_JOIN_(a, b) ELVES_TRY_JOIN_AGAIN_(a, b)
#define ELVES_TRY_JOIN_AGAIN_(a, b) a##b
#define ELVES_TRY_NAMED_(result, declaration, ...) \
  auto result = (__VA_ARGS__);                     \
  if (!result) return std::move(result).error();   \
  declaration = std::move(result).value()
