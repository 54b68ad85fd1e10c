#include "kernels/panel_gemm.h"

#include "kernels/tile_shape.h"
#include "kernels/transpose_block.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

#if defined(__AVX512F__)
constexpr i64 kDepth = 128;
#else
constexpr i64 kDepth = 256;
#endif
#if defined(__AVX2__)
constexpr bool kReplacesBlas = true;
#else
constexpr bool kReplacesBlas = false;
#endif
template <class T> constexpr int kWidth = kTileVectors * kLanes<T>;
template <class T> constexpr i64 kLine = 64 / sizeof(T);  // elements of a line of the cache
constexpr i64 kAhead = 32;  // columns of a that are fetched before they are used

// n <= W lines whose elements are neighbours, line l from x + at(l) on, in blocks that are
// transposed in registers.
template <class T, int W, class F> void pack_lines(i64 n, i64 k, const T* x, F at, T* to) {
  constexpr int L = kLanes<T>, most = (W + L - 1) / L;
  using Lane = Lanes<T, L>;
  const int groups = static_cast<int>((n + L - 1) / L);
  i64 p = 0;
  for (; p + L <= k; p += L) {
    typename Lane::Type block[most][L];
    for (int g = 0; g < groups; ++g) {
      for (int l = 0; l < L; ++l) {
        block[g][l] = typename Lane::Type{};
        if (g * L + l < n) block[g][l] = Lane::load(x + at(g * L + l) + p);
      }
      transpose_block<L>(block[g]);
    }
    for (int q = 0; q < L; ++q)
      for (int g = 0; g < groups; ++g) {
        T* column = to + (p + q) * W + g * L;
        // what reaches beyond a column is written over by those that follow, if there are enough
        if ((g + 1) * L <= (k - p - q) * W)
          Lane::store(column, block[g][q]);
        else
          for (int l = 0; g * L + l < W; ++l) column[l] = block[g][q][l];
      }
  }
  const i64 filled = groups * L < W ? groups * L : W;
  for (; p < k; ++p)
    for (i64 l = 0; l < filled; ++l) to[p * W + l] = l < n ? x[at(l) + p] : T(0);
}

// n <= W lines that lie side by side: step p of them from x + at(p) on.
template <class T, int W, class F> void copy_lines(i64 n, i64 k, const T* x, F at, T* to) {
  constexpr int L = kLanes<T>;
  for (i64 p = 0; p < k; ++p, to += W) {
    const T* from = x + at(p);
    if constexpr (W % L == 0) {
      i64 l = 0;
      for (; l + L <= n; l += L) Lanes<T, L>::store(to + l, Lanes<T, L>::load(from + l));
      if (l < n) Lanes<T, L>::store(to + l, load_part<T>(from + l, n - l));
    } else if (n == W) {
      for (i64 l = 0; l < W; ++l) to[l] = from[l];
    } else {
      for (i64 l = 0; l < W; ++l) to[l] = l < n ? from[l] : T(0);
    }
  }
}

template <class T, int W> void pack(i64 lines, i64 k, const T* x, i64 line, i64 along, T* to) {
  for (i64 i = 0; i < lines; i += W, to += W * k) {
    const i64 n = lines - i < W ? lines - i : W;
    if (along == 1)
      pack_lines<T, W>(n, k, x + i * line, [&](i64 l) { return l * line; }, to);
    else
      copy_lines<T, W>(n, k, x + i, [&](i64 p) { return p * along; }, to);
  }
}
template <class T> void pack_lines_at(i64 n, i64 k, const T* x, const i64* offsets, T* to) {
  pack_lines<T, kWidth<T>>(n, k, x, [&](i64 l) { return offsets[l]; }, to);
}
template <class T> void pack_steps_at(i64 n, i64 k, const T* x, const i64* offsets, T* to) {
  copy_lines<T, kWidth<T>>(n, k, x, [&](i64 p) { return offsets[p]; }, to);
}

