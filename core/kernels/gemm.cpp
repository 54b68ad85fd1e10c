// How a product is computed: integers by the loops at the end; one row, one column and small ones
// by small_gemm.h; the rest by panels (panel_gemm.h), or block of C by block of C by OpenBLAS on
// one thread where that is faster. Which way depends on the sizes alone, and an element of C is the
// same chain of additions in every block, so the bits do not depend on the number of threads.
#include "kernels/gemm.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/threads.h"
#include "kernels/convolution_loops.h"
#include "kernels/gemv.h"
#include "kernels/isa.h"
#include "kernels/openblas.h"
#include "kernels/panel_gemm.h"
#include "kernels/small_gemm.h"

namespace backlit {

const PanelGemmTable& panel_gemm_table() {
  static const PanelGemmTable& table = best_table<PanelGemmTable>("PanelGemmTable");
  return table;
}
const SmallGemmTable& small_gemm_table() {
  static const SmallGemmTable& table = best_table<SmallGemmTable>("SmallGemmTable");
  return table;
}

namespace {

using std::int64_t;

constexpr int64_t kTinyWork = 64;          // m * n * k up to here: plain loops
constexpr int64_t kSmallWork = 16 << 10;   // m * n * k up to here: own loops
constexpr int64_t kBlockWork = 256 << 10;  // a block of C is not made smaller than this
constexpr int64_t kBlockEdge = 64;         // nor thinner than this, unless there are two
constexpr int64_t kLargeEdge = 256;        // edge when there are more than four: packing costs less
constexpr int64_t kMaxBlocks = 32;
constexpr int64_t kDepthWork = 4 << 20;     // from here on a small C is summed over pieces of k
constexpr int64_t kMinDepth = 512;          // of a piece
constexpr int64_t kIntegerWork = 32 << 10;  // m * n * k of a task of integers
constexpr int64_t kThin = 12;               // rows or columns of C that repay no packing
constexpr int64_t kThinLong = 256;          // where the others are so many,
constexpr int64_t kThinDepth = 128;  // and sums along k so long that adding their lanes is little
constexpr int64_t kLongEdge = 512;   // of C, which is work enough for all threads
constexpr int64_t kPackedWork = 256 << 20;  // from here on packed operands are worth their copies
constexpr int64_t kPackedDepth = 256;
constexpr int64_t kPackedRows = 48, kPackedColumns = 8;  // panels in a block of C, which fit in L2
constexpr int64_t kPackedBlocks = 8;                     // of C at least, for several threads

template <class T> inline constexpr bool kBlas = std::is_floating_point_v<T>;

// A matrix operand: element (i, j) of op(x) is data[i * row + j * column].
template <class T> struct Matrix {
  const T* data;
  int64_t ld;
  bool transposed;
  int64_t row() const { return transposed ? 1 : ld; }
  int64_t column() const { return transposed ? ld : 1; }
  Matrix at(int64_t i, int64_t j) const {
    return {data + i * row() + j * column(), ld, transposed};
  }
};

std::int32_t to_blas(int64_t v) {
  BACKLIT_CHECK(v <= std::numeric_limits<std::int32_t>::max(), Runtime,
                "gemm: a size or stride exceeds 2^31 - 1. Got ", v, '.');
  return static_cast<std::int32_t>(v);
}

template <class T>
void blas_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c,
               int64_t ldc) {
  const OpenBlas& blas = openblas();
  const auto flag = [](bool t) { return t ? kCblasTrans : kCblasNoTrans; };
  const auto call = [&](auto function) {
    function(kCblasRowMajor, flag(a.transposed), flag(b.transposed), to_blas(m), to_blas(n),
             to_blas(k), alpha, a.data, to_blas(a.ld), b.data, to_blas(b.ld), beta, c,
             to_blas(ldc));
  };
  if constexpr (std::is_same_v<T, float>)
    call(blas.sgemm);
  else
    call(blas.dgemm);
}

// The blocks of C: halved along the longer edge while there is work for more.
struct Blocks {
  int64_t rows, columns;
  Blocks(int64_t m, int64_t n, int64_t k) : rows(m), columns(n) {
    const auto half = [](int64_t edge) { return ((edge + 1) / 2 + 15) / 16 * 16; };
    for (int64_t count = 1; count < kMaxBlocks && rows * columns * k >= 2 * kBlockWork;
         count *= 2) {
      int64_t& edge = rows >= columns ? rows : columns;
      const int64_t least = count == 1 ? kBlockEdge / 2 : count < 4 ? kBlockEdge : kLargeEdge;
      if (edge < 2 * least) break;
      edge = half(edge);
    }
  }
};

template <class T> void fill_rows(int64_t m, int64_t n, const T* row, T* c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i) std::copy_n(row, n, c + i * ldc);
}

