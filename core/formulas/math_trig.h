// Trigonometry: sin, cos, tan and their inverses.
#pragma once

#include "math_base.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace math {

// x = q·pi/2 + r with |r| <= pi/4; only the lowest two bits of q count.
struct Quadrant {
  double r;
  std::uint64_t q;
};

// Cody and Waite: pi/2 in parts of 27, 27, 25 and 53 bits, whose products with q < 2^26 are exact.
BACKLIT_INLINE Quadrant reduce_bounded(double x) {
  constexpr double shift = Format<double>::shift;
  const double t = x * (2 / pi<double>)+shift, n = t - shift;
  const double a = (x - n * 0x1.921fb54p0) - n * 0x1.10b46p-30;
  const double c = n * 0x1.1a6263p-54;
  const double r = a - c;
  return {r + (((a - r) - c) - n * 0x1.8a2e03707344ap-81), to_bits(t)};
}

// For any float: 1/(2 pi) in parts of 28 bits, so that products are exact and whole turns drop out
// of each; what is left adds up to the angle with 60 bits after the point.
BACKLIT_INLINE Quadrant reduce_any_float(double x) {
  const auto fraction = [](double v) { return v - round(v); };
  const double f0 = fraction(x * 0x1.45f3068p-3), f1 = fraction(x * 0x1.727220ap-29),
               f2 = fraction(x * 0x1.29fc274p-58), f3 = fraction(x * 0x1.7d1f534p-86),
               f4 = fraction(x * 0x1.bb81b68p-115), f5 = fraction(x * 0x1.14acc9ep-141),
               f6 = fraction(x * 0x1.0e4107p-172);
  constexpr double shift = Format<double>::shift;
  const double t = 4 * (f0 + f1 + f2 + f3 + f4 + f5 + f6) + shift;
  const double r = (f0 - 0.25 * (t - shift)) + f1 + f2 + f3 + f4 + f5 + f6;
  return {r * (2 * pi<double>), to_bits(t)};
}

// (sin √z / √z - 1) / z on √z <= pi/4: 2^-37, 2^-57.
template <bool precise> BACKLIT_INLINE double sin_poly(double z) {
  if constexpr (precise)
    return polynomial(z, -0x1.5555555555555p-3, 0x1.111111111110bp-7, -0x1.a01a01a018ab3p-13,
                      0x1.71de3a533568ep-19, -0x1.ae645292e712bp-26, 0x1.61208f3774804p-33,
                      -0x1.aaa38318bdcc7p-41);
  else
    return polynomial(z, -0x1.5555554ca8f1p-3, 0x1.11110889ec8b3p-7, -0x1.a00f939f98ac1p-13,
                      0x1.6cd5eff65d18p-19);
}
// (cos √z - 1 + z/2) / z² on √z <= pi/4: 2^-43, 2^-60.
template <bool precise> BACKLIT_INLINE double cos_poly(double z) {
  if constexpr (precise)
    return polynomial(z, 0x1.5555555555555p-5, -0x1.6c16c16c16c1p-10, 0x1.a01a01a018dbfp-16,
                      -0x1.27e4fb75fa981p-22, 0x1.1eed8ca064251p-29, -0x1.9393347f7272fp-37,
                      0x1.aac3f6119ebdap-45);
  else
    return polynomial(z, 0x1.5555554f3f4a6p-5, -0x1.6c16b889422bbp-10, 0x1.a01116181159cp-16,
                      -0x1.2428c7165954fp-22);
}

template <bool precise> struct SinCos {
  double s, c;
  BACKLIT_INLINE explicit SinCos(double r) {
    const double z = r * r;
    s = fma(r * z, sin_poly<precise>(z), r);
    const double h = 0.5 * z, w = 1 - h, tail = z * z * cos_poly<precise>(z);
    c = w + (precise ? ((1 - w) - h) + tail : tail);
  }
};

