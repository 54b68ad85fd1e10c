#include "base/memory.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace backlit {
namespace detail {
FreeBlock* free_blocks[kSmall / kAlignment + 1] = {};
MemoryStats stats;
}  // namespace detail

namespace {

using detail::stats;

constexpr std::size_t kSlab = std::size_t{64} << 10;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
#ifdef BACKLIT_SANITIZE
constexpr std::size_t kLargest = std::size_t{1} << 36;  // sanitizers abort on much larger requests
#else
constexpr std::size_t kLargest = PTRDIFF_MAX / 2;
#endif

[[noreturn]] void out_of_memory(std::size_t bytes) {
  fail(ErrorKind::Runtime, "DefaultCPUAllocator: can't allocate memory: you tried to allocate ",
       bytes, " bytes. Error code ", ENOMEM, " (", std::strerror(ENOMEM), ")");
}

// `bytes` is a multiple of kAlignment. Null if there is none.
void* system_allocate(std::size_t bytes) {
  const bool huge = bytes >= 2 * kHugePage;
  void* p = nullptr;
  if (posix_memalign(&p, huge ? kHugePage : kAlignment, bytes) != 0) return nullptr;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (huge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  ++stats.system_allocations;
  return p;
}

void count(std::size_t bytes) {
  stats.live_bytes += detail::units(bytes) * kAlignment;
  stats.peak_bytes = std::max(stats.peak_bytes, stats.live_bytes);
}

#ifndef BACKLIT_SANITIZE

// Four sizes per power of two: 2^e * (4, 5, 6, 7) / 4.
struct Bucket {
  std::size_t index;
  std::size_t bytes;
};

Bucket bucket_of(std::size_t bytes) {
  const int exponent = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^exponent <= bytes - 1
  const std::size_t step = std::size_t{1} << (exponent - 2);
  const std::size_t rounded = (bytes + step - 1) / step * step;
  // bytes - 1 names the bucket, so that a power of two is the top of its octave
  return {static_cast<std::size_t>(exponent) * 4 + (((bytes - 1) >> (exponent - 2)) & 3), rounded};
}

// A kept block carries its own links: one list per bucket, one over all by time of release.
struct Kept {
  Kept *next, *previous;  // bucket
  Kept *newer, *older;    // time
  std::size_t index, bytes;
};

class Cache {
 public:
  void* take(Bucket bucket) {
    Kept* block = buckets_[bucket.index];
    if (!block) return nullptr;
    unlink(block);
    ++stats.cache_hits;
    return block;
  }

  void keep(void* p, Bucket bucket) {
    if (bucket.bytes > stats.cache_limit) return std::free(p);
    trim(stats.cache_limit - bucket.bytes);
    Kept*& head = buckets_[bucket.index];
    auto* block = new (p) Kept{head, nullptr, nullptr, newest_, bucket.index, bucket.bytes};
    if (head) head->previous = block;
    head = block;
    (newest_ ? newest_->newer : oldest_) = block;
    newest_ = block;
    stats.cached_bytes += bucket.bytes;
  }

  // Gives back the oldest blocks until no more than `limit` bytes are kept.
  void trim(std::size_t limit) {
    while (stats.cached_bytes > limit) {
      Kept* block = oldest_;
      unlink(block);
      std::free(block);
    }
  }

 private:
  void unlink(Kept* b) {
    (b->previous ? b->previous->next : buckets_[b->index]) = b->next;
    if (b->next) b->next->previous = b->previous;
    (b->newer ? b->newer->older : newest_) = b->older;
    (b->older ? b->older->newer : oldest_) = b->newer;
    stats.cached_bytes -= b->bytes;
  }

  std::array<Kept*, 64 * 4> buckets_{};
  Kept *newest_ = nullptr, *oldest_ = nullptr;
};

// Constant-initialised and trivially destroyed: usable before and after everything static.
constinit Cache cache;

void* allocate_small(std::size_t bytes) {
  const std::size_t k = detail::units(bytes), size = k * kAlignment;
  auto* slab = static_cast<std::byte*>(system_allocate(kSlab));
  if (!slab) out_of_memory(bytes);
  // Ascending addresses, so that what is allocated in a row lies in a row.
  detail::FreeBlock* head = nullptr;
  for (std::size_t i = kSlab / size; i-- > 1;) head = new (slab + i * size) detail::FreeBlock{head};
  detail::free_blocks[k] = head;
  stats.live_bytes += size;
  return slab;
}

#endif  // BACKLIT_SANITIZE

}  // namespace

const MemoryStats& memory_stats() { return stats; }
void reset_peak_memory() { stats.peak_bytes = stats.live_bytes; }

#ifdef BACKLIT_SANITIZE

void set_cache_limit(std::size_t bytes) { stats.cache_limit = bytes; }
void empty_cache() {}

void* detail::allocate_slow(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes > kLargest) out_of_memory(bytes);
  void* p = nullptr;
  if (posix_memalign(&p, kAlignment, bytes) != 0) out_of_memory(bytes);
  ++stats.system_allocations;
  count(bytes);
  return p;
}

void detail::release_slow(void* p, std::size_t bytes) noexcept {
  if (!p) return;
  stats.live_bytes -= units(bytes) * kAlignment;
  std::free(p);
}

#else

void set_cache_limit(std::size_t bytes) {
  stats.cache_limit = bytes;
  cache.trim(bytes);
}

void empty_cache() { cache.trim(0); }

void* detail::allocate_slow(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes <= kSmall) return allocate_small(bytes);
  if (bytes > kLargest) out_of_memory(bytes);
  const Bucket bucket = bucket_of(bytes);
  void* p = cache.take(bucket);
  if (!p) p = system_allocate(bucket.bytes);
  if (!p && stats.cached_bytes) {
    empty_cache();
    p = system_allocate(bucket.bytes);
  }
  if (!p) out_of_memory(bytes);
  count(bytes);
  return p;
}

void detail::release_slow(void* p, std::size_t bytes) noexcept {
  if (!p) return;
  stats.live_bytes -= units(bytes) * kAlignment;
  cache.keep(p, bucket_of(bytes));
}

#endif

}  // namespace backlit
