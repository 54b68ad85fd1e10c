#include "kernels/resample.h"

#include "kernels/isa.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

using i64 = std::int64_t;

// y = a x, or y += a x.
template <bool kAdd, class T> void scaled(const T* x, T a, T* y, i64 n) {
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) y[i] = static_cast<T>(kAdd ? y[i] + a * x[i] : a * x[i]);
}
template <bool kAdd, class T> void plain(const T* x, T* y, i64 n) {
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) y[i] = kAdd ? static_cast<T>(y[i] + x[i]) : x[i];
}
template <class T> void fill_zero(T* y, i64 n) {
  for (i64 i = 0; i < n; ++i) y[i] = T(0);
}

// The row of x that output row (od, oh) looks at: summed into `sum`, or one of x's own.
template <class T>
const T* summed_row(const T* x, const ResampleMap<T>& m, i64 od, i64 oh, T* sum) {
  const i64 n = m.in[2];
  bool first = true;
  for (i64 p = m.depth.begin[od]; p < m.depth.begin[od + 1]; ++p)
    for (i64 q = m.height.begin[oh]; q < m.height.begin[oh + 1]; ++q) {
      const T* row = x + (m.depth.index[p] * m.in[1] + m.height.index[q]) * n;
      T a = m.depth.weight ? m.depth.weight[p] : T(1);
      if (m.height.weight) a = static_cast<T>(a * m.height.weight[q]);
      const bool alone = first && p + 1 == m.depth.begin[od + 1] && q + 1 == m.height.begin[oh + 1];
      if (a == T(1)) {
        if (alone) return row;
        first ? plain<false>(row, sum, n) : plain<true>(row, sum, n);
      } else {
        first ? scaled<false>(row, a, sum, n) : scaled<true>(row, a, sum, n);
      }
      first = false;
    }
  return first ? nullptr : sum;
}

// y[j] (+)= weight[j] x[at(j)], at(j) being index[j], or index[0] + j * S.
template <int S, bool kAdd, bool kWeight, class T>
void tap(const T* x, const std::int32_t* index, i64 step, const T* weight, T* y, i64 n) {
  const i64 stride = S > 0 ? S : step, base = S != 0 ? index[0] : 0;
#pragma GCC ivdep
  for (i64 j = 0; j < n; ++j) {
    T v = x[S != 0 ? base + j * stride : static_cast<i64>(index[j])];
    if constexpr (kWeight) v = static_cast<T>(v * weight[j]);
    y[j] = kAdd ? static_cast<T>(y[j] + v) : v;
  }
}
template <bool kAdd, bool kWeight, class T>
void tap_by(const T* x, const std::int32_t* index, i64 step, const T* weight, T* y, i64 n) {
  switch (step) {
    case 0: return tap<0, kAdd, kWeight>(x, index, step, weight, y, n);
    case 1: return tap<1, kAdd, kWeight>(x, index, step, weight, y, n);
    case 2: return tap<2, kAdd, kWeight>(x, index, step, weight, y, n);
    default: return tap<-1, kAdd, kWeight>(x, index, step, weight, y, n);
  }
}

template <bool kWeight, class T> void along_width(const T* x, const WidthTaps<T>& w, T* y) {
  for (i64 s = 0; s < w.count; ++s) {
    const Stretch& t = w.stretches[s];
    const i64 n = t.end - t.begin;
    if (t.taps == 0) fill_zero(y + t.begin, n);
    for (i64 k = 0; k < t.taps; ++k) {
      const i64 at = t.at + k * n;
      const T* weight = kWeight ? w.weight + at : nullptr;
      k == 0 ? tap_by<false, kWeight>(x, w.index + at, t.step, weight, y + t.begin, n)
             : tap_by<true, kWeight>(x, w.index + at, t.step, weight, y + t.begin, n);
    }
  }
}

template <class T>
void rows(const T* x, T* y, const ResampleMap<T>& m, i64 begin, i64 end, T* scratch) {
  const i64 plane = m.in[0] * m.in[1] * m.in[2], n = m.out[2];
  for (i64 line = begin; line < end; ++line) {
    const i64 oh = line % m.out[1], od = line / m.out[1] % m.out[0];
    const T* const from = x + line / m.out[1] / m.out[0] * plane;
    T* const to = y + line * n;
    const T* const row = summed_row(from, m, od, oh, m.width.count ? scratch : to);
    if (!row)
      fill_zero(to, n);
    else if (m.width.count)
      m.width.weight ? along_width<true>(row, m.width, to) : along_width<false>(row, m.width, to);
    else if (row != to)
      plain<false>(row, to, n);
  }
}

constexpr ResampleTable resample_table{&rows<float>,        &rows<double>,
                                       &rows<i64>,          &rows<std::int32_t>,
                                       &rows<std::int16_t>, &rows<std::int8_t>};
BACKLIT_ISA_TABLE(ResampleTable, resample_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
