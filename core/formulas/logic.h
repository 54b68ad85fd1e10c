// Bitwise and logical operations, common divisors.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

template <class Base> struct Bitwise : Base {
  static constexpr Rule rule = Rule::NotDifferentiable;
  static constexpr unsigned kinds = kIntegers | kBools;
};

struct BitwiseAnd : Bitwise<Binary> {
  static constexpr const char* name = "bitwise_and";
  static constexpr const char* signature = "bitwise_and(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning = "The bits set in both elements; for bools, logical and.";
  static constexpr const char* formula = "y = a & b";
  template <class T> static T value(T a, T b) { return T(a & b); }
};
BACKLIT_FORMULA(BitwiseAnd)

struct BitwiseOr : Bitwise<Binary> {
  static constexpr const char* name = "bitwise_or";
  static constexpr const char* signature = "bitwise_or(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning = "The bits set in either element; for bools, logical or.";
  static constexpr const char* formula = "y = a | b";
  template <class T> static T value(T a, T b) { return T(a | b); }
};
BACKLIT_FORMULA(BitwiseOr)

struct BitwiseXor : Bitwise<Binary> {
  static constexpr const char* name = "bitwise_xor";
  static constexpr const char* signature = "bitwise_xor(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning =
      "The bits set in exactly one element; for bools, logical xor.";
  static constexpr const char* formula = "y = a ^ b";
  template <class T> static T value(T a, T b) { return T(a ^ b); }
};
BACKLIT_FORMULA(BitwiseXor)

struct BitwiseNot : Bitwise<Unary> {
  static constexpr const char* name = "bitwise_not";
  static constexpr const char* signature = "bitwise_not(Tensor input)";
  static constexpr const char* meaning =
      "Each element with all bits flipped; for bools, logical not.";
  static constexpr const char* formula = "y = ~x";
  static constexpr bool inplace_function = false;
  template <class T> static T value(T x) { return complement(x); }
};
BACKLIT_FORMULA(BitwiseNot)

struct BitwiseLeftShift : Bitwise<Binary> {
  static constexpr const char* name = "bitwise_left_shift";
  static constexpr const char* signature =
      "bitwise_left_shift(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning = "The bits of a moved b places up.";
  static constexpr const char* formula = "y = a << b";
  static constexpr unsigned kinds = kIntegers;
  static constexpr Domain domain[] = {{-9, 9}, {0, 7}};
  template <class T> static T value(T a, T b) { return left_shift(a, b); }
};
BACKLIT_FORMULA(BitwiseLeftShift)

struct BitwiseRightShift : Bitwise<Binary> {
  static constexpr const char* name = "bitwise_right_shift";
  static constexpr const char* signature =
      "bitwise_right_shift(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning = "The bits of a moved b places down; the sign stays.";
  static constexpr const char* formula = "y = a >> b";
  static constexpr unsigned kinds = kIntegers;
  static constexpr Domain domain[] = {{-99, 99}, {0, 7}};
  template <class T> static T value(T a, T b) { return right_shift(a, b); }
};
BACKLIT_FORMULA(BitwiseRightShift)

struct Gcd : Bitwise<Binary> {
  static constexpr const char* name = "gcd";
  static constexpr const char* signature = "gcd(Tensor input, Tensor other)";
  static constexpr const char* meaning = "Greatest common divisor.";
  static constexpr const char* formula = "y = gcd(a, b)";
  static constexpr bool inplace_function = true;
  static constexpr unsigned kinds = kIntegers;
  static constexpr Domain domain[] = {{-99, 99}, {-99, 99}};
  template <class T> static T value(T a, T b) { return gcd(a, b); }
};
BACKLIT_FORMULA(Gcd)

struct Lcm : Bitwise<Binary> {
  static constexpr const char* name = "lcm";
  static constexpr const char* signature = "lcm(Tensor input, Tensor other)";
  static constexpr const char* meaning = "Least common multiple.";
  static constexpr const char* formula = "y = lcm(a, b)";
  static constexpr bool inplace_function = true;
  static constexpr unsigned kinds = kIntegers;
  static constexpr Domain domain[] = {{-9, 9}, {-9, 9}};
  template <class T> static T value(T a, T b) { return lcm(a, b); }
};
BACKLIT_FORMULA(Lcm)

// An element is true unless it is 0; nan is true.
template <class Base> struct Logical : Base {
  static constexpr Promote promote = Promote::ToBool;
  static constexpr Rule rule = Rule::NotDifferentiable;
  static constexpr unsigned kinds = kAll;
};

struct LogicalAnd : Logical<Binary> {
  static constexpr const char* name = "logical_and";
  static constexpr const char* signature = "logical_and(Tensor input, Tensor other)";
  static constexpr const char* meaning = "Whether both elements are true.";
  static constexpr const char* formula = "y = a ∧ b";
  static constexpr bool complex = true;
  template <class T> static auto value(T a, T b) { return (a != T(0)) & (b != T(0)); }
};
BACKLIT_FORMULA(LogicalAnd)

struct LogicalOr : Logical<Binary> {
  static constexpr const char* name = "logical_or";
  static constexpr const char* signature = "logical_or(Tensor input, Tensor other)";
  static constexpr const char* meaning = "Whether either element is true.";
  static constexpr const char* formula = "y = a ∨ b";
  static constexpr bool complex = true;
  template <class T> static auto value(T a, T b) { return (a != T(0)) | (b != T(0)); }
};
BACKLIT_FORMULA(LogicalOr)

struct LogicalXor : Logical<Binary> {
  static constexpr const char* name = "logical_xor";
  static constexpr const char* signature = "logical_xor(Tensor input, Tensor other)";
  static constexpr const char* meaning = "Whether exactly one element is true.";
  static constexpr const char* formula = "y = a ⊻ b";
  static constexpr bool complex = true;
  template <class T> static auto value(T a, T b) { return (a != T(0)) != (b != T(0)); }
};
BACKLIT_FORMULA(LogicalXor)

struct LogicalNot : Logical<Unary> {
  static constexpr const char* name = "logical_not";
  static constexpr const char* signature = "logical_not(Tensor input)";
  static constexpr const char* meaning = "Whether the element is false.";
  static constexpr const char* formula = "y = ¬x";
  static constexpr bool inplace_function = false;
  static constexpr bool complex = true;
  template <class T> static auto value(T x) { return x == T(0); }
};
BACKLIT_FORMULA(LogicalNot)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
