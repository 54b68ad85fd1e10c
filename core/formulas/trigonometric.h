// Trigonometric and hyperbolic functions and their inverses, angles.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

struct Sin : Unary {
  static constexpr const char* name = "sin";
  static constexpr const char* signature = "sin(Tensor input)";
  static constexpr const char* meaning = "Sine of each element, in radians.";
  static constexpr const char* formula = "y = sin x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool trigonometric = true;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return sin(x); }
  template <class T> static T local(T x, T) { return cos(x); }
};
BACKLIT_FORMULA(Sin)

struct Cos : Unary {
  static constexpr const char* name = "cos";
  static constexpr const char* signature = "cos(Tensor input)";
  static constexpr const char* meaning = "Cosine of each element, in radians.";
  static constexpr const char* formula = "y = cos x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool trigonometric = true;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return cos(x); }
  template <class T> static T local(T x, T) { return -sin(x); }
};
BACKLIT_FORMULA(Cos)

struct Tan : Unary {
  static constexpr const char* name = "tan";
  static constexpr const char* signature = "tan(Tensor input)";
  static constexpr const char* meaning = "Tangent of each element, in radians.";
  static constexpr const char* formula = "y = tan x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool trigonometric = true;
  static constexpr Domain domain[] = {{-1.4, 1.4}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return tan(x); }
  template <class T> static T local(T, T y) { return 1 + y * y; }
};
BACKLIT_FORMULA(Tan)

struct Asin : Unary {
  static constexpr const char* name = "asin";
  static constexpr const char* aliases = "arcsin";
  static constexpr const char* signature = "asin(Tensor input)";
  static constexpr const char* meaning = "Angle in radians whose sine is x.";
  static constexpr const char* formula = "y = arcsin x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{-0.9, 0.9}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return asin(x); }
  template <class T> static T local(T x, T) { return rsqrt(1 - x * x); }
};
BACKLIT_FORMULA(Asin)

struct Acos : Unary {
  static constexpr const char* name = "acos";
  static constexpr const char* aliases = "arccos";
  static constexpr const char* signature = "acos(Tensor input)";
  static constexpr const char* meaning = "Angle in radians whose cosine is x.";
  static constexpr const char* formula = "y = arccos x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{-0.9, 0.9}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return acos(x); }
  template <class T> static T local(T x, T) { return -rsqrt(1 - x * x); }
};
BACKLIT_FORMULA(Acos)

struct Atan : Unary {
  static constexpr const char* name = "atan";
  static constexpr const char* aliases = "arctan";
  static constexpr const char* signature = "atan(Tensor input)";
  static constexpr const char* meaning = "Angle in radians whose tangent is x.";
  static constexpr const char* formula = "y = arctan x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return atan(x); }
  template <class T> static T local(T x, T) { return 1 / (x * x + 1); }
};
BACKLIT_FORMULA(Atan)

// At the origin, where every angle fits, the gradient is 0.
struct Atan2 : Binary {
  static constexpr const char* name = "atan2";
  static constexpr const char* aliases = "arctan2";
  static constexpr const char* signature = "atan2(Tensor input, Tensor other)";
  static constexpr const char* meaning =
      "Angle in radians of the point (b, a), in all four quadrants.";
  static constexpr const char* formula = "y = arctan(a / b)";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T a, T b) { return atan2(a, b); }
  template <class T> static T local_a(T a, T b, T) { return b * inverse_square(a, b); }
  template <class T> static T local_b(T a, T b, T) { return -a * inverse_square(a, b); }
  template <class T> static T inverse_square(T a, T b) {
    const T square = a * a + b * b;
    return where(square == 0, T(0), 1 / square);
  }
};
BACKLIT_FORMULA(Atan2)

struct Sinh : Unary {
  static constexpr const char* name = "sinh";
  static constexpr const char* signature = "sinh(Tensor input)";
  static constexpr const char* meaning = "Hyperbolic sine of each element.";
  static constexpr const char* formula = "y = sinh x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return sinh(x); }
  template <class T> static T local(T x, T) { return cosh(x); }
};
BACKLIT_FORMULA(Sinh)

struct Cosh : Unary {
  static constexpr const char* name = "cosh";
  static constexpr const char* signature = "cosh(Tensor input)";
  static constexpr const char* meaning = "Hyperbolic cosine of each element.";
  static constexpr const char* formula = "y = cosh x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return cosh(x); }
  template <class T> static T local(T x, T) { return sinh(x); }
};
BACKLIT_FORMULA(Cosh)

