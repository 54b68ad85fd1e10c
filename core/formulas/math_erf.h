// Error functions: erf, erfc, erfcx.
#pragma once

#include "math_exp.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace math {

// erf √z / √z - 1 on z <= 1: 2^-29 (float), 2^-55 (double).
template <Floating T> BACKLIT_INLINE T erf_poly(T z) {
  if constexpr (std::is_same_v<T, float>)
    return polynomial(z, 0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2ce6p-4f, -0x1.b7f71ap-6f,
                      0x1.53f224p-8f, -0x1.a3515ep-11f, 0x1.4771fep-14f);
  else
    return polynomial(z, 0x1.06eba8214db69p-3, -0x1.812746b0379bdp-2, 0x1.ce2f21a040d17p-4,
                      -0x1.b82ce311fa982p-6, 0x1.565bccf92bafcp-8, -0x1.c02db03de6994p-11,
                      0x1.f9a2baaa0d359p-14, -0x1.f4ca4d79c2dfap-17, 0x1.b97fd40fa2cf1p-20,
                      -0x1.5c072738ee5dbp-23, 0x1.d71b0b488d17bp-27, -0x1.abae2fa4290bdp-31);
}

// e^x² erfc x for x >= 0: (1 + 2x) e^x² erfc x is smooth in t = (x - 4) / (x + 4), from Shepherd
// and Laframboise, Math. Comp. 36 (1981) 249. Degree 24, 2^-54.
BACKLIT_INLINE double erfcx_positive(double x) {
  const double t = where(x < 0x1p60, (x - 4) / (x + 4), 1.0);
  const double p = polynomial(
      t, 0x1.3ba5916e9fd7fp0, -0x1.1df1ad154a287p-3, 0x1.f7f5df66fd636p-7, 0x1.16ecefcfa4d43p-4,
      -0x1.9ddb23c3e86b4p-4, 0x1.7fee004e1ea0cp-4, -0x1.0fb06dfe565ap-4, 0x1.3079edf51f1e7p-5,
      -0x1.09623882efe55p-6, 0x1.49c672e037123p-8, -0x1.8d4a9b7c57c8ep-11, -0x1.a1df5dd630f59p-13,
      0x1.3be0532176807p-13, -0x1.99538281cf7fap-16, -0x1.788736ccc3e4bp-17, 0x1.7ef69d19e1311p-18,
      0x1.39b9b1aed52bdp-22, -0x1.b8d1414172708p-21, 0x1.4bc8f9622265cp-24, 0x1.c8b22861c75edp-24,
      -0x1.5eac2a174946cp-26, -0x1.a82670732d33dp-27, 0x1.abb2aef885521p-29, 0x1.ffaadc2612fap-31,
      -0x1.19b0cab49abf7p-32);
  return p / (1 + 2 * x);
}

// e^(sign·x²), for which x² must be known to more than its 53 bits: x² = h² + low with h² exact.
BACKLIT_INLINE double exp_square(double x, double sign) {
  const double h = from_bits<double>(to_bits(x) & ~((std::uint64_t{1} << 27) - 1));
  const double low = sign * (x - h) * (x + h), e = exp(sign * h * h);
  return fma(e * low, polynomial(low, 1.0, 1.0 / 2, 1.0 / 6), e);
}

// 27.3 lies beyond underflow, and keeps `low` below 2^-15.
BACKLIT_INLINE double erfc(double x) {
  const double a = where(abs(x) > 27.3, 27.3, abs(x));
  const double y = exp_square(a, -1) * erfcx_positive(a);
  const double z = x * x;
  const double small = 1 - fma(x, erf_poly(z), x);
  const double large = where(x < 0, 2 - y, y);
  return where(x != x, x, where(abs(x) < 0.25, small, large));
}

