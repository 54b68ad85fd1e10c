// Largest elements of windows, over raw memory.
//
// Planes have three axes (depth, height, width); those that an operation lacks have size 1. A line
// is one row of a result: there are planes × depth × height of them.
#pragma once

#include <cstdint>

namespace backlit {

// Windows of one size at a fixed distance: output j takes input j * stride - pad + k * dilation for
// each k < kernel where that exists.
struct PoolAxis {
  std::int64_t in, out, kernel, stride, pad, dilation;
};
struct MaxPoolGrid {
  PoolAxis axes[3];
  // Of each tap k along the width: the outputs [first[k], last[k]) that have it.
  const std::int64_t *first, *last;
};

// Windows [begin[j], end[j]) along each axis.
struct PoolWindows {
  std::int64_t in[3], out[3];
  const std::int64_t *begin[3], *end[3];
};

// A later element of a window wins where it is larger or nan. `at` gets the places of the winners
// within their plane; null where nobody asks.
template <class T> struct MaxPoolKernels {
  using i64 = std::int64_t;
  // Lines [begin, end). `scratch` holds 8 bytes per element of a line.
  void (*grid)(const T* x, T* y, i64* at, const MaxPoolGrid& grid, i64 begin, i64 end,
               void* scratch);
  void (*windows)(const T* x, T* y, i64* at, const PoolWindows& windows, i64 begin, i64 end);
};

struct MaxPoolTable {
  MaxPoolKernels<float> f32;
  MaxPoolKernels<double> f64;
  MaxPoolKernels<std::int64_t> i64;
  MaxPoolKernels<std::int32_t> i32;
  MaxPoolKernels<std::int16_t> i16;
  MaxPoolKernels<std::int8_t> i8;
  MaxPoolKernels<std::uint8_t> u8;
};

}  // namespace backlit
