// One pool for the process. A loop is published in the pool's fields and opened; workers that find
// it open enter it and claim chunks from a counter, as the caller does. The caller closes the loop
// when no chunk is left and waits until every worker that entered has left.
#include "base/threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#define BACKLIT_POSIX_THREADS 1
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace backlit {
namespace {

// A sleeping thread takes longer to wake than many loops take, and a training step is loops with a
// little Python between them: wait awake for that long, from kPolite on giving way to whoever else
// wants the core.
constexpr auto kPolite = std::chrono::microseconds(20), kSpin = std::chrono::microseconds(200);
constexpr int kMaxThreads = 1024;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until done() or the time is up; says whether done.
template <class F> bool spin_until(F done) {
  const auto start = std::chrono::steady_clock::now();
  for (auto waited = start - start; waited < kSpin;
       waited = std::chrono::steady_clock::now() - start) {
    if (waited >= kPolite) std::this_thread::yield();
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      pause();
    }
  }
  return false;
}

thread_local bool inside = false;

class Pool {
 public:
  // The caller holds `owner`.
  void run(std::int64_t n, std::int64_t chunk, detail::ChunkBody call, void* body, int threads) {
    const std::int64_t chunks = (n - 1) / chunk + 1;
    helpers_ = static_cast<int>(std::min<std::int64_t>(threads, chunks)) - 1;
    start_workers(helpers_);
    n_ = n, chunk_ = chunk, chunks_ = chunks, call_ = call, body_ = body;
    failed_.store(false, std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    open_.store(true);
    epoch_.fetch_add(1);
    epoch_.notify_all();
    claim_chunks();
    // A worker counts itself before it looks at open_, so after this it either stays out or is
    // seen.
    open_.store(false);
    if (!spin_until([&] { return active_.load() == 0; }))
      for (int active; (active = active_.load()) != 0;) active_.wait(active);
    if (failed_.load(std::memory_order_relaxed)) std::rethrow_exception(std::exchange(error_, {}));
  }

 private:
  void claim_chunks() {
    inside = true;
    for (std::int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < chunks_;) {
      const std::int64_t begin = i * chunk_;
      try {
        call_(body_, begin, std::min(n_, begin + chunk_));
      } catch (...) {
        if (!failed_.exchange(true)) error_ = std::current_exception();
        next_.store(chunks_, std::memory_order_relaxed);
      }
    }
    inside = false;
  }

  void work(int index, std::uint32_t seen) {
    for (;;) {
      if (!spin_until([&] { return epoch_.load(std::memory_order_relaxed) != seen; }))
        epoch_.wait(seen);
      seen = epoch_.load();
      active_.fetch_add(1);
      if (open_.load() && index < helpers_) claim_chunks();
      if (active_.fetch_sub(1) == 1) active_.notify_all();
    }
  }

  // Detached and never ended: they sleep in the pool's memory, which is never freed, until the
  // process ends. Signals stay with the program's own threads.
  void start_workers(int wanted) {
    if (started_ >= wanted) return;
#ifdef BACKLIT_POSIX_THREADS
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
#endif
    try {
      for (; started_ < wanted; ++started_)
        std::thread(&Pool::work, this, started_, epoch_.load()).detach();
    } catch (const std::system_error&) {
      // The system refuses more threads: the ones there do the work.
    }
#ifdef BACKLIT_POSIX_THREADS
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
#endif
  }

  // The loop: written by the caller before open_, read by workers after it.
  std::int64_t n_ = 0, chunk_ = 0, chunks_ = 0;
  detail::ChunkBody call_ = nullptr;
  void* body_ = nullptr;
  int helpers_ = 0;  // workers with a smaller index may enter
  std::exception_ptr error_;
  std::atomic<bool> failed_{false};

  int started_ = 0;
  alignas(64) std::atomic<std::int64_t> next_{0};
  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  alignas(64) std::atomic<int> active_{0};
  std::atomic<bool> open_{false};

 public:
  Pool* previous = nullptr;
};

std::mutex owner;         // held while a loop runs, and by a thread that forks
Pool* pool = nullptr;     // guarded by owner; never freed
Pool* retired = nullptr;  // pools whose threads stayed in the parent of a fork

#ifdef BACKLIT_POSIX_THREADS
// fork copies only the thread that calls it. Waiting for the running loop first leaves the child
// with the pool's memory at rest; it then starts its own. A fork from inside a loop takes no lock.
void before_fork() {
  if (!inside) owner.lock();
}
void after_fork_in_parent() {
  if (!inside) owner.unlock();
}
void after_fork_in_child() {
  if (pool) pool->previous = retired, retired = pool, pool = nullptr;
  if (!inside) owner.unlock();
}
#endif

Pool& get_pool() {
  if (!pool) {
#ifdef BACKLIT_POSIX_THREADS
    static const int registered =
        pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    static_cast<void>(registered);
#endif
    pool = new Pool;
  }
  return *pool;
}

int default_threads() {
  if (const char* text = std::getenv("OMP_NUM_THREADS"))
    if (const long asked = std::strtol(text, nullptr, 10); asked > 0)
      return static_cast<int>(std::min<long>(asked, kMaxThreads));
#if defined(__linux__)
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return std::max(1, CPU_COUNT(&cores));
#endif
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads);
}

std::atomic<int>& thread_setting() {
  static std::atomic<int> threads{default_threads()};
  return threads;
}

void run_alone(std::int64_t n, std::int64_t chunk, detail::ChunkBody call, void* body) {
  for (std::int64_t begin = 0; begin < n; begin += chunk)
    call(body, begin, std::min(n, begin + chunk));
}

}  // namespace

int num_threads() { return thread_setting().load(std::memory_order_relaxed); }

void set_num_threads(int threads) {
  thread_setting().store(std::clamp(threads, 1, kMaxThreads), std::memory_order_relaxed);
}

bool in_parallel_region() { return inside; }

void detail::run_chunks(std::int64_t n, std::int64_t chunk, ChunkBody call, void* body) {
  const int threads = num_threads();
  if (threads == 1 || inside) return run_alone(n, chunk, call, body);
  const std::unique_lock<std::mutex> lock(owner, std::try_to_lock);
  if (!lock) return run_alone(n, chunk, call, body);
  get_pool().run(n, chunk, call, body, threads);
}

}  // namespace backlit