// With `row`, each block starts from it while the block is in cache; then beta is 1.
template <class T>
void blocked_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c,
                  int64_t ldc, const T* row = nullptr) {
  const Blocks block(m, n, k);
  const int64_t across = (n - 1) / block.columns + 1, down = (m - 1) / block.rows + 1;
  parallel_for(down * across, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t / across * block.rows, j = t % across * block.columns;
      const int64_t rows = std::min(block.rows, m - i), columns = std::min(block.columns, n - j);
      if (row) fill_rows(rows, columns, row + j, c + i * ldc + j, ldc);
      blas_gemm(rows, columns, k, alpha, a.at(i, 0), b.at(0, j), beta, c + i * ldc + j, ldc);
    }
  });
}

// Memory for panels.
template <class T> class Aligned {
 public:
  explicit Aligned(int64_t n)
      : data_(static_cast<T*>(
            ::operator new(static_cast<std::size_t>(n) * sizeof(T), std::align_val_t{64}))) {}
  ~Aligned() { ::operator delete(data_, std::align_val_t{64}); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  T* get() const { return data_; }

 private:
  T* data_;
};

// alpha * a @ b + addend where a tile of C reads a as it lies: each task packs its columns of b for
// itself, a piece of k at a time.
template <class T>
void direct_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b,
                 Addend<T> addend, T* c, int64_t ldc) {
  const PanelGemm<T>& loops = panel_loops<T>();
  const int64_t width = loops.columns, across = (n - 1) / width + 1;
  // rows are split when the panels are few for the threads: their bits are the same in any block
  const int64_t work = std::max<int64_t>(1, m * std::min(n, width) * k / kBlockWork);
  const int64_t parts = std::min((2 * num_threads() - 1) / across + 1, work);
  const int64_t rows = ((m - 1) / parts / loops.rows + 1) * loops.rows, down = (m - 1) / rows + 1;
  parallel_for(down * across, std::max<int64_t>(1, down * kBlockWork / (m * width * k + 1)),
               [&](int64_t begin, int64_t end) {
                 alignas(64) T panel[kPanelElements];
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t i = t / across * rows, j = t % across * width;
                   const int64_t high = std::min(rows, m - i), wide = std::min(width, n - j);
                   T* to = c + i * ldc + j;
                   for (int64_t p = 0; p < k; p += loops.depth) {
                     const int64_t depth = std::min(loops.depth, k - p);
                     loops.pack_b(wide, depth, b.at(p, j).data, b.column(), b.row(), panel);
                     const Matrix<T> from = a.at(i, p);
                     loops.multiply(high, wide, depth, alpha,
                                    {from.data, a.row(), a.row(), a.column()}, panel,
                                    p == 0 ? addend.at(i, j) : Addend<T>{T(1), to, ldc}, to, ldc);
                   }
                 }
               });
}

// c += a @ bᵀ by sums along k, of rows of a and of b as they lie.
template <class T>
void add_dots(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
              T* c, int64_t ldc) {
  std::vector<int64_t> lines(static_cast<std::size_t>(n));
  for (int64_t j = 0; j < n; ++j) lines[static_cast<std::size_t>(j)] = j * ldb;
  const int64_t begin = 0, of_tiles = 24;  // a chunk is whole tiles of correlate
  const int64_t chunk = (kBlockWork / (std::min(m, n) * k) / of_tiles + 1) * of_tiles;
  parallel_for(std::max(m, n), chunk, [&](int64_t first, int64_t last) {
    const bool wide = n >= m;
    convolution_loops<T>().correlate(
        wide ? m : last - first, wide ? last - first : n, 1, k, wide ? a : a + first * lda, &begin,
        lda, b, lines.data() + (wide ? first : 0), 0, c + first * (wide ? 1 : ldc), ldc);
  });
}

