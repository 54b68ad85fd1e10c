// Sums, products, quotients and remainders.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

struct Add : Binary {
  static constexpr const char* name = "add";
  static constexpr const char* signature =
      "add(Tensor|Number input, Tensor|Number other, *, Scalar alpha=1)";
  static constexpr const char* meaning = "Sum of two tensors, the second one scaled by alpha.";
  static constexpr const char* formula = "y = a + alpha b";
  static constexpr int params = 1;
  static constexpr unsigned kinds = kAll;
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b, T alpha) {
    return T(wrapping(a) + wrapping(alpha) * wrapping(b));
  }
  template <class T> static T local_a(T, T, T, T) { return T(1); }
  template <class T> static T local_b(T, T, T, T alpha) { return alpha; }
};
BACKLIT_FORMULA(Add)

struct Sub : Binary {
  static constexpr const char* name = "sub";
  static constexpr const char* aliases = "subtract";
  static constexpr const char* signature =
      "sub(Tensor|Number input, Tensor|Number other, *, Scalar alpha=1)";
  static constexpr const char* meaning =
      "Difference of two tensors, the second one scaled by alpha.";
  static constexpr const char* formula = "y = a - alpha b";
  static constexpr const char* bool_error =
      "Subtraction, the `-` operator, with two bool tensors is not supported. "
      "Use the `^` or `logical_xor()` operator instead.";
  static constexpr int params = 1;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b, T alpha) {
    return T(wrapping(a) - wrapping(alpha) * wrapping(b));
  }
  template <class T> static T local_a(T, T, T, T) { return T(1); }
  template <class T> static T local_b(T, T, T, T alpha) { return -alpha; }
};
BACKLIT_FORMULA(Sub)

struct Rsub : Binary {
  static constexpr const char* name = "rsub";
  static constexpr const char* signature =
      "rsub(Tensor input, Tensor|Number other, *, Scalar alpha=1)";
  static constexpr const char* meaning = "The second tensor minus alpha times the first.";
  static constexpr const char* formula = "y = b - alpha a";
  static constexpr const char* node_b_number = "RsubBackward1";
  static constexpr const char* bool_error =
      "Subtraction, the `-` operator, with a bool tensor is not supported. "
      "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.";
  static constexpr int params = 1;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool inplace = false;
  static constexpr bool method = false;
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b, T alpha) {
    return T(wrapping(b) - wrapping(alpha) * wrapping(a));
  }
  template <class T> static T local_a(T, T, T, T alpha) { return -alpha; }
  template <class T> static T local_b(T, T, T, T) { return T(1); }
};
BACKLIT_FORMULA(Rsub)

struct RsubScalar : Unary {
  static constexpr const char* name = "rsub_scalar";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "rsub_scalar(Tensor input, Scalar other)";
  static constexpr const char* meaning = "A number minus each element.";
  static constexpr const char* formula = "y = other - x";
  static constexpr const char* node = "RsubBackward1";
  static constexpr const char* bool_error = Rsub::bool_error;
  static constexpr int params = 1;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool complex = true;
  template <class T> static T value(T x, T other) { return T(wrapping(other) - wrapping(x)); }
  template <class T> static T local(T, T, T) { return T(-1); }
};
BACKLIT_FORMULA(RsubScalar)

struct Mul : Binary {
  static constexpr const char* name = "mul";
  static constexpr const char* aliases = "multiply";
  static constexpr const char* signature = "mul(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning = "Product of two tensors, element by element.";
  static constexpr const char* formula = "y = a b";
  static constexpr unsigned kinds = kAll;
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b) { return T(wrapping(a) * wrapping(b)); }
  template <class T> static T local_a(T, T b, T) { return b; }
  template <class T> static T local_b(T a, T, T) { return a; }
};
BACKLIT_FORMULA(Mul)

struct Div : Binary {
  static constexpr const char* name = "div";
  static constexpr const char* aliases = "divide true_divide";
  static constexpr const char* signature =
      "div(Tensor|Number input, Tensor|Number other, *, str? rounding_mode=None)";
  static constexpr const char* meaning = "Quotient of two tensors, element by element.";
  static constexpr const char* formula = "y = a / b";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{-3, 3}, {0.5, 3}};
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b) { return a / b; }
  template <class T> static T local_a(T, T b, T) { return 1 / b; }
  template <class T> static T local_b(T a, T b, T) { return -((a / b) / b); }
};
BACKLIT_FORMULA(Div)

