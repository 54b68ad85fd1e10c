// Logarithms and powers: log, log2, log10, log1p, logaddexp, asinh, acosh, atanh, pow.
#pragma once

#include "math_exp.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace math {

// x = 2^k · m with sqrt(1/2) <= m < sqrt(2), for positive finite x.
template <Floating T> struct Split {
  T k, m;
};

template <Floating T> BACKLIT_INLINE Split<T> split(T x) {
  using U = BitsOf<T>;
  constexpr int mantissa = Format<T>::mantissa;
  constexpr U root = to_bits(static_cast<T>(0.70710678118654752440L));
  constexpr U mask = (U{1} << mantissa) - 1;
  constexpr T integers = static_cast<T>(U{1} << mantissa);  // its low bits count
  const bool subnormal = x < Format<T>::min_normal;
  x = where(subnormal, x * integers, x);
  const U u = to_bits(x) + (to_bits(T(1)) - root);
  const T biased = from_bits<T>((u >> mantissa) | to_bits(integers));
  const T origin = integers + T(Format<T>::bias);
  return {biased - where(subnormal, origin + T(mantissa), origin), from_bits<T>((u & mask) + root)};
}

// ln(1 + f) = 2 artanh s, s = f / (2 + f): (2 artanh(s) / s - 2) / s² for |s| <= 0.1716:
// 2^-35 (float), 2^-59 (double). How the pieces are summed is from fdlibm (Sun Microsystems, 1993).
template <Floating T> BACKLIT_INLINE T artanh_poly(T z) {
  if constexpr (std::is_same_v<T, float>)
    return polynomial(z, 0x1.555554p-1f, 0x1.999c26p-2f, 0x1.23d3e8p-2f, 0x1.f1382cp-3f);
  else
    return polynomial(z, 0x1.5555555555593p-1, 0x1.999999997fb73p-2, 0x1.24924942147efp-2,
                      0x1.c71c51ea2a134p-3, 0x1.746645c85a62dp-3, 0x1.39a0fdd0e88c2p-3,
                      0x1.2f0d40db7a19bp-3);
}

// ln(1 + f) = f - half_square + rest.
template <Floating T> struct LogParts {
  T half_square, rest;
};
template <Floating T> BACKLIT_INLINE LogParts<T> log_parts(T f) {
  const T s = f / (2 + f), z = s * s, h = T(0.5) * f * f;
  return {h, s * (h + z * artanh_poly(z))};
}

// What a logarithm y of 1 <= x makes of the other x.
template <Floating T> BACKLIT_INLINE T log_domain(T x, T y) {
  return where(x > 0, where(x == inf<T>, inf<T>, y), where(x == 0, -inf<T>, nan<T>));
}

// k·ln 2 + ln(1 + f) + c.
template <Floating T> BACKLIT_INLINE T log_sum(T k, T f, T c) {
  const auto [h, rest] = log_parts(f);
  return k * ln2_hi<T> - ((h - (rest + (k * ln2_lo<T> + c))) - f);
}

template <Floating T> BACKLIT_INLINE T log(T x) {
  const auto [k, m] = split(x);
  return log_domain(x, log_sum(k, m - 1, T(0)));
}

template <Floating T> BACKLIT_INLINE T log1p(T x) {
  const T u = 1 + x;
  const auto [k, m] = split(u);
  const T lost = where(abs(x) < 1, x - (u - 1), 1 - (u - x)) / u;
  const T y = log_sum(k, where(k == 0, x, m - 1), where(k == 0, T(0), lost));
  return where(abs(x) < Format<T>::min_normal, x, log_domain(u, y));
}

// log(x) / log(base) with 1/log(base) in two parts, the first of 21 bits, and the sum of the large
// parts, k·log(2)/log(base) and f - h, kept exact (after fdlibm).
BACKLIT_INLINE double log_base(double x, double scale_hi, double scale_lo, double unit_hi,
                               double unit_lo) {
  const auto [k, m] = split(x);
  const double f = m - 1;
  const auto [h, rest] = log_parts(f);
  const double top = from_bits<double>(to_bits(f - h) & ~std::uint64_t{0xffffffff});
  const double low = ((f - top) - h) + rest;
  const double tail = k * unit_lo + (low + top) * scale_lo + low * scale_hi;
  const double a = k * unit_hi, b = top * scale_hi, sum = a + b;
  return log_domain(x, sum + (where(k == 0, 0.0, (a - sum) + b) + tail));
}
BACKLIT_INLINE double log2(double x) {
  return log_base(x, 0x1.71547p0, 0x1.94ae0bf85ddf4p-22, 1.0, 0.0);
}
BACKLIT_INLINE double log10(double x) {
  return log_base(x, 0x1.bcb7ap-2, 0x1.1526e50e32a6bp-22, 0x1.34412p-2, 0x1.509f79fef311fp-22);
}

