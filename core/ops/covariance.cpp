// Covariance and correlation of variables, one per row.
#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "ops/complex.h"
#include "ops/pointwise.h"
#include "ops/products.h"
#include "ops/recorded.h"
#include "ops/reductions.h"
#include "ops/reductions_plan.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

void check_rows(const char* name, const Tensor& x) {
  BACKLIT_CHECK(x.dim() <= 2, Runtime, name,
                "(): expected input to have two or fewer dimensions but got an input with ",
                x.dim(), " dimensions");
}

void check_weights(const char* name, const Tensor& w, bool floating, i64 observations) {
  BACKLIT_CHECK(w.dim() <= 1, Runtime, "cov(): expected ", name,
                " to have one or fewer dimensions but got ", name, " with ", w.dim(),
                " dimensions");
  BACKLIT_CHECK(w.is_floating() == floating && w.dtype() != Dtype::Bool, Runtime,
                "cov(): expected ", name, " to have ", floating ? "floating point" : "integral",
                " dtype but got ", name, " with ", info(w.dtype()).scalar_name, " dtype");
  BACKLIT_CHECK(w.numel() == observations, Runtime, "cov(): expected ", name,
                " to have the same numel as there are observations in the input but got ",
                w.numel(), " != ", observations);
  const Tensor negative = apply<formulas::Lt>(detach(w), Tensor::scalar(0, w.dtype()));
  BACKLIT_CHECK(reduce_all(Reduction::Any, negative).item() == 0, Runtime, "cov(): ", name,
                " cannot be negative");
}

// The product of the weights that are given; undefined without any.
Tensor joint_weights(const Tensor& fweights, const Tensor& aweights, i64 observations) {
  if (fweights.defined()) check_weights("fweights", fweights, false, observations);
  if (aweights.defined()) check_weights("aweights", aweights, true, observations);
  if (fweights.defined() && aweights.defined()) return mul(fweights, aweights);
  return fweights.defined() ? fweights : aweights;
}

Tensor cov(const Tensor& input, i64 correction, const Tensor& fweights, const Tensor& aweights) {
  check_rows("cov", input);
  BACKLIT_CHECK(input.dtype() != Dtype::Bool, Runtime,
                "cov(): bool dtype is not supported for input");
  const Tensor x = input.dim() < 2 ? reshape(input, Dims{1, input.numel()}) : input;
  const i64 observations = x.size(1);
  const Tensor w = joint_weights(fweights, aweights, observations);
  const Tensor total =
      w.defined() ? sum(w) : Tensor::scalar(static_cast<double>(observations), Dtype::Int64);
  BACKLIT_CHECK(!w.defined() || total.item() != 0, Runtime,
                "cov(): weights sum to zero, can't be normalized");
  const auto weighted = [&](const Tensor& t) { return w.defined() ? mul(t, w) : t; };
  const Tensor mean = div(sum(weighted(x), Dims{1}, true), total);
  const Scalar by(correction);
  Tensor norm = aweights.defined() && correction != 0
                    ? sub(total, div(mul(sum(mul(w, aweights)), by), total))
                    : sub(total, by);
  if (norm.item() <= 0) {
    if (PyErr_WarnEx(PyExc_UserWarning,
                     "cov(): degrees of freedom is <= 0. Correction should be strictly less than "
                     "the number of observations.",
                     1) < 0)
      throw PythonErrorSet();
    norm = Tensor::zeros({}, norm.dtype());
  }
  const Tensor centered = sub(x, mean);
  return squeeze(div(mm(centered, conj_transpose(weighted(centered), 0, 1)), norm));
}
const RegisterComplex cov_row(
    "cov(Tensor input, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> "
    "Tensor",
    cov,
    {.meaning = "Covariances of variables: one per row, one observation per column.",
     .formula = "Cᵢⱼ = Σₖ wₖ (xᵢₖ − μᵢ)(xⱼₖ − μⱼ)* / (Σ w − correction)",
     .gradient = "of the sums and products it is made of"});

Tensor corrcoef(const Tensor& x) {
  check_rows("corrcoef", x);
  const Tensor c = cov(x, 1, Tensor(), Tensor());
  if (c.dim() == 0) return div(c, c);
  const Tensor deviation = pow(real(diagonal(c, 0, 0, 1)), Scalar(0.5));
  const Tensor y = div(div(c, unsqueeze(deviation, 1)), unsqueeze(deviation, 0));
  return by_parts(y, [](const Tensor& part) {
    return run(Choice(formula<formulas::Clamp>(), part).with(-1.0, 1.0));
  });
}
const RegisterComplex corrcoef_row(
    "corrcoef(Tensor input) -> Tensor", corrcoef,
    {.meaning = "Correlation coefficients of variables, one per row.",
     .formula = "Rᵢⱼ = Cᵢⱼ / √(Cᵢᵢ Cⱼⱼ), within [−1, 1]",
     .gradient = "of the sums and products it is made of"});

}  // namespace
}  // namespace backlit::ops
