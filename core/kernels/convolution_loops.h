// The loops of convolutions: one version per instruction set. What is computed when is decided in
// convolution.cpp; here are products whose one operand lies in memory as it was staged there: line
// d of it begins at x + offsets[d].
#pragma once

#include <cstdint>
#include <type_traits>

namespace backlit {

// Places first, first + step, ... of an input dimension; those outside of [0, limit) are padding.
struct ConvAxis {
  std::int64_t first, step, count, limit;
};

template <class T> struct ConvolutionLoops {
  using i64 = std::int64_t;

  i64 lanes;  // positions that are computed at a time

  // Weights (rows, depth) lie in panels of rows, and in a panel depth by depth. The rows of the
  // panel that begins where so many rows are left:
  i64 (*panel_rows)(i64 left);
  // y[r * y_row + p] (+)= start[r] + Σ_d a[r, d] · x[offsets[d] + p] for p < n. Null start: 0.
  void (*multiply)(i64 rows, i64 depth, const T* a, const i64* offsets, const T* x, i64 n,
                   const T* start, bool add, T* y, i64 y_row);
  // w[r * w_row + k] += Σ over segments s and p < n of
  //   g[g_at[s] + r * g_row + p] · x[offsets[k] + s * x_segment + p].
  void (*correlate)(i64 rows, i64 columns, i64 segments, i64 n, const T* g, const i64* g_at,
                    i64 g_row, const T* x, const i64* offsets, i64 x_segment, T* w, i64 w_row);

  // plane (rows.count, run.count) = the elements of x there, 0 in the padding; and back: added.
  void (*gather)(ConvAxis rows, ConvAxis run, const T* x, i64 x_row, T* plane);
  void (*scatter)(ConvAxis rows, ConvAxis run, const T* plane, T* x, i64 x_row);
};

struct ConvolutionTable {
  ConvolutionLoops<float> f32;
  ConvolutionLoops<double> f64;
};

const ConvolutionTable& convolution_table();
template <class T> const ConvolutionLoops<T>& convolution_loops() {
  if constexpr (std::is_same_v<T, float>)
    return convolution_table().f32;
  else
    return convolution_table().f64;
}

}  // namespace backlit
