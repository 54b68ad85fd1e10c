// Public forms of elementwise operations that choose their formula by their arguments.
//
// A front is a function from arguments to a Choice; RegisterFront makes its rows: name(..., *,
// out=None) and name_(...).
#pragma once

#include <string>

#include "formulas/formula.h"
#include "ops/arithmetic.h"
#include "registry/registry.h"

namespace backlit::ops {

// A formula with its operands. Operands are borrowed; `keep` holds the ones made on the way.
struct Choice {
  const ElementwiseOp* op;
  int n;
  Operand in[kMaxArity];
  double params[kMaxParams];
  Tensor keep[2];
  TensorObject* self = in[0].t;  // what the in-place form writes to

  Choice(const ElementwiseOp& formula, const Operand& a)
      : op(&formula), n(1), in{a, Scalar(0), Scalar(0)}, params{1, 1, 1, 1} {}
  Choice(const ElementwiseOp& formula, const Operand& a, const Operand& b)
      : op(&formula), n(2), in{a, b, Scalar(0)}, params{1, 1, 1, 1} {}
  Choice(const ElementwiseOp& formula, const Operand& a, const Operand& b, const Operand& c)
      : op(&formula), n(3), in{a, b, c}, params{1, 1, 1, 1} {}

  template <class... P> Choice&& with(P... p) && {
    std::size_t k = 0;
    ((params[k++] = p), ...);
    return std::move(*this);
  }
  // Operand i converted to that dtype; recorded.
  void convert(int i, Dtype dtype) {
    if (!in[i].t || in[i].t->dtype == dtype) return;
    keep[i] = to_dtype(Tensor::borrow(in[i].t), dtype);
    in[i] = Operand(keep[i]);
  }
  std::span<const Operand> operands() const { return {in, static_cast<std::size_t>(n)}; }
};

inline Tensor run(const Choice& c) { return elementwise(*c.op, c.operands(), c.params); }
Tensor run_into_out(const char* name, const Choice& c, const Tensor& out);
Tensor run_in_place(const Choice& c);

// Base and exponent, either of them a number.
Choice choose_power(const Operand& base, const Operand& exponent);

template <class F> const ElementwiseOp& formula() { return RecordOf<F>::op; }

// A formula that also takes two numbers, of which the first becomes a tensor.
Choice of_numbers(const ElementwiseOp& formula, const Operand& a, const Operand& b);
// Throws TypeError when there is no tensor among the operands.
void need_tensor(const char* name, const Operand& a, const Operand& b);
// A number as a parameter of a computation in `dtype`; throws where it does not fit.
double parameter(const Scalar& s, Dtype dtype);

template <auto F, class S = decltype(F)> struct Front;
template <auto F, class... A> struct Front<F, Choice (*)(A...)> {
  static inline const char* name = "";
  static Tensor plain(A... a, Tensor out) { return run_into_out(name, F(std::move(a)...), out); }
  static Tensor in_place(A... a) { return run_in_place(F(std::move(a)...)); }
};

enum class InPlace { None, Method, Function };

std::string with_out(const std::string& signature);
std::string with_underscore(const std::string& signature);

template <auto F> struct RegisterFront {
  // `signature` without out and without the type of the result.
  RegisterFront(const char* signature, RowOptions options, InPlace in_place = InPlace::Method) {
    options.dtypes = Dtypes::Any;
    Register(with_out(signature).c_str(), &Front<F>::plain, options);
    Front<F>::name = registry_rows().back()->name.c_str();
    if (in_place == InPlace::None) return;
    options.function = in_place == InPlace::Function;
    options.example = "";
    Register(with_underscore(signature).c_str(), &Front<F>::in_place, options);
  }
};

}  // namespace backlit::ops
