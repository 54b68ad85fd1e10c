// Products of matrices of complex numbers, by OpenBLAS on one thread per block of rows.
#pragma once

#include <cstdint>

#include "base/numbers.h"

namespace backlit {

// As gemm and gemm_batched of kernels/gemm.h. The same bits at any thread count.
template <class T>
void complex_gemm(std::int64_t batch, bool ta, bool tb, std::int64_t m, std::int64_t n,
                  std::int64_t k, Complex<T> alpha, const Complex<T>* a, std::int64_t lda,
                  std::int64_t stride_a, const Complex<T>* b, std::int64_t ldb,
                  std::int64_t stride_b, Complex<T> beta, Complex<T>* c, std::int64_t ldc,
                  std::int64_t stride_c);

}  // namespace backlit
