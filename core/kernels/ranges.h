// Evenly spaced numbers into contiguous memory, rounded as PyTorch's kernels do.
#pragma once

#include <cstdint>

#include "kernels/isa.h"

namespace backlit {

template <class T> struct RangeFunctions {
  // start + i * step
  void (*arange)(T* p, std::int64_t n, double start, double step);
  // from start to end, counted from the nearer of the two, so that both are met exactly
  void (*linspace)(T* p, std::int64_t n, T start, T end, T step);
};
struct RangeTable {
  RangeFunctions<float> f;
  RangeFunctions<double> d;
};

inline const RangeTable& range_table() {
  static const RangeTable& best = best_table<RangeTable>("RangeTable");
  return best;
}
inline const RangeFunctions<float>& range_functions(float) { return range_table().f; }
inline const RangeFunctions<double>& range_functions(double) { return range_table().d; }

}  // namespace backlit
