// What a formula is: one elementwise operation, its value and its local derivatives, written once
// and generic in the number type T. Instantiated with float it is a kernel, with Probe it tells
// what backward must save, with Symbol it explains itself.
//
// A formula is a struct derived from Unary, Binary or Ternary with
//   name, signature, meaning, formula      what the user reads
//   value(x, p...)                         or value(a, b, p...), value(a, b, c, p...)
//   local(x, y, p...)                      dy/dx; or local_a(a, b, y, p...), local_b, local_c
// where p... are its scalar parameters. Rules are branch-free so that every T can run them: `where`
// selects, `&` `|` `!` combine conditions, and no rule asks what T is. At a kink a rule gives what
// PyTorch gives. A bound is the first argument of maximum and minimum: of equals they return the
// second, so x keeps the sign of its zero (and GCC vectorises only that order).
#pragma once

#ifndef BACKLIT_ISA
#define BACKLIT_ISA generic
#endif

#include <cstdint>
#include <limits>
#include <numbers>
#include <type_traits>

#include "formulas/math.h"

// Each reading defines this before it includes formulas; the list of operations is the sequence of
// its expansions, and there is no other.
#ifndef BACKLIT_FORMULA
#define BACKLIT_FORMULA(Struct)
#endif

namespace backlit {

// The dtype of the result, given the common dtype of the inputs.
enum class Promote : std::uint8_t {
  Keep,      // the common dtype
  ToFloat,   // integers and bools become the default float dtype
  ToDouble,  // everything becomes float64
  ToBool,    // computed in the common dtype, the result is bool
};

enum class Rule : std::uint8_t {
  Derivative,
  NotDifferentiable,  // piecewise constant or discrete: backward never passes here
  NotImplemented,     // a derivative exists but nobody wrote it; `why` tells
};

// The dtypes that `value` accepts without conversion.
inline constexpr unsigned kWideFloats = 1, kIntegers = 2, kBools = 4, kSixteenBits = 8;
inline constexpr unsigned kFloats = kWideFloats | kSixteenBits;
inline constexpr unsigned kNumbers = kFloats | kIntegers, kAll = kNumbers | kBools;

// Where tests draw an input from, clear of poles.
struct Domain {
  double low, high;
};

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

inline namespace BACKLIT_ISA {
namespace math {

// What only formulas need of the scalar functions.

// Carries integer arithmetic in an unsigned type, where overflow wraps around instead of being
// undefined. Any other number is itself.
template <class T> constexpr auto wrapping(const T& x) {
  if constexpr (Integer<T>)
    return static_cast<Unsigned<T>>(x);
  else
    return x;
}

template <Floating T> BACKLIT_INLINE T trunc_divide(T a, T b) { return trunc(a / b); }

template <Floating T> inline T polygamma(T n, T x) {
  return polygamma(static_cast<std::int64_t>(n), x);
}

// Negative exponents truncate towards 0: only bases 1 and -1 leave anything.
template <Integer T> inline T pow(T base, T exponent) {
  if (signbit(exponent)) {
    const T sign = exponent % 2 == 0 ? T(1) : base;
    return base == T(1) || base == T(-1) ? sign : T(0);
  }
  auto power = wrapping(T(1));
  auto square = wrapping(base);
  for (auto e = wrapping(exponent); e != 0; e >>= 1) {
    power *= e % 2 != 0 ? square : 1;
    square *= square;
  }
  return static_cast<T>(power);
}

template <Integer T> inline T gcd(T a, T b) {
  auto m = wrapping(abs(a)), n = wrapping(abs(b));
  while (n != 0) {
    const auto rest = m % n;
    m = n;
    n = rest;
  }
  return static_cast<T>(m);
}
template <Integer T> inline T lcm(T a, T b) {
  const T divisor = maximum(gcd(a, b), T(1));
  const auto product = wrapping(static_cast<T>(a / divisor)) * wrapping(b);
  return static_cast<T>(abs(static_cast<std::make_signed_t<Unsigned<T>>>(product)));
}

// Shifting by a negative amount, or by all bits and more, leaves 0 (-1 for a negative number
// shifted right).
template <Integer T> BACKLIT_INLINE T left_shift(T a, T b) {
  const bool out = signbit(b) || b >= T(8 * sizeof(T));
  return out ? T(0) : static_cast<T>(wrapping(a) << (out ? T(0) : b));
}
template <Integer T> BACKLIT_INLINE T right_shift(T a, T b) {
  constexpr T last = T(8 * sizeof(T) - 1);
  const bool out = signbit(b) || b > last;
  const T shifted = static_cast<T>(a >> (out ? last : b));
  return out && !SignedInteger<T> ? T(0) : shifted;
}

template <Integer T> BACKLIT_INLINE T complement(T x) {
  if constexpr (std::is_same_v<T, bool>)
    return !x;
  else
    return static_cast<T>(~x);
}

}  // namespace math

namespace formulas {
using namespace math;

struct Formula {
  static constexpr const char* home =
      "torch";  // "torch", "nn", "special", or "internal" (not public)
  static constexpr const char* aliases = "";  // further public names, separated by spaces
  static constexpr const char* node = "";  // grad_fn's name; "" is the struct's name + "Backward0"
  static constexpr const char* node_a_number = "";  // the same where that input is a number
  static constexpr const char* node_b_number = "";
  static constexpr const char* why = "";         // the reason for Rule::NotImplemented
  static constexpr const char* bool_error = "";  // PyTorch's own words when it refuses bool inputs

  static constexpr int params = 0;
  static constexpr Promote promote = Promote::Keep;
  static constexpr unsigned kinds = kFloats;
  static constexpr Domain domain[3] = {{-3, 3}, {-3, 3}, {-3, 3}};

  static constexpr bool inplace = true;            // has name_()
  static constexpr bool inplace_function = false;  // torch.name_ exists, not only Tensor.name_
  static constexpr bool method = true;             // is a Tensor method

  static constexpr Rule rule = Rule::Derivative;    // of the whole formula
  static constexpr Rule a_rule = Rule::Derivative;  // of one input, where `rule` is Derivative
  static constexpr Rule b_rule = Rule::Derivative;
  static constexpr Rule c_rule = Rule::Derivative;

  // A local derivative of 0 stops the gradient even if that is inf or nan (0 * inf would be nan).
  static constexpr bool masks = false;
  // Also a formula of complex numbers, of which its derivative is that of an analytic function.
  static constexpr bool complex = false;
  // Sines and cosines of its input: tiles of bounded numbers take a short way (math_trig.h).
  static constexpr bool trigonometric = false;
  // Integer division: the engine refuses a zero divisor ("ZeroDivisionError").
  static constexpr bool checks_zero_divisor = false;
};

struct Unary : Formula {
  static constexpr int arity = 1;
  static constexpr bool inplace_function = true;
};
struct Binary : Formula {
  static constexpr int arity = 2;
};
struct Ternary : Formula {
  static constexpr int arity = 3;
};

// Formulas that are piecewise constant and yet, as in PyTorch, carry a gradient: zero.
template <class Base> struct Constant : Base {
  static constexpr bool masks = true;
  template <class T, class... P> static T local(T, T, P...) { return T(0); }
  template <class T, class... P> static T local_a(T, T, T, P...) { return T(0); }
  template <class T, class... P> static T local_b(T, T, T, P...) { return T(0); }
};

}  // namespace formulas
}  // namespace BACKLIT_ISA
}  // namespace backlit
