// The thread pool under ThreadSanitizer: loops from several threads at once, nested loops,
// exceptions, and changes of the number of threads while loops run.
#include "base/threads.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <thread>
#include <vector>

using backlit::parallel_for;

namespace {

std::atomic<int> wrong{0};

void check(bool right, const char* what) {
  if (right) return;
  ++wrong;
  std::fprintf(stderr, "threads: %s\n", what);
}

void squares(std::int64_t n, std::int64_t chunk) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(n), -1);
  parallel_for(n, chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out[static_cast<std::size_t>(i)] = i * i;
  });
  std::int64_t bad = 0;
  for (std::int64_t i = 0; i < n; ++i) bad += out[static_cast<std::size_t>(i)] != i * i;
  check(bad == 0, "an element was left out or computed twice");
}

void nested() {
  std::atomic<std::int64_t> sum{0};
  parallel_for(20, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      parallel_for(100, 7, [&](std::int64_t b, std::int64_t e) { sum += e - b; });
  });
  check(sum == 2000, "a nested loop lost work");
}

void throwing() {
  bool caught = false;
  try {
    parallel_for(64, 1, [](std::int64_t begin, std::int64_t) {
      if (begin % 3 == 1) throw std::runtime_error("from a chunk");
    });
  } catch (const std::runtime_error&) { caught = true; }
  check(caught, "the exception of a chunk was lost");
}

}  // namespace

int main() {
  constexpr int kCallers = 4, kRounds = 300;
  std::vector<std::thread> callers;
  for (int t = 0; t < kCallers; ++t)
    callers.emplace_back([t] {
      for (int i = 0; i < kRounds; ++i) {
        if (t == 0) backlit::set_num_threads(1 + i % 5);
        squares(1 + i * 13, 1 + i % 50);
        if (i % 10 == 0) nested();
        if (i % 10 == 5) throwing();
      }
    });
  for (std::thread& caller : callers) caller.join();
  std::printf("threads: %d callers, %d rounds, %d wrong\n", kCallers, kRounds, wrong.load());
  return wrong == 0 ? 0 : 1;
}
