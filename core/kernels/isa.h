// For *.isa.cpp files: the namespace and the number of the instruction set being compiled.
#pragma once

#ifndef BACKLIT_ISA
#define BACKLIT_ISA generic
#endif

namespace backlit {
inline namespace BACKLIT_ISA {
// As base/cpu.h counts them.
#if defined(__AVX512F__)
inline constexpr int kIsaLevel = 2;
#elif defined(__AVX2__)
inline constexpr int kIsaLevel = 1;
#else
inline constexpr int kIsaLevel = 0;
#endif
}  // namespace BACKLIT_ISA

// The best version of a table that this machine can run: *.isa.cpp files define
// `static const IsaEntry<Table> entry(kIsaLevel, table);`
template <class Table> struct IsaEntry {
  IsaEntry(int level, const Table& table) {
    if (level < 3) tables()[level] = &table;
  }
  static const Table** tables() {
    static const Table* t[3] = {};
    return t;
  }
};
int cpu_isa_level();
template <class Table> const Table& best_table() {
  const Table** t = IsaEntry<Table>::tables();
  for (int level = cpu_isa_level(); level > 0; --level)
    if (t[level]) return *t[level];
  return *t[0];
}

}  // namespace backlit
