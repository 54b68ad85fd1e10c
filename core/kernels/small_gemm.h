// The loops of products that are too small or too narrow for panels and for OpenBLAS: one version
// per instruction set.
#pragma once

#include <cstdint>
#include <type_traits>

namespace backlit {

template <class T> struct SmallGemm {
  using i64 = std::int64_t;
  // c (m, n) = alpha * a @ b + beta * c. Element (i, p) of a: a[i * a_row + p * a_column], likewise
  // b; c row-major, not read when beta == 0.
  void (*gemm)(i64 m, i64 n, i64 k, T alpha, const T* a, i64 a_row, i64 a_column, const T* b,
               i64 b_row, i64 b_column, T beta, T* c, i64 ldc);
  // y[i * incy] = alpha * (row i of a) · x + beta * y[i * incy] for m rows of n; x contiguous.
  void (*dot_rows)(i64 m, i64 n, T alpha, const T* a, i64 lda, const T* x, T beta, T* y, i64 incy);
  // y (n, contiguous) += sum over m rows of alpha * x[i * incx] * (row i of a).
  void (*add_rows)(i64 m, i64 n, T alpha, const T* a, i64 lda, const T* x, i64 incx, T* y);
  T (*dot)(i64 n, const T* x, const T* y);  // contiguous
};

struct SmallGemmTable {
  SmallGemm<float> f32;
  SmallGemm<double> f64;
};

const SmallGemmTable& small_gemm_table();
template <class T> const SmallGemm<T>& small_loops() {
  if constexpr (std::is_same_v<T, float>)
    return small_gemm_table().f32;
  else
    return small_gemm_table().f64;
}

}  // namespace backlit
