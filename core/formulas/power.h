// Powers and roots.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

struct Square : Unary {
  static constexpr const char* name = "square";
  static constexpr const char* signature = "square(Tensor input)";
  static constexpr const char* meaning = "Square of each element.";
  static constexpr const char* formula = "y = x²";
  static constexpr const char* node = "PowBackward0";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return T(wrapping(x) * wrapping(x)); }
  template <class T> static T local(T x, T) { return 2 * x; }
};
BACKLIT_FORMULA(Square)

struct Sqrt : Unary {
  static constexpr const char* name = "sqrt";
  static constexpr const char* signature = "sqrt(Tensor input)";
  static constexpr const char* meaning = "Square root of each element.";
  static constexpr const char* formula = "y = √x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{0.1, 4}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return sqrt(x); }
  template <class T> static T local(T, T y) { return 1 / (2 * y); }
};
BACKLIT_FORMULA(Sqrt)

struct Rsqrt : Unary {
  static constexpr const char* name = "rsqrt";
  static constexpr const char* signature = "rsqrt(Tensor input)";
  static constexpr const char* meaning = "Reciprocal of the square root of each element.";
  static constexpr const char* formula = "y = 1 / √x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{0.1, 4}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return rsqrt(x); }
  template <class T> static T local(T, T y) { return T(-0.5) * (y * y * y); }
};
BACKLIT_FORMULA(Rsqrt)

struct Reciprocal : Unary {
  static constexpr const char* name = "reciprocal";
  static constexpr const char* signature = "reciprocal(Tensor input)";
  static constexpr const char* meaning = "Reciprocal of each element.";
  static constexpr const char* formula = "y = 1 / x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{0.5, 3}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return 1 / x; }
  template <class T> static T local(T, T y) { return -(y * y); }
};
BACKLIT_FORMULA(Reciprocal)

// x^0 is 1 everywhere, 0 and inf included, so its derivative is 0 where 0 * x^-1 would be nan.
template <class T> BACKLIT_INLINE T power_slope(T x, T exponent) {
  return where(exponent == 0, T(0), exponent * pow(x, exponent - 1));
}

// 0^b is 0 for every b > 0 (and PyTorch takes b = 0 along), so its derivative is 0 where
// 0 * log 0 would be nan.
template <class T> BACKLIT_INLINE T exponential_slope(T base, T exponent, T y) {
  return where((base == 0) & (exponent >= 0), T(0), y * log(base));
}

struct Pow : Binary {
  static constexpr const char* name = "pow";
  static constexpr const char* signature = "pow(Tensor|Number input, Tensor|Number exponent)";
  static constexpr const char* meaning = "Each element raised to a power.";
  static constexpr const char* formula = "y = aᵇ";
  static constexpr const char* node = "PowBackward1";
  static constexpr unsigned kinds = kNumbers;
  static constexpr Domain domain[] = {{0.1, 3}, {-3, 3}};
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b) { return pow(a, b); }
  template <class T> static T local_a(T a, T b, T) { return power_slope(a, b); }
  template <class T> static T local_b(T a, T b, T y) { return exponential_slope(a, b, y); }
};
BACKLIT_FORMULA(Pow)

struct FloatPower : Binary {
  static constexpr const char* name = "float_power";
  static constexpr const char* signature =
      "float_power(Tensor|Number input, Tensor|Number exponent)";
  static constexpr const char* meaning = "Each element raised to a power, in float64.";
  static constexpr const char* formula = "y = aᵇ";
  static constexpr const char* node = "PowBackward1";
  static constexpr Promote promote = Promote::ToDouble;
  static constexpr Domain domain[] = {{0.1, 3}, {-3, 3}};
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b) { return pow(a, b); }
  template <class T> static T local_a(T a, T b, T) { return power_slope(a, b); }
  template <class T> static T local_b(T a, T b, T y) { return exponential_slope(a, b, y); }
};
BACKLIT_FORMULA(FloatPower)

// A number as the exponent. `exponent` marks the formulas to prefer for that exponent.
struct PowScalar : Unary {
  static constexpr const char* name = "pow_scalar";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "pow_scalar(Tensor input, Scalar exponent)";
  static constexpr const char* meaning = "Each element raised to the same power.";
  static constexpr const char* formula = "y = xᵖ";
  static constexpr const char* node = "PowBackward0";
  static constexpr int params = 1;
  static constexpr unsigned kinds = kNumbers;
  static constexpr Domain domain[] = {{0.1, 3}};
  static constexpr bool complex = true;
  template <class T> static T value(T x, T p) { return pow(x, p); }
  template <class T> static T local(T x, T, T p) { return power_slope(x, p); }
};
BACKLIT_FORMULA(PowScalar)

