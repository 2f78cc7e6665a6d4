#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace elves {

/// A bad file or bad bytes, in one line: what is wrong, where, and what to do. Expected among millions of files; the
/// job goes on.
struct Error {
  std::string message;
};

/// A value or an Error. Members are named as in std::expected, which C++20 does not have.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

/// MPI, HDF5 or the file system failed, or elves has a bug. Ends the job; earlier commits stay. `what()` is the message
/// for the user.
class Failure : public std::runtime_error {
 public:
  // Not std::source_location: clang 14 has none with libstdc++ 12.
  explicit Failure(const std::string& message, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : std::runtime_error(message), file_(file), line_(line) {}
  const char* file() const noexcept { return file_; }
  int line() const noexcept { return line_; }

 private:
  const char* file_;
  int line_;
};

/// A Failure that all ranks throw together, so that all of them end. Any other exception leaves the other ranks waiting
/// for the rank that threw.
class AgreedFailure : public Failure {
 public:
  using Failure::Failure;
};

/// The archive is locked by another job (exit code 11).
class Locked : public AgreedFailure {
 public:
  using AgreedFailure::AgreedFailure;
};

/// The command line is wrong (exit code 2).
class UsageError : public AgreedFailure {
 public:
  using AgreedFailure::AgreedFailure;
};

}  // namespace elves