// log2 to 2^-37, in double for the sake of float results.
BACKLIT_INLINE double log2_short(float x) {
  const double a = x;  // no float is subnormal here
  const auto [k, m] = split(a);
  const double f = m - 1, s = f / (2 + f), z = s * s;
  const double p = polynomial(z, 0x1.555554fd3c33ep-1, 0x1.999a7b40ba7bp-2, 0x1.2438a7d479d5p-2,
                              0x1.e2fdd86953465p-3);
  return log_domain(a, k + log2e<double> * fma(s * z, p, 2 * s));
}
BACKLIT_INLINE float log2(float x) { return static_cast<float>(log2_short(x)); }
BACKLIT_INLINE float log10(float x) {
  constexpr double log10_2 = 0.30102999566398119521;
  return static_cast<float>(log10_2 * log2_short(x));
}

// ln(e^a + e^b).
template <Floating T> BACKLIT_INLINE T logaddexp(T a, T b) {
  const T y = maximum(a, b) + log1p(exp(-abs(a - b)));
  return where(a == b, a + ln2<T>, y);  // infinities of one sign: a - b would be nan
}

BACKLIT_INLINE double asinh(double x) {
  const double a = abs(x), z = a * a;
  const bool large = a > 0x1p28;
  const double y = log1p(where(large, a - 1, a + z / (1 + sqrt(1 + z))));
  return copysign(y + where(large, ln2<double>, 0.0), x);
}
BACKLIT_INLINE double acosh(double x) {
  const double t = x - 1;
  const bool large = x > 0x1p28;
  const double y = log1p(where(large, t, t + sqrt(t * (t + 2))));
  return where(x < 1, nan<double>, y + where(large, ln2<double>, 0.0));
}
BACKLIT_INLINE double atanh(double x) {
  const double a = abs(x);
  return copysign(0.5 * log1p(2 * a / (1 - a)), x);
}
BACKLIT_INLINE float asinh(float x) { return static_cast<float>(asinh(static_cast<double>(x))); }
BACKLIT_INLINE float acosh(float x) { return static_cast<float>(acosh(static_cast<double>(x))); }
BACKLIT_INLINE float atanh(float x) { return static_cast<float>(atanh(static_cast<double>(x))); }

// In double, exp2 to 2^-34; y·log2(x) is at most 150 where it matters. What depends on y alone are
// numbers, not conditions: a condition that is the same for a whole loop keeps it from being
// vectorised.
BACKLIT_INLINE float pow(float x, float y) {
  using U = BitsOf<float>;
  constexpr U sign = U{1} << 31;
  const float half = 0.5f * y;
  const bool integer = round(y) == y, odd = integer & (round(half) != half);
  // C99, annex F: what is 1 despite nan or inf becomes a power of 1; x < 0 without an integer y is
  // nan, and odd powers keep the sign.
  const U kept = where(y == 0, U{0}, where(abs(y) == inf<float>, ~sign, ~U{0}));
  const U one = where(y == 0, to_bits(1.0f), U{0}), odd_sign = where(odd, sign, U{0});
  const float of_negative = where(integer, -0.0f, nan<float>);
  const float b = from_bits<float>((to_bits(x) & kept) | one), a = abs(b);
  double e = static_cast<double>(y) * log2_short(a);
  e = where(e < -300, -300.0, where(e > 300, 300.0, e));
  constexpr double shift = Format<double>::shift;
  const double t = e + shift, r = e - (t - shift);
  const double q = polynomial(r, 0x1.62e42fef7c5f7p-1, 0x1.ebfbe07ab3dddp-3, 0x1.c6b08df29adc2p-5,
                              0x1.3b29f100d3054p-7, 0x1.5d872521f768fp-10, 0x1.445e685db6cc3p-13,
                              0x1.00f07c270cb35p-16);
  const double power = from_bits<double>((to_bits(t) - to_bits(shift) + 1023) << 52);
  const float w = static_cast<float>(fma(r * power, q, power));
  const float signed_w = from_bits<float>(to_bits(w) | (to_bits(x) & odd_sign));
  const float domain = where((b < 0) & (a != inf<float>), signed_w + of_negative, signed_w);
  return where(b == 1, 1.0f, domain);
}
inline double pow(double x, double y) { return __builtin_pow(x, y); }

}  // namespace math
}  // namespace BACKLIT_ISA
}  // namespace backlit
