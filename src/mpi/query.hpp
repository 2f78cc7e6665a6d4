#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "mpi/comm.hpp"
#include "support/assert.hpp"
#include "support/hash.hpp"

/// Tables that are spread over the ranks by a key: each key has one rank, its owner, that holds what is known of it.
/// send_to_owners() fills such a table; query() and query_all() read it.
///
/// A row is trivially copyable, or a std::string or std::vector<std::byte>: these travel with their lengths (8 bytes).
/// `owner` is called with a row and returns the rank that owns its key, as std::size_t below comm.size(). What it and
/// the functions that answer throw must end the program: the other ranks wait in the exchange.
namespace elves::mpi {

/// The owner of a key that is a hash. Keys of a good hash are spread evenly.
inline std::size_t owner_of(const Hash128& key, const Comm& comm) noexcept {
  return static_cast<std::size_t>(key.low % static_cast<std::uint64_t>(comm.size()));
}

/// Collective. Comm::alltoallv() for rows of one size, and for texts and byte vectors of any length.
template <class Row>
PerRank<Row> exchange_rows(const Comm& comm, const PerRank<Row>& to) {
  if constexpr (std::is_trivially_copyable_v<Row>) {
    return comm.alltoallv(to);
  } else {
    PerRank<std::uint64_t> lengths(to.size());
    PerRank<typename Row::value_type> contents(to.size());
    for (std::size_t r = 0; r < to.size(); ++r) {
      for (const Row& row : to[r]) {
        lengths[r].push_back(row.size());
        contents[r].insert(contents[r].end(), row.begin(), row.end());
      }
    }
    const auto lengths_in = comm.alltoallv(lengths);
    const auto contents_in = comm.alltoallv(contents);
    PerRank<Row> from(to.size());
    for (std::size_t r = 0; r < from.size(); ++r) {
      auto at = contents_in[r].begin();
      for (const auto length : lengths_in[r]) {
        const auto end = at + static_cast<std::ptrdiff_t>(length);
        from[r].emplace_back(at, end);
        at = end;
      }
    }
    return from;
  }
}

/// Collective. Sends each row to its owner. Returns what each rank sent here, in order of rank, and within a rank in
/// the order of its rows. One exchange.
template <class Rows, class Owner>
auto send_to_owners(const Comm& comm, const Rows& rows, Owner owner) {
  PerRank<typename Rows::value_type> to(static_cast<std::size_t>(comm.size()));
  for (const auto& row : rows) to[owner(row)].push_back(row);
  return exchange_rows(comm, to);
}

/// Collective. Asks the owners of `requests`, and returns one reply for each request, in the order of `requests`.
/// `answer_all`: called once on each rank with the requests that this rank owns: PerRank<Request>, by the rank that
/// asks, in its order. It returns a PerRank of one reply for each of them. Two exchanges: each request and each reply
/// crosses the network once. Where each rank asks for a contiguous part of a list (the corpus), requests for one key
/// arrive in the order of that list, whatever the number of ranks.
template <class Requests, class Owner, class AnswerAll>
auto query_all(const Comm& comm, const Requests& requests, Owner owner, AnswerAll answer_all) {
  using Request = typename Requests::value_type;
  PerRank<Request> to(static_cast<std::size_t>(comm.size()));
  PerRank<std::size_t> positions(to.size());  // of the requests to each owner
  std::size_t position = 0;
  for (const Request& request : requests) {
    const std::size_t rank = owner(request);
    to[rank].push_back(request);
    positions[rank].push_back(position++);
  }
  auto from = exchange_rows(comm, answer_all(exchange_rows(comm, to)));
  using Reply = typename decltype(from)::value_type::value_type;
  std::vector<Reply> replies(requests.size());
  for (std::size_t r = 0; r < from.size(); ++r) {
    ELVES_ASSERT(from[r].size() == positions[r].size());
    for (std::size_t i = 0; i < from[r].size(); ++i) replies[positions[r][i]] = std::move(from[r][i]);
  }
  return replies;
}

/// Collective. query_all() where each request is answered by itself: `answer` is called on the owner with one request
/// and returns its reply. A reply of bool is returned as std::uint8_t, 0 or 1.
template <class Requests, class Owner, class Answer>
auto query(const Comm& comm, const Requests& requests, Owner owner, Answer answer) {
  using Request = typename Requests::value_type;
  using Answered = std::remove_cvref_t<std::invoke_result_t<Answer, const Request&>>;
  using Reply = std::conditional_t<std::same_as<Answered, bool>, std::uint8_t, Answered>;
  return query_all(comm, requests, owner, [&](const PerRank<Request>& received) {
    PerRank<Reply> replies(received.size());
    for (std::size_t r = 0; r < received.size(); ++r) {
      for (const Request& request : received[r]) replies[r].push_back(answer(request));
    }
    return replies;
  });
}

}  // namespace elves::mpi
