// With stride 1, the gradient of the input is itself a convolution: of g, by the weight turned
// around its middle, with the channels of input and output exchanged.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "kernels/convolution.h"
#include "kernels/convolution_staging.h"

namespace backlit {

// That convolution, where it pays: `convolve_input` adds products as deep as there are output
// channels in a group, and with few of them does little but move memory. With many, or with few
// channels to compute at a time, it is the faster one.
inline std::optional<ConvShape> turned(const ConvShape& s) {
  if (s.out_channels > std::clamp<std::int64_t>(s.in_channels, 8, 32)) return std::nullopt;
  ConvShape t = s;
  std::swap(t.in_channels, t.out_channels);
  for (int d = 0; d < 3; ++d) {
    const std::int64_t reach = s.dilation[d] * (s.kernel[d] - 1);
    const bool fits =
        s.stride[d] == 1 && s.padding[d] <= reach && s.out[d] == s.in[d] + 2 * s.padding[d] - reach;
    if (!fits) return std::nullopt;
    t.padding[d] = reach - s.padding[d];
    t.in[d] = s.out[d];
    t.out[d] = s.in[d];
  }
  return t;
}

// Whether no weight is inf or nan: the turned convolution multiplies the zeros of its padding too.
template <class T> bool all_finite(const ConvShape& s, const T* w) {
  const T* end = w + s.groups * s.out_channels * s.in_channels * volume(s.kernel);
  return std::all_of(w, end, [](T x) { return x - x == 0; });
}

// Its weight (groups * in_channels, out_channels, kernel).
template <class T> std::unique_ptr<T[]> turned_weight(const ConvShape& s, const T* w) {
  const std::int64_t kernel = volume(s.kernel), ins = s.in_channels, outs = s.out_channels;
  auto turned =
      std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(s.groups * outs * ins * kernel));
  T* to = turned.get();
  for (std::int64_t group = 0; group < s.groups; ++group, w += outs * ins * kernel)
    for (std::int64_t c = 0; c < ins; ++c)
      for (std::int64_t o = 0; o < outs; ++o, to += kernel) {
        const T* from = w + (o * ins + c) * kernel;
        std::reverse_copy(from, from + kernel, to);
      }
  return turned;
}

}  // namespace backlit
