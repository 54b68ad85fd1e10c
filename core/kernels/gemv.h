// What a product is with a single row or column; gemm.h declares what else multiplies vectors.
#pragma once

#include <cstdint>

namespace backlit {

// y[i * inc] *= beta; beta == 0 overwrites NaN too.
template <class T> void scale(std::int64_t n, T beta, T* y, std::int64_t inc) {
  if (beta == T(1)) return;
  for (std::int64_t i = 0; i < n; ++i)
    y[i * inc] = beta == T(0) ? T(0) : static_cast<T>(beta * y[i * inc]);
}

// y (m) = alpha * a @ x + beta * y by dot products of the rows of a (m, n). T: float, double.
template <class T>
void gemv_rows(std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t lda, const T* x,
               std::int64_t incx, T beta, T* y, std::int64_t incy);
// y (n) = alpha * aᵀ @ x + beta * y by adding the rows of a (m, n).
template <class T>
void gemv_columns(std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t lda, const T* x,
                  std::int64_t incx, T beta, T* y, std::int64_t incy);

}  // namespace backlit
