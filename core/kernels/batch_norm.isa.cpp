#include "kernels/batch_norm.h"

#include "kernels/row_sums.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

// Calls f(offset, count) for the runs of a channel.
template <class F> void runs(Channel at, F f) {
  for (i64 n = 0; n < at.batch; ++n) f(n * at.step, at.length);
}

template <class T> void moments(const T* x, Channel at, T* mean, T* variance) {
  const double count = static_cast<double>(at.batch * at.length);
  double total = 0;
  runs(at, [&](i64 o, i64 n) { total += sum_of<T>(n, [&](auto e) { return e(x + o); }); });
  const T m = static_cast<T>(total / count);
  double squares = 0;
  runs(at, [&](i64 o, i64 n) {
    squares += sum_of<T>(n, [&](auto e) { return (e(x + o) - m) * (e(x + o) - m); });
  });
  *mean = m;
  *variance = static_cast<T>(squares / count);
}

template <class T> void scale(const T* x, T* y, Channel at, T factor, T shift) {
  runs(at, [&](i64 o, i64 n) {
#pragma GCC ivdep
    for (i64 i = 0; i < n; ++i) y[o + i] = x[o + i] * factor + shift;
  });
}

template <class T> void sums(const T* g, const T* x, Channel at, T mean, T* sum, T* product) {
  double total = 0, products = 0;
  runs(at, [&](i64 o, i64 n) {
    total += sum_of<T>(n, [&](auto e) { return e(g + o); });
    products += sum_of<T>(n, [&](auto e) { return e(g + o) * (e(x + o) - mean); });
  });
  *sum = static_cast<T>(total);
  *product = static_cast<T>(products);
}

template <class T> void combine(const T* g, const T* x, T* gx, Channel at, T mean, T a, T b, T c) {
  runs(at, [&](i64 o, i64 n) {
#pragma GCC ivdep
    for (i64 i = 0; i < n; ++i) gx[o + i] = a * g[o + i] + b * (x[o + i] - mean) + c;
  });
}

constexpr BatchNormTable batch_norm_table{
    {&moments<float>, &scale<float>, &sums<float>, &combine<float>},
    {&moments<double>, &scale<double>, &sums<double>, &combine<double>}};
BACKLIT_ISA_TABLE(BatchNormTable, batch_norm_table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