struct DivTrunc : Constant<Binary> {
  static constexpr const char* name = "div_trunc";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "div_trunc(Tensor input, Tensor other)";
  static constexpr const char* meaning = "Quotient rounded towards zero.";
  static constexpr const char* formula = "y = trunc(a / b)";
  static constexpr const char* node = "DivBackward2";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool checks_zero_divisor = true;
  static constexpr Domain domain[] = {{-9, 9}, {0.5, 3}};
  template <class T> static T value(T a, T b) { return trunc_divide(a, b); }
};
BACKLIT_FORMULA(DivTrunc)

struct DivFloor : Constant<Binary> {
  static constexpr const char* name = "div_floor";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "div_floor(Tensor input, Tensor other)";
  static constexpr const char* meaning = "Quotient rounded towards minus infinity.";
  static constexpr const char* formula = "y = floor(a / b)";
  static constexpr const char* node = "DivBackward2";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool checks_zero_divisor = true;
  static constexpr Domain domain[] = {{-9, 9}, {0.5, 3}};
  template <class T> static T value(T a, T b) { return floor_divide(a, b); }
};
BACKLIT_FORMULA(DivFloor)

struct FloorDivide : Binary {
  static constexpr const char* name = "floor_divide";
  static constexpr const char* signature = "floor_divide(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning =
      "Quotient rounded towards minus infinity, Python's a // b.";
  static constexpr const char* formula = "y = floor(a / b)";
  static constexpr const char* why = "PyTorch has no derivative for floor_divide";
  static constexpr Rule rule = Rule::NotImplemented;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool checks_zero_divisor = true;
  static constexpr Domain domain[] = {{-9, 9}, {0.5, 3}};
  template <class T> static T value(T a, T b) { return floor_divide(a, b); }
};
BACKLIT_FORMULA(FloorDivide)

struct Remainder : Binary {
  static constexpr const char* name = "remainder";
  static constexpr const char* signature = "remainder(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning =
      "Remainder of the division, with the sign of the divisor: Python's a % b.";
  static constexpr const char* formula = "y = a - b floor(a / b)";
  static constexpr const char* node_a_number = "NotImplemented";
  static constexpr const char* node_b_number = "RemainderBackward0";
  static constexpr const char* node = "RemainderBackward1";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool checks_zero_divisor = true;
  static constexpr Domain domain[] = {{-9, 9}, {0.5, 3}};
  template <class T> static T value(T a, T b) { return remainder(a, b); }
  template <class T> static T local_a(T, T, T) { return T(1); }
  template <class T> static T local_b(T a, T b, T) { return -floor_divide(a, b); }
};
BACKLIT_FORMULA(Remainder)

struct Fmod : Binary {
  static constexpr const char* name = "fmod";
  static constexpr const char* signature = "fmod(Tensor input, Tensor|Number other)";
  static constexpr const char* meaning =
      "Remainder of the division, with the sign of the dividend: C's fmod.";
  static constexpr const char* formula = "y = a - b trunc(a / b)";
  static constexpr const char* node_b_number = "FmodBackward0";
  static constexpr const char* node = "FmodBackward1";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool checks_zero_divisor = true;
  static constexpr Domain domain[] = {{-9, 9}, {0.5, 3}};
  template <class T> static T value(T a, T b) { return fmod(a, b); }
  template <class T> static T local_a(T, T, T) { return T(1); }
  template <class T> static T local_b(T a, T b, T) { return -trunc_divide(a, b); }
};
BACKLIT_FORMULA(Fmod)

struct Neg : Unary {
  static constexpr const char* name = "neg";
  static constexpr const char* aliases = "negative";
  static constexpr const char* signature = "neg(Tensor input)";
  static constexpr const char* meaning = "Each element with the opposite sign.";
  static constexpr const char* formula = "y = -x";
  static constexpr const char* bool_error =
      "Negation, the `-` operator, on a bool tensor is not supported. "
      "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.";
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return T(-wrapping(x)); }
  template <class T> static T local(T, T) { return T(-1); }
};
BACKLIT_FORMULA(Neg)

