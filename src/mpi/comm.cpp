#include "mpi/comm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstring>
#include <thread>

#include "mpi/environment.hpp"
#include "support/assert.hpp"

namespace elves::mpi {
namespace {

std::atomic<std::uint64_t> sent_bytes{0};

/// Starts a collective call and waits for it: `start` calls MPI and sets a request. MPI's own wait would occupy the
/// core while other ranks are a phase behind. This one polls for 50 us, then sleeps between polls.
template <class Start>
void wait_for(const char* call, Start start) {
  using namespace std::chrono_literals;
  MPI_Request request = MPI_REQUEST_NULL;
  check(start(&request), call);
  const auto begin = std::chrono::steady_clock::now();
  for (auto pause = 20us;; pause = std::min(pause * 2, 160us)) {
    int done = 0;
    do {
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
    } while (done == 0 && std::chrono::steady_clock::now() - begin < 50us);
    if (done != 0) return;
    std::this_thread::sleep_for(pause);
  }
}

template <class T>
T reduce(MPI_Comm comm, T value, MPI_Datatype type, MPI_Op op) {
  T result{};
  wait_for("MPI_Iallreduce",
           [&](MPI_Request* request) { return MPI_Iallreduce(&value, &result, 1, type, op, comm, request); });
  return result;
}

void broadcast_text(MPI_Comm comm, int root, std::string& text) {
  std::uint64_t size = text.size();
  wait_for("MPI_Ibcast", [&](MPI_Request* request) { return MPI_Ibcast(&size, 1, MPI_UINT64_T, root, comm, request); });
  text.resize(size);
  wait_for("MPI_Ibcast",
           [&](MPI_Request* request) { return MPI_Ibcast(text.data(), count(size), MPI_BYTE, root, comm, request); });
}

}  // namespace

int count(std::uint64_t n) {
  if (n > INT_MAX) throw Failure(fmt::format("mpi: a count of {} does not fit in one call", n));
  return static_cast<int>(n);
}

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Failure(fmt::format("mpi: {}: {}", call, text.data()));
}

