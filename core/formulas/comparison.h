// Comparisons, tests, selection and bounds.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

// What comparisons and tests have in common: the result is a bool, and no gradient passes. `node`
// is what the in-place form of a comparison leaves in the graph.
template <class Base> struct Condition : Base {
  static constexpr Promote promote = Promote::ToBool;
  static constexpr Rule rule = Rule::NotDifferentiable;
  static constexpr unsigned kinds = kAll;
};
// Tests have no in-place form.
struct Test : Condition<Unary> {
  static constexpr bool inplace = false;
};

struct Eq : Condition<Binary> {
  static constexpr const char* name = "eq";
  static constexpr const char* signature = "eq(Tensor input, Tensor|Number other)";
  static constexpr const char* meaning = "Whether the elements are equal.";
  static constexpr const char* formula = "y = (a = b)";
  static constexpr const char* node = "EqBackward1";
  static constexpr const char* node_b_number = "EqBackward0";
  static constexpr bool complex = true;
  template <class T> static auto value(T a, T b) { return a == b; }
};
BACKLIT_FORMULA(Eq)

struct Ne : Condition<Binary> {
  static constexpr const char* name = "ne";
  static constexpr const char* aliases = "not_equal";
  static constexpr const char* signature = "ne(Tensor input, Tensor|Number other)";
  static constexpr const char* meaning = "Whether the elements differ.";
  static constexpr const char* formula = "y = (a ≠ b)";
  static constexpr const char* node = "NeBackward1";
  static constexpr const char* node_b_number = "NeBackward0";
  static constexpr bool complex = true;
  template <class T> static auto value(T a, T b) { return a != b; }
};
BACKLIT_FORMULA(Ne)

struct Lt : Condition<Binary> {
  static constexpr const char* name = "lt";
  static constexpr const char* aliases = "less";
  static constexpr const char* signature = "lt(Tensor input, Tensor|Number other)";
  static constexpr const char* meaning = "Whether a is less than b.";
  static constexpr const char* formula = "y = (a < b)";
  static constexpr const char* node = "LtBackward1";
  static constexpr const char* node_b_number = "LtBackward0";
  template <class T> static auto value(T a, T b) { return a < b; }
};
BACKLIT_FORMULA(Lt)

struct Le : Condition<Binary> {
  static constexpr const char* name = "le";
  static constexpr const char* aliases = "less_equal";
  static constexpr const char* signature = "le(Tensor input, Tensor|Number other)";
  static constexpr const char* meaning = "Whether a is less than b or equal to it.";
  static constexpr const char* formula = "y = (a ≤ b)";
  static constexpr const char* node = "LeBackward1";
  static constexpr const char* node_b_number = "LeBackward0";
  template <class T> static auto value(T a, T b) { return a <= b; }
};
BACKLIT_FORMULA(Le)

struct Gt : Condition<Binary> {
  static constexpr const char* name = "gt";
  static constexpr const char* aliases = "greater";
  static constexpr const char* signature = "gt(Tensor input, Tensor|Number other)";
  static constexpr const char* meaning = "Whether a is greater than b.";
  static constexpr const char* formula = "y = (a > b)";
  static constexpr const char* node = "GtBackward1";
  static constexpr const char* node_b_number = "GtBackward0";
  template <class T> static auto value(T a, T b) { return a > b; }
};
BACKLIT_FORMULA(Gt)

struct Ge : Condition<Binary> {
  static constexpr const char* name = "ge";
  static constexpr const char* aliases = "greater_equal";
  static constexpr const char* signature = "ge(Tensor input, Tensor|Number other)";
  static constexpr const char* meaning = "Whether a is greater than b or equal to it.";
  static constexpr const char* formula = "y = (a ≥ b)";
  static constexpr const char* node = "GeBackward1";
  static constexpr const char* node_b_number = "GeBackward0";
  template <class T> static auto value(T a, T b) { return a >= b; }
};
BACKLIT_FORMULA(Ge)

