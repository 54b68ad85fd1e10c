#include "ops/closeness.h"

#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/logic.h"
#include "ops/arithmetic.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {

using namespace formulas;

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  BACKLIT_CHECK(a.dtype() == b.dtype(), Runtime, info(a.dtype()).scalar_name, " did not match ",
                info(b.dtype()).scalar_name);
  BACKLIT_CHECK(rtol >= 0, Runtime, "rtol must be greater than or equal to zero, but got ", rtol);
  BACKLIT_CHECK(atol >= 0, Runtime, "atol must be greater than or equal to zero, but got ", atol);
  const Tensor x = detach(a), y = detach(b);
  Tensor close = apply<Eq>(x, y);
  if (equal_nan && x.is_differentiable())
    close = apply<LogicalOr>(close, apply<LogicalAnd>(apply<Isnan>(x), apply<Isnan>(y)));
  if (rtol == 0 && atol == 0) return close;
  const Dtype wide = x.is_differentiable() ? x.dtype() : default_dtype();
  const Tensor p = to_dtype(x, wide), q = to_dtype(y, wide);
  const Tensor allowed = add(Scalar(atol), apply<Abs>(mul(q, Scalar(rtol))));
  const Tensor distance = apply<Abs>(sub(p, q));
  const Tensor near = apply<LogicalAnd>(apply<Isfinite>(distance), apply<Le>(distance, allowed));
  return apply<LogicalOr>(close, near);
}
bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return all_nonzero(isclose(a, b, rtol, atol, equal_nan));
}

namespace {

bool equal(const Tensor& a, const Tensor& b) {
  if (!a.layout().same_sizes(b.layout())) return false;
  return all_nonzero(apply<Eq>(detach(a), detach(b)));
}
const RegisterComplex isclose_row(
    "isclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) "
    "-> Tensor",
    isclose,
    {.meaning = "Whether two elements differ by at most atol plus rtol times the second.",
     .formula = "y = |a - b| ≤ atol + rtol |b|"});
const RegisterComplex allclose_row(
    "allclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool "
    "equal_nan=False) -> bool",
    allclose,
    {.meaning = "Whether all elements are close.", .formula = "∀ |a - b| ≤ atol + rtol |b|"});
const RegisterComplex equal_row("equal(Tensor input, Tensor other) -> bool", equal,
                                {.meaning = "Whether two tensors have the same size and elements.",
                                 .formula = "∀ a = b"});

}  // namespace
}  // namespace backlit::ops
