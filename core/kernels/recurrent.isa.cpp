// The pointwise part of recurrent cells. Rows are short enough for L1, so gates are activated one
// kind after the other, in loops that vectorise.
#include "kernels/recurrent.h"

#include "formulas/activation.h"
#include "formulas/trigonometric.h"
#include "kernels/isa.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

// A loop with a call in it is not vectorised.
#define RECURRENT_LOOP __attribute__((flatten))

using i64 = std::int64_t;
using formulas::Relu;
using formulas::Sigmoid;
using formulas::Tanh;

template <class F, class T> RECURRENT_LOOP void activate(T* x, i64 n) {
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) x[i] = F::value(x[i]);
}
// The derivative of a formula that reads its result alone.
template <class F, class T> BACKLIT_INLINE T slope(T y) { return F::local(T(0), y); }

template <class F, class T> RECURRENT_LOOP void simple(const CellStep<T>& s) {
  const i64 n = s.rows * s.hidden;
  T *y = s.gates, *h = s.h;
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) h[i] = y[i] = F::value(y[i]);
}
template <class F, class T> RECURRENT_LOOP void simple_gradient(const CellGradient<T>& s) {
  const i64 n = s.rows * s.hidden;
  const T* y = s.gates;
  T *sums = s.sums, *dh = s.dh;
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) {
    const T local = slope<F>(y[i]), product = dh[i] * local;
    sums[i] = F::masks && local == T(0) ? T(0) : product;
    dh[i] = 0;
  }
}

template <class T> RECURRENT_LOOP void lstm(const CellStep<T>& s) {
  const i64 H = s.hidden;
  for (i64 r = 0; r < s.rows; ++r) {
    T *i = s.gates + r * 4 * H, *f = i + H, *g = f + H, *o = g + H;
    activate<Sigmoid>(i, 2 * H);
    activate<Tanh>(g, H);
    activate<Sigmoid>(o, H);
    T *c = s.c + r * H, *before = s.c_before + r * H, *bent = s.tanh_c + r * H, *h = s.h + r * H;
#pragma GCC ivdep
    for (i64 j = 0; j < H; ++j) {
      before[j] = c[j];
      c[j] = f[j] * c[j] + i[j] * g[j];
      bent[j] = Tanh::value(c[j]);
      h[j] = o[j] * bent[j];
    }
  }
}

template <class T> RECURRENT_LOOP void lstm_gradient(const CellGradient<T>& s) {
  const i64 H = s.hidden;
  for (i64 r = 0; r < s.rows; ++r) {
    const T *i = s.gates + r * 4 * H, *f = i + H, *g = f + H, *o = g + H;
    const T *before = s.c_before + r * H, *bent = s.tanh_c + r * H;
    T *di = s.sums + r * 4 * H, *df = di + H, *dg = df + H, *d_o = dg + H;
    T *dh = s.dh + r * H, *dc = s.dc + r * H;
#pragma GCC ivdep
    for (i64 j = 0; j < H; ++j) {
      const T d = dc[j] + dh[j] * o[j] * slope<Tanh>(bent[j]);
      di[j] = d * g[j] * slope<Sigmoid>(i[j]);
      df[j] = d * before[j] * slope<Sigmoid>(f[j]);
      dg[j] = d * i[j] * slope<Tanh>(g[j]);
      d_o[j] = dh[j] * bent[j] * slope<Sigmoid>(o[j]);
      dc[j] = d * f[j];
      dh[j] = 0;
    }
  }
}

template <class T> RECURRENT_LOOP void gru(const CellStep<T>& s) {
  const i64 H = s.hidden;
  for (i64 r = 0; r < s.rows; ++r) {
    T *reset = s.gates + r * 4 * H, *z = reset + H, *n = z + H, *hidden_n = n + H;
    const T* before = s.h_before + r * H;
    T* h = s.h + r * H;
    activate<Sigmoid>(reset, 2 * H);
#pragma GCC ivdep
    for (i64 j = 0; j < H; ++j) {
      n[j] = Tanh::value(n[j] + reset[j] * hidden_n[j]);
      h[j] = (before[j] - n[j]) * z[j] + n[j];
    }
  }
}

template <class T> RECURRENT_LOOP void gru_gradient(const CellGradient<T>& s) {
  const i64 H = s.hidden;
  for (i64 r = 0; r < s.rows; ++r) {
    const T *reset = s.gates + r * 4 * H, *z = reset + H, *n = z + H, *hidden_n = n + H;
    const T* before = s.h_before + r * H;
    T *dr = s.sums + r * 4 * H, *dz = dr + H, *dn = dz + H, *dhidden_n = dn + H;
    T* dh = s.dh + r * H;
#pragma GCC ivdep
    for (i64 j = 0; j < H; ++j) {
      const T d = dh[j] * (1 - z[j]) * slope<Tanh>(n[j]);
      dr[j] = d * hidden_n[j] * slope<Sigmoid>(reset[j]);
      dz[j] = dh[j] * (before[j] - n[j]) * slope<Sigmoid>(z[j]);
      dn[j] = d;
      dhidden_n[j] = d * reset[j];
      dh[j] *= z[j];
    }
  }
}

#define BACKLIT_CELLS(T)                                                                      \
  {                                                                                           \
    {simple<Tanh, T>, simple_gradient<Tanh, T>}, {simple<Relu, T>, simple_gradient<Relu, T>}, \
        {lstm<T>, lstm_gradient<T>}, {                                                        \
      gru<T>, gru_gradient<T>                                                                 \
    }                                                                                         \
  }
constexpr CellTable cell_table{BACKLIT_CELLS(float), BACKLIT_CELLS(double)};
BACKLIT_ISA_TABLE(CellTable, cell_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
