// Bits, selection, rounding and division: what the functions of math.h are built from.
#pragma once

#include <cstdint>
#include <type_traits>

// Kernels are compiled once per instruction set, and each version sees this code under a name of
// its own. Builtins rather than `std::` calls: an inline function of the standard library, emitted
// by one version and merged by the linker, would run AVX-512 code on a machine without it.
#ifndef BACKLIT_ISA
#define BACKLIT_ISA generic
#endif

#define BACKLIT_INLINE inline __attribute__((always_inline))

namespace backlit {
inline namespace BACKLIT_ISA {
namespace math {

template <class T> struct Format;
template <> struct Format<float> {
  using Bits = std::uint32_t;
  static constexpr int mantissa = 23;        // explicit bits
  static constexpr Bits bias = 127;          // of the exponent
  static constexpr float shift = 0x1.8p23f;  // adding it rounds to an integer, in the low bits
  static constexpr float min_normal = 0x1p-126f;
};
template <> struct Format<double> {
  using Bits = std::uint64_t;
  static constexpr int mantissa = 52;
  static constexpr Bits bias = 1023;
  static constexpr double shift = 0x1.8p52;
  static constexpr double min_normal = 0x1p-1022;
};

template <class T> inline constexpr T inf = static_cast<T>(__builtin_inf());
template <class T> inline constexpr T nan = static_cast<T>(__builtin_nan(""));
template <class T> inline constexpr T pi = static_cast<T>(3.14159265358979323846L);
template <class T> inline constexpr T ln2 = static_cast<T>(0.693147180559945309417L);
template <class T> inline constexpr T log2e = static_cast<T>(1.44269504088896340736L);
template <class T> inline constexpr T euler = static_cast<T>(0.577215664901532860607L);

template <class T>
concept Floating = std::is_floating_point_v<T>;
template <class T>
concept Integer = std::is_integral_v<T>;
template <class T>
concept SignedInteger = std::is_integral_v<T> && std::is_signed_v<T>;
template <Floating T> using BitsOf = typename Format<T>::Bits;

template <Floating T> BACKLIT_INLINE constexpr BitsOf<T> to_bits(T x) {
  return __builtin_bit_cast(BitsOf<T>, x);
}
template <Floating T> BACKLIT_INLINE constexpr T from_bits(BitsOf<T> u) {
  return __builtin_bit_cast(T, u);
}

#if defined(__FMA__) || defined(__aarch64__)
inline constexpr bool fuses = true;
#else
inline constexpr bool fuses = false;
#endif

// a·b + c, fused where the hardware does so.
template <Floating T> BACKLIT_INLINE T fma(T a, T b, T c) {
  if constexpr (!fuses)
    return a * b + c;
  else if constexpr (std::is_same_v<T, float>)
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
}

// Horner's rule; coefficients from the constant term up.
template <Floating T> BACKLIT_INLINE T polynomial(T, T c) { return c; }
template <Floating T, class... C> BACKLIT_INLINE T polynomial(T x, T c0, C... c) {
  return fma(polynomial(x, c...), x, c0);
}

// Both sides are evaluated, so that the loop around it has no branch.
template <class T> BACKLIT_INLINE constexpr T where(bool c, T a, T b) { return c ? a : b; }

template <Floating T> BACKLIT_INLINE bool isnan(T x) { return x != x; }
template <Integer T> BACKLIT_INLINE bool isnan(T) { return false; }

template <Floating T> BACKLIT_INLINE T abs(T x) {
  if constexpr (std::is_same_v<T, float>)
    return __builtin_fabsf(x);
  else
    return __builtin_fabs(x);
}
template <Floating T> BACKLIT_INLINE T copysign(T x, T s) {
  if constexpr (std::is_same_v<T, float>)
    return __builtin_copysignf(x, s);
  else
    return __builtin_copysign(x, s);
}

template <Floating T> BACKLIT_INLINE bool isinf(T x) { return abs(x) == inf<T>; }
template <Floating T> BACKLIT_INLINE bool isfinite(T x) { return abs(x) < inf<T>; }
template <Integer T> BACKLIT_INLINE bool isinf(T) { return false; }
template <Integer T> BACKLIT_INLINE bool isfinite(T) { return true; }
template <Floating T> BACKLIT_INLINE bool signbit(T x) {
  return (to_bits(x) >> (sizeof(T) * 8 - 1)) != 0;
}

// 0 for nan, as in PyTorch.
template <Floating T> BACKLIT_INLINE T sign(T x) {
  return where(x > 0, T(1), where(x < 0, T(-1), T(0)));
}

// nan if either is; fmax and fmin prefer the number.
template <Floating T> BACKLIT_INLINE T maximum(T a, T b) { return where((a > b) | (a != a), a, b); }
template <Floating T> BACKLIT_INLINE T minimum(T a, T b) { return where((a < b) | (a != a), a, b); }
template <Floating T> BACKLIT_INLINE T fmax(T a, T b) { return where((a >= b) | (b != b), a, b); }
template <Floating T> BACKLIT_INLINE T fmin(T a, T b) { return where((a <= b) | (b != b), a, b); }

#if defined(__SSE4_1__) || defined(__aarch64__)
#define BACKLIT_ROUNDING(name, builtin)                        \
  BACKLIT_INLINE float name(float x) { return builtin##f(x); } \
  BACKLIT_INLINE double name(double x) { return builtin(x); }
BACKLIT_ROUNDING(floor, __builtin_floor)
BACKLIT_ROUNDING(ceil, __builtin_ceil)
BACKLIT_ROUNDING(trunc, __builtin_trunc)
BACKLIT_ROUNDING(round, __builtin_nearbyint)  // half to even
#undef BACKLIT_ROUNDING
#else
// Adding 2^mantissa rounds to an integer; numbers beyond it, inf and nan are left alone.
template <Floating T> BACKLIT_INLINE T round(T x) {
  constexpr T limit = T(BitsOf<T>{1} << Format<T>::mantissa);
  const T a = abs(x);
  return where(a < limit, copysign((a + limit) - limit, x), x);
}
template <Floating T> BACKLIT_INLINE T floor(T x) {
  const T r = round(x);
  return copysign(r - where(r > x, T(1), T(0)), x);
}
template <Floating T> BACKLIT_INLINE T ceil(T x) {
  const T r = round(x);
  return copysign(r + where(r < x, T(1), T(0)), x);
}
template <Floating T> BACKLIT_INLINE T trunc(T x) { return copysign(floor(abs(x)), x); }
#endif

BACKLIT_INLINE float sqrt(float x) { return __builtin_sqrtf(x); }
BACKLIT_INLINE double sqrt(double x) { return __builtin_sqrt(x); }
template <Floating T> BACKLIT_INLINE T rsqrt(T x) { return T(1) / sqrt(x); }

BACKLIT_INLINE double hypot(double x, double y) {
  const double a = fmax(abs(x), abs(y));
  const double factor = where(a > 0x1p500, 0x1p-600, where(a < 0x1p-450, 0x1p600, 1.0));
  const double p = x * factor, q = y * factor;
  const double h = sqrt(fma(p, p, q * q)) / factor;
  return where(isinf(x) | isinf(y), inf<double>, h);
}
BACKLIT_INLINE float hypot(float x, float y) {
  const double a = x, b = y;
  return where(isinf(x) | isinf(y), inf<float>, static_cast<float>(sqrt(a * a + b * b)));
}

// While the quotient has at most 28 bits, double truncates it correctly and holds q·b exactly.
inline float fmod(float a, float b) {
  const double q = trunc(static_cast<double>(a) / b);
  if (!(abs(q) < 0x1p28)) return __builtin_fmodf(a, b);
  return where(q == 0, a, copysign(static_cast<float>(a - q * b), a));
}
inline double fmod(double a, double b) { return __builtin_fmod(a, b); }

// The sign of the divisor, as in Python.
template <Floating T> inline T remainder(T a, T b) {
  const T m = fmod(a, b);
  return m != 0 && (b < 0) != (m < 0) ? m + b : m;
}

// a // b as in Python; a zero divisor gives ±inf or nan.
template <Floating T> inline T floor_divide(T a, T b) {
  if (b == 0) return a / b;
  const T m = fmod(a, b);
  T q = (a - m) / b;
  if (m != 0 && (b < 0) != (m < 0)) q -= 1;
  if (q == 0) return copysign(T(0), a / b);
  const T f = floor(q);
  return q - f > T(0.5) ? f + 1 : f;
}

template <Floating T> BACKLIT_INLINE T nextafter(T x, T y) {
  using U = BitsOf<T>;
  const U u = to_bits(x);
  const U step = (x < y) == (x > 0) ? U(1) : ~U(0);
  const T moved = where(x == 0, copysign(from_bits<T>(1), y), from_bits<T>(u + step));
  return where((x != x) | (y != y), x + y, where(x == y, y, moved));
}

// --- integers: results wrap, nothing is undefined ---

// Wide enough that the promotion to int of narrow operands cannot overflow.
template <Integer T>
using Unsigned = std::conditional_t<
    (sizeof(T) < 4), std::uint32_t,
    std::make_unsigned_t<std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>>>;

template <Integer T> BACKLIT_INLINE T wrap_add(T a, T b) {
  return static_cast<T>(Unsigned<T>(a) + Unsigned<T>(b));
}
template <Integer T> BACKLIT_INLINE T wrap_sub(T a, T b) {
  return static_cast<T>(Unsigned<T>(a) - Unsigned<T>(b));
}
template <Integer T> BACKLIT_INLINE T wrap_mul(T a, T b) {
  return static_cast<T>(Unsigned<T>(a) * Unsigned<T>(b));
}
template <Integer T> BACKLIT_INLINE T wrap_neg(T a) { return static_cast<T>(-Unsigned<T>(a)); }

template <Integer T> BACKLIT_INLINE bool signbit(T x) {
  if constexpr (SignedInteger<T>)
    return x < 0;
  else
    return false;
}
template <Integer T> BACKLIT_INLINE T abs(T x) {
  if constexpr (SignedInteger<T>)
    return x < 0 ? wrap_neg(x) : x;
  else
    return x;
}
template <Integer T> BACKLIT_INLINE T sign(T x) {
  return static_cast<T>((x != 0) - 2 * signbit(x));
}
template <Integer T> BACKLIT_INLINE T maximum(T a, T b) { return a > b ? a : b; }
template <Integer T> BACKLIT_INLINE T minimum(T a, T b) { return a < b ? a : b; }
template <Integer T> BACKLIT_INLINE T fmax(T a, T b) { return maximum(a, b); }
template <Integer T> BACKLIT_INLINE T fmin(T a, T b) { return minimum(a, b); }
template <Integer T> BACKLIT_INLINE T floor(T x) { return x; }
template <Integer T> BACKLIT_INLINE T ceil(T x) { return x; }
template <Integer T> BACKLIT_INLINE T trunc(T x) { return x; }
template <Integer T> BACKLIT_INLINE T round(T x) { return x; }

// A zero divisor gives zero here: the caller raises.
template <Integer T> inline T trunc_divide(T a, T b) {
  if (b == 0) return T(0);
  if constexpr (SignedInteger<T>) {
    if (b == -1) return wrap_neg(a);
  }
  return static_cast<T>(a / b);
}
template <Integer T> inline T fmod(T a, T b) {
  return static_cast<T>(wrap_sub(a, wrap_mul(trunc_divide(a, b), b)) * (b != 0));
}
template <Integer T> inline T remainder(T a, T b) {
  const T m = fmod(a, b);
  return m != 0 && signbit(b) != signbit(m) ? wrap_add(m, b) : m;
}
template <Integer T> inline T floor_divide(T a, T b) {
  const T q = trunc_divide(a, b);
  return fmod(a, b) != 0 && signbit(a) != signbit(b) ? wrap_sub(q, T(1)) : q;
}

}  // namespace math
}  // namespace BACKLIT_ISA
}  // namespace backlit
