#include "kernels/tiles.h"

#include <cstring>

#include "base/cpu.h"
#include "kernels/isa.h"

#if defined(__APPLE__)
extern "C" const backlit::IsaEntry* const isa_begin __asm("section$start$__DATA$backlit_tables");
extern "C" const backlit::IsaEntry* const isa_end __asm("section$end$__DATA$backlit_tables");
#else
extern "C" const backlit::IsaEntry* const __start_backlit_tables[]
    __attribute__((visibility("hidden")));
extern "C" const backlit::IsaEntry* const __stop_backlit_tables[]
    __attribute__((visibility("hidden")));
#endif

namespace backlit {

std::span<const IsaEntry* const> isa_entries() {
#if defined(__APPLE__)
  return {&isa_begin, &isa_end};
#else
  return {__start_backlit_tables, __stop_backlit_tables};
#endif
}

const void* find_best_table(const char* type) {
  const IsaEntry* best = nullptr;
  for (const IsaEntry* e : isa_entries())
    if (e->level <= cpu_isa_level() && (!best || e->level > best->level) &&
        std::strcmp(e->type, type) == 0)
      best = e;
  return best ? best->table : nullptr;
}

const ConvertTable& convert_table() {
  static const ConvertTable& t = best_table<ConvertTable>("ConvertTable");
  return t;
}

}  // namespace backlit
