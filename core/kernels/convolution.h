// Convolutions over raw memory. All three are readings of one sum over images n, groups, channels o
// and c, output positions p and places k of the kernel:
//
//   T(x, w, g) = Σ g[n, o, p] · w[o, c, k] · x[n, c, p · stride + k · dilation − padding]
//
// linear in each of x, w and g. `convolve` is its derivative by g, `convolve_input` (a transposed
// convolution) the one by x, and `convolve_weight` the one by w.
#pragma once

#include <cstdint>

namespace backlit {

// Sizes in the order depth, height, width; a convolution over fewer dimensions has 1 there.
struct ConvShape {
  std::int64_t batch, groups;
  std::int64_t in_channels, out_channels;  // of one group
  std::int64_t in[3], kernel[3], out[3];
  std::int64_t stride[3], padding[3], dilation[3];
};

// x (batch, groups * in_channels, in), w (groups * out_channels, in_channels, kernel) and
// y, g (batch, groups * out_channels, out), all row-major. T: float, double; for the first two also
// the integer types, which wrap around. The same bits at any number of threads.

// y = ∂T/∂g + bias per channel; a null bias is 0.
template <class T>
void convolve(const ConvShape& shape, const T* x, const T* w, const T* bias, T* y);
// x = ∂T/∂x; overwritten.
template <class T> void convolve_input(const ConvShape& shape, const T* g, const T* w, T* x);
// w = ∂T/∂w; overwritten.
template <class T> void convolve_weight(const ConvShape& shape, const T* g, const T* x, T* w);

}  // namespace backlit
