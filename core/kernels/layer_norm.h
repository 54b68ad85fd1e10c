// Normalisation of rows over raw memory.
#pragma once

#include <cstdint>

namespace backlit {

template <class T> struct LayerNormKernels {
  using i64 = std::int64_t;
  // Per row of n: mean and 1 / √(variance + eps), then y = (x - mean) * scale * weight + bias. Null
  // weight is 1, null bias is 0.
  void (*forward)(const T* x, const T* weight, const T* bias, T* y, T* mean, T* scale, i64 rows,
                  i64 n, double eps);
  // gx = the gradient of x; gw and gb (n each) are added to. Null: not wanted.
  void (*backward)(const T* g, const T* x, const T* weight, const T* mean, const T* scale, T* gx,
                   T* gw, T* gb, i64 rows, i64 n);
};

struct LayerNormTable {
  LayerNormKernels<float> f32;
  LayerNormKernels<double> f64;
};

}  // namespace backlit
