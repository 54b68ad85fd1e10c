#include "kernels/max_pool.h"

#include <limits>
#include <type_traits>

#include "kernels/isa.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

using i64 = std::int64_t;

template <class T> constexpr T lowest() {
  if constexpr (std::numeric_limits<T>::has_infinity)
    return -std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::lowest();
}
template <class T> bool wins(T v, T best) { return v > best || v != v; }

// y[j] = the better of y[j] and x[j * S]; places follow, x lying at `place` of its plane.
template <int S, bool kPlaces, class T, class I>
void take(const T* x, i64 stride, T* y, I* at, I place, i64 n) {
  if constexpr (S > 0) stride = S;
  const I step = static_cast<I>(stride);
#pragma GCC ivdep
  for (i64 j = 0; j < n; ++j) {
    const T v = x[j * stride];
    const bool better = wins(v, y[j]);
    y[j] = better ? v : y[j];
    if constexpr (kPlaces) {
      const I here = static_cast<I>(place + static_cast<I>(j) * step);
      at[j] = better ? here : at[j];
    }
  }
}

// I holds places: as wide as T where T is wide, so that both fill the same number of lanes.
template <class T, class I, bool kPlaces>
void grid_lines(const T* x, T* y, i64* at, const MaxPoolGrid& g, i64 begin, i64 end, I* best) {
  const PoolAxis &d = g.axes[0], &h = g.axes[1], &w = g.axes[2];
  const auto merge = w.stride == 1   ? take<1, kPlaces, T, I>
                     : w.stride == 2 ? take<2, kPlaces, T, I>
                                     : take<0, kPlaces, T, I>;
  const auto first_of = [](const PoolAxis& a, i64 j) {  // the first tap inside
    const i64 start = j * a.stride - a.pad;
    return start < 0 ? (-start + a.dilation - 1) / a.dilation : 0;
  };
  for (i64 line = begin; line < end; ++line) {
    const i64 oh = line % h.out, od = line / h.out % d.out, plane = line / h.out / d.out;
    const T* const from = x + plane * d.in * h.in * w.in;
    T* const row = y + line * w.out;
    const i64 kd0 = first_of(d, od), kh0 = first_of(h, oh);
    const i64 id0 = od * d.stride - d.pad, ih0 = oh * h.stride - h.pad;
    const i64 corner = ((id0 + kd0 * d.dilation) * h.in + ih0 + kh0 * h.dilation) * w.in;
    for (i64 j = 0; j < w.out; ++j) {
      row[j] = lowest<T>();
      if constexpr (kPlaces)
        best[j] = static_cast<I>(corner + j * w.stride - w.pad + first_of(w, j) * w.dilation);
    }
    for (i64 kd = kd0; kd < d.kernel && id0 + kd * d.dilation < d.in; ++kd)
      for (i64 kh = kh0; kh < h.kernel && ih0 + kh * h.dilation < h.in; ++kh) {
        const i64 start = ((id0 + kd * d.dilation) * h.in + ih0 + kh * h.dilation) * w.in;
        for (i64 k = 0; k < w.kernel; ++k) {
          const i64 j = g.first[k], place = start + j * w.stride - w.pad + k * w.dilation;
          if (j < g.last[k])
            merge(from + place, w.stride, row + j, best + j, static_cast<I>(place), g.last[k] - j);
        }
      }
    if constexpr (kPlaces)
      for (i64 j = 0; j < w.out; ++j) at[line * w.out + j] = static_cast<i64>(best[j]);
  }
}

template <class T>
void grid(const T* x, T* y, i64* at, const MaxPoolGrid& g, i64 begin, i64 end, void* scratch) {
  using Narrow = std::conditional_t<sizeof(T) == 8, i64, std::int32_t>;
  const i64 plane = g.axes[0].in * g.axes[1].in * g.axes[2].in;
  if (!at)
    grid_lines<T, Narrow, false>(x, y, at, g, begin, end, static_cast<Narrow*>(scratch));
  else if (plane <= std::numeric_limits<Narrow>::max())
    grid_lines<T, Narrow, true>(x, y, at, g, begin, end, static_cast<Narrow*>(scratch));
  else
    grid_lines<T, i64, true>(x, y, at, g, begin, end, static_cast<i64*>(scratch));
}

template <class T>
void windows(const T* x, T* y, i64* at, const PoolWindows& p, i64 begin, i64 end) {
  const i64 height = p.in[1], width = p.in[2];
  for (i64 line = begin; line < end; ++line) {
    const i64 oh = line % p.out[1], od = line / p.out[1] % p.out[0];
    const T* const from = x + line / p.out[1] / p.out[0] * p.in[0] * height * width;
    for (i64 ow = 0; ow < p.out[2]; ++ow) {
      T best = lowest<T>();
      i64 place = (p.begin[0][od] * height + p.begin[1][oh]) * width + p.begin[2][ow];
      for (i64 d = p.begin[0][od]; d < p.end[0][od]; ++d)
        for (i64 h = p.begin[1][oh]; h < p.end[1][oh]; ++h)
          for (i64 w = p.begin[2][ow]; w < p.end[2][ow]; ++w) {
            const i64 here = (d * height + h) * width + w;
            if (wins(from[here], best)) {
              best = from[here];
              place = here;
            }
          }
      y[line * p.out[2] + ow] = best;
      if (at) at[line * p.out[2] + ow] = place;
    }
  }
}

template <class T> constexpr MaxPoolKernels<T> of{&grid<T>, &windows<T>};
constexpr MaxPoolTable max_pool_table{of<float>,        of<double>,       of<i64>,
                                      of<std::int32_t>, of<std::int16_t>, of<std::int8_t>,
                                      of<std::uint8_t>};
BACKLIT_ISA_TABLE(MaxPoolTable, max_pool_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
