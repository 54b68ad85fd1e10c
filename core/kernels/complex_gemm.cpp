#include "kernels/complex_gemm.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/openblas.h"

namespace backlit {
namespace {

using std::int64_t;

constexpr int64_t kSmallWork = 512;        // m * n * k up to here: plain loops
constexpr int64_t kBlockWork = 128 << 10;  // of the rows that one task takes

std::int32_t to_blas(int64_t v) {
  BACKLIT_CHECK(v <= std::numeric_limits<std::int32_t>::max(), Runtime,
                "gemm: a size or stride exceeds 2^31 - 1. Got ", v, '.');
  return static_cast<std::int32_t>(v);
}

// cblas_cgemm and cblas_zgemm: numbers by address.
using Function = void (*)(int, int, int, std::int32_t, std::int32_t, std::int32_t, const void*,
                          const void*, std::int32_t, const void*, std::int32_t, const void*, void*,
                          std::int32_t);
template <class T> Function blas_function() {
  constexpr const char* name = std::is_same_v<T, float> ? "cblas_cgemm" : "cblas_zgemm";
  static const auto function = reinterpret_cast<Function>(openblas_symbol(name));
  BACKLIT_CHECK(function, Runtime, "OpenBLAS: the loaded library has no ", name, '.');
  return function;
}

template <class T> struct Product {
  bool ta, tb;
  int64_t n, k;
  Complex<T> alpha;
  const Complex<T>* a;
  int64_t lda;
  const Complex<T>* b;
  int64_t ldb;
  Complex<T> beta;
  Complex<T>* c;
  int64_t ldc;

  void rows(int64_t begin, int64_t end) const {
    const Complex<T>* const from = a + begin * (ta ? 1 : lda);
    Complex<T>* const to = c + begin * ldc;
    if ((end - begin) * n * k <= kSmallWork) return plain(from, to, end - begin);
    const auto flag = [](bool t) { return t ? kCblasTrans : kCblasNoTrans; };
    blas_function<T>()(kCblasRowMajor, flag(ta), flag(tb), to_blas(end - begin), to_blas(n),
                       to_blas(k), &alpha, from, to_blas(lda), b, to_blas(ldb), &beta, to,
                       to_blas(ldc));
  }
  void plain(const Complex<T>* from, Complex<T>* to, int64_t m) const {
    const int64_t row = ta ? 1 : lda, column = ta ? lda : 1;
    const int64_t down = tb ? 1 : ldb, across = tb ? ldb : 1;
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        Complex<T> sum;
        for (int64_t p = 0; p < k; ++p)
          sum += from[i * row + p * column] * b[p * down + j * across];
        Complex<T>& y = to[i * ldc + j];
        y = beta == Complex<T>() ? alpha * sum : alpha * sum + beta * y;
      }
  }
};

}  // namespace

template <class T>
void complex_gemm(int64_t batch, bool ta, bool tb, int64_t m, int64_t n, int64_t k,
                  Complex<T> alpha, const Complex<T>* a, int64_t lda, int64_t stride_a,
                  const Complex<T>* b, int64_t ldb, int64_t stride_b, Complex<T> beta,
                  Complex<T>* c, int64_t ldc, int64_t stride_c) {
  if (m <= 0 || n <= 0 || batch <= 0) return;
  // every block is a multiple of 4 rows, so that rows meet the same code whatever their block
  const int64_t rows = std::clamp<int64_t>(kBlockWork / std::max<int64_t>(n * k, 1) / 4 * 4, 4,
                                           std::max<int64_t>(m, 4));
  const int64_t blocks = (m - 1) / rows + 1;
  parallel_for(batch * blocks, 1, [&](int64_t begin, int64_t end) {
    for (; begin < end; ++begin) {
      const int64_t i = begin / blocks, from = begin % blocks * rows;
      const Product<T> product{
          ta, tb, n, k, alpha, a + i * stride_a, lda, b + i * stride_b, ldb, beta, c + i * stride_c,
          ldc};
      product.rows(from, std::min(from + rows, m));
    }
  });
}

#define BACKLIT_INSTANTIATE(T)                                                                   \
  template void complex_gemm<T>(int64_t, bool, bool, int64_t, int64_t, int64_t, Complex<T>,      \
                                const Complex<T>*, int64_t, int64_t, const Complex<T>*, int64_t, \
                                int64_t, Complex<T>, Complex<T>*, int64_t, int64_t);
BACKLIT_INSTANTIATE(float)
BACKLIT_INSTANTIATE(double)
#undef BACKLIT_INSTANTIATE

}  // namespace backlit