// Few rows of a times b as it lies.
template <class T>
void short_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c,
                int64_t ldc) {
  const int64_t width = panel_loops<T>().columns;
  const int64_t chunk = (kBlockWork / (m * k) / width + 1) * width;
  parallel_for(n, chunk, [&](int64_t first, int64_t last) {
    small_loops<T>().gemm(m, last - first, k, alpha, a.data, a.row(), a.column(),
                          b.at(0, first).data, b.row(), 1, beta, c + first, ldc);
  });
}

// C of few rows or columns, without packing; says whether it was that.
template <class T>
bool thin_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c,
               int64_t ldc) {
  if (std::min(m, n) > kThin || std::max(m, n) < kThinLong) return false;
  if (m <= n && !b.transposed) {
    if (m > panel_loops<T>().rows) return false;  // b would be read twice
    short_gemm(m, n, k, alpha, a, b, beta, c, ldc);
    return true;
  }
  if (a.transposed || alpha != T(1) || k < kThinDepth) return false;
  for (int64_t i = 0; i < m; ++i) scale(n, beta, c + i * ldc, 1);
  if (b.transposed) {
    add_dots(m, n, k, a.data, a.ld, b.data, b.ld, c, ldc);
  } else {
    const Aligned<T> lines(n * k);
    for (int64_t p = 0; p < k; ++p)
      for (int64_t j = 0; j < n; ++j) lines.get()[j * k + p] = b.data[p * b.ld + j];
    add_dots(m, n, k, a.data, a.ld, lines.get(), k, c, ldc);
  }
  return true;
}

// A small C with a long k (the gradient of a weight over a large batch): every piece of k fills a
// C of its own, and these are added in order.
template <class T>
void deep_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c,
               int64_t ldc) {
  const int64_t depth = std::max(kMinDepth, (k - 1) / 16 + 1), pieces = (k - 1) / depth + 1;
  const auto parts = std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(pieces * m * n));
  parallel_for(k, depth, [&](int64_t begin, int64_t end) {
    T* part = parts.get() + begin / depth * m * n;
    const Matrix<T> from = a.at(0, begin), by = b.at(begin, 0);
    if (panel_loops<T>().replaces_blas)
      direct_gemm(m, n, end - begin, alpha, from, by, {T(0), part, n}, part, n);
    else
      blas_gemm(m, n, end - begin, alpha, from, by, T(0), part, n);
  });
  for (int64_t i = 0; i < m; ++i) {
    T* to = c + i * ldc;
    scale(n, beta, to, 1);
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const T* from = parts.get() + (piece * m + i) * n;
      for (int64_t j = 0; j < n; ++j) to[j] += from[j];
    }
  }
}

// Large products: a and b are packed for a piece of k, which is then added to every block of C.
template <class T>
void packed_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b,
                 Addend<T> addend, T* c, int64_t ldc) {
  const PanelGemm<T>& loops = panel_loops<T>();
  const int64_t height = loops.rows, width = loops.columns;
  const int64_t a_panels = (m - 1) / height + 1, b_panels = (n - 1) / width + 1;
  // blocks of about equal size: an edge cut short would leave one thread waiting for the other
  const auto evenly = [](int64_t panels, int64_t blocks) { return (panels - 1) / blocks + 1; };
  const int64_t wide_blocks = evenly(b_panels, kPackedColumns);
  const int64_t high_blocks = std::min(
      a_panels, std::max(evenly(a_panels, kPackedRows), evenly(kPackedBlocks, wide_blocks)));
  const int64_t rows = evenly(a_panels, high_blocks) * height;
  const int64_t columns = evenly(b_panels, wide_blocks) * width;
  const int64_t down = (m - 1) / rows + 1, across = (n - 1) / columns + 1;
  const int64_t most = std::min(k, kPackedDepth);
  const Aligned<T> packed_a(a_panels * height * most), packed_b(b_panels * width * most);
  for (int64_t p = 0; p < k; p += kPackedDepth) {
    const int64_t depth = std::min(kPackedDepth, k - p);
    parallel_for(down + across, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        if (const int64_t i = t * rows, j = (t - down) * columns; t < down)
          loops.pack_a(std::min(rows, m - i), depth, a.at(i, p).data, a.row(), a.column(),
                       packed_a.get() + i * depth);
        else
          loops.pack_b(std::min(columns, n - j), depth, b.at(p, j).data, b.column(), b.row(),
                       packed_b.get() + j * depth);
    });
    parallel_for(down * across, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t i = t / across * rows, j = t % across * columns;
        const int64_t high = std::min(rows, m - i), wide = std::min(columns, n - j);
        T* to = c + i * ldc + j;
        loops.multiply(high, wide, depth, alpha, {packed_a.get() + i * depth, depth, 1, height},
                       packed_b.get() + j * depth,
                       p == 0 ? addend.at(i, j) : Addend<T>{T(1), to, ldc}, to, ldc);
      }
    });
  }
}

