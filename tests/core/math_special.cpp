// The special functions of math.h over arrays, for test_math_special.py.
#include "formulas/math.h"

namespace m = backlit::math;

#define UNARY(name)                                                 \
  extern "C" void test_##name(double* y, const double* x, long n) { \
    for (long i = 0; i < n; ++i) y[i] = m::name(x[i]);              \
  }
#define BINARY(name)                                                                 \
  extern "C" void test_##name(double* y, const double* a, const double* b, long n) { \
    for (long i = 0; i < n; ++i) y[i] = m::name(a[i], b[i]);                         \
  }

UNARY(erfinv)
UNARY(erfcx)
UNARY(lgamma)
UNARY(digamma)
UNARY(trigamma)
UNARY(i0)
UNARY(i0e)
UNARY(i1)
UNARY(i1e)
UNARY(ndtr)
UNARY(ndtri)
UNARY(log_ndtr)
UNARY(bessel_j0)
UNARY(bessel_j1)
UNARY(bessel_y0)
UNARY(bessel_y1)
BINARY(zeta)
BINARY(igamma)
BINARY(igammac)
extern "C" void test_polygamma(double* y, const double* order, const double* x, long n) {
  for (long i = 0; i < n; ++i) y[i] = m::polygamma(static_cast<std::int64_t>(order[i]), x[i]);
}