struct Tanh : Unary {
  static constexpr const char* name = "tanh";
  static constexpr const char* aliases = "nn.tanh";
  static constexpr const char* signature = "tanh(Tensor input)";
  static constexpr const char* meaning = "Hyperbolic tangent of each element.";
  static constexpr const char* formula = "y = tanh x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return tanh(x); }
  template <class T> static T local(T, T y) { return 1 - y * y; }
};
BACKLIT_FORMULA(Tanh)

struct Asinh : Unary {
  static constexpr const char* name = "asinh";
  static constexpr const char* aliases = "arcsinh";
  static constexpr const char* signature = "asinh(Tensor input)";
  static constexpr const char* meaning = "Number whose hyperbolic sine is x.";
  static constexpr const char* formula = "y = arsinh x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return asinh(x); }
  template <class T> static T local(T x, T) { return rsqrt(x * x + 1); }
};
BACKLIT_FORMULA(Asinh)

struct Acosh : Unary {
  static constexpr const char* name = "acosh";
  static constexpr const char* aliases = "arccosh";
  static constexpr const char* signature = "acosh(Tensor input)";
  static constexpr const char* meaning = "Number whose hyperbolic cosine is x.";
  static constexpr const char* formula = "y = arcosh x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{1.1, 4}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return acosh(x); }
  template <class T> static T local(T x, T) { return rsqrt(x * x - 1); }
};
BACKLIT_FORMULA(Acosh)

struct Atanh : Unary {
  static constexpr const char* name = "atanh";
  static constexpr const char* aliases = "arctanh";
  static constexpr const char* signature = "atanh(Tensor input)";
  static constexpr const char* meaning = "Number whose hyperbolic tangent is x.";
  static constexpr const char* formula = "y = artanh x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{-0.9, 0.9}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return atanh(x); }
  template <class T> static T local(T x, T) { return 1 / (1 - x * x); }
};
BACKLIT_FORMULA(Atanh)

struct Deg2rad : Unary {
  static constexpr const char* name = "deg2rad";
  static constexpr const char* signature = "deg2rad(Tensor input)";
  static constexpr const char* meaning = "Degrees in radians.";
  static constexpr const char* formula = "y = x π / 180";
  static constexpr const char* node = "Deg2RadBackward0";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T x) { return x * T(std::numbers::pi / 180); }
  template <class T> static T local(T, T) { return T(std::numbers::pi / 180); }
};
BACKLIT_FORMULA(Deg2rad)

struct Rad2deg : Unary {
  static constexpr const char* name = "rad2deg";
  static constexpr const char* signature = "rad2deg(Tensor input)";
  static constexpr const char* meaning = "Radians in degrees.";
  static constexpr const char* formula = "y = x 180 / π";
  static constexpr const char* node = "Rad2DegBackward0";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T x) { return x * T(180 / std::numbers::pi); }
  template <class T> static T local(T, T) { return T(180 / std::numbers::pi); }
};
BACKLIT_FORMULA(Rad2deg)

struct Angle : Constant<Unary> {
  static constexpr const char* name = "angle";
  static constexpr const char* signature = "angle(Tensor input)";
  static constexpr const char* meaning =
      "Angle of a real number on the complex plane: π if negative.";
  static constexpr const char* formula = "y = π if x < 0 else 0";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool inplace = false;
  template <class T> static T value(T x) {
    return where(x != x, x, where(x < 0, T(std::numbers::pi), T(0)));
  }
};
BACKLIT_FORMULA(Angle)

struct Sinc : Unary {
  static constexpr const char* name = "sinc";
  static constexpr const char* aliases = "special.sinc";
  static constexpr const char* signature = "sinc(Tensor input)";
  static constexpr const char* meaning = "Normalised sine cardinal, and 1 at 0.";
  static constexpr const char* formula = "y = sin(πx) / (πx)";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T x) {
    const T angle = T(std::numbers::pi) * x;
    return where(x == 0, T(1), sin(angle) / angle);
  }
  template <class T> static T local(T x, T) {
    // (t cos t - sin t) / t² cancels near 0: there its series
    const T angle = T(std::numbers::pi) * x;
    const auto near = abs(angle) < T(0.5);
    const T t = where(near, T(1), angle);
    const T z = where(near, angle * angle, T(0));
    const T tail = T(1.0 / 45360) + z * (T(-1.0 / 3991680) + z * T(1.0 / 518918400));
    const T series = T(-1.0 / 3) + z * (T(1.0 / 30) + z * (T(-1.0 / 840) + z * tail));
    const T slope = (t * cos(t) - sin(t)) / (t * t);
    return T(std::numbers::pi) * where(near, angle * series, slope);
  }
};
BACKLIT_FORMULA(Sinc)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
