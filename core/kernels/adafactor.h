// Adafactor: the running means of squared gradients of a matrix are kept as one number per row and
// one per column.
//
//   v̂ᵢⱼ = rᵢ cⱼ / mean r      u = g / √max(v̂, floor²)      w ← decay w − rate u
//
// A vector keeps the whole v̂; it is a matrix of one row.
#pragma once

#include <cstdint>

namespace backlit {

// What a step makes of the hyperparameters. rate = scale max(least, rms w) / max(1, rms u / most)
struct AdafactorStep {
  double weight;  // of this gradient in the running means
  double floor;   // also the least mean of r
  double scale, least, most;
  double decay;
};

// `matrices` matrices of n rows and k columns, contiguous; row and column hold their means of g².
// row is null where column holds the mean of every element.
template <class T> struct AdafactorMemory {
  std::int64_t matrices, n, k;
  T *w, *row, *column;
  const T* g;
};
template <class T> void adafactor(const AdafactorStep& step, const AdafactorMemory<T>& m);

// Over rows of k neighbours. v̂ᵢⱼ = row[i] column[j], `least` its smallest value.
template <class T> struct AdafactorKernels {
  using i64 = std::int64_t;
  double (*sum_of_squares)(const T* x, i64 n);
  // rows[i] = Σⱼ g², columns[j] += Σᵢ g²
  void (*squares)(const T* g, i64 n, i64 k, double* rows, double* columns);
  void (*move_mean)(T* mean, const T* g, i64 n, T weight);  // towards g²
  double (*sum_of_updates)(const T* g, i64 n, i64 k, const T* row, const T* column, T least);  // u²
  void (*update)(T* w, const T* g, i64 n, i64 k, const T* row, const T* column, T least, T decay,
                 T rate);
};
struct AdafactorTable {
  AdafactorKernels<float> f32;
  AdafactorKernels<double> f64;
};

}  // namespace backlit
