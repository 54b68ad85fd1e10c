// The functions of complex numbers that formulas call. Included before the formulas by the one file
// per topic that reads them with complex numbers, which is compiled for no special instruction set.
#pragma once

#include <cmath>
#include <complex>
#include <numbers>

#include "base/numbers.h"

namespace backlit {

template <class T> std::complex<T> as_std(Complex<T> z) { return {z.re, z.im}; }
template <class T> Complex<T> from_std(std::complex<T> z) { return {z.real(), z.imag()}; }

#define BACKLIT_COMPLEX_FUNCTION(f) \
  template <class T> Complex<T> f(Complex<T> z) { return from_std(std::f(as_std(z))); }
BACKLIT_COMPLEX_FUNCTION(sqrt)
BACKLIT_COMPLEX_FUNCTION(exp)
BACKLIT_COMPLEX_FUNCTION(log)
BACKLIT_COMPLEX_FUNCTION(log10)
BACKLIT_COMPLEX_FUNCTION(sin)
BACKLIT_COMPLEX_FUNCTION(cos)
BACKLIT_COMPLEX_FUNCTION(tan)
BACKLIT_COMPLEX_FUNCTION(asin)
BACKLIT_COMPLEX_FUNCTION(acos)
BACKLIT_COMPLEX_FUNCTION(atan)
BACKLIT_COMPLEX_FUNCTION(sinh)
BACKLIT_COMPLEX_FUNCTION(cosh)
BACKLIT_COMPLEX_FUNCTION(tanh)
BACKLIT_COMPLEX_FUNCTION(asinh)
BACKLIT_COMPLEX_FUNCTION(acosh)
BACKLIT_COMPLEX_FUNCTION(atanh)
#undef BACKLIT_COMPLEX_FUNCTION

template <class T> Complex<T> conj(Complex<T> z) { return {z.re, -z.im}; }
template <class T> Complex<T> rsqrt(Complex<T> z) { return Complex<T>(1) / sqrt(z); }
template <class T> Complex<T> sigmoid(Complex<T> z) { return Complex<T>(1) / (1 + exp(-z)); }
template <class T> Complex<T> exp2(Complex<T> z) {
  return exp(z * Complex<T>(std::numbers::ln2_v<T>));
}
template <class T> Complex<T> log2(Complex<T> z) {
  return log(z) / Complex<T>(std::numbers::ln2_v<T>);
}
// e^x cos y - 1 = (e^x - 1) cos y - 2 sin²(y/2), which does not cancel near 0.
template <class T> Complex<T> expm1(Complex<T> z) {
  const T half = std::sin(z.im / 2);
  return {std::expm1(z.re) * std::cos(z.im) - 2 * half * half, std::exp(z.re) * std::sin(z.im)};
}
// |1 + z|² - 1 = x (2 + x) + y², which does not cancel near 0.
template <class T> Complex<T> log1p(Complex<T> z) {
  const T angle = std::atan2(z.im, 1 + z.re);
  if (std::hypot(z.re, z.im) < T(0.5))
    return {std::log1p(z.re * (2 + z.re) + z.im * z.im) / 2, angle};
  return {std::log(std::hypot(1 + z.re, z.im)), angle};
}
template <class T> Complex<T> pow(Complex<T> a, Complex<T> b) {
  return from_std(std::pow(as_std(a), as_std(b)));
}

template <class T> bool isinf(Complex<T> z) { return std::isinf(z.re) || std::isinf(z.im); }
template <class T> bool isfinite(Complex<T> z) {
  return std::isfinite(z.re) && std::isfinite(z.im);
}
// Of the real parts: what the rule of a power asks of its exponent.
template <class T> bool operator>=(Complex<T> a, int b) { return a.re >= static_cast<T>(b); }

}  // namespace backlit