// quarter = 0: sin; 1: cos.
template <bool precise> BACKLIT_INLINE double sine(Quadrant x, std::uint64_t quarter) {
  const SinCos<precise> at(x.r);
  const std::uint64_t q = x.q + quarter;
  // Masks rather than comparisons, which SSE2 lacks for 64 bits.
  const std::uint64_t odd = std::uint64_t{0} - (q & 1);
  const std::uint64_t v = (to_bits(at.c) & odd) | (to_bits(at.s) & ~odd);
  return from_bits<double>(v ^ ((q & 2) << 62));
}
template <bool precise> BACKLIT_INLINE double tangent(Quadrant x) {
  const SinCos<precise> at(x.r);
  const std::uint64_t odd = std::uint64_t{0} - (x.q & 1);
  const std::uint64_t s = to_bits(at.s), c = to_bits(at.c);
  const double top = from_bits<double>((c & odd) | (s & ~odd));
  const double bottom = from_bits<double>((s & odd) | (c & ~odd));
  return from_bits<double>(to_bits(top / bottom) ^ (odd << 63));
}

// --- floats of moderate size without double, where products are fused ---

// x = q·pi/2 + r + low, pi/2 in three parts. The first product is exact with its sum, what the
// second loses goes into `low`.
struct FloatQuadrant {
  float r, low;
  std::uint32_t q;
};
BACKLIT_INLINE FloatQuadrant reduce_float(float x) {
  constexpr float shift = Format<float>::shift, middle = -0x1.777a5cp-25f;
  const float t = fma(x, 2 / pi<float>, shift), n = t - shift;
  const float a = fma(-n, 0x1.921fb6p0f, x), b = n * middle, r = a - b;
  return {r, fma(-n, -0x1.ee59dap-50f, fma(-n, middle, b) + ((a - r) - b)), to_bits(t)};
}

// sin and cos on |r| <= pi/4 + 0.004, each with what its rounding lost: 2^-28, 2^-33.
struct FloatSinCos {
  float s, c, s_lost, c_lost;
  BACKLIT_INLINE explicit FloatSinCos(const FloatQuadrant& x) {
    const float r = x.r, z = r * r, h = 0.5f * z, w = 1 - h;
    const float u =
        fma(r * z, polynomial(z, -0x1.555546p-3f, 0x1.11076ep-7f, -0x1.994e2cp-13f), x.low);
    const float v = fma(z * z, polynomial(z, 0x1.55554ap-5f, -0x1.6c0c1ap-10f, 0x1.99e102p-16f),
                        fma(-r, x.low, (1 - w) - h));
    s = r + u, c = w + v;
    s_lost = u - (s - r), c_lost = v - (c - w);
  }
};

// quarter = 0: sin; 1: cos.
BACKLIT_INLINE float sine_float(float x, std::uint32_t quarter) {
  const FloatQuadrant reduced = reduce_float(x);
  const FloatSinCos at(reduced);
  const std::uint32_t q = reduced.q + quarter;
  return from_bits<float>(to_bits(where((q & 1) != 0, at.c, at.s)) ^ ((q & 2) << 30));
}
BACKLIT_INLINE float tangent_float(float x) {
  const FloatQuadrant reduced = reduce_float(x);
  const FloatSinCos at(reduced);
  const bool turned = (reduced.q & 1) != 0;
  const float top = where(turned, at.c, at.s), bottom = where(turned, at.s, at.c);
  const float top_lost = where(turned, at.c_lost, at.s_lost);
  const float bottom_lost = where(turned, at.s_lost, at.c_lost);
  const float inverse = 1 / bottom, y = top * inverse;
  const float rest = fma(-y, bottom_lost, fma(-y, bottom, top) + top_lost);
  return from_bits<float>(to_bits(fma(rest, inverse, y)) ^ ((reduced.q & 1) << 31));
}

// The reductions lose the sign of a zero.
template <Floating T> BACKLIT_INLINE T odd(T x, T y) { return where(x == 0, x, y); }