struct Isnan : Test {
  static constexpr const char* name = "isnan";
  static constexpr const char* signature = "isnan(Tensor input)";
  static constexpr const char* meaning = "Whether each element is not a number.";
  static constexpr const char* formula = "y = (x = nan)";
  static constexpr bool complex = true;
  template <class T> static auto value(T x) { return x != x; }
};
BACKLIT_FORMULA(Isnan)

struct Isinf : Test {
  static constexpr const char* name = "isinf";
  static constexpr const char* signature = "isinf(Tensor input)";
  static constexpr const char* meaning = "Whether each element is infinite.";
  static constexpr const char* formula = "y = (|x| = ∞)";
  static constexpr bool complex = true;
  template <class T> static auto value(T x) { return isinf(x); }
};
BACKLIT_FORMULA(Isinf)

struct Isfinite : Test {
  static constexpr const char* name = "isfinite";
  static constexpr const char* signature = "isfinite(Tensor input)";
  static constexpr const char* meaning = "Whether each element is neither infinite nor nan.";
  static constexpr const char* formula = "y = (|x| < ∞)";
  static constexpr bool complex = true;
  template <class T> static auto value(T x) { return isfinite(x); }
};
BACKLIT_FORMULA(Isfinite)

struct Isposinf : Test {
  static constexpr const char* name = "isposinf";
  static constexpr const char* signature = "isposinf(Tensor input)";
  static constexpr const char* meaning = "Whether each element is plus infinity.";
  static constexpr const char* formula = "y = (x = ∞)";
  template <class T> static auto value(T x) { return isinf(x) & (x > T(0)); }
};
BACKLIT_FORMULA(Isposinf)

struct Isneginf : Test {
  static constexpr const char* name = "isneginf";
  static constexpr const char* signature = "isneginf(Tensor input)";
  static constexpr const char* meaning = "Whether each element is minus infinity.";
  static constexpr const char* formula = "y = (x = -∞)";
  template <class T> static auto value(T x) { return isinf(x) & !(x > T(0)); }
};
BACKLIT_FORMULA(Isneginf)

struct Isreal : Test {
  static constexpr const char* name = "isreal";
  static constexpr const char* signature = "isreal(Tensor input)";
  static constexpr const char* meaning =
      "Whether each element is real: always, without complex numbers.";
  static constexpr const char* formula = "y = true";
  template <class T> static auto value(T x) { return (x == x) | (x != x); }
};
BACKLIT_FORMULA(Isreal)

struct Signbit : Test {
  static constexpr const char* name = "signbit";
  static constexpr const char* signature = "signbit(Tensor input)";
  static constexpr const char* meaning = "Whether the sign bit is set: x < 0, and -0.0.";
  static constexpr const char* formula = "y = (x < 0)";
  template <class T> static auto value(T x) { return signbit(x); }
};
BACKLIT_FORMULA(Signbit)

// Equal elements share the gradient, half to each.
struct Maximum : Binary {
  static constexpr const char* name = "maximum";
  static constexpr const char* signature = "maximum(Tensor input, Tensor other)";
  static constexpr const char* meaning = "The larger of two elements; nan if either is nan.";
  static constexpr const char* formula = "y = max(a, b)";
  static constexpr unsigned kinds = kAll;
  static constexpr bool masks = true;
  static constexpr bool inplace = false;
  template <class T> static T value(T a, T b) { return maximum(a, b); }
  template <class T> static T local_a(T a, T b, T) {
    return where(a < b, T(0), where(a == b, T(0.5), T(1)));
  }
  template <class T> static T local_b(T a, T b, T) {
    return where(a > b, T(0), where(a == b, T(0.5), T(1)));
  }
};
BACKLIT_FORMULA(Maximum)

struct Minimum : Binary {
  static constexpr const char* name = "minimum";
  static constexpr const char* signature = "minimum(Tensor input, Tensor other)";
  static constexpr const char* meaning = "The smaller of two elements; nan if either is nan.";
  static constexpr const char* formula = "y = min(a, b)";
  static constexpr unsigned kinds = kAll;
  static constexpr bool masks = true;
  static constexpr bool inplace = false;
  template <class T> static T value(T a, T b) { return minimum(a, b); }
  template <class T> static T local_a(T a, T b, T) {
    return where(a > b, T(0), where(a == b, T(0.5), T(1)));
  }
  template <class T> static T local_b(T a, T b, T) {
    return where(a < b, T(0), where(a == b, T(0.5), T(1)));
  }
};
BACKLIT_FORMULA(Minimum)

