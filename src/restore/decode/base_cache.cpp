#include "restore/decode/base_cache.hpp"

#include <exception>
#include <utility>

namespace elves::restore {
namespace {

constexpr std::size_t kEntryBytes = 1024;  // about the memory of an entry besides its bytes
constexpr std::size_t kMostSpare = 64;

std::size_t cost_of(const Result<CachedBytes>& outcome) {
  return kEntryBytes + (outcome ? outcome->size : 0);
}

/// Small chunks get memory of their size: with a buffer of kChunkBytes each, the cache would exceed its limit.
bool is_reused(std::size_t size) {
  return size > kChunkBytes / 2;
}

}  // namespace

CachedBytes BaseCache::allocate(std::size_t size) {
  std::unique_ptr<std::byte[]> buffer;
  if (is_reused(size)) {
    const std::lock_guard lock(spare_mutex_);
    if (!spare_.empty()) {
      buffer = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  if (!buffer) buffer = std::make_unique_for_overwrite<std::byte[]>(is_reused(size) ? kChunkBytes : size);
  return {std::shared_ptr<std::byte>(buffer.release(), [this, size](std::byte* data) { give_back(data, size); }), size};
}

void BaseCache::give_back(std::byte* buffer, std::size_t size) noexcept {
  std::unique_ptr<std::byte[]> owned(buffer);
  if (!is_reused(size)) return;
  const std::lock_guard lock(spare_mutex_);
  if (spare_.size() < kMostSpare) spare_.push_back(std::move(owned));
}

Result<CachedBytes> BaseCache::get(const ChunkRef& chunk, std::size_t size, const Decode& decode) {
  {
    std::unique_lock lock(mutex_);
    for (auto at = entries_.find(chunk); at != entries_.end(); at = entries_.find(chunk)) {
      if (at->second.ready) {
        order_.splice(order_.end(), order_, at->second.used);
        return at->second.outcome;
      }
      decoded_.wait(lock);
    }
    entries_.try_emplace(chunk);
    ++n_decoded_;
  }
  Result<CachedBytes> outcome = CachedBytes{};
  try {
    auto bytes = allocate(size);
    const auto done = decode({bytes.data.get(), size});
    outcome = done ? Result<CachedBytes>(std::move(bytes)) : done.error();
  } catch (const std::exception& error) {  // out of memory: other threads wait for this entry
    outcome = Error{error.what()};
  }
  keep(chunk, outcome);
  return outcome;
}

void BaseCache::keep(const ChunkRef& chunk, Result<CachedBytes> outcome) {
  std::vector<Result<CachedBytes>> dropped;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  auto& entry = entries_.at(chunk);
  bytes_ += cost_of(outcome);
  entry.outcome = std::move(outcome);
  entry.used = order_.insert(order_.end(), chunk);
  entry.ready = true;
  while (bytes_ > most_bytes_ && !order_.empty()) {
    const auto oldest = entries_.find(order_.front());
    bytes_ -= cost_of(oldest->second.outcome);
    dropped.push_back(std::move(oldest->second.outcome));
    entries_.erase(oldest);
    order_.pop_front();
  }
  decoded_.notify_all();
}

std::uint64_t BaseCache::n_decoded() const {
  const std::lock_guard lock(mutex_);
  return n_decoded_;
}

}  // namespace elves::restore
