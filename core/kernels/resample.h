// Linear maps of planes that work along each axis on its own: averages, interpolation, padding.
//
// y[d', h', w'] = Σ over d, h, w of D[d', d] H[h', h] W[w', w] x[d, h, w] with sparse matrices D, H
// and W. A row of a result is first summed over depth and height, whole rows of x at a time, then
// along the width.
#pragma once

#include <cstdint>

namespace backlit {

// A sparse matrix by its rows: output j is Σ weight[k] x[index[k]] for begin[j] <= k < begin[j +
// 1]. A null weight is 1.
template <class T> struct RowTaps {
  const std::int64_t *begin, *index;
  const T* weight;
};

// The same for the width, by stretches of outputs [begin, end) that have the same number of taps.
// Tap k of output j is element at + k * (end - begin) + j - begin of index and weight. With a step,
// index grows by it from one output to the next.
struct Stretch {
  std::int64_t begin, end, taps, at, step;  // step 0: any
};
template <class T> struct WidthTaps {
  const Stretch* stretches;
  std::int64_t count;  // 0: the identity
  const std::int32_t* index;
  const T* weight;
};

template <class T> struct ResampleMap {
  std::int64_t in[3], out[3];
  RowTaps<T> depth, height;
  WidthTaps<T> width;
};

// Rows [begin, end) of all planes × depth × height of the result. `scratch` holds a row of x.
template <class T>
using ResampleRows = void (*)(const T* x, T* y, const ResampleMap<T>& map, std::int64_t begin,
                              std::int64_t end, T* scratch);

// Integers of each size also move the bits of other types, where a map only picks elements.
struct ResampleTable {
  ResampleRows<float> f32;
  ResampleRows<double> f64;
  ResampleRows<std::int64_t> i64;
  ResampleRows<std::int32_t> i32;
  ResampleRows<std::int16_t> i16;
  ResampleRows<std::int8_t> i8;
};

}  // namespace backlit
