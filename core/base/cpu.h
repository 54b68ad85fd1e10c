// Which instruction set the kernels may use.
#pragma once

namespace backlit {

inline constexpr int kIsaLevels = 3;

// 0 generic, 1 x86-64-v3 (AVX2, FMA), 2 x86-64-v4 (AVX-512). Found once; the environment variable
// BACKLIT_ISA=generic|v3|v4 lowers it and never raises it.
int cpu_isa_level();
const char* cpu_isa_name();

}  // namespace backlit
