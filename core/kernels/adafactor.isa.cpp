#include "kernels/adafactor.h"

#include "formulas/math.h"
#include "kernels/row_sums.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

template <class T> double sum_of_squares(const T* x, i64 n) {
  return sum_pieces<T>(n, [&](i64 i, i64 count) {
    return sum_of<T>(count, [&](auto at) {
      const auto e = at(x + i);
      return e * e;
    });
  });
}

template <class T> void squares(const T* g, i64 n, i64 k, double* rows, double* columns) {
  for (i64 i = 0; i < n; ++i, g += k) {
    rows[i] = sum_of_squares(g, k);
#pragma GCC ivdep
    for (i64 j = 0; j < k; ++j) columns[j] += static_cast<double>(g[j] * g[j]);
  }
}

template <class T> void move_mean(T* mean, const T* g, i64 n, T weight) {
#pragma GCC ivdep
  for (i64 i = 0; i < n; ++i) {
    const T to = g[i] * g[i], way = to - mean[i];
    // exact at both ends
    mean[i] = math::where(weight < T(0.5), mean[i] + weight * way, to - way * (1 - weight));
  }
}

template <class T>
double sum_of_updates(const T* g, i64 n, i64 k, const T* row, const T* column, T least) {
  double total = 0;
  for (i64 i = 0; i < n; ++i, g += k) {
    const T r = row[i];
    total += sum_pieces<T>(k, [&](i64 j, i64 count) {
      return sum_of<T>(count, [&](auto at) {
        const auto e = at(g + j), v = at(column + j) * r, floor = decltype(v){} + least;
        return e * e / (v < floor ? floor : v);
      });
    });
  }
  return total;
}

template <class T>
void update(T* w, const T* g, i64 n, i64 k, const T* row, const T* column, T least, T decay,
            T rate) {
  for (i64 i = 0; i < n; ++i, g += k, w += k) {
    const T r = row[i];
#pragma GCC ivdep
    for (i64 j = 0; j < k; ++j) {
      const T v = r * column[j];
      w[j] = w[j] * decay - rate * (g[j] / math::sqrt(math::where(v < least, least, v)));
    }
  }
}

template <class T>
constexpr AdafactorKernels<T> of{&sum_of_squares<T>, &squares<T>, &move_mean<T>, &sum_of_updates<T>,
                                 &update<T>};
constexpr AdafactorTable adafactor_table{of<float>, of<double>};
BACKLIT_ISA_TABLE(AdafactorTable, adafactor_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
