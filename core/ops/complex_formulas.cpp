// What formulas that compare, or take absolute values, mean for complex numbers.
#include "formulas/activation.h"
#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/exponential.h"
#include "formulas/loss.h"
#include "formulas/trigonometric.h"
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/recorded.h"

namespace backlit {

Recorded operator>=(const Recorded& a, const Recorded& b) {
  if (a.is_number() && b.is_number()) return static_cast<double>(a.number() >= b.number());
  const auto ordered = [](const Recorded& x) {
    return x.is_number() ? x : Recorded(ops::real(x.tensor()));
  };
  static const ElementwiseOp& formula = formula_named("ge");
  return run_recorded(formula, ordered(a), ordered(b));
}

namespace ops {
namespace {

using namespace formulas;

Tensor softsign(const Tensor& z) { return div(z, add(apply<Abs>(z), Scalar(1))); }

Tensor sinc(const Tensor& z) {
  const Tensor origin = apply<Eq>(z, Scalar(0));
  const Tensor angle = where(origin, Scalar(1.0), mul(z, Scalar(std::numbers::pi)));
  return where(origin, Scalar(1.0), div(apply<Sin>(angle), angle));
}

// The number with the larger real part comes first.
Tensor logaddexp(const Tensor& a, const Tensor& b) {
  const Tensor ordered = apply<Ge>(real(a), real(b));
  const Tensor high = where(ordered, a, b), low = where(ordered, b, a);
  return add(high, apply<Log1p>(apply<Exp>(sub(low, high))));
}

Tensor lerp(const Operand& a, const Operand& b, const Operand& weight) {
  return add(a, mul(weight, sub(b, a)));
}
Tensor ldexp(const Operand& a, const Operand& b) { return mul(a, apply<Exp2>(b)); }

Tensor tensor_of(const Operand& x) { return Tensor::borrow(x.t); }

const bool on_complex_set = [] {
  RecordOf<Softsign>::op.on_complex = [](auto in) { return softsign(tensor_of(in[0])); };
  RecordOf<Sinc>::op.on_complex = [](auto in) { return sinc(tensor_of(in[0])); };
  RecordOf<Logaddexp>::op.on_complex = [](auto in) {
    return logaddexp(tensor_of(in[0]), tensor_of(in[1]));
  };
  RecordOf<L1Elementwise>::op.on_complex = [](auto in) { return apply<Abs>(sub(in[0], in[1])); };
  RecordOf<Lerp>::op.on_complex = [](auto in) { return lerp(in[0], in[1], in[2]); };
  RecordOf<Ldexp>::op.on_complex = [](auto in) { return ldexp(in[0], in[1]); };
  return true;
}();

}  // namespace
}  // namespace ops
}  // namespace backlit
