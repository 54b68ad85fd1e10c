// Evenly spaced numbers.
#include "kernels/ranges.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace {

using std::int64_t;

// a * b + c rounded once. Floats without the instruction by way of double, where the product is
// exact.
inline float fused(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  return static_cast<float>(static_cast<double>(a) * static_cast<double>(b) +
                            static_cast<double>(c));
#endif
}
inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

// PyTorch counts within vectors of 32 bytes from a rounded first element, two vectors at a time.
template <class T> void arange(T* p, int64_t n, double start, double step) {
  constexpr int width = 32 / sizeof(T);
  const int64_t whole = n - n % (2 * width);
  for (int64_t i = 0; i < whole; i += width) {
    const auto base =
        static_cast<double>(static_cast<T>(fused(step, static_cast<double>(i), start)));
    for (int k = 0; k < width; ++k)
      p[i + k] = static_cast<T>(fused(step, static_cast<double>(k), base));
  }
  for (int64_t i = whole; i < n; ++i)
    p[i] = static_cast<T>(fused(step, static_cast<double>(i), start));
}

template <class T> void linspace(T* p, int64_t n, T start, T end, T step) {
  const int64_t half = n / 2;
  for (int64_t i = 0; i < half; ++i) p[i] = fused(step, static_cast<T>(i), start);
  for (int64_t i = half; i < n; ++i) p[i] = fused(-step, static_cast<T>(n - 1 - i), end);
}

constexpr RangeTable table{{&arange<float>, &linspace<float>},
                           {&arange<double>, &linspace<double>}};
BACKLIT_ISA_TABLE(RangeTable, table)

}  // namespace
}  // namespace BACKLIT_ISA
}  // namespace backlit
