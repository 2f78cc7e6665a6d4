#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "elves/error.hpp"

namespace elves::mpi {

/// One vector of rows for, or from, each rank.
template <class T>
using PerRank = std::vector<std::vector<T>>;

/// A borrowed communicator with checked, typed collectives. All member functions are collective, except rank(), size(),
/// is_root(), native() and bytes_sent(), and throw Failure if MPI reports an error. Waiting ranks sleep instead of
/// spinning, so their worker threads can use the core. Rows are sent as bytes: all ranks must have one architecture.
class Comm {
 public:
  explicit Comm(MPI_Comm native);

  int rank() const noexcept { return rank_; }
  int size() const noexcept { return size_; }
  bool is_root() const noexcept { return rank_ == 0; }
  MPI_Comm native() const noexcept { return native_; }

  void barrier() const;

  /// Sum, maximum, minimum over all ranks, on all ranks.
  std::uint64_t sum(std::uint64_t value) const;
  std::uint64_t max(std::uint64_t value) const;
  std::uint64_t min(std::uint64_t value) const;
  double sum(double value) const;
  double max(double value) const;
  bool any(bool value) const;
  std::vector<std::uint64_t> sum(std::span<const std::uint64_t> values) const;

  /// Sum of the values of all lower ranks; 0 on rank 0.
  std::uint64_t exscan(std::uint64_t value) const;
  std::vector<std::uint64_t> exscan(std::span<const std::uint64_t> values) const;

  template <class T>
  std::vector<T> allgather(const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> all(static_cast<std::size_t>(size_));
    allgather_bytes(&value, all.data(), sizeof(T));
    return all;
  }

  /// Sends row vector r to rank r, and returns what each rank sent to this one, in order of rank. Of any size:
  /// transfers above `round_bytes` a rank are cut into rounds, so that no count or offset reaches 2^31.
  template <class T>
  PerRank<T> alltoallv(const PerRank<T>& to, std::uint64_t round_bytes = kRoundBytes) const {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<std::span<const std::byte>> sends;
    sends.reserve(to.size());
    for (const auto& rows : to) sends.push_back(std::as_bytes(std::span(rows)));
    const Sizes sizes = exchange_sizes(sends);
    PerRank<T> from(to.size());
    std::vector<std::span<std::byte>> receives;
    for (std::size_t r = 0; r < from.size(); ++r) {
      from[r].resize(sizes.receives[r] / sizeof(T));
      receives.push_back(std::as_writable_bytes(std::span(from[r])));
    }
    exchange_bytes(sends, receives, sizes.longest, round_bytes);
    return from;
  }

  /// At rank 0 the vectors of all ranks, in order of rank; empty at the others.
  template <class T>
  PerRank<T> gather(const std::vector<T>& rows) const {
    PerRank<T> to(static_cast<std::size_t>(size_));
    to[0] = rows;
    auto from = alltoallv(to);
    if (!is_root()) from.clear();
    return from;
  }

  /// Number of ranks of this communicator on this rank's host.
  int ranks_on_host() const;

  /// Rank 0's text on all ranks.
  std::string broadcast(std::string text) const;

  /// Returns if `local` is a success on all ranks; else throws the same AgreedFailure on all. It names the phase, the
  /// first rank that failed, its host and the cause.
  void agree(const Result<void>& local, const std::string& phase) const;

  /// Bytes that alltoallv and gather have sent from this rank to others since the program began.
  std::uint64_t bytes_sent() const noexcept;

  static constexpr std::uint64_t kRoundBytes = std::uint64_t{64} << 20;

 private:
  void allgather_bytes(const void* send, void* receive, std::size_t bytes) const;
  struct Sizes {
    std::vector<std::uint64_t> receives;  ///< from each rank
    std::uint64_t longest = 0;            ///< message of any rank to any rank
  };
  Sizes exchange_sizes(std::span<const std::span<const std::byte>> sends) const;
  void exchange_bytes(std::span<const std::span<const std::byte>> sends, std::span<const std::span<std::byte>> receives,
                      std::uint64_t longest, std::uint64_t round_bytes) const;

  MPI_Comm native_;
  int rank_ = 0;
  int size_ = 1;
};

/// The communicator of all ranks of the job. After Environment only.
const Comm& world();

/// A count for an MPI call; throws Failure if it does not fit in an int.
int count(std::uint64_t n);

/// Throws Failure with MPI's own text if `code` is not MPI_SUCCESS.
void check(int code, const char* call);

}  // namespace elves::mpi