Comm::Comm(MPI_Comm native) : native_(native) {
  check(MPI_Comm_rank(native, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(native, &size_), "MPI_Comm_size");
}

void Comm::barrier() const {
  wait_for("MPI_Ibarrier", [&](MPI_Request* request) { return MPI_Ibarrier(native_, request); });
}

std::uint64_t Comm::sum(std::uint64_t value) const {
  return reduce(native_, value, MPI_UINT64_T, MPI_SUM);
}
std::uint64_t Comm::max(std::uint64_t value) const {
  return reduce(native_, value, MPI_UINT64_T, MPI_MAX);
}
std::uint64_t Comm::min(std::uint64_t value) const {
  return reduce(native_, value, MPI_UINT64_T, MPI_MIN);
}
double Comm::sum(double value) const {
  return reduce(native_, value, MPI_DOUBLE, MPI_SUM);
}
double Comm::max(double value) const {
  return reduce(native_, value, MPI_DOUBLE, MPI_MAX);
}
bool Comm::any(bool value) const {
  return max(std::uint64_t{value}) != 0;
}

std::vector<std::uint64_t> Comm::sum(std::span<const std::uint64_t> values) const {
  std::vector<std::uint64_t> total(values.size());
  wait_for("MPI_Iallreduce", [&](MPI_Request* request) {
    return MPI_Iallreduce(values.data(), total.data(), count(values.size()), MPI_UINT64_T, MPI_SUM, native_, request);
  });
  return total;
}

std::uint64_t Comm::exscan(std::uint64_t value) const {
  return exscan(std::span(&value, 1)).front();
}

std::vector<std::uint64_t> Comm::exscan(std::span<const std::uint64_t> values) const {
  std::vector<std::uint64_t> before(values.size());
  wait_for("MPI_Iexscan", [&](MPI_Request* request) {
    return MPI_Iexscan(values.data(), before.data(), count(values.size()), MPI_UINT64_T, MPI_SUM, native_, request);
  });
  if (is_root()) std::fill(before.begin(), before.end(), 0);  // MPI leaves rank 0's result undefined
  return before;
}

void Comm::allgather_bytes(const void* send, void* receive, std::size_t bytes) const {
  wait_for("MPI_Iallgather", [&](MPI_Request* request) {
    return MPI_Iallgather(send, count(bytes), MPI_BYTE, receive, count(bytes), MPI_BYTE, native_, request);
  });
}

Comm::Sizes Comm::exchange_sizes(std::span<const std::span<const std::byte>> sends) const {
  ELVES_ASSERT(sends.size() == static_cast<std::size_t>(size_));
  struct Announcement {
    std::uint64_t size;
    std::uint64_t longest;  // message of the sender to any rank: so all ranks know the longest of all
  };
  std::uint64_t longest = 0;
  for (const auto& send : sends) longest = std::max<std::uint64_t>(longest, send.size());
  std::vector<Announcement> out;
  for (const auto& send : sends) out.push_back({send.size(), longest});
  std::vector<Announcement> in(sends.size());
  wait_for("MPI_Ialltoall", [&](MPI_Request* request) {
    return MPI_Ialltoall(out.data(), 2, MPI_UINT64_T, in.data(), 2, MPI_UINT64_T, native_, request);
  });
  Sizes sizes;
  for (const auto& announcement : in) {
    sizes.receives.push_back(announcement.size);
    sizes.longest = std::max(sizes.longest, announcement.longest);
  }
  return sizes;
}

void Comm::exchange_bytes(std::span<const std::span<const std::byte>> sends,
                          std::span<const std::span<std::byte>> receives, std::uint64_t longest,
                          std::uint64_t round_bytes) const {
  const auto n = static_cast<std::size_t>(size_);
  const std::uint64_t slice = std::max<std::uint64_t>(1, std::min<std::uint64_t>(round_bytes, INT_MAX) / n);
  const std::uint64_t rounds = (longest + slice - 1) / slice;
  for (std::size_t r = 0; r < n; ++r) {
    if (r != static_cast<std::size_t>(rank_)) sent_bytes += sends[r].size();
  }
  std::vector<std::byte> out;
  std::vector<std::byte> in;
  std::vector<int> out_counts(n), out_at(n), in_counts(n), in_at(n);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const auto part = [&](std::uint64_t total) {
      return total > round * slice ? std::min(slice, total - round * slice) : 0;
    };
    std::uint64_t out_total = 0;
    std::uint64_t in_total = 0;
    for (std::size_t r = 0; r < n; ++r) {
      out_counts[r] = count(part(sends[r].size()));
      in_counts[r] = count(part(receives[r].size()));
      out_at[r] = count(out_total);
      in_at[r] = count(in_total);
      out_total += static_cast<std::uint64_t>(out_counts[r]);
      in_total += static_cast<std::uint64_t>(in_counts[r]);
    }
    out.resize(out_total);
    in.resize(in_total);
    for (std::size_t r = 0; r < n; ++r) {
      if (out_counts[r] > 0)
        std::memcpy(out.data() + out_at[r], sends[r].data() + round * slice, static_cast<std::size_t>(out_counts[r]));
    }
    wait_for("MPI_Ialltoallv", [&](MPI_Request* request) {
      return MPI_Ialltoallv(out.data(), out_counts.data(), out_at.data(), MPI_BYTE, in.data(), in_counts.data(),
                            in_at.data(), MPI_BYTE, native_, request);
    });
    for (std::size_t r = 0; r < n; ++r) {
      if (in_counts[r] > 0)
        std::memcpy(receives[r].data() + round * slice, in.data() + in_at[r], static_cast<std::size_t>(in_counts[r]));
    }
  }
}

int Comm::ranks_on_host() const {
  MPI_Comm host = MPI_COMM_NULL;
  check(MPI_Comm_split_type(native_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &host), "MPI_Comm_split_type");
  int size = 1;
  check(MPI_Comm_size(host, &size), "MPI_Comm_size");
  check(MPI_Comm_free(&host), "MPI_Comm_free");
  return size;
}

std::string Comm::broadcast(std::string text) const {
  broadcast_text(native_, 0, text);
  return text;
}

void Comm::agree(const Result<void>& local, const std::string& phase) const {
  const auto first = reduce(native_, local ? size_ : rank_, MPI_INT, MPI_MIN);
  if (first == size_) return;
  std::string text;
  if (!local) text = local.error().message + (size_ > 1 ? fmt::format(" [rank {} on {}]", rank_, host_name()) : "");
  broadcast_text(native_, first, text);
  throw AgreedFailure(phase + ": " + text);
}

std::uint64_t Comm::bytes_sent() const noexcept {
  return sent_bytes;
}

const Comm& world() {
  static const Comm comm(MPI_COMM_WORLD);
  return comm;
}

}  // namespace elves::mpi
