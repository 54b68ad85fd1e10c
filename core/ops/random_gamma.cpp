// Samples of gamma, Dirichlet and binomial distributions. The first two differentiate with respect
// to their parameters, each sample keeping its quantile.
#include "kernels/random_gamma.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/threads.h"
#include "graph/node.h"
#include "ops/arithmetic.h"
#include "ops/floats.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kChunk = 64;  // a slope takes about a microsecond

// y[i] = f(inputs[i]...) over broadcast inputs of x's dtype, in parallel if nothing is drawn.
template <class F, class... Inputs>
Tensor map(const char* kernel, bool draws, F f, const Tensor& x, const Inputs&... others) {
  Dims sizes(x.sizes());
  ((sizes = broadcast_sizes(sizes, others.sizes())), ...);
  const auto dense = [&](const Tensor& t) {
    BACKLIT_CHECK(t.dtype() == x.dtype(), Runtime, "Found dtype ", info(t.dtype()).name,
                  " but expected ", info(x.dtype()).name);
    return contiguous(expand(detach(t), sizes));
  };
  Tensor y = Tensor::empty(sizes, x.dtype());
  visit_floats(x.dtype(), kernel, [&](auto zero) {
    using T = decltype(zero);
    const auto run = [&f, to = y.data<T>()](i64 begin, i64 end, const auto*... from) {
      for (i64 i = begin; i < end; ++i) to[i] = static_cast<T>(f(from[i]...));
    };
    const auto all = [&](const auto&... held) {
      if (draws) return run(0, y.numel(), held.template data<T>()...);
      GilRelease released(y.numel() > kChunk);
      parallel_for(y.numel(), kChunk, [&](i64 a, i64 b) { run(a, b, held.template data<T>()...); });
    };
    all(dense(x), dense(others)...);
  });
  return y;
}

[[noreturn]] void no_rule(const char* name) {
  fail(ErrorKind::NotImplemented, "the derivative for '", name, "' is not implemented.");
}

Tensor gamma_grad_op(const Tensor& x, const Tensor& output) {
  return record("StandardGammaGradBackward0",
                map("_standard_gamma_grad_cpu", false, gamma_sample_slope, x, output), {x, output},
                {}, [](Vjp&) { no_rule("_standard_gamma_grad"); });
}
const Register gamma_grad_row(
    "_standard_gamma_grad(Tensor input, Tensor output) -> Tensor", gamma_grad_op,
    {.meaning = "How samples of a gamma distribution move with its shape, each at its quantile.",
     .formula = "dy/dx = -(∂F(y; x)/∂x) / f(y; x)",
     .method = false});

// Never 0, where the density may be infinite.
Tensor standard_gamma_op(const Tensor& x, Generator* generator) {
  const double least = x.dtype() == Dtype::Float64 ? std::numeric_limits<double>::min()
                                                   : double{std::numeric_limits<float>::min()};
  const Tensor y = map(
      "gamma_cpu", true,
      [=](auto shape) { return std::max(least, sample_gamma(shape, *generator)); }, x);
  return record("StandardGammaBackward0", y, {x}, {x, y},
                [](Vjp& v) { v.set(0, mul(v.g(), gamma_grad_op(v.saved(0), v.saved(1)))); });
}
const Register standard_gamma_row(
    "_standard_gamma(Tensor input, Generator? generator=None) -> Tensor", standard_gamma_op,
    {.meaning = "Samples of gamma distributions of rate 1 whose shapes input holds.",
     .gradient = "∂L/∂x = ∂L/∂y dy/dx at the same quantile",
     .method = false});

Tensor dirichlet_grad_op(const Tensor& x, const Tensor& alpha, const Tensor& total) {
  const auto slope = [](double y, double a, double sum) {
    return beta_sample_slope(y, a, sum - a);
  };
  return record("DirichletGradBackward0", map("_dirichlet_grad_cpu", false, slope, x, alpha, total),
                {x, alpha, total}, {}, [](Vjp&) { no_rule("_dirichlet_grad"); });
}
const Register dirichlet_grad_row(
    "_dirichlet_grad(Tensor x, Tensor alpha, Tensor total) -> Tensor", dirichlet_grad_op,
    {.meaning = "How samples of Beta(alpha, total - alpha) move with alpha, each at its quantile, "
                "relative to 1 - x.",
     .formula = "-(∂F(x; α)/∂α) / (f(x; α) (1 - x))",
     .method = false});

// The gammas are drawn in double, where they do not vanish, and the quotients kept inside (0, 1).
Tensor sample_dirichlet_op(const Tensor& x, Generator* generator) {
  const Dtype dtype = x.dtype();
  visit_floats(dtype, "dirichlet", [](auto) {});
  GradMode off(false);
  const Tensor drawn = standard_gamma_op(to_dtype(detach(x), Dtype::Float64), generator);
  Tensor y = to_dtype(div(drawn, sum(drawn, Dims{-1}, true)), dtype);
  if (dtype == Dtype::Float32)
    for (float& v : std::span(y.data<float>(), static_cast<std::size_t>(y.numel())))
      v = std::clamp(v, std::numeric_limits<float>::min(), std::nextafter(1.0f, 0.0f));
  return y;
}
Tensor sample_dirichlet_recorded_op(const Tensor& x, Generator* generator) {
  const Tensor y = sample_dirichlet_op(x, generator);
  return record("SampleDirichletBackward0", y, {x}, {x, y}, [](Vjp& v) {
    const Tensor alpha = v.saved(0), y = v.saved(1), g = v.g();
    const Tensor slope = dirichlet_grad_op(y, alpha, sum(alpha, Dims{-1}, true));
    v.set(0, mul(slope, sub(g, sum(mul(g, y), Dims{-1}, true))));
  });
}
const Register sample_dirichlet_row(
    "_sample_dirichlet(Tensor input, Generator? generator=None) -> Tensor",
    sample_dirichlet_recorded_op,
    {.meaning = "Samples of Dirichlet distributions whose concentrations are input's rows.",
     .gradient = "∂L/∂xᵢ = (∂L/∂yᵢ - Σⱼ yⱼ ∂L/∂yⱼ) (dyᵢ/dxᵢ) / (1 - yᵢ)",
     .method = false});

Tensor binomial_op(const Tensor& count, const Tensor& prob, Generator* generator) {
  BACKLIT_CHECK(count.is_floating(), Value,
                "binomial only supports floating-point dtypes for count, got: ",
                info(count.dtype()).scalar_name);
  BACKLIT_CHECK(prob.is_floating(), Value,
                "binomial only supports floating-point dtypes for prob, got: ",
                info(prob.dtype()).scalar_name);
  const Tensor y = map(
      "binomial_cpu", true, [=](double n, double p) { return sample_binomial(n, p, *generator); },
      count, prob);
  return record("BinomialBackward0", y, {count, prob}, {}, [](Vjp&) {
    fail(ErrorKind::Runtime, "derivative for aten::binomial is not implemented");
  });
}
const Register binomial_row(
    "binomial(Tensor count, Tensor prob, Generator? generator=None) -> Tensor", binomial_op,
    {.meaning = "Numbers of successes in count trials of probability prob.", .method = false});

}  // namespace
}  // namespace backlit::ops