// For |x| <= limit, which a caller has to check (once per tile: a branch per element would keep the
// loop from being vectorised).
namespace bounded {
template <class T> inline constexpr T limit = 1e8;
template <> inline constexpr float limit<float> = fuses ? 0x1p15f : 1e8f;

BACKLIT_INLINE double sin(double x) { return odd(x, sine<true>(reduce_bounded(x), 0)); }
BACKLIT_INLINE double cos(double x) { return sine<true>(reduce_bounded(x), 1); }
BACKLIT_INLINE double tan(double x) { return odd(x, tangent<true>(reduce_bounded(x))); }
BACKLIT_INLINE float sin(float x) {
  if constexpr (fuses) return odd(x, sine_float(x, 0));
  return odd(x, static_cast<float>(sine<false>(reduce_bounded(x), 0)));
}
BACKLIT_INLINE float cos(float x) {
  if constexpr (fuses) return sine_float(x, 1);
  return static_cast<float>(sine<false>(reduce_bounded(x), 1));
}
BACKLIT_INLINE float tan(float x) {
  if constexpr (fuses) return odd(x, tangent_float(x));
  return odd(x, static_cast<float>(tangent<false>(reduce_bounded(x))));
}
}  // namespace bounded

// For every x. The float versions are free of branches; a bounded x gets what it gets among bounded
// ones, whatever else is in its tile.
BACKLIT_INLINE float sin(float x) {
  const auto any = odd(x, static_cast<float>(sine<false>(reduce_any_float(x), 0)));
  return where(abs(x) <= bounded::limit<float>, bounded::sin(x), any);
}
BACKLIT_INLINE float cos(float x) {
  const auto any = static_cast<float>(sine<false>(reduce_any_float(x), 1));
  return where(abs(x) <= bounded::limit<float>, bounded::cos(x), any);
}
BACKLIT_INLINE float tan(float x) {
  const auto any = odd(x, static_cast<float>(tangent<false>(reduce_any_float(x))));
  return where(abs(x) <= bounded::limit<float>, bounded::tan(x), any);
}
inline double sin(double x) {
  return abs(x) <= bounded::limit<double> ? bounded::sin(x) : __builtin_sin(x);
}
inline double cos(double x) {
  return abs(x) <= bounded::limit<double> ? bounded::cos(x) : __builtin_cos(x);
}
inline double tan(double x) {
  return abs(x) <= bounded::limit<double> ? bounded::tan(x) : __builtin_tan(x);
}

// pi/2 beyond the bits of T.
template <class T> inline constexpr T half_pi = pi<T> / 2;
template <class T> inline constexpr T half_pi_lo = 0x1.1a62633145c07p-54;
template <> inline constexpr float half_pi_lo<float> = -0x1.777a5cp-25f;

// (atan √z / √z - 1) / z on √z <= tan(pi/8): 2^-30 (float), 2^-58 (double).
template <Floating T> BACKLIT_INLINE T atan_poly(T z) {
  if constexpr (std::is_same_v<T, float>)
    return polynomial(z, -0x1.55554ap-2f, 0x1.9991e6p-3f, -0x1.23ba04p-3f, 0x1.b22a2cp-4f,
                      -0x1.f301a6p-5f);
  else
    return polynomial(z, -0x1.5555555555554p-2, 0x1.9999999999653p-3, -0x1.24924924759cbp-3,
                      0x1.c71c71b75cdc6p-4, -0x1.745d14bbd55fap-4, 0x1.3b136e54226f6p-4,
                      -0x1.110c74925b15ep-4, 0x1.e1721b20e66e8p-5, -0x1.ab7e052a0633dp-5,
                      0x1.70eed0557fa3ep-5, -0x1.123a22d6784f6p-5, 0x1.f1ee30b1a727p-7);
}

