#include "kernels/gemv.h"

#include <algorithm>
#include <memory>
#include <type_traits>

#include "base/threads.h"
#include "kernels/gemm.h"
#include "kernels/small_gemm.h"

namespace backlit {

using std::int64_t;

namespace {

constexpr int64_t kVectorWork = 32 << 10;  // elements of a matrix that one chunk reads
constexpr int64_t kVectorWidth = 1024;     // columns of a row read in a piece
constexpr int64_t kDotChunk = 32 << 10;

// x as contiguous memory: itself, or a copy.
template <class T> class Contiguous {
 public:
  Contiguous(int64_t n, const T* x, int64_t inc) : data_(x) {
    if (inc == 1 || n <= 1) return;
    copy_ = std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(n));
    for (int64_t i = 0; i < n; ++i) copy_[static_cast<std::size_t>(i)] = x[i * inc];
    data_ = copy_.get();
  }
  const T* get() const { return data_; }

 private:
  const T* data_;
  std::unique_ptr<T[]> copy_;
};

// Rows of n elements in a chunk.
int64_t chunk_of(int64_t n) {
  return std::max<int64_t>(kVectorWork / std::max<int64_t>(n, 1), 16) / 16 * 16;
}

}  // namespace

template <class T>
void gemv_rows(int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x, int64_t incx,
               T beta, T* y, int64_t incy) {
  const Contiguous<T> vector(n, x, incx);
  parallel_for(m, chunk_of(n), [&](int64_t begin, int64_t end) {
    small_loops<T>().dot_rows(end - begin, n, alpha, a + begin * lda, lda, vector.get(), beta,
                              y + begin * incy, incy);
  });
}

// y (n) = alpha * aᵀ @ x + beta * y by adding rows: in pieces of columns, and when these are few,
// of rows too, whose sums are added in order.
template <class T>
void gemv_columns(int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x, int64_t incx,
                  T beta, T* y, int64_t incy) {
  if (n == 0) return;
  const int64_t width = std::min(n, kVectorWidth), across = (n - 1) / width + 1;
  const int64_t height =
      std::max<int64_t>(4 * kVectorWork / width, across >= 8 ? m : (m - 1) / 16 + 1);
  const int64_t down = (m - 1) / height + 1;
  const bool direct = down == 1 && incy == 1;
  std::unique_ptr<T[]> parts;  // (down, n)
  if (!direct) parts = std::make_unique<T[]>(static_cast<std::size_t>(down * n));
  parallel_for(down * across, m * n <= kVectorWork ? down * across : 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t i = t / across * height, j = t % across * width;
                   const int64_t rows = std::min(height, m - i), columns = std::min(width, n - j);
                   T* sums = direct ? y + j : parts.get() + t / across * n + j;
                   if (direct) scale(columns, beta, sums, 1);
                   small_loops<T>().add_rows(rows, columns, alpha, a + i * lda + j, lda,
                                             x + i * incx, incx, sums);
                 }
               });
  if (direct) return;
  scale(n, beta, y, incy);
  for (int64_t i = 0; i < down; ++i)
    for (int64_t j = 0; j < n; ++j) y[j * incy] += parts[static_cast<std::size_t>(i * n + j)];
}

template <class T>
void gemv(bool ta, int64_t m, int64_t n, T alpha, const T* a, int64_t lda, const T* x, int64_t incx,
          T beta, T* y, int64_t incy) {
  const int64_t out = ta ? n : m, inner = ta ? m : n;
  if (inner <= 0) return scale(out, beta, y, incy);
  if constexpr (!std::is_floating_point_v<T>)
    gemm(ta, false, out, int64_t{1}, inner, alpha, a, lda, x, incx, beta, y, incy);
  else if (ta)
    gemv_columns(m, n, alpha, a, lda, x, incx, beta, y, incy);
  else
    gemv_rows(m, n, alpha, a, lda, x, incx, beta, y, incy);
}

