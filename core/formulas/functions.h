// The functions that rules call: what a number type has to offer, besides the operators
// + - * / < <= > >= == != & | ^ ! and `where(condition, a, b)`, to read every formula.
#pragma once

// clang-format off
#define BACKLIT_FUNCTIONS_OF_ONE(F)                                                          \
  F(sqrt) F(rsqrt) F(exp) F(exp2) F(expm1) F(log) F(log2) F(log10) F(log1p)                  \
  F(sin) F(cos) F(tan) F(asin) F(acos) F(atan) F(sinh) F(cosh) F(tanh) F(asinh) F(acosh)     \
  F(atanh) F(sigmoid) F(abs) F(sign) F(signbit) F(floor) F(ceil) F(trunc) F(round)           \
  F(isnan) F(isinf) F(isfinite) F(complement)                                                \
  F(erf) F(erfc) F(erfinv) F(erfcx) F(ndtr) F(ndtri) F(log_ndtr) F(lgamma) F(digamma)        \
  F(i0) F(i0e) F(i1) F(i1e) F(bessel_j0) F(bessel_j1) F(bessel_y0) F(bessel_y1)

// Those whose formula of the same name has other inputs than the function has arguments, or another
// derivative than the function, come last: recorded operations state them by hand.
#define BACKLIT_FUNCTIONS_OF_TWO(F) \
  BACKLIT_PLAIN_FUNCTIONS_OF_TWO(F) F(floor_divide) F(trunc_divide) F(polygamma)

#define BACKLIT_PLAIN_FUNCTIONS_OF_TWO(F)                                                    \
  F(pow) F(atan2) F(hypot) F(logaddexp) F(maximum) F(minimum) F(fmax) F(fmin) F(copysign)    \
  F(nextafter) F(fmod) F(remainder) F(gcd) F(lcm) F(left_shift) F(right_shift) F(zeta)       \
  F(igamma) F(igammac)
// clang-format on
