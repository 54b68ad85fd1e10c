// cross_entropy: fused for (N, C), composed of log_softmax and nll_loss for other shapes.
#include <algorithm>

#include "formulas/comparison.h"
#include "ops/arithmetic.h"
#include "ops/losses_classes.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/softmax.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

Tensor along_classes(const Tensor& weight, const Tensor& x) {
  Dims sizes;
  for (int d = 0; d < x.dim(); ++d) sizes.push_back(d == class_dim(x) ? -1 : 1);
  return reshape(weight, sizes);
}

Tensor cross_entropy_probabilities(const Tensor& x, const Tensor& target, const Tensor& weight,
                                   i64 ignored, LossReduction r, double smoothing) {
  BACKLIT_CHECK(target.is_floating(), Runtime,
                "Expected floating point type for target with class probabilities, got ",
                info(target.dtype()).scalar_name);
  BACKLIT_CHECK(ignored < 0, Runtime, "ignore_index is not supported for floating point target");
  const int d = class_dim(x);
  const i64 classes = x.layout().size(d);
  check_class_weight(weight, classes);
  Tensor p = target;
  if (smoothing > 0)
    p = add(mul(p, Scalar(1 - smoothing)), Scalar(smoothing / static_cast<double>(classes)));
  Tensor terms = mul(log_softmax(x, d), p);
  if (weight.defined()) terms = mul(terms, along_classes(weight, x));
  if (r == LossReduction::None) return neg(sum(terms, Dims{d}, false));
  if (r == LossReduction::Sum) return neg(sum(terms));
  const double count = static_cast<double>(x.numel()) / static_cast<double>(classes);
  return div(neg(sum(terms)), Scalar(count));
}

Tensor cross_entropy_smoothed(const Tensor& x, const Tensor& target, const Tensor& weight,
                              i64 ignored, LossReduction r, double smoothing) {
  const int d = class_dim(x);
  const Tensor scores = log_softmax(x, d);
  const ClassTargets checked(scores, target, weight, ignored, r);
  const Tensor picked = nll(scores, checked);
  Tensor spread =
      neg(sum(weight.defined() ? mul(scores, along_classes(weight, x)) : scores, Dims{d}, false));
  const Tensor skipped = apply<formulas::Eq>(checked.target, Scalar(ignored));
  spread = where(skipped, Scalar(0.0), spread);
  if (r == LossReduction::Sum) spread = sum(spread);
  if (r == LossReduction::Mean) spread = div(sum(spread), Scalar(checked.loss.total));
  const auto classes = static_cast<double>(x.layout().size(d));
  return add(mul(picked, Scalar(1 - smoothing)), mul(spread, Scalar(smoothing / classes)));
}

// Scores (N, C): neither the log-softmax nor the softmax is kept, two numbers per row are.
struct RowsLoss {
  ClassLoss loss;

  void operator()(Vjp& v) const;
  Tensor row_factors(const Tensor& g, const Tensor& target, const Tensor& weight) const;
};

constexpr i64 kTask = 1 << 15;  // elements

i64 row_chunk(i64 classes) { return kTask / std::max<i64>(classes, 1) + 1; }

// One row's share of the gradient: g times its weight, over the divisor of a mean.
Tensor RowsLoss::row_factors(const Tensor& g, const Tensor& target, const Tensor& weight) const {
  const bool none = loss.reduction == LossReduction::None;
  const Tensor grad = contiguous(detach(g));
  Tensor f = Tensor::empty(target.sizes(), g.dtype());
  visit_floats(g.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto w = weights_of<T>(weight, loss.ignored);
    const T divisor = loss.reduction == LossReduction::Mean ? static_cast<T>(loss.total) : T(1);
    const T* in = grad.data<T>();
    const i64* t = target.data<i64>();
    for (i64 i = 0; i < f.numel(); ++i)
      f.data<T>()[i] = t[i] == loss.ignored ? T(0) : w(t[i]) * in[none ? i : 0] / divisor;
  });
  return f;
}

// gx = factor (softmax(x) - onehot(target)), row by row
Tensor rows_gradient(const Tensor& x, const Tensor& target, const Tensor& stats,
                     const Tensor& factor, i64 ignored) {
  Tensor gx = Tensor::empty(x.sizes(), x.dtype());
  const SoftmaxKernels& k = softmax_kernels(x.dtype());
  const i64 n = x.layout().size(0), c = x.layout().size(1);
  visit_floats(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *in = x.data<T>(), *top = stats.data<T>(), *f = factor.data<T>();
    const i64* t = target.data<i64>();
    T* out = gx.data<T>();
    const GilRelease release(n * c >= kGilReleaseElements);
    parallel_for(n, row_chunk(c), [&](i64 a, i64 b) {
      k.scaled_softmax(in + a * c, top + a, top + n + a, f + a, out + a * c, b - a, c);
      for (i64 r = a; r < b; ++r)
        if (t[r] != ignored) out[r * c + t[r]] -= f[r];
    });
  });
  return gx;
}

