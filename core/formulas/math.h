// The real functions that formulas are written with, for float and double (and, where they make
// sense, integers). Most are free of branches, so that a loop over them is vectorised.
#pragma once

#include "math_base.h"

#if defined(__GLIBC__) || defined(__APPLE__) || defined(__linux__)
extern "C" double lgamma_r(double, int*) noexcept;
extern "C" float lgammaf_r(float, int*) noexcept;
#endif

namespace backlit {
inline namespace BACKLIT_ISA {
namespace math {

// Provisional: the library's functions, to be replaced by our own one by one.
#define BACKLIT_LIBM1(name) \
  inline float name(float x) { return __builtin_##name##f(x); } \
  inline double name(double x) { return __builtin_##name(x); }
#define BACKLIT_LIBM2(name) \
  inline float name(float x, float y) { return __builtin_##name##f(x, y); } \
  inline double name(double x, double y) { return __builtin_##name(x, y); }
BACKLIT_LIBM1(exp) BACKLIT_LIBM1(exp2) BACKLIT_LIBM1(expm1)
BACKLIT_LIBM1(log) BACKLIT_LIBM1(log2) BACKLIT_LIBM1(log10) BACKLIT_LIBM1(log1p)
BACKLIT_LIBM1(sin) BACKLIT_LIBM1(cos) BACKLIT_LIBM1(tan)
BACKLIT_LIBM1(asin) BACKLIT_LIBM1(acos) BACKLIT_LIBM1(atan) BACKLIT_LIBM2(atan2)
BACKLIT_LIBM1(sinh) BACKLIT_LIBM1(cosh) BACKLIT_LIBM1(tanh)
BACKLIT_LIBM1(asinh) BACKLIT_LIBM1(acosh) BACKLIT_LIBM1(atanh)
BACKLIT_LIBM1(erf) BACKLIT_LIBM1(erfc) BACKLIT_LIBM1(sqrt)
BACKLIT_LIBM2(pow) BACKLIT_LIBM2(hypot)
#undef BACKLIT_LIBM1
#undef BACKLIT_LIBM2

template <Floating T> inline T rsqrt(T x) { return T(1) / sqrt(x); }
template <Floating T> inline T sigmoid(T x) {
  const T z = exp(-abs(x));
  return where(x < 0, z, T(1)) / (T(1) + z);
}
template <Floating T> inline T logaddexp(T a, T b) {
  return where(a == b, a + ln2<T>, maximum(a, b) + log1p(exp(-abs(a - b))));
}

inline float lgamma(float x) { int sign; return lgammaf_r(x, &sign); }
inline double lgamma(double x) { int sign; return lgamma_r(x, &sign); }

#define BACKLIT_LATER1(f) template <Floating T> inline T f(T) { return nan<T>; }
#define BACKLIT_LATER2(f) template <Floating T> inline T f(T, T) { return nan<T>; }
BACKLIT_LATER1(erfinv) BACKLIT_LATER1(erfcx) BACKLIT_LATER1(digamma) BACKLIT_LATER1(trigamma)
BACKLIT_LATER1(i0) BACKLIT_LATER1(i0e) BACKLIT_LATER1(i1) BACKLIT_LATER1(i1e)
BACKLIT_LATER1(ndtr) BACKLIT_LATER1(ndtri) BACKLIT_LATER1(log_ndtr)
BACKLIT_LATER1(bessel_j0) BACKLIT_LATER1(bessel_j1) BACKLIT_LATER1(bessel_y0)
BACKLIT_LATER1(bessel_y1)
BACKLIT_LATER2(zeta) BACKLIT_LATER2(igamma) BACKLIT_LATER2(igammac)
template <Floating T> inline T polygamma(std::int64_t, T) { return nan<T>; }
#undef BACKLIT_LATER1
#undef BACKLIT_LATER2

}  // namespace math
}  // namespace BACKLIT_ISA
}  // namespace backlit
