#include "kernels/openblas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"

namespace backlit {
namespace {

constexpr const char* kPrefixes[] = {"scipy_", ""};
#if defined(__APPLE__)
constexpr const char* kSystemNames[] = {"libopenblas.0.dylib", "libopenblas.dylib"};
#else
constexpr const char* kSystemNames[] = {"libopenblas.so.0", "libopenblas.so"};
#endif

// Sets an environment variable until the end of the block, unless the user has set it.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (!value || std::getenv(name)) return;
    set_ = setenv(name, value, 1) == 0;
  }
  ~ScopedVariable() {
    if (set_) unsetenv(name_);
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  bool set_ = false;
};

// OpenBLAS takes AMD's Zen 4 and 5 for Haswell; the AVX-512 kernels double their speed.
const char* better_core() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
#endif
  return nullptr;
}

std::mutex mutex;  // of what follows
std::vector<std::string> candidates;
void* library = nullptr;

void* symbol(const char* name) {
  for (const char* prefix : kPrefixes)
    if (void* found = dlsym(library, concat(prefix, name).c_str())) return found;
  return nullptr;
}

// Reads the environment while it loads: one thread, because backlit splits the work itself.
void open_library() {
  const ScopedVariable core("OPENBLAS_CORETYPE", better_core());
  const ScopedVariable threads("OPENBLAS_NUM_THREADS", "1");
  const auto try_open = [](const char* path) {
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library && !symbol("cblas_sgemm")) dlclose(library), library = nullptr;
    return library != nullptr;
  };
  for (const std::string& path : candidates)
    if (try_open(path.c_str())) return;
  for (const char* name : kSystemNames)
    if (try_open(name)) return;
}

template <class F> void bind(F& function, const char* name) {
  function = reinterpret_cast<F>(symbol(name));
  BACKLIT_CHECK(function, Runtime, "OpenBLAS: the loaded library has no ", name, '.');
}

OpenBlas load() {
  const std::lock_guard lock(mutex);
  open_library();
  BACKLIT_CHECK(library, Runtime,
                "OpenBLAS not found: matrix products need it. Got no scipy-openblas32 package (",
                candidates.size(),
                " paths tried) and no system libopenblas. Try: pip install scipy-openblas32");
  OpenBlas blas;
  bind(blas.sgemm, "cblas_sgemm");
  bind(blas.dgemm, "cblas_dgemm");
  bind(blas.sgemv, "cblas_sgemv");
  bind(blas.dgemv, "cblas_dgemv");
  // A user's OPENBLAS_NUM_THREADS is for programs that let OpenBLAS split.
  if (void* set_threads = symbol("openblas_set_num_threads"))
    reinterpret_cast<void (*)(int)>(set_threads)(1);
  return blas;
}

}  // namespace

void set_openblas_path(const char* path) {
  const std::lock_guard lock(mutex);
  candidates.emplace_back(path);
}

const OpenBlas& openblas() {
  static const OpenBlas blas = load();
  return blas;
}

void* openblas_symbol(const char* name) {
  openblas();
  return symbol(name);
}

const char* openblas_core() {
  using Name = char* (*)();
  const auto name = reinterpret_cast<Name>(openblas_symbol("openblas_get_corename"));
  return name ? name() : "unknown";
}

}  // namespace backlit