// R rows of a by V vectors of a panel of b, the last one cut to `last` lanes. Not inlined, so that
// the sums have the registers to themselves.
template <class T, int R, int V, bool by_columns>
__attribute__((noinline)) void tile(i64 k, T alpha, RowGroups<T> a, const T* b, Addend<T> addend,
                                    T* c, i64 ldc, i64 last) {
  using Lane = Lanes<T, kLanes<T>>;
  using Vec = typename Lane::Type;
  constexpr int L = kLanes<T>;
  Vec sum[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sum[r][v] = Vec{};
  const T* x = a.data;
  const i64 row = by_columns ? 1 : a.row, column = by_columns ? a.column : 1;
  for (i64 begin = 0; begin < k; begin += kLine<T>) {
    if constexpr (!by_columns)  // the rows of the next tile
      for (int r = 0; r < R; ++r) __builtin_prefetch(x + (R + r) * row);
    const i64 steps = k - begin < kLine<T> ? k - begin : kLine<T>;
    for (i64 p = 0; p < steps; ++p, x += column, b += kWidth<T>) {
      if constexpr (by_columns) __builtin_prefetch(x + kAhead * column);
      Vec line[V];
      for (int v = 0; v < V; ++v) line[v] = Lane::load(b + v * L);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const Vec factor = x[r * row] - Vec{};  // + would turn -0 into 0: an addition
        for (int v = 0; v < V; ++v) sum[r][v] = multiply_add(factor, line[v], sum[r][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      const i64 lanes = v + 1 < V ? L : last;
      T* to = c + r * ldc + v * L;
      const T* plus = addend.data + r * addend.ld + v * L;
      Vec out = sum[r][v] * alpha;
      if (lanes == L) {
        if (addend.factor != 0) out = out + Lane::load(plus) * addend.factor;
        Lane::store(to, out);
      } else {
        if (addend.factor != 0) out = out + load_part<T>(plus, lanes) * addend.factor;
        store_part<T>(to, out, lanes);
      }
    }
}

// m rows: R at a time, the rest in one tile. Rows of a packed panel are a.row apart, also
// where the last group is cut short.
template <class T, int R, int V>
void rows_by_panel(i64 m, i64 k, T alpha, RowGroups<T> a, const T* b, Addend<T> addend, T* c,
                   i64 ldc, i64 last) {
  i64 i = 0;
  for (; i + R <= m; i += R) {
    const RowGroups<T> rows{a.data + i * a.group, a.group, a.row, a.column};
    if (a.row == 1)
      tile<T, R, V, true>(k, alpha, rows, b, addend.at(i, 0), c + i * ldc, ldc, last);
    else
      tile<T, R, V, false>(k, alpha, rows, b, addend.at(i, 0), c + i * ldc, ldc, last);
  }
  if constexpr (R > 1)
    if (i < m)
      rows_by_panel<T, R - 1, V>(m - i, k, alpha, {a.data + i * a.group, a.row, a.row, a.column}, b,
                                 addend.at(i, 0), c + i * ldc, ldc, last);
}

template <class T, int V>
void panel(i64 m, i64 n, i64 k, T alpha, RowGroups<T> a, const T* b, Addend<T> addend, T* c,
           i64 ldc) {
  constexpr i64 L = kLanes<T>;
  if constexpr (V > 1)
    if (n <= (V - 1) * L) return panel<T, V - 1>(m, n, k, alpha, a, b, addend, c, ldc);
  rows_by_panel<T, kTileRows, V>(m, k, alpha, a, b, addend, c, ldc, n - (V - 1) * L);
}

template <class T>
void multiply(i64 m, i64 n, i64 k, T alpha, RowGroups<T> a, const T* b, Addend<T> addend, T* c,
              i64 ldc) {
  for (i64 j = 0; j < n; j += kWidth<T>)
    panel<T, kTileVectors>(m, n - j < kWidth<T> ? n - j : kWidth<T>, k, alpha, a, b + j * k,
                           addend.at(0, j), c + j, ldc);
}

template <class T> constexpr PanelGemm<T> functions() {
  static_assert(kWidth<T> * kDepth <= kPanelElements);
  return {kTileRows,          kWidth<T>,        kDepth,           kReplacesBlas, pack<T, kTileRows>,
          pack<T, kWidth<T>>, pack_lines_at<T>, pack_steps_at<T>, multiply<T>};
}

constexpr PanelGemmTable table{functions<float>(), functions<double>()};
BACKLIT_ISA_TABLE(PanelGemmTable, table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
