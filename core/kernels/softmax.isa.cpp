// Softmax and logsumexp over rows and over columns. Short rows are taken many at a time, so that
// exp runs over one long stretch of memory.
#include "kernels/softmax.h"

#include "formulas/math.h"
#include "kernels/row_sums.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <class T> struct Top {
  using In = T;
  using Acc = T;
  static constexpr T start() { return -std::numeric_limits<T>::infinity(); }
  template <class A> static A combine(A a, A b) { return a > b ? a : b; }
  template <class X, class A> static A map(X x, A) { return x; }
};
// nan may be lost here: exp(nan - top) brings it back
template <class T> T row_top(const T* x, i64 n) { return reduce_row<Top<T>>(x, n, T{}); }

template <class T> void exponentials(const T* x, T* y, i64 n) {
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) y[i] = math::exp(x[i]);
}
template <class T> void minus(const T* x, T c, T* y, i64 n) {
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) y[i] = x[i] - c;
}
template <class T> void divided(T* y, T c, i64 n) {
  for (i64 i = 0; i < n; ++i) y[i] /= c;
}

i64 rows_at_once(i64 n) { return n >= kPiece ? 1 : kPiece / n; }

template <class T> T sum_of_exponentials(const T* shifted, T* buffer, i64 n) {
  return sum_pieces<T>(n, [&](i64 i, i64 count) {
    exponentials(shifted + i, buffer, count);
    return row_total(buffer, count);
  });
}

template <class T, bool kLog> void forward_rows(const void* in, void* out, i64 rows, i64 n) {
  const i64 step = rows_at_once(n);
  for (i64 r = 0; r < rows; r += step) {
    const i64 count = rows - r < step ? rows - r : step;
    const T* x = static_cast<const T*>(in) + r * n;
    T* y = static_cast<T*>(out) + r * n;
    for (i64 k = 0; k < count; ++k) minus(x + k * n, row_top(x + k * n, n), y + k * n, n);
    if constexpr (kLog) {
      alignas(64) T buffer[kPiece];
      if (n <= kPiece) exponentials(y, buffer, count * n);
      for (i64 k = 0; k < count; ++k) {
        const T sum =
            n <= kPiece ? row_total(buffer + k * n, n) : sum_of_exponentials(y, buffer, n);
        minus(y + k * n, math::log(sum), y + k * n, n);
      }
    } else {
      exponentials(y, y, count * n);
      for (i64 k = 0; k < count; ++k) {
        T* line = y + k * n;
        const T sum = sum_pieces<T>(n, [&](i64 i, i64 m) { return row_total(line + i, m); });
        divided(line, sum, n);
      }
    }
  }
}

template <class T, bool kLog>
void backward_rows(const void* grad, const void* result, void* out, i64 rows, i64 n) {
  alignas(64) T buffer[kPiece];
  for (i64 r = 0; r < rows; ++r) {
    const T* g = static_cast<const T*>(grad) + r * n;
    const T* y = static_cast<const T*>(result) + r * n;
    T* gx = static_cast<T*>(out) + r * n;
    if constexpr (kLog) {
      const T sum = sum_pieces<T>(n, [&](i64 i, i64 m) { return row_total(g + i, m); });
#pragma GCC ivdep
      for (i64 i = 0; i < n; ++i) gx[i] = g[i] - math::exp(y[i]) * sum;
    } else {
      const T sum = sum_pieces<T>(n, [&](i64 i, i64 m) {
        for (i64 j = 0; j < m; ++j) buffer[j] = g[i + j] * y[i + j];
        return row_total(buffer, m);
      });
#pragma GCC ivdep
      for (i64 i = 0; i < n; ++i) gx[i] = y[i] * (g[i] - sum);
    }
  }
}

constexpr i64 kWidth = 256;  // columns at once
constexpr i64 kRun = 64;     // additions into one number before it moves to the next level

// total[c] = sum over i of term(i, c)
template <class T, class F> void column_sums(i64 n, i64 w, T* total, F term) {
  T part[kWidth];
  for (i64 c = 0; c < w; ++c) total[c] = 0;
  for (i64 first = 0; first < n; first += kRun) {
    const i64 last = n - first < kRun ? n : first + kRun;
    for (i64 c = 0; c < w; ++c) part[c] = 0;
    for (i64 i = first; i < last; ++i)
#pragma GCC ivdep
      for (i64 c = 0; c < w; ++c) part[c] += term(i, c);
    for (i64 c = 0; c < w; ++c) total[c] += part[c];
  }
}

template <class T> void column_tops(const T* x, i64 n, i64 stride, i64 w, T* top) {
  for (i64 c = 0; c < w; ++c) top[c] = -std::numeric_limits<T>::infinity();
  for (i64 i = 0; i < n; ++i)
#pragma GCC ivdep
    for (i64 c = 0; c < w; ++c) top[c] = top[c] > x[i * stride + c] ? top[c] : x[i * stride + c];
}

template <class T, bool kLog>
void forward_columns(const void* in, void* out, i64 n, i64 stride, i64 width) {
  T top[kWidth], sum[kWidth];
  for (i64 first = 0; first < width; first += kWidth) {
    const i64 w = width - first < kWidth ? width - first : kWidth;
    const T* x = static_cast<const T*>(in) + first;
    T* y = static_cast<T*>(out) + first;
    column_tops(x, n, stride, w, top);
    column_sums(n, w, sum, [&](i64 i, i64 c) {
      const T shifted = x[i * stride + c] - top[c], e = math::exp(shifted);
      y[i * stride + c] = kLog ? shifted : e;
      return e;
    });
    if constexpr (kLog)
      for (i64 c = 0; c < w; ++c) sum[c] = math::log(sum[c]);
    for (i64 i = 0; i < n; ++i)
#pragma GCC ivdep
      for (i64 c = 0; c < w; ++c)
        y[i * stride + c] = kLog ? y[i * stride + c] - sum[c] : y[i * stride + c] / sum[c];
  }
}