// atan of y / x for y, x >= 0, from quotients of at most tan(pi/8) = sqrt(2) - 1.
template <Floating T> BACKLIT_INLINE T atan_quotient(T y, T x) {
  constexpr T low = static_cast<T>(0.41421356237309504880L);
  const bool steep = y > x;
  const T a = where(steep, x, y), b = where(steep, y, x);
  const bool middle = a > low * b;
  const T q = where(middle, a - b, a) / where(middle, a + b, b);
  const T z = q * q;
  // ±(base + q + q·z·P), base a multiple of pi/4.
  const T part = q + (fma(q * z, atan_poly(z), where(middle, T(0.5) * half_pi_lo<T>, T(0))));
  const T first = where(middle, T(0.5) * half_pi<T>, T(0)) + part;
  return where(steep, half_pi<T> - (first - half_pi_lo<T>), first);
}

template <Floating T> BACKLIT_INLINE T atan(T x) {
  const T a = abs(x);
  // The quotient of infinities would be nan.
  constexpr T large = static_cast<T>(Format<T>::shift) * 1024;
  return copysign(atan_quotient(where(a > large, large, a), T(1)), x);
}

template <Floating T> BACKLIT_INLINE T atan2(T y, T x) {
  const T a = abs(y), b = abs(x), top = maximum(a, b);
  // Scaled so that neither a + b overflows nor the quotient of subnormals loses bits.
  constexpr T much = static_cast<T>(BitsOf<T>{1} << Format<T>::mantissa) * 8;
  const T factor = where(top > 2 / (Format<T>::min_normal * much), 1 / much,
                         where(top < Format<T>::min_normal * much * much, much, T(1)));
  const bool both = (a == inf<T>)&(b == inf<T>);
  const T p = where(both, T(1), a * factor);
  const T q = where(both | (top == 0), T(1), b * factor);
  const T base = atan_quotient(p, q);
  const T angle = where(signbit(x), 2 * half_pi<T> - (base - 2 * half_pi_lo<T>), base);
  return where((x != x) | (y != y), nan<T>, copysign(angle, y));
}

// (asin √z / √z - 1) / z on z <= 1/4: 2^-31 (float), 2^-59 (double).
template <Floating T> BACKLIT_INLINE T asin_poly(T z) {
  if constexpr (std::is_same_v<T, float>)
    return polynomial(z, 0x1.55554cp-3f, 0x1.3338aap-4f, 0x1.6ca7dcp-5f, 0x1.04cd0ap-5f,
                      0x1.d58a3ap-7f, 0x1.349e2p-5f);
  else
    return polynomial(z, 0x1.5555555555578p-3, 0x1.333333332df73p-4, 0x1.6db6db7226821p-5,
                      0x1.f1c71a8d9b55dp-6, 0x1.6e8bdfaa6e169p-6, 0x1.1c49e279c1d33p-6,
                      0x1.ca20d3b2fe60ap-7, 0x1.757b4fadf15e2p-7, 0x1.6174cdf04c73dp-7,
                      0x1.e2b2b65787b52p-9, 0x1.6495ff9b5748fp-6, -0x1.5958d4ed37203p-6,
                      0x1.0bb1a21bb0a97p-5);
}

// asin a = pi/2 - 2 asin(sqrt((1 - a) / 2)).
template <Floating T> BACKLIT_INLINE T asin(T x) {
  const T a = abs(x);
  const bool small = a < T(0.5);
  const T z = where(small, x * x, T(0.5) * (1 - a));
  const T s = where(small, a, sqrt(z));
  const T p = s * z * asin_poly(z);
  const T top = half_pi<T> - 2 * s, lost = (half_pi<T> - top) - 2 * s;
  const T large = top - (2 * p - (lost + half_pi_lo<T>));
  return copysign(where(small, s + p, large), x);
}
template <Floating T> BACKLIT_INLINE T acos(T x) {
  const T a = abs(x);
  const bool small = a < T(0.5);
  const T z = where(small, x * x, T(0.5) * (1 - a));
  const T s = where(small, x, sqrt(z));
  const T p = fma(s * z, asin_poly(z), s);
  const T large = where(x < 0, 2 * half_pi<T> - (2 * p - 2 * half_pi_lo<T>), 2 * p);
  return where(small, half_pi<T> - (p - half_pi_lo<T>), large);
}

}  // namespace math
}  // namespace BACKLIT_ISA
}  // namespace backlit
