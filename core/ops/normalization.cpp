// Layer normalisation.
#include "formulas/power.h"
#include "ops/arithmetic.h"
#include "ops/recorded.h"
#include "ops/reductions.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

Tensor layer_norm_op(const Tensor& x, const Dims& shape, const Tensor& weight, const Tensor& bias, double eps) {
  BACKLIT_CHECK(!shape.empty(), Runtime,
                "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
                "element, but got normalized_shape = []");
  Dims dims;
  for (int d = 0; d < shape.size(); ++d) dims.push_back(d - shape.size());
  const Tensor centred = sub(x, mean(x, dims, true));
  const Tensor variance = mean(mul(centred, centred), dims, true);
  Tensor y = mul(centred, pow(add(variance, Scalar(eps)), Scalar(-0.5)));
  if (weight.defined()) y = mul(y, weight);
  if (bias.defined()) y = add(y, bias);
  return y;
}
const Register layer_norm_row(
    "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, "
    "float eps=1e-05) -> Tensor",
    layer_norm_op,
    {.meaning = "The last dimensions brought to mean 0 and variance 1, then scaled and shifted.",
     .formula = "y = (x − mean) / √(var + eps) ∘ w + b",
     .gradient = "∂L/∂x = (h − mean(h) − x̂ mean(h ∘ x̂)) / √(var + eps), h = w ∘ ∂L/∂y",
     .home = "nn"});

}  // namespace
}  // namespace backlit::ops
