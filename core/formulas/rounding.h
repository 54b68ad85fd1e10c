// Rounding, signs, and neighbouring numbers.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

struct Floor : Constant<Unary> {
  static constexpr const char* name = "floor";
  static constexpr const char* signature = "floor(Tensor input)";
  static constexpr const char* meaning = "Largest integer not above each element.";
  static constexpr const char* formula = "y = ⌊x⌋";
  static constexpr unsigned kinds = kNumbers;
  template <class T> static T value(T x) { return floor(x); }
};
BACKLIT_FORMULA(Floor)

struct Ceil : Constant<Unary> {
  static constexpr const char* name = "ceil";
  static constexpr const char* signature = "ceil(Tensor input)";
  static constexpr const char* meaning = "Smallest integer not below each element.";
  static constexpr const char* formula = "y = ⌈x⌉";
  static constexpr unsigned kinds = kNumbers;
  template <class T> static T value(T x) { return ceil(x); }
};
BACKLIT_FORMULA(Ceil)

struct Trunc : Constant<Unary> {
  static constexpr const char* name = "trunc";
  static constexpr const char* aliases = "fix";
  static constexpr const char* signature = "trunc(Tensor input)";
  static constexpr const char* meaning = "Integer part of each element: rounds towards zero.";
  static constexpr const char* formula = "y = trunc x";
  static constexpr unsigned kinds = kNumbers;
  template <class T> static T value(T x) { return trunc(x); }
};
BACKLIT_FORMULA(Trunc)

struct Round : Constant<Unary> {
  static constexpr const char* name = "round";
  static constexpr const char* aliases = "special.round";
  static constexpr const char* signature = "round(Tensor input, *, int decimals=0)";
  static constexpr const char* meaning = "Nearest integer; a half goes to the even one.";
  static constexpr const char* formula = "y = round x";
  static constexpr unsigned kinds = kNumbers;
  template <class T> static T value(T x) { return round(x); }
};
BACKLIT_FORMULA(Round)

// `scale` is ten to the power of |decimals|; the engine picks the formula by the sign of decimals
// (10^-2 itself would not be exact).
struct RoundDecimals : Constant<Unary> {
  static constexpr const char* name = "round_decimals";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "round_decimals(Tensor input, Scalar scale)";
  static constexpr const char* meaning = "Rounds to a number of decimals.";
  static constexpr const char* formula = "y = round(scale x) / scale";
  static constexpr const char* node = "RoundBackward1";
  static constexpr int params = 1;
  template <class T> static T value(T x, T scale) { return round(x * scale) / scale; }
};
BACKLIT_FORMULA(RoundDecimals)

struct RoundTens : Constant<Unary> {
  static constexpr const char* name = "round_tens";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "round_tens(Tensor input, Scalar scale)";
  static constexpr const char* meaning = "Rounds to tens, hundreds and so on.";
  static constexpr const char* formula = "y = scale round(x / scale)";
  static constexpr const char* node = "RoundBackward1";
  static constexpr int params = 1;
  template <class T> static T value(T x, T scale) { return round(x / scale) * scale; }
};
BACKLIT_FORMULA(RoundTens)

struct Frac : Unary {
  static constexpr const char* name = "frac";
  static constexpr const char* signature = "frac(Tensor input)";
  static constexpr const char* meaning = "Fractional part of each element, with its sign.";
  static constexpr const char* formula = "y = x - trunc x";
  template <class T> static T value(T x) { return x - trunc(x); }
  template <class T> static T local(T, T) { return T(1); }
};
BACKLIT_FORMULA(Frac)

struct Sign : Constant<Unary> {
  static constexpr const char* name = "sign";
  static constexpr const char* signature = "sign(Tensor input)";
  static constexpr const char* meaning =
      "1, -1 or 0 as each element is positive, negative or zero.";
  static constexpr const char* formula = "y = sign x";
  static constexpr bool inplace_function = false;
  static constexpr unsigned kinds = kAll;
  template <class T> static T value(T x) { return sign(x); }
};
BACKLIT_FORMULA(Sign)

