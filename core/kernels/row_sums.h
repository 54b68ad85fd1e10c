// Sums over a row of floats; included by *.isa.cpp files only.
#pragma once

#include "kernels/reduce_loops.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

constexpr i64 kPiece = 1024;  // elements between two passes: they stay in the first cache

template <class T> struct Total {
  using In = T;
  using Acc = T;
  static constexpr T start() { return 0; }
  template <class A> static A combine(A a, A b) { return a + b; }
  template <class X, class A> static A map(X x, A) { return x; }
};
template <class T> T row_total(const T* x, i64 n) { return reduce_row<Total<T>>(x, n, T{}); }

// The sum of f(i, count) over the pieces of a row: count elements from i on.
template <class T, class F> T sum_pieces(i64 n, F f) {
  if (n <= kPiece) return f(i64{0}, n);
  double total = 0;
  for (i64 i = 0; i < n; i += kPiece)
    total += static_cast<double>(f(i, n - i < kPiece ? n - i : kPiece));
  return static_cast<T>(total);
}

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
