// Reductions over raw memory: one tile of a reduction, per operation and dtype.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace backlit {

enum class Reduction : std::uint8_t {
  Sum,  // integers and bools into int64
  NanSum,
  SumSquares,  // of floats, for the 2-norm
  SumAbs,
  WideSum,    // of floats, in float64
  Deviation,  // sum of (x - parameter)^2 in float64
  Prod,
  Min,  // nan wins
  Max,
  MaxAbs,
  MinAbs,
  Any,  // into bool
  All,
  Count,  // elements that are not 0, into int64
};
inline constexpr int kReductions = 14;

// Partial results ("accumulators") are numbers of accumulator_size bytes.
struct ReduceKernel {
  using i64 = std::int64_t;
  // acc[c] = reduction of x[c * step + i * stride] over i < n, for c < count. With step == 1 or
  // stride == 1 the loads are contiguous. parameters: one accumulator per c, or null.
  void (*tile)(const void* x, i64 n, i64 stride, i64 count, i64 step, const void* parameters,
               void* acc);
  void (*combine)(void* acc, const void* other, i64 count);  // acc = acc op other
  void (*store)(const void* acc, void* out, i64 count);      // converts to the result's dtype
  void (*identity)(void* acc, i64 count);
  Dtype result;
  std::uint8_t accumulator_size;
};

struct ReduceTable {
  ReduceKernel kernel[kReductions][kDtypes];  // tile is null where the dtype is not supported
};
const ReduceKernel& reduce_kernel(Reduction r, Dtype d);

// A tile never has more elements per accumulator than this, so that its error stays small.
inline constexpr std::int64_t kReduceChunk = 1 << 15;

}  // namespace backlit
