// Products of row-major matrices and vectors over raw memory. The same bits at any thread count.
#pragma once

#include <cstdint>

namespace backlit {

// T: float, double, and the integer types (which wrap around).

// c (m, n) = alpha * op(a) (m, k) @ op(b) (k, n) + beta * c, where op transposes when ta, tb: then
// the memory of a is (k, m), of b (n, k). ld: elements from one row of the memory to the next. beta
// == 0 overwrites c, also where it holds NaN. k == 0 leaves beta * c.
template <class T>
void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
          std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc);

// c = op(a) @ op(b) + row, with `row` (n) added to every row of c.
template <class T>
void gemm_plus_row(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
                   std::int64_t lda, const T* b, std::int64_t ldb, const T* row, T* c,
                   std::int64_t ldc);

// `batch` products; stride: elements from one matrix to the next, 0 repeats an operand (not c).
template <class T>
void gemm_batched(std::int64_t batch, bool ta, bool tb, std::int64_t m, std::int64_t n,
                  std::int64_t k, T alpha, const T* a, std::int64_t lda, std::int64_t stride_a,
                  const T* b, std::int64_t ldb, std::int64_t stride_b, T beta, T* c,
                  std::int64_t ldc, std::int64_t stride_c);

// y = alpha * op(a) @ x + beta * y, with the memory of a (m, n): op(a) @ x has m elements, n when
// transposed. inc: elements from one entry of a vector to the next.
template <class T>
void gemv(bool ta, std::int64_t m, std::int64_t n, T alpha, const T* a, std::int64_t lda,
          const T* x, std::int64_t incx, T beta, T* y, std::int64_t incy);

// Sum of x[i] * y[i] over chunks of fixed size, their sums added pairwise.
template <class T>
T dot(std::int64_t n, const T* x, std::int64_t incx, const T* y, std::int64_t incy);

// a (m, n) += alpha * x (m) yᵀ (n).
template <class T>
void ger(std::int64_t m, std::int64_t n, T alpha, const T* x, std::int64_t incx, const T* y,
         std::int64_t incy, T* a, std::int64_t lda);

}  // namespace backlit