// Integers: rows of c gather scaled rows of b, in unsigned arithmetic, where overflow is defined.
template <class T>
void integer_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c,
                  int64_t ldc) {
  using U = std::make_unsigned_t<T>;
  constexpr int64_t width = 512;
  const int64_t rows = std::max<int64_t>(1, kIntegerWork / std::max<int64_t>(1, n * k));
  parallel_for(m, rows, [&](int64_t begin, int64_t end) {
    U sums[width];
    for (int64_t j = 0; j < n; j += width) {
      const int64_t w = std::min(width, n - j);
      for (int64_t i = begin; i < end; ++i) {
        std::fill_n(sums, w, U(0));
        const auto add = [&](U factor, const T* row, auto step) {
          for (int64_t l = 0; l < w; ++l)
            sums[l] =
                static_cast<U>(sums[l] + static_cast<U>(factor * static_cast<U>(row[l * step])));
        };
        for (int64_t p = 0; p < k; ++p) {
          const auto factor = static_cast<U>(a.data[i * a.row() + p * a.column()]);
          const T* row = b.data + p * b.row() + j * b.column();
          if (b.column() == 1)
            add(factor, row, std::integral_constant<int64_t, 1>{});
          else
            add(factor, row, b.column());
        }
        for (int64_t l = 0; l < w; ++l) {
          T& out = c[i * ldc + j + l];
          const U kept =
              beta == T(0) ? U(0) : static_cast<U>(static_cast<U>(beta) * static_cast<U>(out));
          out = static_cast<T>(
              static_cast<U>(static_cast<U>(static_cast<U>(alpha) * sums[l]) + kept));
        }
      }
    }
  });
}

// The calls and panels of the other ways cost more than these few products.
template <class T>
void tiny_gemm(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c,
               int64_t ldc, const T* row) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      const T *x = a.data + i * a.row(), *y = b.data + j * b.column();
      T sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += x[p * a.column()] * y[p * b.row()];
      T& out = c[i * ldc + j];
      if (row)
        out = sum + row[j];
      else
        out = beta == T(0) ? alpha * sum : alpha * sum + beta * out;
    }
}

