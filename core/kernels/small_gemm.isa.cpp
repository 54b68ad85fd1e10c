#include "kernels/small_gemm.h"

#include "kernels/tile_shape.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <class T> struct Operand {
  const T* data;
  i64 row, column;
};

// R rows of c by V vectors of L columns, b row-major.
template <class T, int R, int V, int L>
void tile(i64 k, T alpha, Operand<T> a, const T* b, i64 ldb, T beta, T* c, i64 ldc) {
  using Lane = Lanes<T, L>;
  using Vec = typename Lane::Type;
  Vec sum[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sum[r][v] = Vec{};
  for (i64 p = 0; p < k; ++p) {
    Vec row[V];
    for (int v = 0; v < V; ++v) row[v] = Lane::load(b + p * ldb + v * L);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec x =
          a.data[r * a.row + p * a.column] - Vec{};  // + would turn -0 into 0: an addition
      for (int v = 0; v < V; ++v) sum[r][v] = multiply_add(x, row[v], sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      T* to = c + r * ldc + v * L;
      Vec out = sum[r][v] * alpha;
      if (beta != 0) out = out + Lane::load(to) * beta;
      Lane::store(to, out);
    }
}

// All rows of V * L columns: R at a time, the rest in one tile.
template <class T, int R, int V, int L>
void panel(i64 m, i64 k, T alpha, Operand<T> a, const T* b, i64 ldb, T beta, T* c, i64 ldc) {
  i64 i = 0;
  const auto at = [&](i64 r) { return Operand<T>{a.data + r * a.row, a.row, a.column}; };
  for (; i + R <= m; i += R) tile<T, R, V, L>(k, alpha, at(i), b, ldb, beta, c + i * ldc, ldc);
  if constexpr (R > 1)
    if (i < m) panel<T, R - 1, V, L>(m - i, k, alpha, at(i), b, ldb, beta, c + i * ldc, ldc);
}

// n columns of row-major b, in panels of falling width.
template <class T, int V, int L>
void panels(i64 m, i64 n, i64 k, T alpha, Operand<T> a, const T* b, i64 ldb, T beta, T* c,
            i64 ldc) {
  i64 j = 0;
  for (; j + V * L <= n; j += V * L)
    panel<T, kTileRows, V, L>(m, k, alpha, a, b + j, ldb, beta, c + j, ldc);
  if (j == n) return;
  if constexpr (V > 1)
    panels<T, V / 2, L>(m, n - j, k, alpha, a, b + j, ldb, beta, c + j, ldc);
  else if constexpr (L > 1)
    panels<T, 1, (L * sizeof(T) > 16 ? L / 2 : 1)>(m, n - j, k, alpha, a, b + j, ldb, beta, c + j,
                                                   ldc);
}

constexpr i64 kPackDepth = 256;  // of k, packed at once when b is transposed

template <class T>
void gemm(i64 m, i64 n, i64 k, T alpha, const T* a, i64 a_row, i64 a_column, const T* b, i64 b_row,
          i64 b_column, T beta, T* c, i64 ldc) {
  constexpr int L = kLanes<T>, V = kTileVectors, width = V * L;
  if (b_column == 1)
    return panels<T, V, L>(m, n, k, alpha, {a, a_row, a_column}, b, b_row, beta, c, ldc);
  alignas(64) T packed[kPackDepth * width];
  for (i64 j = 0; j < n; j += width) {
    const i64 columns = n - j < width ? n - j : width;
    for (i64 p = 0; p < k; p += kPackDepth) {
      const i64 depth = k - p < kPackDepth ? k - p : kPackDepth;
      for (i64 l = 0; l < columns; ++l)
        for (i64 q = 0; q < depth; ++q)
          packed[q * columns + l] = b[(p + q) * b_row + (j + l) * b_column];
      panels<T, V, L>(m, columns, depth, alpha, {a + p * a_column, a_row, a_column}, packed,
                      columns, p == 0 ? beta : T(1), c + j, ldc);
    }
  }
}

// R rows times x; U vectors are summed apart, to hide the latency of the addition.
template <class T, int R, int U> void row_sums(i64 n, const T* a, i64 lda, const T* x, T* out) {
  constexpr int L = kLanes<T>;
  using Lane = Lanes<T, L>;
  using Vec = typename Lane::Type;
  Vec sum[R][U] = {};
  i64 j = 0;
  for (; j + U * L <= n; j += U * L)
    for (int u = 0; u < U; ++u) {
      const Vec v = Lane::load(x + j + u * L);
      for (int r = 0; r < R; ++r)
        sum[r][u] = multiply_add(Lane::load(a + r * lda + j + u * L), v, sum[r][u]);
    }
  for (; j + L <= n; j += L)
    for (int r = 0; r < R; ++r)
      sum[r][0] = multiply_add(Lane::load(a + r * lda + j), Lane::load(x + j), sum[r][0]);
  for (int r = 0; r < R; ++r) {
    for (int step = U / 2; step > 0; step /= 2)
      for (int u = 0; u < step; ++u) sum[r][u] += sum[r][u + step];
    T total = sum_lanes<T, L>(sum[r][0]);
    for (i64 t = j; t < n; ++t) total = multiply_add(a[r * lda + t], x[t], total);
    out[r] = total;
  }
}

template <class T>
void dot_rows(i64 m, i64 n, T alpha, const T* a, i64 lda, const T* x, T beta, T* y, i64 incy) {
  T sums[4];
  for (i64 i = 0; i < m;) {
    const i64 rows = m - i < 4 ? 1 : 4;
    if (rows == 4)
      row_sums<T, 4, 2>(n, a + i * lda, lda, x, sums);
    else
      row_sums<T, 1, 4>(n, a + i * lda, lda, x, sums);
    for (i64 r = 0; r < rows; ++r, ++i)
      y[i * incy] = beta != 0 ? alpha * sums[r] + beta * y[i * incy] : alpha * sums[r];
  }
}

template <class T, int R, int L>
i64 add_scaled(i64 j, i64 n, const T (&scale)[R], const T* a, i64 lda, T* y) {
  using Lane = Lanes<T, L>;
  using Vec = typename Lane::Type;
  for (; j + L <= n; j += L) {
    Vec sum = Lane::load(y + j);
    for (int r = 0; r < R; ++r)
      sum = multiply_add(Vec{} + scale[r], Lane::load(a + r * lda + j), sum);
    Lane::store(y + j, sum);
  }
  return j;
}

template <class T, int R>
void add_row_block(i64 n, T alpha, const T* a, i64 lda, const T* x, i64 incx, T* y) {
  T scale[R];
  for (int r = 0; r < R; ++r) scale[r] = alpha * x[r * incx];
  const i64 j = add_scaled<T, R, kLanes<T>>(0, n, scale, a, lda, y);
  add_scaled<T, R, 1>(j, n, scale, a, lda, y);
}

template <class T>
void add_rows(i64 m, i64 n, T alpha, const T* a, i64 lda, const T* x, i64 incx, T* y) {
  constexpr int R = 8;
  i64 i = 0;
  for (; i + R <= m; i += R) add_row_block<T, R>(n, alpha, a + i * lda, lda, x + i * incx, incx, y);
  for (; i < m; ++i) add_row_block<T, 1>(n, alpha, a + i * lda, lda, x + i * incx, incx, y);
}

template <class T> T dot(i64 n, const T* x, const T* y) {
  T sum;
  row_sums<T, 1, 4>(n, x, 0, y, &sum);
  return sum;
}

template <class T> constexpr SmallGemm<T> functions() {
  return {gemm<T>, dot_rows<T>, add_rows<T>, dot<T>};
}

constexpr SmallGemmTable table{functions<float>(), functions<double>()};
BACKLIT_ISA_TABLE(SmallGemmTable, table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
