// Dropout.
#include "kernels/random_fill.h"
#include "ops/arithmetic.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

Tensor dropout_op(const Tensor& x, double p, bool training) {
  BACKLIT_CHECK(p >= 0 && p <= 1, Runtime, "dropout probability has to be between 0 and 1, but got ", p);
  if (p == 0 || !training || x.numel() == 0) return x;
  if (p == 1) return mul(x, Tensor::zeros({}, x.dtype()));
  BACKLIT_CHECK(x.is_floating(), Runtime, "result type Float can't be cast to the desired output type ",
                info(x.dtype()).scalar_name);
  Tensor mask = Tensor::empty(x.sizes(), x.dtype());
  fill_bernoulli(x.dtype(), mask.raw(), mask.numel(), 1 - p, default_generator());
  if (x.dtype() == Dtype::Float32) {
    const auto keep = static_cast<float>(1 - p);
    for (std::int64_t i = 0; i < mask.numel(); ++i) mask.data<float>()[i] /= keep;
  } else {
    for (std::int64_t i = 0; i < mask.numel(); ++i) mask.data<double>()[i] /= 1 - p;
  }
  return mul(x, mask);
}
const Register dropout_row("dropout(Tensor input, float p=0.5, bool training=True) -> Tensor", dropout_op,
                           {.meaning = "Each element is 0 with probability p, else divided by 1 - p.",
                            .formula = "y = x ∘ m / (1 − p), m ~ Bernoulli(1 − p)",
                            .gradient = "∂L/∂x = ∂L/∂y ∘ m / (1 − p)",
                            .home = "nn",
                            .method = false});

}  // namespace
}  // namespace backlit::ops