struct Abs : Unary {
  static constexpr const char* name = "abs";
  static constexpr const char* aliases = "absolute";
  static constexpr const char* signature = "abs(Tensor input)";
  static constexpr const char* meaning = "Absolute value of each element.";
  static constexpr const char* formula = "y = |x|";
  static constexpr unsigned kinds = kNumbers;
  template <class T> static T value(T x) { return abs(x); }
  template <class T> static T local(T x, T) { return sign(x); }
};
BACKLIT_FORMULA(Abs)

struct Addcmul : Ternary {
  static constexpr const char* name = "addcmul";
  static constexpr const char* signature =
      "addcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1)";
  static constexpr const char* meaning = "Adds a scaled product to the input.";
  static constexpr const char* formula = "y = a + value b c";
  static constexpr int params = 1;
  static constexpr unsigned kinds = kNumbers;
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b, T c, T scale) {
    return T(wrapping(a) + wrapping(scale) * wrapping(b) * wrapping(c));
  }
  template <class T> static T local_a(T, T, T, T, T) { return T(1); }
  template <class T> static T local_b(T, T, T c, T, T scale) { return c * scale; }
  template <class T> static T local_c(T, T b, T, T, T scale) { return b * scale; }
};
BACKLIT_FORMULA(Addcmul)

struct Addcdiv : Ternary {
  static constexpr const char* name = "addcdiv";
  static constexpr const char* signature =
      "addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1)";
  static constexpr const char* meaning = "Adds a scaled quotient to the input.";
  static constexpr const char* formula = "y = a + value b / c";
  static constexpr int params = 1;
  static constexpr Domain domain[] = {{-3, 3}, {-3, 3}, {0.5, 3}};
  static constexpr bool complex = true;
  template <class T> static T value(T a, T b, T c, T scale) { return a + scale * b / c; }
  template <class T> static T local_a(T, T, T, T, T) { return T(1); }
  template <class T> static T local_b(T, T, T c, T, T scale) { return scale / c; }
  template <class T> static T local_c(T, T b, T c, T, T scale) { return -scale * b / (c * c); }
};
BACKLIT_FORMULA(Addcdiv)

// Both halves are exact at their end: weight 0 gives a, weight 1 gives b.
template <class T> BACKLIT_INLINE T lerp(T a, T b, T weight) {
  return where(abs(weight) < T(0.5), a + weight * (b - a), b + (weight - 1) * (b - a));
}

struct Lerp : Ternary {
  static constexpr const char* name = "lerp";
  static constexpr const char* signature = "lerp(Tensor input, Tensor end, Tensor weight)";
  static constexpr const char* meaning =
      "Linear interpolation from input (weight 0) to end (weight 1).";
  static constexpr const char* formula = "y = a + c (b - a)";
  static constexpr const char* node = "LerpBackward1";
  template <class T> static T value(T a, T b, T c) { return lerp(a, b, c); }
  template <class T> static T local_a(T, T, T c, T) { return 1 - c; }
  template <class T> static T local_b(T, T, T c, T) { return c; }
  template <class T> static T local_c(T a, T b, T, T) { return b - a; }
};
BACKLIT_FORMULA(Lerp)

struct LerpScalar : Binary {
  static constexpr const char* name = "lerp_scalar";
  static constexpr const char* home = "internal";
  static constexpr const char* signature = "lerp_scalar(Tensor input, Tensor end, Scalar weight)";
  static constexpr const char* meaning = "Linear interpolation with one weight for all elements.";
  static constexpr const char* formula = "y = a + weight (b - a)";
  static constexpr const char* node = "LerpBackward0";
  static constexpr int params = 1;
  template <class T> static T value(T a, T b, T weight) { return lerp(a, b, weight); }
  template <class T> static T local_a(T, T, T, T weight) { return 1 - weight; }
  template <class T> static T local_b(T, T, T, T weight) { return weight; }
};
BACKLIT_FORMULA(LerpScalar)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