struct Sgn : Constant<Unary> {
  static constexpr const char* name = "sgn";
  static constexpr const char* signature = "sgn(Tensor input)";
  static constexpr const char* meaning = "Sign of each element; for real numbers the same as sign.";
  static constexpr const char* formula = "y = sign x";
  static constexpr bool inplace_function = false;
  static constexpr unsigned kinds = kAll;
  template <class T> static T value(T x) { return sign(x); }
};
BACKLIT_FORMULA(Sgn)

struct Heaviside : Binary {
  static constexpr const char* name = "heaviside";
  static constexpr const char* signature = "heaviside(Tensor input, Tensor values)";
  static constexpr const char* meaning = "Step function: 0 below zero, 1 above, b at zero.";
  static constexpr const char* formula = "y = b if a = 0 else (a > 0)";
  static constexpr const char* why = "PyTorch has no derivative for heaviside";
  static constexpr Rule rule = Rule::NotImplemented;
  static constexpr unsigned kinds = kAll;
  template <class T> static T value(T a, T b) {
    return where(a == T(0), b, where(a > T(0), T(1), T(0)));
  }
};
BACKLIT_FORMULA(Heaviside)

// The sign has no derivative where a is 0; PyTorch says 0.
struct Copysign : Binary {
  static constexpr const char* name = "copysign";
  static constexpr const char* signature = "copysign(Tensor input, Tensor|Number other)";
  static constexpr const char* meaning = "The size of a with the sign of b.";
  static constexpr const char* formula = "y = |a| sign b";
  static constexpr const char* node_b_number = "CopysignBackward1";
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T a, T b) { return copysign(a, b); }
  template <class T> static T local_a(T a, T, T y) { return where(a == 0, T(0), y / a); }
  template <class T> static T local_b(T, T, T) { return T(0); }
};
BACKLIT_FORMULA(Copysign)

struct Nextafter : Binary {
  static constexpr const char* name = "nextafter";
  static constexpr const char* signature = "nextafter(Tensor input, Tensor other)";
  static constexpr const char* meaning = "The next floating-point number after a towards b.";
  static constexpr const char* formula = "y = next(a → b)";
  static constexpr unsigned kinds = kWideFloats;  // a step of float32 is lost in 16 bits
  static constexpr bool masks = true;
  template <class T> static T value(T a, T b) { return nextafter(a, b); }
  template <class T> static T local_a(T a, T b, T) { return where(a == b, T(0), T(1)); }
  template <class T> static T local_b(T, T, T) { return T(0); }
};
BACKLIT_FORMULA(Nextafter)

struct Positive : Unary {
  static constexpr const char* name = "positive";
  static constexpr const char* signature = "positive(Tensor input)";
  static constexpr const char* meaning = "The input itself, Python's +x.";
  static constexpr const char* formula = "y = x";
  static constexpr const char* bool_error = "The `+` operator, on a bool tensor is not supported.";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool inplace = false;
  template <class T> static T value(T x) { return x; }
  template <class T> static T local(T, T) { return T(1); }
};
BACKLIT_FORMULA(Positive)

// The largest finite number replaces an infinity unless told otherwise.
struct NanToNum : Unary {
  static constexpr const char* name = "nan_to_num";
  static constexpr const char* signature =
      "nan_to_num(Tensor input, Scalar? nan=None, Scalar? posinf=None, Scalar? neginf=None)";
  static constexpr const char* meaning = "Replaces nan, inf and -inf by numbers.";
  static constexpr const char* formula = "y = x if finite else its replacement";
  static constexpr int params = 3;
  static constexpr unsigned kinds = kAll;
  template <class T>
  static constexpr T none[] = {T(0), std::numeric_limits<T>::max(),
                               std::numeric_limits<T>::lowest()};
  template <class T> static T value(T x, T nan, T posinf, T neginf) {
    return where(isnan(x), nan, where(isinf(x), where(x > T(0), posinf, neginf), x));
  }
  template <class T> static T local(T x, T, T, T, T) { return where(isfinite(x), T(1), T(0)); }
};
BACKLIT_FORMULA(NanToNum)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
