// Exponentials and logarithms.
#pragma once

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {
namespace formulas {

struct Exp : Unary {
  static constexpr const char* name = "exp";
  static constexpr const char* signature = "exp(Tensor input)";
  static constexpr const char* meaning = "Exponential of each element.";
  static constexpr const char* formula = "y = eˣ";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return exp(x); }
  template <class T> static T local(T, T y) { return y; }
};
BACKLIT_FORMULA(Exp)

struct Exp2 : Unary {
  static constexpr const char* name = "exp2";
  static constexpr const char* aliases = "special.exp2";
  static constexpr const char* signature = "exp2(Tensor input)";
  static constexpr const char* meaning = "Two to the power of each element.";
  static constexpr const char* formula = "y = 2ˣ";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return exp2(x); }
  template <class T> static T local(T, T y) { return y * T(std::numbers::ln2); }
};
BACKLIT_FORMULA(Exp2)

struct Expm1 : Unary {
  static constexpr const char* name = "expm1";
  static constexpr const char* aliases = "special.expm1";
  static constexpr const char* signature = "expm1(Tensor input)";
  static constexpr const char* meaning = "Exponential minus 1, accurate near 0.";
  static constexpr const char* formula = "y = eˣ - 1";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return expm1(x); }
  template <class T> static T local(T, T y) { return y + 1; }
};
BACKLIT_FORMULA(Expm1)

struct Log : Unary {
  static constexpr const char* name = "log";
  static constexpr const char* signature = "log(Tensor input)";
  static constexpr const char* meaning = "Natural logarithm of each element.";
  static constexpr const char* formula = "y = ln x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{0.1, 4}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return log(x); }
  template <class T> static T local(T x, T) { return 1 / x; }
};
BACKLIT_FORMULA(Log)

struct Log2 : Unary {
  static constexpr const char* name = "log2";
  static constexpr const char* signature = "log2(Tensor input)";
  static constexpr const char* meaning = "Logarithm to base 2 of each element.";
  static constexpr const char* formula = "y = log₂ x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{0.1, 4}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return log2(x); }
  template <class T> static T local(T x, T) { return 1 / (x * T(std::numbers::ln2)); }
};
BACKLIT_FORMULA(Log2)

struct Log10 : Unary {
  static constexpr const char* name = "log10";
  static constexpr const char* signature = "log10(Tensor input)";
  static constexpr const char* meaning = "Logarithm to base 10 of each element.";
  static constexpr const char* formula = "y = log₁₀ x";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{0.1, 4}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return log10(x); }
  template <class T> static T local(T x, T) { return 1 / (x * T(std::numbers::ln10)); }
};
BACKLIT_FORMULA(Log10)

struct Log1p : Unary {
  static constexpr const char* name = "log1p";
  static constexpr const char* aliases = "special.log1p";
  static constexpr const char* signature = "log1p(Tensor input)";
  static constexpr const char* meaning = "Natural logarithm of 1 + x, accurate near 0.";
  static constexpr const char* formula = "y = ln(1 + x)";
  static constexpr const char* node = "Log1PBackward0";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{-0.9, 3}};
  static constexpr bool complex = true;
  template <class T> static T value(T x) { return log1p(x); }
  template <class T> static T local(T x, T) { return 1 / (x + 1); }
};
BACKLIT_FORMULA(Log1p)

struct Logaddexp : Binary {
  static constexpr const char* name = "logaddexp";
  static constexpr const char* signature = "logaddexp(Tensor input, Tensor other)";
  static constexpr const char* meaning =
      "Logarithm of the sum of the exponentials, without overflow.";
  static constexpr const char* formula = "y = ln(eᵃ + eᵇ)";
  static constexpr bool inplace = false;
  template <class T> static T value(T a, T b) { return logaddexp(a, b); }
  template <class T> static T local_a(T a, T b, T) { return 1 / (1 + exp(b - a)); }
  template <class T> static T local_b(T a, T b, T) { return 1 / (1 + exp(a - b)); }
};
BACKLIT_FORMULA(Logaddexp)

