// For *.isa.cpp files: the namespace and the number of the instruction set being compiled, and the
// way from there to the rest of the program.
//
// A file compiled for AVX-512 must not run any code at load time on a machine without it, so tables
// of functions are constants that the linker collects in one section:
//   constexpr MyTable table{...};
//   BACKLIT_ISA_TABLE(MyTable, table)       // in the .isa.cpp file
//   best_table<MyTable>("MyTable")          // anywhere else; keep the result in a static
#pragma once

#ifndef BACKLIT_ISA
#define BACKLIT_ISA generic
#endif

#include <span>

namespace backlit {

struct IsaEntry {
  const char* type;
  int level;  // as base/cpu.h counts
  const void* table;
};

inline namespace BACKLIT_ISA {
#if defined(__AVX512F__)
inline constexpr int kIsaLevel = 2;
#elif defined(__AVX2__)
inline constexpr int kIsaLevel = 1;
#else
inline constexpr int kIsaLevel = 0;
#endif
}  // namespace BACKLIT_ISA

#if defined(__APPLE__)
#define BACKLIT_TABLE_SECTION "__DATA,backlit_tables"
#else
#define BACKLIT_TABLE_SECTION "backlit_tables"
#endif

// The section holds pointers: structs would be padded by the compiler's choice of alignment.
#define BACKLIT_ISA_TABLE(Type, table)                                                        \
  constexpr ::backlit::IsaEntry isa_entry_of_##table = {#Type, ::backlit::kIsaLevel, &table}; \
  __attribute__((used, section(BACKLIT_TABLE_SECTION))) constinit const ::backlit::IsaEntry*  \
      isa_pointer_to_##table = &isa_entry_of_##table;

// All tables of all instruction sets in the program.
std::span<const IsaEntry* const> isa_entries();

// The best version of a table that this machine can run.
const void* find_best_table(const char* type);
template <class Table> const Table& best_table(const char* type) {
  return *static_cast<const Table*>(find_best_table(type));
}

}  // namespace backlit
