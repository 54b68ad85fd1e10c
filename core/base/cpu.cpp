#include "base/cpu.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace backlit {
namespace {

constexpr const char* kNames[kIsaLevels] = {"generic", "v3", "v4"};

int supported_level() {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2"))
    return 0;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return 2;
  return 1;
#else
  return 0;
#endif
}

int chosen_level() {
  const int supported = supported_level();
  if (const char* wanted = std::getenv("BACKLIT_ISA"))
    for (int level = 0; level < kIsaLevels; ++level)
      if (!std::strcmp(wanted, kNames[level])) return std::min(level, supported);
  return supported;
}

}  // namespace

int cpu_isa_level() {
  static const int level = chosen_level();
  return level;
}

const char* cpu_isa_name() { return kNames[cpu_isa_level()]; }

}  // namespace backlit