template <class T, bool kLog>
void backward_columns(const void* grad, const void* result, void* out, i64 n, i64 stride,
                      i64 width) {
  T sum[kWidth];
  for (i64 first = 0; first < width; first += kWidth) {
    const i64 w = width - first < kWidth ? width - first : kWidth;
    const T* g = static_cast<const T*>(grad) + first;
    const T* y = static_cast<const T*>(result) + first;
    T* gx = static_cast<T*>(out) + first;
    column_sums(n, w, sum, [&](i64 i, i64 c) {
      return kLog ? g[i * stride + c] : g[i * stride + c] * y[i * stride + c];
    });
    for (i64 i = 0; i < n; ++i)
#pragma GCC ivdep
      for (i64 c = 0; c < w; ++c) {
        const i64 at = i * stride + c;
        gx[at] = kLog ? g[at] - math::exp(y[at]) * sum[c] : y[at] * (g[at] - sum[c]);
      }
  }
}

// sums[r] = sum of exp(x - shift[r]) over row r; as many rows as rows_at_once says.
template <class T> void sums_of_exponentials(const T* x, const T* shift, T* sums, i64 rows, i64 n) {
  alignas(64) T buffer[kPiece];
  if (n <= kPiece) {
    for (i64 r = 0; r < rows; ++r) minus(x + r * n, shift[r], buffer + r * n, n);
    exponentials(buffer, buffer, rows * n);
    for (i64 r = 0; r < rows; ++r) sums[r] = row_total(buffer + r * n, n);
    return;
  }
  const T s = *shift;
  *sums = sum_pieces<T>(n, [&](i64 i, i64 m) {
#pragma GCC ivdep
    for (i64 j = 0; j < m; ++j) buffer[j] = math::exp(x[i + j] - s);
    return row_total(buffer, m);
  });
}

template <class T> void row_stats(const void* in, void* top, void* log_sum, i64 rows, i64 n) {
  const i64 step = rows_at_once(n);
  T* tops = static_cast<T*>(top);
  T* logs = static_cast<T*>(log_sum);
  for (i64 r = 0; r < rows; r += step) {
    const i64 count = rows - r < step ? rows - r : step;
    const T* x = static_cast<const T*>(in) + r * n;
    for (i64 k = 0; k < count; ++k) tops[r + k] = row_top(x + k * n, n);
    sums_of_exponentials(x, tops + r, logs + r, count, n);
  }
  for (i64 r = 0; r < rows; ++r) logs[r] = math::log(logs[r]);
}

// What is subtracted before exp: inf - inf would be nan.
template <class T> T finite_or_0(T top) { return math::where(math::isinf(top), T(0), top); }

template <class T> void logsumexp_rows(const void* in, void* out, i64 rows, i64 n) {
  T shift[kPiece];
  const i64 step = rows_at_once(n);
  for (i64 r = 0; r < rows; r += step) {
    const i64 count = rows - r < step ? rows - r : step;
    const T* x = static_cast<const T*>(in) + r * n;
    T* y = static_cast<T*>(out) + r;
    for (i64 k = 0; k < count; ++k) shift[k] = finite_or_0(row_top(x + k * n, n));
    sums_of_exponentials(x, shift, y, count, n);
#pragma GCC ivdep
    for (i64 k = 0; k < count; ++k) y[k] = math::log(y[k]) + shift[k];
  }
}

template <class T> void logsumexp_columns(const void* in, void* out, i64 n, i64 stride, i64 width) {
  T shift[kWidth];
  for (i64 first = 0; first < width; first += kWidth) {
    const i64 w = width - first < kWidth ? width - first : kWidth;
    const T* x = static_cast<const T*>(in) + first;
    T* y = static_cast<T*>(out) + first;
    column_tops(x, n, stride, w, shift);
    for (i64 c = 0; c < w; ++c) shift[c] = finite_or_0(shift[c]);
    column_sums(n, w, y, [&](i64 i, i64 c) { return math::exp(x[i * stride + c] - shift[c]); });
#pragma GCC ivdep
    for (i64 c = 0; c < w; ++c) y[c] = math::log(y[c]) + shift[c];
  }
}

template <class T>
void scaled_softmax(const void* in, const void* top, const void* log_sum, const void* factor,
                    void* out, i64 rows, i64 n) {
  for (i64 r = 0; r < rows; ++r) {
    const T* x = static_cast<const T*>(in) + r * n;
    T* gx = static_cast<T*>(out) + r * n;
    const T t = static_cast<const T*>(top)[r], l = static_cast<const T*>(log_sum)[r];
    const T f = static_cast<const T*>(factor)[r];
#pragma GCC ivdep
    for (i64 i = 0; i < n; ++i) gx[i] = f * math::exp((x[i] - t) - l);
  }
}

template <class T> constexpr SoftmaxKernels kernels_of() {
  return {{&forward_rows<T, false>, &forward_rows<T, true>},
          {&backward_rows<T, false>, &backward_rows<T, true>},
          {&forward_columns<T, false>, &forward_columns<T, true>},
          {&backward_columns<T, false>, &backward_columns<T, true>},
          &logsumexp_rows<T>,
          &logsumexp_columns<T>,
          &row_stats<T>,
          &scaled_softmax<T>};
}

constexpr SoftmaxTable softmax_table{{kernels_of<float>(), kernels_of<double>()}};
BACKLIT_ISA_TABLE(SoftmaxTable, softmax_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