// Unlike maximum, the first of two equal elements takes the whole gradient.
struct Fmax : Binary {
  static constexpr const char* name = "fmax";
  static constexpr const char* signature = "fmax(Tensor input, Tensor other)";
  static constexpr const char* meaning = "The larger of two elements; the number if one is nan.";
  static constexpr const char* formula = "y = max(a, b)";
  static constexpr unsigned kinds = kAll;
  static constexpr bool masks = true;
  static constexpr bool inplace = false;
  template <class T> static T value(T a, T b) { return fmax(a, b); }
  template <class T> static T local_a(T a, T b, T) {
    return where((a >= b) | (b != b), T(1), T(0));
  }
  template <class T> static T local_b(T a, T b, T) {
    return where((a >= b) | (b != b), T(0), T(1));
  }
};
BACKLIT_FORMULA(Fmax)

struct Fmin : Binary {
  static constexpr const char* name = "fmin";
  static constexpr const char* signature = "fmin(Tensor input, Tensor other)";
  static constexpr const char* meaning = "The smaller of two elements; the number if one is nan.";
  static constexpr const char* formula = "y = min(a, b)";
  static constexpr unsigned kinds = kAll;
  static constexpr bool masks = true;
  static constexpr bool inplace = false;
  template <class T> static T value(T a, T b) { return fmin(a, b); }
  template <class T> static T local_a(T a, T b, T) {
    return where((a <= b) | (b != b), T(1), T(0));
  }
  template <class T> static T local_b(T a, T b, T) {
    return where((a <= b) | (b != b), T(0), T(1));
  }
};
BACKLIT_FORMULA(Fmin)

// The lowest and the highest T: what an absent bound stands for.
template <class T> constexpr T lowest() {
  if constexpr (Floating<T>)
    return -inf<T>;
  else
    return std::numeric_limits<T>::lowest();
}
template <class T> constexpr T highest() {
  if constexpr (Floating<T>)
    return inf<T>;
  else
    return std::numeric_limits<T>::max();
}

// The gradient passes on the bounds too.
struct Clamp : Unary {
  static constexpr const char* name = "clamp";
  static constexpr const char* aliases = "clip";
  static constexpr const char* signature =
      "clamp(Tensor input, Scalar? min=None, Scalar? max=None)";
  static constexpr const char* meaning = "Limits each element to the range from min to max.";
  static constexpr const char* formula = "y = min(max(x, min), max)";
  static constexpr const char* node = "ClampBackward1";
  static constexpr int params = 2;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool masks = true;
  template <class T> static constexpr T none[] = {lowest<T>(), highest<T>()};
  template <class T> static T value(T x, T min, T max) { return minimum(max, maximum(min, x)); }
  template <class T> static T local(T x, T, T min, T max) {
    return where((x >= min) & (x <= max), T(1), T(0));
  }
};
BACKLIT_FORMULA(Clamp)

struct ClampMin : Unary {
  static constexpr const char* name = "clamp_min";
  static constexpr const char* signature = "clamp_min(Tensor input, Scalar min)";
  static constexpr const char* meaning = "Raises each element to at least min.";
  static constexpr const char* formula = "y = max(x, min)";
  static constexpr int params = 1;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool masks = true;
  template <class T> static T value(T x, T min) { return maximum(min, x); }
  template <class T> static T local(T x, T, T min) { return where(x >= min, T(1), T(0)); }
};
BACKLIT_FORMULA(ClampMin)

struct ClampMax : Unary {
  static constexpr const char* name = "clamp_max";
  static constexpr const char* signature = "clamp_max(Tensor input, Scalar max)";
  static constexpr const char* meaning = "Lowers each element to at most max.";
  static constexpr const char* formula = "y = min(x, max)";
  static constexpr int params = 1;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool masks = true;
  template <class T> static T value(T x, T max) { return minimum(max, x); }
  template <class T> static T local(T x, T, T max) { return where(x <= max, T(1), T(0)); }
};
BACKLIT_FORMULA(ClampMax)

