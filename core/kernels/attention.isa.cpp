#include "kernels/attention.h"

#include "formulas/math.h"
#include "kernels/row_sums.h"
#include "kernels/transpose_block.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

constexpr i64 kRow = kAttentionKeys;  // elements from one row of scores to the next

template <class T> struct Top {
  using In = T;
  using Acc = T;
  static constexpr T start() { return -std::numeric_limits<T>::infinity(); }
  template <class A> static A combine(A a, A b) { return a > b ? a : b; }
  template <class X, class A> static A map(X x, A) { return x; }
};

// e^x for x <= 0, with 0 for what is no normal number.
template <class T> BACKLIT_INLINE T exp_negative(T x) {
  constexpr T least = std::is_same_v<T, float> ? T(-87.3) : T(-708.3);
  const T y = math::exp_bounded(math::where(x < least, least, x));
  return math::where(x < least, T(0), y);
}

inline i64 counted(i64 n, i64 open, i64 r) { return open >= n || open + r >= n ? n : open + r; }

template <class T> void transpose(i64 rows, i64 columns, const T* x, i64 row, T* to) {
  constexpr int L = kVectorBytes / sizeof(T);
  for (i64 r = 0; r < rows; r += L)
    for (i64 c = 0; c < columns; c += L) {
      if (rows - r >= L && columns - c >= L) {
        Vector<T, L> block[L];
        for (int i = 0; i < L; ++i) block[i] = load<T, L>(x + (r + i) * row + c);
        transpose_block<L>(block);
        for (int i = 0; i < L; ++i) store<T, L>(to + (c + i) * kRow + r, block[i]);
        continue;
      }
      const i64 last_row = rows - r < L ? rows : r + L, last = columns - c < L ? columns : c + L;
      for (i64 i = r; i < last_row; ++i)
        for (i64 k = c; k < last; ++k) to[k * kRow + i] = x[i * row + k];
    }
}

// --- blocks of scores ---

template <class T>
void add_mask(i64 rows, i64 n, T* s, const T* mask, i64 mask_row, i64 mask_column) {
  for (i64 r = 0; r < rows; ++r, s += kRow, mask += mask_row) {
    if (mask_column == 1) {
#pragma GCC ivdep
      for (i64 j = 0; j < n; ++j) s[j] += mask[j];
    } else {
      for (i64 j = 0; j < n; ++j) s[j] += mask[j * mask_column];
    }
  }
}

template <class T>
void exponentials(i64 rows, i64 n, i64 open, T* s, T* top, T* sum, i64 width, T* out, i64 out_row) {
  constexpr T none = -std::numeric_limits<T>::infinity();
  for (i64 r = 0; r < rows; ++r, s += kRow) {
    const i64 count = counted(n, open, r);
    const T found = reduce_row<Top<T>>(s, count, T{});
    const T now = found > top[r] ? found : top[r];
    const T base = now == none ? T(0) : now;  // -inf - -inf is nan
#pragma GCC ivdep
    for (i64 j = 0; j < count; ++j) s[j] = exp_negative(s[j] - base);
    for (i64 j = count; j < n; ++j) s[j] = 0;
    const T total = row_total(s, count);
    if (!out) {
      sum[r] = total;
    } else {
      const T factor = exp_negative(top[r] - base);
      sum[r] = sum[r] * factor + total;
      T* y = out + r * out_row;
      if (factor != 1)
        for (i64 c = 0; c < width; ++c) y[c] *= factor;
    }
    top[r] = now;
  }
}

template <class T>
void finish(i64 rows, i64 width, const T* top, const T* sum, T* out, i64 out_row, T* log_sum) {
  for (i64 r = 0; r < rows; ++r) {
    const bool nothing = sum[r] == 0;
    const T factor = nothing ? T(0) : T(1) / sum[r];
    T* y = out + r * out_row;
    for (i64 c = 0; c < width; ++c) y[c] *= factor;
    log_sum[r] = nothing ? std::numeric_limits<T>::infinity() : top[r] + math::log(sum[r]);
  }
}

template <class T>
void row_products(i64 rows, i64 width, const T* a, i64 a_row, const T* b, i64 b_row, T* y) {
  alignas(64) T buffer[kPiece];
  for (i64 r = 0; r < rows; ++r, a += a_row, b += b_row)
    y[r] = sum_pieces<T>(width, [&](i64 i, i64 m) {
      for (i64 j = 0; j < m; ++j) buffer[j] = a[i + j] * b[i + j];
      return row_total(buffer, m);
    });
}

template <class T>
void gradients(i64 rows, i64 n, i64 open, T* s, T* h, const T* log_sum, const T* delta) {
  for (i64 r = 0; r < rows; ++r, s += kRow, h += kRow) {
    const i64 count = counted(n, open, r);
    const T l = log_sum[r], d = delta[r];
#pragma GCC ivdep
    for (i64 j = 0; j < count; ++j) {
      const T p = exp_negative(s[j] - l);
      s[j] = p;
      h[j] = p * (h[j] - d);
    }
    for (i64 j = count; j < n; ++j) s[j] = h[j] = 0;
  }
}

template <class T> constexpr AttentionLoops<T> loops() {
  return {&transpose<T>, &add_mask<T>,     &exponentials<T>,
          &finish<T>,    &row_products<T>, &gradients<T>};
}

constexpr AttentionTable attention_table{loops<float>(), loops<double>()};
BACKLIT_ISA_TABLE(AttentionTable, attention_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
