#include "kernels/layer_norm.h"

#include "kernels/row_sums.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

inline float root(float x) { return __builtin_sqrtf(x); }
inline double root(double x) { return __builtin_sqrt(x); }

template <class T, bool kWeight, bool kBias>
void normalise(const T* x, const T* weight, const T* bias, T* y, T m, T s, i64 n) {
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) {
    T u = (x[i] - m) * s;
    if constexpr (kWeight) u *= weight[i];
    if constexpr (kBias) u += bias[i];
    y[i] = u;
  }
}

template <class T>
void forward(const T* x, const T* weight, const T* bias, T* y, T* mean, T* scale, i64 rows, i64 n,
             double eps) {
  const T length = static_cast<T>(n);
  const auto write = weight ? (bias ? normalise<T, true, true> : normalise<T, true, false>)
                            : (bias ? normalise<T, false, true> : normalise<T, false, false>);
  for (i64 r = 0; r < rows; ++r, x += n, y += n) {
    const T m = sum_of<T>(n, [&](auto at) { return at(x); }) / length;
    const T variance = sum_of<T>(n, [&](auto at) { return (at(x) - m) * (at(x) - m); }) / length;
    const T s = T(1) / root(variance + static_cast<T>(eps));
    mean[r] = m;
    scale[r] = s;
    write(x, weight, bias, y, m, s, n);
  }
}

// With h = g * weight and u = (x - mean) * scale: gx = scale * (h - mean(h) - u * mean(h * u)).
template <class T, bool kWeight>
void row_gradient(const T* g, const T* x, const T* weight, T m, T s, T* gx, i64 n) {
  const auto h = [&](i64 i) { return kWeight ? g[i] * weight[i] : g[i]; };
  const T length = static_cast<T>(n);
  const auto part = [&](auto at) {
    if constexpr (kWeight)
      return at(g) * at(weight);
    else
      return at(g);
  };
  const T mean_h = sum_of<T>(n, part) / length;
  const T mean_hu = sum_of<T>(n, [&](auto at) { return part(at) * ((at(x) - m) * s); }) / length;
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) gx[i] = s * (h(i) - mean_h - (x[i] - m) * s * mean_hu);
}

template <class T>
void backward(const T* g, const T* x, const T* weight, const T* mean, const T* scale, T* gx, T* gw,
              T* gb, i64 rows, i64 n) {
  for (i64 r = 0; r < rows; ++r, g += n, x += n) {
    const T m = mean[r], s = scale[r];
    if (gx && weight) row_gradient<T, true>(g, x, weight, m, s, gx + r * n, n);
    if (gx && !weight) row_gradient<T, false>(g, x, weight, m, s, gx + r * n, n);
    if (gw) {
#pragma GCC ivdep
      for (i64 i = 0; i < n; ++i) gw[i] += g[i] * ((x[i] - m) * s);
    }
    if (gb) {
#pragma GCC ivdep
      for (i64 i = 0; i < n; ++i) gb[i] += g[i];
    }
  }
}

constexpr LayerNormTable layer_norm_table{{&forward<float>, &backward<float>},
                                          {&forward<double>, &backward<double>}};
BACKLIT_ISA_TABLE(LayerNormTable, layer_norm_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