// The same in degree 12, 2^-29; the square of a float is exact in double.
BACKLIT_INLINE float erfc(float x) {
  const double a = where(abs(x) > 11, 11.0f, abs(x)), t = (a - 4) / (a + 4);
  const double p = polynomial(t, 0x1.3ba5916647f71p0, -0x1.1df1a99699482p-3, 0x1.f7f7554dd453ep-7,
                              0x1.16ec1b766b60cp-4, -0x1.9dddd5a4f216ap-4, 0x1.7ff5344202b48p-4,
                              -0x1.0fa15de375239p-4, 0x1.30439d14ff083p-5, -0x1.0a044b3b03b45p-6,
                              0x1.4cfec7b55633fp-8, -0x1.70f593d72a458p-11, -0x1.040ecd4e5d5edp-12,
                              0x1.d7626f5ff9c67p-14);
  const double y = exp(-a * a) * (p / (1 + 2 * a));
  return static_cast<float>(where(x < 0, 2 - y, y));
}

// erf x = 1 - e^-u, where u / x on 0 <= x <= 4 is a polynomial: 2^-27. Its constant term c makes
// most of u near 0, so the rest is added last.
BACKLIT_INLINE float erf(float x) {
  constexpr float c = 0x1.20dd76p+0f;
  const float a = where(abs(x) > 4, 4.0f, abs(x));
  const float rest = a * polynomial(a, -0x1.f7ac92p-25f, 0x1.45f2fep-1f, 0x1.a4f958p-4f,
                                    -0x1.39c004p-6f, -0x1.5c443cp-13f, 0x1.b66a76p-10f,
                                    -0x1.4d474ep-11f, 0x1.f0a998p-14f, -0x1.3969dcp-17f);
  const float t = fma(a * c + rest, -log2e<float>, Format<float>::shift);
  const float k = t - Format<float>::shift;
  const float most = fma(-k, ln2<float>, -(a * c)), r = most - rest;
  const float p = most + fma(r * r, exp_tail(r), -rest);  // e^r - 1
  const float power = from_bits<float>((to_bits(t) - to_bits(Format<float>::shift) + 127) << 23);
  return copysign(fma(p, power, power - 1), x);
}
BACKLIT_INLINE double erf(double x) {
  const double a = where(abs(x) > 7, 7.0, abs(x));
  const double large = copysign(1 - exp(-a * a) * erfcx_positive(a), x);
  return where(a < 1, fma(x, erf_poly(x * x), x), where(x != x, x, large));
}

// The same in degree 9 for floats: x = 1/q - 3, and erfcx x / q is smooth in q. 2^-27.
BACKLIT_INLINE float erfcx_positive(float x) {
  const float q = 1 / (x + 3);
  return q * polynomial(q, 0x1.20d43cp-1f, 0x1.b28ef2p0f, 0x1.2949aap2f, 0x1.eab7a6p3f, 0x1.7c7bp0f,
                        0x1.1b6386p8f, -0x1.cf34eap9f, 0x1.aca40ep11f, -0x1.609902p12f,
                        0x1.93c6c2p11f);
}

// The standard normal distribution: how much of it lies below x, and its density there.
template <class T> struct Normal {
  T below, density;
};
template <Floating T> BACKLIT_INLINE Normal<T> normal(T x) {
  constexpr T root_half = static_cast<T>(0.70710678118654752440L);
  constexpr T top = static_cast<T>(0.39894228040143267794L);
  constexpr T limit = std::is_same_v<T, float> ? 87 : 708;  // e^-limit is a normal number
  const T h = T(0.5) * (x * x);
  const T e = where(h > limit, T(0), exp_bounded(-where(h > limit, limit, h)));
  const T tail = T(0.5) * e * erfcx_positive(abs(x) * root_half);
  return {where(x < 0, tail, 1 - tail), top * e};
}

template <Floating T> inline T erfcx(T x) {
  const double d = x;
  if (d >= 0) return static_cast<T>(d == inf<double> ? 0 : erfcx_positive(d));
  if (d < -26.8) return inf<T>;
  if (d != d) return x;
  return static_cast<T>(2 * exp_square(d, 1) - erfcx_positive(-d));
}

}  // namespace math
}  // namespace BACKLIT_ISA
}  // namespace backlit