struct PowSquare : Unary {
  static constexpr const char* name = "pow_square";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "pow_square(Tensor input)";
  static constexpr const char* meaning = "Square of each element.";
  static constexpr const char* formula = "y = x²";
  static constexpr const char* node = "PowBackward0";
  static constexpr double exponent = 2;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return T(wrapping(x) * wrapping(x)); }
  template <class T> static T local(T x, T) { return 2 * x; }
};
BACKLIT_FORMULA(PowSquare)

struct PowCube : Unary {
  static constexpr const char* name = "pow_cube";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "pow_cube(Tensor input)";
  static constexpr const char* meaning = "Cube of each element.";
  static constexpr const char* formula = "y = x³";
  static constexpr const char* node = "PowBackward0";
  static constexpr double exponent = 3;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return T(wrapping(x) * wrapping(x) * wrapping(x)); }
  template <class T> static T local(T x, T) { return 3 * (x * x); }
};
BACKLIT_FORMULA(PowCube)

struct PowSqrt : Unary {
  static constexpr const char* name = "pow_sqrt";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "pow_sqrt(Tensor input)";
  static constexpr const char* meaning = "Square root of each element.";
  static constexpr const char* formula = "y = √x";
  static constexpr const char* node = "PowBackward0";
  static constexpr double exponent = 0.5;
  static constexpr Domain domain[] = {{0.1, 4}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return sqrt(x); }
  template <class T> static T local(T x, T) { return T(0.5) * rsqrt(x); }
};
BACKLIT_FORMULA(PowSqrt)

struct PowRsqrt : Unary {
  static constexpr const char* name = "pow_rsqrt";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "pow_rsqrt(Tensor input)";
  static constexpr const char* meaning = "Reciprocal of the square root of each element.";
  static constexpr const char* formula = "y = 1 / √x";
  static constexpr const char* node = "PowBackward0";
  static constexpr double exponent = -0.5;
  static constexpr Domain domain[] = {{0.1, 4}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return rsqrt(x); }
  template <class T> static T local(T x, T) {
    return where(x == T(-kInfinity), T(-0.0), T(-0.5) / (x * sqrt(x)));
  }
};
BACKLIT_FORMULA(PowRsqrt)

struct PowReciprocal : Unary {
  static constexpr const char* name = "pow_reciprocal";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "pow_reciprocal(Tensor input)";
  static constexpr const char* meaning = "Reciprocal of each element.";
  static constexpr const char* formula = "y = 1 / x";
  static constexpr const char* node = "PowBackward0";
  static constexpr double exponent = -1;
  static constexpr Domain domain[] = {{0.5, 3}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return 1 / x; }
  template <class T> static T local(T x, T) { return -(1 / (x * x)); }
};
BACKLIT_FORMULA(PowReciprocal)

struct PowReciprocalSquare : Unary {
  static constexpr const char* name = "pow_reciprocal_square";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "pow_reciprocal_square(Tensor input)";
  static constexpr const char* meaning = "Reciprocal of the square of each element.";
  static constexpr const char* formula = "y = 1 / x²";
  static constexpr const char* node = "PowBackward0";
  static constexpr double exponent = -2;
  static constexpr Domain domain[] = {{0.5, 3}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return 1 / (x * x); }
  template <class T> static T local(T x, T) { return -2 * pow(x, T(-3)); }
};
BACKLIT_FORMULA(PowReciprocalSquare)

// A number as the base: 2 ** x.
struct RPow : Unary {
  static constexpr const char* name = "rpow";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "rpow(Tensor input, Scalar base)";
  static constexpr const char* meaning = "A number raised to the power of each element.";
  static constexpr const char* formula = "y = baseˣ";
  static constexpr const char* node = "PowBackward2";
  static constexpr int params = 1;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool complex = true;
  template <class T> static T value(T x, T base) { return pow(base, x); }
  template <class T> static T local(T x, T y, T base) { return exponential_slope(base, x, y); }
};
BACKLIT_FORMULA(RPow)

struct Hypot : Binary {
  static constexpr const char* name = "hypot";
  static constexpr const char* signature = "hypot(Tensor input, Tensor other)";
  static constexpr const char* meaning =
      "Length of the hypotenuse of a right triangle with legs a and b.";
  static constexpr const char* formula = "y = √(a² + b²)";
  template <class T> static T value(T a, T b) { return hypot(a, b); }
  template <class T> static T local_a(T a, T, T y) { return a / y; }
  template <class T> static T local_b(T, T b, T y) { return b / y; }
};
BACKLIT_FORMULA(Hypot)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