template <class T>
void product(int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c,
             int64_t ldc, const T* row = nullptr) {
  if constexpr (kBlas<T>)
    if (m * n * k <= kTinyWork) return tiny_gemm(m, n, k, alpha, a, b, beta, c, ldc, row);
  const bool small_c = m == 1 || n == 1 || m * n * k <= kSmallWork;
  const bool deep = m * n <= 4 * kBlockEdge * kBlockEdge && std::max(m, n) < kLongEdge &&
                    k >= 2 * kMinDepth && m * n * k >= kDepthWork;
  if (row && (!kBlas<T> || small_c || deep)) fill_rows(m, n, row, c, ldc);
  if constexpr (!kBlas<T>) {
    integer_gemm(m, n, k, alpha, a, b, beta, c, ldc);
  } else if (n == 1) {
    if (a.transposed)
      gemv_columns(k, m, alpha, a.data, a.ld, b.data, b.row(), beta, c, ldc);
    else
      gemv_rows(m, k, alpha, a.data, a.ld, b.data, b.row(), beta, c, ldc);
  } else if (m == 1) {
    if (b.transposed)
      gemv_rows(n, k, alpha, b.data, b.ld, a.data, a.column(), beta, c, 1);
    else
      gemv_columns(k, n, alpha, b.data, b.ld, a.data, a.column(), beta, c, 1);
  } else if (m * n * k <= kSmallWork) {
    small_loops<T>().gemm(m, n, k, alpha, a.data, a.row(), a.column(), b.data, b.row(), b.column(),
                          beta, c, ldc);
  } else if (panel_loops<T>().replaces_blas && !deep) {
    if (std::min(m, n) <= kThin) {
      if (row) fill_rows(m, n, row, c, ldc);
      if (thin_gemm(m, n, k, alpha, a, b, beta, c, ldc)) return;
    }
    const Addend<T> addend = row ? Addend<T>{T(1), row, 0} : Addend<T>{beta, c, ldc};
    if (m * n * k >= kPackedWork)
      packed_gemm(m, n, k, alpha, a, b, addend, c, ldc);
    else
      direct_gemm(m, n, k, alpha, a, b, addend, c, ldc);
  } else {
    openblas();  // loads here, not in a worker: loading touches the environment
    if (deep)
      deep_gemm(m, n, k, alpha, a, b, beta, c, ldc);
    else
      blocked_gemm(m, n, k, alpha, a, b, beta, c, ldc, row);
  }
}

}  // namespace

template <class T>
void gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda,
          const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0) {
    for (int64_t i = 0; i < m; ++i) scale(n, beta, c + i * ldc, 1);
    return;
  }
  product(m, n, k, alpha, Matrix<T>{a, lda, ta}, Matrix<T>{b, ldb, tb}, beta, c, ldc);
}

template <class T>
void gemm_plus_row(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
                   const T* b, int64_t ldb, const T* row, T* c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0) return fill_rows(m, n, row, c, ldc);
  product(m, n, k, T(1), Matrix<T>{a, lda, ta}, Matrix<T>{b, ldb, tb}, T(1), c, ldc, row);
}

template <class T>
void gemm_batched(int64_t batch, bool ta, bool tb, int64_t m, int64_t n, int64_t k, T alpha,
                  const T* a, int64_t lda, int64_t stride_a, const T* b, int64_t ldb,
                  int64_t stride_b, T beta, T* c, int64_t ldc, int64_t stride_c) {
  // Large products split themselves, one after the other; small ones are dealt out.
  const int64_t work = std::max<int64_t>(1, m * n * k);
  const int64_t chunk = work >= 4 * kBlockWork ? std::max<int64_t>(batch, 1)
                                               : std::max<int64_t>(1, kBlockWork / work);
  parallel_for(batch, chunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      gemm(ta, tb, m, n, k, alpha, a + i * stride_a, lda, b + i * stride_b, ldb, beta,
           c + i * stride_c, ldc);
  });
}

#define BACKLIT_INSTANTIATE(T)                                                                 \
  template void gemm<T>(bool, bool, int64_t, int64_t, int64_t, T, const T*, int64_t, const T*, \
                        int64_t, T, T*, int64_t);                                              \
  template void gemm_plus_row<T>(bool, bool, int64_t, int64_t, int64_t, const T*, int64_t,     \
                                 const T*, int64_t, const T*, T*, int64_t);                    \
  template void gemm_batched<T>(int64_t, bool, bool, int64_t, int64_t, int64_t, T, const T*,   \
                                int64_t, int64_t, const T*, int64_t, int64_t, T, T*, int64_t,  \
                                int64_t);
BACKLIT_INSTANTIATE(std::uint8_t)
BACKLIT_INSTANTIATE(std::int8_t)
BACKLIT_INSTANTIATE(std::int16_t)
BACKLIT_INSTANTIATE(std::int32_t)
BACKLIT_INSTANTIATE(std::int64_t)
BACKLIT_INSTANTIATE(float)
BACKLIT_INSTANTIATE(double)
#undef BACKLIT_INSTANTIATE

}  // namespace backlit
