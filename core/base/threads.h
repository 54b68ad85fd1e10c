// Loops over fixed chunks on a small thread pool.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace backlit {

// Threads that a loop may use, the calling one included. At first: OMP_NUM_THREADS, else the cores
// that the process may run on.
int num_threads();
void set_num_threads(int threads);

bool in_parallel_region();

namespace detail {
using ChunkBody = void (*)(void* body, std::int64_t begin, std::int64_t end);
void run_chunks(std::int64_t n, std::int64_t chunk, ChunkBody call, void* body);
}  // namespace detail

// Runs body(begin, end) over [0, n) in pieces of exactly `chunk` elements, the last one shorter.
// The bounds do not depend on the number of threads, so neither do the bits of a result that is
// combined per chunk. Chunks may run in any order and at the same time. Runs on the calling thread
// alone when there is one chunk or one thread, inside another parallel_for, or while another thread
// holds the pool. The first exception of a body is rethrown here; chunks not yet begun are dropped.
// A body must not allocate tensor memory (memory.h) and must not call Python.
template <class F> void parallel_for(std::int64_t n, std::int64_t chunk, F&& body) {
  if (n <= 0) return;
  if (n <= chunk) {
    body(std::int64_t{0}, n);
    return;
  }
  using Body = std::remove_reference_t<F>;
  detail::run_chunks(
      n, chunk,
      [](void* b, std::int64_t begin, std::int64_t end) { (*static_cast<Body*>(b))(begin, end); },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

}  // namespace backlit
