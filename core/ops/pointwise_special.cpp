// Fronts of special functions, mantissa and exponent, and closeness.
#include <cmath>

#include "base/threads.h"
#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/logic.h"
#include "formulas/special.h"
#include "graph/inplace.h"
#include "ops/pointwise.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using namespace formulas;

Choice logit_front(Tensor x, std::optional<double> eps) {
  Choice c(formula<Logit>(), x);
  c.params[0] = eps.value_or(-1);
  return c;
}
const RegisterFront<&logit_front> logit_row("logit(Tensor input, float? eps=None)",
                                            {.meaning = Logit::meaning,
                                             .formula = Logit::formula,
                                             .gradient = "∂L/∂x = g / (x (1 - x))",
                                             .aliases = "special.logit"},
                                            InPlace::Function);

Choice polygamma_of(const Tensor& x, std::int64_t n) {
  BACKLIT_CHECK(n >= 0, Runtime, "polygamma(n, x) does not support negative n.");
  Choice c(formula<Polygamma>(), x);
  c.params[0] = static_cast<double>(n);
  return c;
}
Choice polygamma_front(std::int64_t n, Tensor x) { return polygamma_of(x, n); }
const RegisterFront<&polygamma_front> polygamma_row("polygamma(int n, Tensor input)",
                                                    {.meaning = Polygamma::meaning,
                                                     .formula = Polygamma::formula,
                                                     .gradient = "∂L/∂x = g ψ⁽ⁿ⁺¹⁾(x)",
                                                     .aliases = "special.polygamma"},
                                                    InPlace::None);
Tensor polygamma_method_op(Tensor x, std::int64_t n) { return run(polygamma_of(x, n)); }
Tensor polygamma_in_place_op(Tensor x, std::int64_t n) { return run_in_place(polygamma_of(x, n)); }
const RowOptions polygamma_method{.meaning = Polygamma::meaning,
                                  .formula = Polygamma::formula,
                                  .gradient = "∂L/∂x = g ψ⁽ⁿ⁺¹⁾(x)",
                                  .home = "_C",
                                  .function = false};
const Register polygamma_method_row("polygamma(Tensor input, int n) -> Tensor", polygamma_method_op,
                                    polygamma_method);
const Register polygamma_in_place_row("polygamma_(Tensor input, int n) -> Tensor",
                                      polygamma_in_place_op, polygamma_method);

// --- the multivariate log-gamma: ln Γₚ(x) = p (p - 1) / 4 ln π + Σⱼ ln Γ(x - j / 2), j = 0 .. p -
// 1 ---

Tensor mvlgamma_value(const Tensor& x, std::int64_t p) {
  const auto d = static_cast<double>(p);
  Tensor y = apply<Lgamma>(x);
  for (std::int64_t j = 1; j < p; ++j)
    y = add(y, apply<Lgamma>(sub(x, Scalar(static_cast<double>(j) / 2))));
  return add(y, Scalar(d * (d - 1) / 4 * std::log(std::numbers::pi)));
}
Tensor mvlgamma_gradient(const Tensor& g, const Tensor& x, std::int64_t p) {
  Tensor s = apply<Digamma>(x);
  for (std::int64_t j = 1; j < p; ++j)
    s = add(s, apply<Digamma>(sub(x, Scalar(static_cast<double>(j) / 2))));
  return mul(g, s);
}
Tensor mvlgamma(const Tensor& input, std::int64_t p) {
  BACKLIT_CHECK(p >= 1, Runtime, "p has to be greater than or equal to 1");
  BACKLIT_CHECK(input.dtype() != Dtype::Bool, Runtime,
                "The input tensor may not be a boolean tensor.");
  const Tensor x = input.is_floating() ? input : to_dtype(input, default_dtype());
  return record("MvlgammaBackward0", mvlgamma_value(detach(x), p), {x}, {x},
                [p](Vjp& v) { v.set(0, mvlgamma_gradient(v.g(), v.saved(0), p)); });
}
Tensor mvlgamma_op(Tensor x, std::int64_t p, Tensor out) {
  return into_out("mvlgamma", mvlgamma(x, p), out);
}
Tensor mvlgamma_in_place_op(Tensor x, std::int64_t p) {
  BACKLIT_CHECK(p >= 1, Runtime, "p has to be greater than or equal to 1");
  check_can_cast(x.is_floating() ? x.dtype() : default_dtype(), x.dtype());
  const Tensor before = should_record({x}) ? clone(x) : Tensor(x);
  return record_in_place(
      "MvlgammaBackward0", x, {x}, {before},
      [&] { copy_in_place(x, mvlgamma_value(detach(x), p)); },
      [p](Vjp& v) { v.set(0, mvlgamma_gradient(v.g(), v.saved(0), p)); });
}
const char* const kMvlgammaFormula = "y = p (p - 1) / 4 ln π + Σⱼ ln Γ(x - j / 2), j = 0 .. p - 1";
const Register mvlgamma_row("mvlgamma(Tensor input, int p, *, Tensor? out=None) -> Tensor",
                            mvlgamma_op,
                            {.meaning = "Multivariate log-gamma function of dimension p.",
                             .formula = kMvlgammaFormula,
                             .gradient = "∂L/∂x = g Σⱼ ψ(x - j / 2)",
                             .aliases = "special.multigammaln"});
const Register mvlgamma_in_place_row("mvlgamma_(Tensor input, int p) -> Tensor",
                                     mvlgamma_in_place_op,
                                     {.meaning = "Multivariate log-gamma function of dimension p.",
                                      .formula = kMvlgammaFormula,
                                      .gradient = "∂L/∂x = g Σⱼ ψ(x - j / 2)",
                                      .function = false});

// --- frexp ---

Named<2> frexp_op(Tensor input) {
  BACKLIT_CHECK(input.is_floating(), Runtime, "torch.frexp() only supports floating-point dtypes");
  const Tensor x = contiguous(detach(input));
  Tensor mantissa = Tensor::empty(x.sizes(), x.dtype()),
         exponent = Tensor::empty(x.sizes(), Dtype::Int32);
  const auto split = [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.data<T>();
    T* m = mantissa.data<T>();
    auto* e = exponent.data<std::int32_t>();
    GilRelease release(x.numel() >= kGilReleaseElements);
    parallel_for(x.numel(), 1 << 14, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        int k = 0;
        m[i] = std::frexp(from[i], &k);
        e[i] = std::isfinite(from[i]) ? k : 0;
      }
    });
  };
  if (x.dtype() == Dtype::Float32)
    split(float());
  else
    split(double());
  const Tensor outputs[] = {mantissa, exponent}, inputs[] = {input}, saved[] = {exponent};
  record_outputs("FrexpBackward0", outputs, inputs, saved, [](Vjp& v) {
    // dm/dx = 2⁻ᵉ: exact in float64, whose range holds that of float32
    const Tensor e = v.saved(0);
    v.set(0, div(v.g(0), pow(Scalar(2.0), to_dtype(e, v.g(0).dtype()))));
  });
  return {"frexp", "mantissa exponent", {mantissa, exponent}};
}
const Register frexp_row(
    "frexp(Tensor input) -> (Tensor mantissa, Tensor exponent)", frexp_op,
    {.meaning = "Splits each element into a mantissa in [½, 1) and a power of two.",
     .formula = "x = m 2ᵉ",
     .gradient = "∂L/∂x = g 2⁻ᵉ"});

}  // namespace
}  // namespace backlit::ops