struct ClampTensor : Ternary {
  static constexpr const char* name = "clamp_tensor";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "clamp_tensor(Tensor input, Tensor min, Tensor max)";
  static constexpr const char* meaning = "Limits each element to a range of its own.";
  static constexpr const char* formula = "y = min(max(a, b), c)";
  static constexpr const char* node = "ClampBackward0";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool masks = true;
  template <class T> static T value(T a, T b, T c) { return minimum(maximum(a, b), c); }
  template <class T> static T local_a(T a, T b, T c, T) {
    return where((a >= b) & (a <= c), T(1), T(0));
  }
  template <class T> static T local_b(T a, T b, T c, T) {
    return where((b < c) & (a < b), T(1), T(0));
  }
  template <class T> static T local_c(T a, T b, T c, T) {
    return where((c < b) | (a > c), T(1), T(0));
  }
};
BACKLIT_FORMULA(ClampTensor)

struct ClampMinTensor : Binary {
  static constexpr const char* name = "clamp_min_tensor";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "clamp_min_tensor(Tensor input, Tensor min)";
  static constexpr const char* meaning = "Raises each element to at least a bound of its own.";
  static constexpr const char* formula = "y = max(a, b)";
  static constexpr const char* node = "ClampMinBackward1";
  static constexpr unsigned kinds = kAll;
  static constexpr bool masks = true;
  template <class T> static T value(T a, T b) { return maximum(a, b); }
  template <class T> static T local_a(T a, T b, T) { return where(a >= b, T(1), T(0)); }
  template <class T> static T local_b(T a, T b, T) { return where(a < b, T(1), T(0)); }
};
BACKLIT_FORMULA(ClampMinTensor)

struct ClampMaxTensor : Binary {
  static constexpr const char* name = "clamp_max_tensor";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "clamp_max_tensor(Tensor input, Tensor max)";
  static constexpr const char* meaning = "Lowers each element to at most a bound of its own.";
  static constexpr const char* formula = "y = min(a, b)";
  static constexpr const char* node = "ClampMaxBackward1";
  static constexpr unsigned kinds = kAll;
  static constexpr bool masks = true;
  template <class T> static T value(T a, T b) { return minimum(a, b); }
  template <class T> static T local_a(T a, T b, T) { return where(a <= b, T(1), T(0)); }
  template <class T> static T local_b(T a, T b, T) { return where(a > b, T(1), T(0)); }
};
BACKLIT_FORMULA(ClampMaxTensor)

// What clamp with one tensor becomes: the formulas above under clamp's name.
struct ClampLowerTensor : ClampMinTensor {
  static constexpr const char* name = "clamp_lower_tensor";
  static constexpr const char* signature = "clamp_lower_tensor(Tensor input, Tensor min)";
  static constexpr const char* node = "ClampBackward0";
};
BACKLIT_FORMULA(ClampLowerTensor)

struct ClampUpperTensor : ClampMaxTensor {
  static constexpr const char* name = "clamp_upper_tensor";
  static constexpr const char* signature = "clamp_upper_tensor(Tensor input, Tensor max)";
  static constexpr const char* node = "ClampBackward0";
};
BACKLIT_FORMULA(ClampUpperTensor)

struct Where : Ternary {
  static constexpr const char* name = "where";
  static constexpr const char* signature =
      "where(Tensor condition, Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning = "Takes b where the condition a holds, and c elsewhere.";
  static constexpr const char* formula = "y = b if a else c";
  static constexpr unsigned kinds = kAll;
  static constexpr Rule a_rule = Rule::NotDifferentiable;
  static constexpr bool masks = true;
  static constexpr bool inplace = false;
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b, T c) { return where(a != T(0), b, c); }
  template <class T> static T local_b(T a, T, T, T) { return where(a != T(0), T(1), T(0)); }
  template <class T> static T local_c(T a, T, T, T) { return where(a != T(0), T(0), T(1)); }
};
BACKLIT_FORMULA(Where)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
