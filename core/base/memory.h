// Memory of tensors and of engine objects.
//
// Up to kSmall bytes: one freelist per multiple of 64 bytes, cut from slabs that live as long as
// the process. Above: blocks rounded to four sizes per power of two; released ones are kept, most
// recently used first, because the page faults of a fresh 16 MB block cost more than most
// operations on it. With BACKLIT_SANITIZE everything goes to the C library.
//
// Nothing here is locked: callers hold Python's global interpreter lock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backlit {

inline constexpr std::size_t kAlignment = 64;
inline constexpr std::size_t kSmall = 1024;

struct MemoryStats {
  std::size_t live_bytes = 0;    // handed out and not yet released, as requested, rounded up to 64
  std::size_t peak_bytes = 0;    // largest live_bytes seen by an allocation above kSmall
  std::size_t cached_bytes = 0;  // kept blocks above kSmall
  std::size_t cache_limit = std::size_t{512} << 20;
  std::size_t cache_hits = 0;
  std::size_t system_allocations = 0;  // slabs and blocks taken from the system
};

const MemoryStats& memory_stats();
void reset_peak_memory();
void set_cache_limit(std::size_t bytes);
void empty_cache();  // gives the kept blocks back to the system

namespace detail {
struct FreeBlock {
  FreeBlock* next;
};
extern FreeBlock* free_blocks[kSmall / kAlignment + 1];  // by size / 64; [0] stays empty
extern MemoryStats stats;
void* allocate_slow(std::size_t bytes);
void release_slow(void* p, std::size_t bytes) noexcept;
constexpr std::size_t units(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment; }
}  // namespace detail

// 64-byte aligned and uninitialised; null for 0 bytes. Throws Error(Runtime) with PyTorch's text
// when the request cannot be met.
inline void* allocate(std::size_t bytes) {
#ifndef BACKLIT_SANITIZE
  if (bytes <= kSmall) [[likely]] {
    const std::size_t k = detail::units(bytes);
    if (detail::FreeBlock* b = detail::free_blocks[k]) [[likely]] {
      detail::free_blocks[k] = b->next;
      detail::stats.live_bytes += k * kAlignment;
      return b;
    }
  }
#endif
  return detail::allocate_slow(bytes);
}

// `bytes` is what was asked of allocate.
inline void release(void* p, std::size_t bytes) noexcept {
#ifndef BACKLIT_SANITIZE
  if (bytes <= kSmall) [[likely]] {
    if (!p) return;
    const std::size_t k = detail::units(bytes);
    auto* b = static_cast<detail::FreeBlock*>(p);
    b->next = detail::free_blocks[k];
    detail::free_blocks[k] = b;
    detail::stats.live_bytes -= k * kAlignment;
    return;
  }
#endif
  detail::release_slow(p, bytes);
}

// Engine objects share the freelists. With a constant size the class is known at compile time.
inline void* pool_allocate(std::size_t bytes) { return allocate(bytes); }
inline void pool_release(void* p, std::size_t bytes) noexcept { release(p, bytes); }

}  // namespace backlit
