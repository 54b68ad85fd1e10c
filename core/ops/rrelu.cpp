// rrelu: a leaky relu whose slope is random, as PyTorch's CPU kernel draws it.
#include <vector>

#include "graph/inplace.h"
#include "kernels/random_fill.h"
#include "ops/arithmetic.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// What x is multiplied by: 1 where x > 0, else a slope: in training one number in double precision
// for each such element, in order.
Tensor slopes(const Tensor& x, const Scalar& lower, const Scalar& upper, bool training,
              Generator* generator) {
  BACKLIT_CHECK(lower.d <= upper.d, Runtime,
                "Lower bound should be less than or equal to the upper bound");
  BACKLIT_CHECK(x.is_floating(), NotImplemented, "\"",
                training ? "rrelu_with_noise_out_cpu" : "leaky_relu_cpu",
                "\" not implemented for '", info(x.dtype()).scalar_name, "'");
  const Tensor from = contiguous(x);
  Tensor y = Tensor::empty(x.sizes(), x.dtype());
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* p = from.data<T>();
    std::vector<std::int64_t> places;
    for (std::int64_t i = 0; i < y.numel(); ++i) {
      y.data<T>()[i] = T(1);
      if (p[i] <= T(0)) places.push_back(i);
    }
    std::vector<double> drawn(places.size(), (lower.d + upper.d) / 2);
    if (training)
      fill_uniform(drawn.data(), static_cast<std::int64_t>(drawn.size()), lower.d, upper.d,
                   *generator);
    for (std::size_t k = 0; k < places.size(); ++k)
      y.data<T>()[places[k]] = static_cast<T>(drawn[k]);
  });
  return y;
}

void rule(Vjp& v) { v.set(0, mul(v.g(), v.saved(0))); }

Tensor rrelu_op(const Tensor& x, const Scalar& lower, const Scalar& upper, bool training,
                Generator* generator) {
  const Tensor from = detach(x), slope = slopes(from, lower, upper, training, generator);
  return record("RreluWithNoiseBackward0", mul(from, slope), {x}, {slope}, rule);
}
Tensor rrelu_in_place_op(const Tensor& x, const Scalar& lower, const Scalar& upper, bool training,
                         Generator* generator) {
  const Tensor from = detach(x), slope = slopes(from, lower, upper, training, generator);
  const Tensor y = mul(from, slope);
  return record_in_place(
      "RreluWithNoiseBackward1", x, {x}, {slope}, [&] { copy_in_place(x, y); }, rule);
}
constexpr RowOptions kRrelu{.meaning =
                                "A leaky relu whose slope is drawn from [lower, upper] in "
                                "training, and is their mean otherwise.",
                            .formula = "y = x where x > 0, else a x",
                            .gradient = "∂L/∂x = ∂L/∂y where x > 0, else a ∂L/∂y",
                            .method = false};
const Register rrelu_row(
    "rrelu(Tensor input, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, "
    "Generator? generator=None) -> Tensor",
    rrelu_op, kRrelu);
const Register rrelu_in_place_row(
    "rrelu_(Tensor input, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool "
    "training=False, Generator? generator=None) -> Tensor",
    rrelu_in_place_op, kRrelu);

}  // namespace
}  // namespace backlit::ops
