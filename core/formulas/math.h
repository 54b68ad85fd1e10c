// The real functions that formulas are written with, for float and double (and, where they make
// sense, integers). Most are free of branches, so that a loop over them is vectorised.
#pragma once

#include "math_base.h"
#include "math_erf.h"
#include "math_exp.h"
#include "math_log.h"
#include "math_trig.h"

#if defined(__GLIBC__) || defined(__APPLE__) || defined(__linux__)
extern "C" double lgamma_r(double, int*) noexcept;
extern "C" float lgammaf_r(float, int*) noexcept;
#endif

namespace backlit {
inline namespace BACKLIT_ISA {
namespace math {

inline float lgamma(float x) { int sign; return lgammaf_r(x, &sign); }
inline double lgamma(double x) { int sign; return lgamma_r(x, &sign); }

#define BACKLIT_LATER1(f) template <Floating T> inline T f(T) { return nan<T>; }
#define BACKLIT_LATER2(f) template <Floating T> inline T f(T, T) { return nan<T>; }
BACKLIT_LATER1(erfinv) BACKLIT_LATER1(digamma) BACKLIT_LATER1(trigamma)
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