void RowsLoss::operator()(Vjp& v) const {
  const Tensor x = v.saved(0), target = v.saved(1), weight = v.saved(2), &g = v.g();
  if (!modes.grad) {
    const Tensor factor = row_factors(g, target, weight);
    v.set(0, rows_gradient(contiguous(x), target, v.saved(3), factor, loss.ignored));
    return;
  }
  const Tensor share = row_factors(Tensor::full(g.sizes(), 1, g.dtype()), target, weight);
  const Tensor factor = unsqueeze(mul(g, share), 1);
  // an ignored row's factor is 0, whatever its class
  const Tensor skipped = apply<formulas::Eq>(target, Scalar(loss.ignored));
  const Tensor classes = unsqueeze(where(skipped, Scalar(0), target), 1);
  v.set(0, sub(mul(softmax(x, 1), factor), put_along(factor, 1, classes, x.sizes())));
}

Tensor cross_entropy_rows(const Tensor& x, const ClassTargets& t) {
  const ClassLoss& loss = t.loss;
  const Tensor from = x.is_contiguous() ? x : contiguous(detach(x));
  const i64 n = x.layout().size(0), c = x.layout().size(1);
  const bool none = loss.reduction == LossReduction::None;
  const SoftmaxKernels& k = softmax_kernels(x.dtype());
  const Tensor stats = Tensor::empty(Dims{2, n}, x.dtype());
  Tensor y = Tensor::empty(none ? t.target.sizes() : Span(), x.dtype());
  visit_floats(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto w = weights_of<T>(t.weight, loss.ignored);
    const T* in = from.data<T>();
    T *top = stats.data<T>(), *log_sum = top + n, *out = y.data<T>();
    const i64* target = t.target.data<i64>();
    const double s = sum_chunks(n, row_chunk(c), n * c >= kGilReleaseElements, [&](i64 a, i64 b) {
      k.row_stats(in + a * c, top + a, log_sum + a, b - a, c);
      double part = 0;
      for (i64 r = a; r < b; ++r) {
        const bool skip = target[r] == loss.ignored;
        const T l = skip ? T(0) : w(target[r]) * (log_sum[r] - (in[r * c + target[r]] - top[r]));
        if (none) out[r] = l;
        part += static_cast<double>(l);
      }
      return part;
    });
    if (!none) *out = static_cast<T>(loss.reduction == LossReduction::Mean ? s / loss.total : s);
  });
  y->inference = modes.inference;
  return record("NllLossBackward0", std::move(y), {x}, {x, t.target, t.weight, stats},
                RowsLoss{loss});
}

Tensor cross_entropy_op(const Tensor& x, const Tensor& target, const Tensor& weight, i64 ignored,
                        const std::string& reduction, double smoothing) {
  const LossReduction r = loss_reduction(reduction);
  BACKLIT_CHECK(smoothing <= 1, Runtime,
                "label_smoothing must be between 0.0 and 1.0. Got: ", smoothing);
  if (x.layout().same_sizes(target.layout()))
    return cross_entropy_probabilities(x, target, weight, ignored, r, smoothing);
  if (x.dim() == 0) wrap_dim(1, 0);                           // PyTorch's error
  if (!x.is_floating()) return log_softmax(x, class_dim(x));  // throws PyTorch's error
  check_class_shapes(x, target);
  if (smoothing > 0) return cross_entropy_smoothed(x, target, weight, ignored, r, smoothing);
  const ClassTargets t(x, target, weight, ignored, r);
  return x.dim() == 2 ? cross_entropy_rows(x, t) : nll(log_softmax(x, class_dim(x)), t);
}

const Register cross_entropy_row(
    "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, "
    "str reduction='mean', float label_smoothing=0.0) -> Tensor",
    cross_entropy_op,
    {.meaning = "Negative log-softmax of the scores at the target classes (or against "
                "probabilities); reduced.",
     .formula = "y = −Σₙ w[tₙ] log softmax(x[n])[tₙ] / Σₙ w[tₙ]",
     .gradient = "∂L/∂x[n] = w[tₙ] / Σₘ w[tₘ] (softmax(x[n]) − onehot(tₙ)) ∂L/∂y",
     .home = "nn"});

}  // namespace
}  // namespace backlit::ops
