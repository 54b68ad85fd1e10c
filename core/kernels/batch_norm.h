// Normalisation of channels over raw memory.
#pragma once

#include <cstdint>

namespace backlit {

// The channel's elements in a contiguous (batch, channels, length) tensor: batch runs of `length`
// elements, `step` apart.
struct Channel {
  std::int64_t batch, step, length;
};

template <class T> struct BatchNormKernels {
  // The mean of a channel and its variance (divided by the number of elements).
  void (*moments)(const T* x, Channel at, T* mean, T* variance);
  // y = x * factor + shift
  void (*scale)(const T* x, T* y, Channel at, T factor, T shift);
  // Σ g and Σ g (x - mean)
  void (*sums)(const T* g, const T* x, Channel at, T mean, T* sum, T* product);
  // gx = a * g + b * (x - mean) + c
  void (*combine)(const T* g, const T* x, T* gx, Channel at, T mean, T a, T b, T c);
};

struct BatchNormTable {
  BatchNormKernels<float> f32;
  BatchNormKernels<double> f64;
};

}  // namespace backlit