struct Logaddexp2 : Binary {
  static constexpr const char* name = "logaddexp2";
  static constexpr const char* signature = "logaddexp2(Tensor input, Tensor other)";
  static constexpr const char* meaning =
      "Logarithm of the sum of the powers of two, without overflow.";
  static constexpr const char* formula = "y = log₂(2ᵃ + 2ᵇ)";
  static constexpr bool inplace = false;
  template <class T> static T value(T a, T b) {
    const T larger = maximum(a, b);
    const T gap = abs(a - b);
    return where(a == b, a + 1, larger + log1p(exp2(-gap)) * T(std::numbers::log2e));
  }
  template <class T> static T local_a(T a, T b, T) { return 1 / (1 + exp2(b - a)); }
  template <class T> static T local_b(T a, T b, T) { return 1 / (1 + exp2(a - b)); }
};
BACKLIT_FORMULA(Logaddexp2)

// The value is 0 where a is 0, whatever the logarithm, except where b is nan.
struct Xlogy : Binary {
  static constexpr const char* name = "xlogy";
  static constexpr const char* aliases = "special.xlogy";
  static constexpr const char* signature = "xlogy(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning = "a times the logarithm of b, and 0 where a is 0.";
  static constexpr const char* formula = "y = a ln b";
  static constexpr const char* node = "XlogyBackward0";
  static constexpr const char* node_a_number = "XlogyBackward1";
  static constexpr const char* node_b_number = "XlogyBackward2";
  static constexpr bool inplace_function = true;
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{-3, 3}, {0.1, 4}};
  template <class T> static T value(T a, T b) {
    return where(b != b, b, where(a == 0, T(0), a * log(b)));
  }
  template <class T> static T local_a(T a, T b, T) {
    return where((a == 0) & (b <= 0), T(0), log(b));
  }
  template <class T> static T local_b(T a, T b, T) { return a / b; }
};
BACKLIT_FORMULA(Xlogy)

struct Xlog1py : Binary {
  static constexpr const char* name = "xlog1py";
  static constexpr const char* home = "special";
  static constexpr const char* signature = "xlog1py(Tensor|Number input, Tensor|Number other)";
  static constexpr const char* meaning = "a times the logarithm of 1 + b, and 0 where a is 0.";
  static constexpr const char* formula = "y = a ln(1 + b)";
  static constexpr const char* node_a_number = "SpecialXlog1PyBackward1";
  static constexpr const char* node_b_number = "SpecialXlog1PyBackward2";
  static constexpr const char* node = "SpecialXlog1PyBackward0";
  static constexpr Promote promote = Promote::ToFloat;
  static constexpr Domain domain[] = {{-3, 3}, {-0.9, 3}};
  static constexpr bool inplace = false;
  static constexpr bool method = false;
  template <class T> static T value(T a, T b) {
    return where(b != b, b, where(a == 0, T(0), a * log1p(b)));
  }
  template <class T> static T local_a(T a, T b, T) {
    return where((a == 0) & (b <= -1), T(0), log1p(b));
  }
  template <class T> static T local_b(T a, T b, T) { return a / (b + 1); }
};
BACKLIT_FORMULA(Xlog1py)

struct Ldexp : Binary {
  static constexpr const char* name = "ldexp";
  static constexpr const char* signature = "ldexp(Tensor input, Tensor other)";
  static constexpr const char* meaning = "a times two to the power of b.";
  static constexpr const char* formula = "y = a 2ᵇ";
  static constexpr bool inplace_function = true;
  static constexpr Promote promote = Promote::ToFloat;
  template <class T> static T value(T a, T b) { return a * exp2(b); }
  template <class T> static T local_a(T, T b, T) { return exp2(b); }
  template <class T> static T local_b(T, T, T y) { return y * T(std::numbers::ln2); }
};
BACKLIT_FORMULA(Ldexp)

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
