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

// The sum of f(at) over n elements, where at(p) is the element of p, or a vector of them.
template <class T, class F> T sum_of(i64 n, F f) {
  constexpr int L = kVectorBytes / sizeof(T), U = 4;
  Vector<T, L> sums[U] = {};
  i64 i = 0;
  for (; i + U * L <= n; i += U * L)
    for (int u = 0; u < U; ++u) sums[u] += f([&](const T* p) { return load<T, L>(p + i + u * L); });
  for (; i + L <= n; i += L) sums[0] += f([&](const T* p) { return load<T, L>(p + i); });
  T part[L];
  store<T, L>(part, (sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (int width = L / 2; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) part[l] += part[l + width];
  T total = part[0];
  for (; i < n; ++i) total += f([&](const T* p) { return p[i]; });
  return total;
}

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
