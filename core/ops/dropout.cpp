#include "ops/dropout.h"

#include "kernels/random_fill.h"
#include "ops/arithmetic.h"
#include "ops/tile_run.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// 0 with probability p, else 1 / (1 - p), in the memory order of x: PyTorch's numbers.
Tensor scaled_mask(const Tensor& x, double p) {
  const Layout* like[] = {&x.layout()};
  Tensor mask = Tensor::empty(result_layout(x.sizes(), like), x.dtype());
  fill_bernoulli(mask.dtype(), mask.raw(), mask.numel(), 1 - p, default_generator());
  const auto scale = [&](auto zero) {
    using T = decltype(zero);
    const T factor = T(1) / static_cast<T>(1 - p);
    T* m = mask.data<T>();
    for (std::int64_t i = 0; i < mask.numel(); ++i) m[i] *= factor;
  };
  if (x.dtype() == Dtype::Float32)
    scale(float{});
  else
    scale(double{});
  return mask;
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training) {
  BACKLIT_CHECK(p >= 0 && p <= 1, Runtime,
                "dropout probability has to be between 0 and 1, but got ", p);
  if (p == 0 || !training || x.numel() == 0) return x;
  if (p == 1) return mul(x, Tensor::zeros({}, x.dtype()));
  BACKLIT_CHECK(x.is_floating(), Runtime,
                "result type Float can't be cast to the desired output type ",
                info(x.dtype()).scalar_name, ". Convert the input to a floating dtype.");
  return mul(x, scaled_mask(x, p));
}

namespace {

constexpr RowOptions kDropout{
    .meaning = "Each element is 0 with probability p, else divided by 1 - p.",
    .formula = "y = x ∘ m / (1 − p), m ~ Bernoulli(1 − p)",
    .gradient = "∂L/∂x = ∂L/∂y ∘ m / (1 − p)",
    .method = false,
    .draws = true};
constexpr RowOptions in_nn(RowOptions o) {
  o.home = "nn";
  return o;
}
const Register dropout_row("dropout(Tensor input, float p, bool train) -> Tensor", dropout,
                           kDropout);
const Register nn_dropout_row("dropout(Tensor input, float p=0.5, bool training=True) -> Tensor",
                              dropout, in_nn(kDropout));

}  // namespace
}  // namespace backlit::ops