namespace {

template <class T> T dot_chunk(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy) {
  if constexpr (std::is_floating_point_v<T>) {
    const Contiguous<T> cx(n, x, incx), cy(n, y, incy);
    return small_loops<T>().dot(n, cx.get(), cy.get());
  } else {
    using U = std::make_unsigned_t<T>;
    U sum = 0;
    for (int64_t i = 0; i < n; ++i)
      sum = static_cast<U>(
          sum + static_cast<U>(static_cast<U>(x[i * incx]) * static_cast<U>(y[i * incy])));
    return static_cast<T>(sum);
  }
}

template <class T> T pairwise_sum(T* part, int64_t n) {
  for (; n > 1; n = (n + 1) / 2)
    for (int64_t i = 0; i < n / 2; ++i) {
      part[i] = static_cast<T>(part[2 * i] + part[2 * i + 1]);
      if (i == n / 2 - 1 && n % 2) part[n / 2] = part[n - 1];
    }
  return part[0];
}

}  // namespace

template <class T> T dot(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy) {
  if (n <= 0) return T(0);
  if (n <= kDotChunk) return dot_chunk(n, x, incx, y, incy);
  const int64_t chunks = (n - 1) / kDotChunk + 1;
  const auto parts = std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(chunks));
  parallel_for(n, kDotChunk, [&](int64_t begin, int64_t end) {
    parts[static_cast<std::size_t>(begin / kDotChunk)] =
        dot_chunk(end - begin, x + begin * incx, incx, y + begin * incy, incy);
  });
  return pairwise_sum(parts.get(), chunks);
}

template <class T>
void ger(int64_t m, int64_t n, T alpha, const T* x, int64_t incx, const T* y, int64_t incy, T* a,
         int64_t lda) {
  if (n <= 0) return;
  const Contiguous<T> row(n, y, incy);
  const T* from = row.get();
  parallel_for(m, std::max<int64_t>(1, kVectorWork / n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* to = a + i * lda;
      if constexpr (std::is_floating_point_v<T>) {
        const T factor = alpha * x[i * incx];
        for (int64_t j = 0; j < n; ++j) to[j] += factor * from[j];
      } else {
        using U = std::make_unsigned_t<T>;
        const auto factor = static_cast<U>(static_cast<U>(alpha) * static_cast<U>(x[i * incx]));
        for (int64_t j = 0; j < n; ++j)
          to[j] = static_cast<T>(static_cast<U>(static_cast<U>(to[j]) +
                                                static_cast<U>(factor * static_cast<U>(from[j]))));
      }
    }
  });
}

#define BACKLIT_INSTANTIATE(T)                                                                  \
  template void gemv<T>(bool, int64_t, int64_t, T, const T*, int64_t, const T*, int64_t, T, T*, \
                        int64_t);                                                               \
  template T dot<T>(int64_t, const T*, int64_t, const T*, int64_t);                             \
  template void ger<T>(int64_t, int64_t, T, const T*, int64_t, const T*, int64_t, T*, int64_t);
BACKLIT_INSTANTIATE(std::uint8_t)
BACKLIT_INSTANTIATE(std::int8_t)
BACKLIT_INSTANTIATE(std::int16_t)
BACKLIT_INSTANTIATE(std::int32_t)
BACKLIT_INSTANTIATE(std::int64_t)
BACKLIT_INSTANTIATE(float)
BACKLIT_INSTANTIATE(double)
#undef BACKLIT_INSTANTIATE
#define BACKLIT_INSTANTIATE(T)                                                                    \
  template void gemv_rows<T>(int64_t, int64_t, T, const T*, int64_t, const T*, int64_t, T, T*,    \
                             int64_t);                                                            \
  template void gemv_columns<T>(int64_t, int64_t, T, const T*, int64_t, const T*, int64_t, T, T*, \
                                int64_t);
BACKLIT_INSTANTIATE(float)
BACKLIT_INSTANTIATE(double)
#undef BACKLIT_INSTANTIATE

}  // namespace backlit
