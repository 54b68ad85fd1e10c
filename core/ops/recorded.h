// Recorded: the reading of formulas as recorded operations, so that gradients have gradients. It is
// a tensor or a number; conditions are bool tensors.
#pragma once

#include "formulas/formula.h"
#include "formulas/functions.h"
#include "ops/elementwise.h"

namespace backlit {

class Recorded {
 public:
  Recorded() = default;
  Recorded(double number) : number_(number) {}
  explicit Recorded(Tensor t) : tensor_(std::move(t)) {}
  bool is_number() const { return !tensor_.defined(); }
  double number() const { return number_; }
  const Tensor& tensor() const { return tensor_; }
  Operand operand() const { return is_number() ? Operand(Scalar(number_)) : Operand(tensor_); }

 private:
  Tensor tensor_;
  double number_ = 0;
};

// The formula of that name; throws std::logic_error where there is none.
const ElementwiseOp& formula_named(const char* name);

// The dtype of the rule that runs now: numbers selected by a condition take it.
extern Dtype recorded_dtype;

inline Recorded run_recorded(const ElementwiseOp& op, const Recorded& x) {
  const Operand in[] = {x.operand()};
  return Recorded(elementwise(op, in));
}
inline Recorded run_recorded(const ElementwiseOp& op, const Recorded& a, const Recorded& b) {
  const Operand in[] = {a.operand(), b.operand()};
  return Recorded(elementwise(op, in));
}

Recorded where(const Recorded& condition, const Recorded& a, const Recorded& b);

#define BACKLIT_RECORDED_OPERATOR(op, name)                                                   \
  inline Recorded operator op(const Recorded& a, const Recorded& b) {                         \
    if (a.is_number() && b.is_number()) return static_cast<double>(a.number() op b.number()); \
    static const ElementwiseOp& formula = formula_named(name);                                \
    return run_recorded(formula, a, b);                                                       \
  }
BACKLIT_RECORDED_OPERATOR(+, "add")
BACKLIT_RECORDED_OPERATOR(-, "sub")
BACKLIT_RECORDED_OPERATOR(*, "mul")
BACKLIT_RECORDED_OPERATOR(/, "div")
BACKLIT_RECORDED_OPERATOR(<, "lt")
BACKLIT_RECORDED_OPERATOR(<=, "le")
BACKLIT_RECORDED_OPERATOR(>, "gt")
BACKLIT_RECORDED_OPERATOR(==, "eq")
BACKLIT_RECORDED_OPERATOR(!=, "ne")
#undef BACKLIT_RECORDED_OPERATOR

// Of the real parts, as in formulas/math_complex.h.
Recorded operator>=(const Recorded& a, const Recorded& b);

// Conditions only: both sides are bool tensors, or numbers that are 0 or 1.
#define BACKLIT_RECORDED_LOGIC(op, name)                                 \
  inline Recorded operator op(const Recorded& a, const Recorded& b) {    \
    if (a.is_number() && b.is_number())                                  \
      return static_cast<double>((a.number() != 0) op(b.number() != 0)); \
    static const ElementwiseOp& formula = formula_named(name);           \
    return run_recorded(formula, a, b);                                  \
  }
BACKLIT_RECORDED_LOGIC(&, "logical_and")
BACKLIT_RECORDED_LOGIC(|, "logical_or")
BACKLIT_RECORDED_LOGIC(^, "logical_xor")
#undef BACKLIT_RECORDED_LOGIC

inline Recorded operator-(const Recorded& x) {
  if (x.is_number()) return -x.number();
  static const ElementwiseOp& formula = formula_named("neg");
  return run_recorded(formula, x);
}
inline Recorded operator!(const Recorded& x) {
  if (x.is_number()) return static_cast<double>(x.number() == 0);
  static const ElementwiseOp& formula = formula_named("logical_not");
  return run_recorded(formula, x);
}

// Functions of integers have no reading for numbers, and no rule asks for one.
#define BACKLIT_RECORDED_ONE(f)                                                         \
  inline Recorded f(const Recorded& x) {                                                \
    if (x.is_number())                                                                  \
      return [](auto d) -> double {                                                     \
        if constexpr (requires { math::f(d); }) return static_cast<double>(math::f(d)); \
        fail(ErrorKind::NotImplemented, #f " of a number");                             \
      }(x.number());                                                                    \
    static const ElementwiseOp& formula = formula_named(#f);                            \
    return run_recorded(formula, x);                                                    \
  }
#define BACKLIT_RECORDED_TWO(f)                                                               \
  inline Recorded f(const Recorded& a, const Recorded& b) {                                   \
    if (a.is_number() && b.is_number())                                                       \
      return [](auto u, auto v) -> double {                                                   \
        if constexpr (requires { math::f(u, v); }) return static_cast<double>(math::f(u, v)); \
        fail(ErrorKind::NotImplemented, #f " of numbers");                                    \
      }(a.number(), b.number());                                                              \
    static const ElementwiseOp& formula = formula_named(#f);                                  \
    return run_recorded(formula, a, b);                                                       \
  }
BACKLIT_FUNCTIONS_OF_ONE(BACKLIT_RECORDED_ONE)
BACKLIT_PLAIN_FUNCTIONS_OF_TWO(BACKLIT_RECORDED_TWO)

// Quotients rounded to integers: the formulas that carry a gradient (0), as in PyTorch.
inline Recorded recorded_quotient(const char* name, const Recorded& a, const Recorded& b) {
  return run_recorded(formula_named(name), a, b);
}
inline Recorded floor_divide(const Recorded& a, const Recorded& b) {
  return recorded_quotient("div_floor", a, b);
}
inline Recorded trunc_divide(const Recorded& a, const Recorded& b) {
  return recorded_quotient("div_trunc", a, b);
}
// n is a parameter of the formula, not an input.
inline Recorded polygamma(const Recorded& n, const Recorded& x) {
  const double params[] = {n.number(), 1, 1, 1};
  const Operand in[] = {x.operand()};
  return Recorded(elementwise(formula_named("polygamma"), in, params));
}
#undef BACKLIT_RECORDED_ONE
#undef BACKLIT_RECORDED_TWO

}  // namespace backlit
