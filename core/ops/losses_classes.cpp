// Losses of class scores: nll_loss and cross_entropy.
//
// Scores are (C), (N, C) or (N, C, d1, ...), targets (), (N) or (N, d1, ...).
#include <string>

#include "formulas/comparison.h"
#include "ops/arithmetic.h"
#include "ops/losses.h"
#include "ops/recorded.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/softmax.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kChunk = 1 << 13;  // targets per partial sum

struct ClassLoss {
  LossReduction reduction;
  i64 ignored;
  double total;  // weight of all targets that count
};

int class_dim(const Tensor& x) { return x.dim() == 1 ? 0 : 1; }
const char* node_name(const Tensor& x) { return x.dim() > 2 ? "NllLoss2DBackward0" : "NllLossBackward0"; }

void check_shapes(const Tensor& x, const Tensor& target) {
  BACKLIT_CHECK(x.dim() > 0, Value, "Expected 1 or more dimensions (got 0)");
  if (x.dim() == 1) {
    BACKLIT_CHECK(target.dim() == 0 || target.numel() == 1, Value,
                  "For 1D input, 1D target must have size 1, but got target size: ", target.numel());
    BACKLIT_CHECK(target.dim() <= 1, Runtime, "0D or 1D target tensor expected, multi-target not supported");
    return;
  }
  const i64 n = target.dim() ? target.layout().size(0) : 0;
  BACKLIT_CHECK(x.layout().size(0) == n, Value, "Expected input batch_size (", x.layout().size(0),
                ") to match target batch_size (", n, ").");
  if (x.dim() == 2) {
    BACKLIT_CHECK(target.dim() == 1, Runtime, "0D or 1D target tensor expected, multi-target not supported");
    return;
  }
  Dims expected(x.sizes());
  expected.erase(1);
  if (x.dim() == 4) {
    BACKLIT_CHECK(target.dim() == 3, Runtime,
                  "only batches of spatial targets supported (3D tensors) but got targets of dimension: ",
                  target.dim());
    BACKLIT_CHECK(expected == Dims(target.sizes()), Runtime, "size mismatch (got input: ",
                  to_string(x.sizes()), " , target: ", to_string(target.sizes()));
  }
  BACKLIT_CHECK(expected == Dims(target.sizes()), Runtime, "Expected target size ", to_string(expected),
                ", got ", to_string(target.sizes()));
}

void check_weight(const Tensor& x, const Tensor& weight, i64 classes) {
  if (!weight.defined()) return;
  BACKLIT_CHECK(weight.dim() == 1 && weight.numel() == classes, Runtime,
                "weight tensor should be defined either for all ", classes,
                " classes or no classes but got weight tensor of shape: ", to_string(weight.sizes()));
  BACKLIT_CHECK(weight.dtype() == x.dtype(), Runtime, "expected scalar type ", info(x.dtype()).scalar_name,
                " but found ", info(weight.dtype()).scalar_name);
}

// The targets as contiguous int64, all of them classes or `ignored`.
Tensor checked_targets(const Tensor& target, i64 classes, i64 ignored) {
  BACKLIT_CHECK(target.dtype() == Dtype::Int64 || target.dtype() == Dtype::UInt8, Runtime,
                "expected target dtype to be Long or Byte, but got ", info(target.dtype()).scalar_name);
  Tensor t = target;
  if (t.dtype() != Dtype::Int64) t = to_dtype(t, Dtype::Int64);
  if (!t.is_contiguous()) t = contiguous(t);
  const i64* at = t.data<i64>();
  for (i64 i = 0; i < t.numel(); ++i)
    BACKLIT_CHECK((at[i] >= 0 && at[i] < classes) || at[i] == ignored, Index, "Target ", at[i],
                  " is out of bounds. Classes are 0 to ", classes - 1, ".");
  return t;
}

template <class T> struct ClassWeights {
  const T* w;
  i64 ignored;
  T operator()(i64 target) const { return target == ignored ? T(0) : w ? w[target] : T(1); }
};
template <class T> ClassWeights<T> weights_of(const Tensor& weight, i64 ignored) {
  return {weight.defined() ? weight.data<T>() : nullptr, ignored};
}

template <class F> void visit_float(Dtype d, F&& f) {
  if (d == Dtype::Float32) f(float{});
  else f(double{});
}

// The sum of f(i) for i < n, over fixed chunks.
template <class F> double chunked_sum(i64 n, F f) {
  if (n <= kChunk) {
    double s = 0;
    for (i64 i = 0; i < n; ++i) s += f(i);
    return s;
  }
  std::vector<double> partial(static_cast<std::size_t>((n + kChunk - 1) / kChunk));
  {
    const GilRelease release(n >= kGilReleaseElements);
    parallel_for(n, kChunk, [&](i64 a, i64 b) {
      double s = 0;
      for (i64 i = a; i < b; ++i) s += f(i);
      partial[static_cast<std::size_t>(a / kChunk)] = s;
    });
  }
  double s = 0;
  for (double p : partial) s += p;
  return s;
}

template <class T> double weight_of_targets(const Tensor& target, const Tensor& weight, i64 ignored) {
  const auto w = weights_of<T>(weight, ignored);
  const i64* t = target.data<i64>();
  return chunked_sum(target.numel(), [&](i64 i) { return static_cast<double>(w(t[i])); });
}

Tensor nll_backward(const Tensor& g, const Tensor& target, const Tensor& weight, const ClassLoss& loss,
                    const LayoutRef& like);

// The loss of checked targets; recorded. x is any tensor of class scores.
Tensor nll_forward(const char* name, const Tensor& x, const Tensor& target, const Tensor& weight,
                   const ClassLoss& loss) {
  const Tensor from = x.is_contiguous() ? x : contiguous(detach(x));
  const Lines lines(x.sizes(), class_dim(x));
  const bool none = loss.reduction == LossReduction::None;
  Tensor y = Tensor::empty(none ? target.sizes() : Span(), x.dtype());
  visit_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto w = weights_of<T>(weight, loss.ignored);
    const T* in = from.data<T>();
    const i64* t = target.data<i64>();
    const auto at = [&](i64 i) {
      return t[i] == loss.ignored ? T(0) : -w(t[i]) * in[lines.start(i) + t[i] * lines.inner];
    };
    if (none) {
      T* out = y.data<T>();
      const GilRelease release(y.numel() >= kGilReleaseElements);
      parallel_for(y.numel(), kChunk, [&](i64 a, i64 b) {
        for (i64 i = a; i < b; ++i) out[i] = at(i);
      });
      return;
    }
    const double s = chunked_sum(target.numel(), [&](i64 i) { return static_cast<double>(at(i)); });
    *y.data<T>() = static_cast<T>(loss.reduction == LossReduction::Mean ? s / loss.total : s);
  });
  return record(name, std::move(y), {x}, {target, weight}, [loss, like = x.layout_ref()](Vjp& v) {
    v.set(0, nll_backward(v.g(), v.saved(0), v.saved(1), loss, like));
  });
}

// Zeros with the gradient at the targets' places. Its own gradient is the loss again.
Tensor nll_backward(const Tensor& g, const Tensor& target, const Tensor& weight, const ClassLoss& loss,
                    const LayoutRef& like) {
  Tensor gx = Tensor::zeros(like->sizes(), g.dtype());
  const Lines lines(gx.sizes(), class_dim(gx));
  const bool none = loss.reduction == LossReduction::None;
  const Tensor grad = contiguous(detach(g));
  visit_float(g.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto w = weights_of<T>(weight, loss.ignored);
    const T* in = grad.data<T>();
    const i64* t = target.data<i64>();
    T* out = gx.data<T>();
    const T divisor = loss.reduction == LossReduction::Mean ? static_cast<T>(loss.total) : T(1);
    const GilRelease release(target.numel() >= kGilReleaseElements);
    parallel_for(target.numel(), kChunk, [&](i64 a, i64 b) {
      for (i64 i = a; i < b; ++i)
        if (t[i] != loss.ignored)
          out[lines.start(i) + t[i] * lines.inner] = -w(t[i]) * in[none ? i : 0] / divisor;
    });
  });
  return record("NllLossBackwardBackward0", std::move(gx), {g}, {target, weight}, [loss](Vjp& v) {
    v.set(0, nll_forward("NllLossBackward0", v.g(), v.saved(0), v.saved(1), loss));
  });
}

Tensor nll(const Tensor& x, const Tensor& target, const Tensor& weight, i64 ignored, LossReduction r) {
  check_shapes(x, target);
  const i64 classes = x.layout().size(class_dim(x));
  check_weight(x, weight, classes);
  BACKLIT_CHECK(x.is_floating(), NotImplemented, "\"nll_loss_out_frame\" not implemented for '",
                info(x.dtype()).scalar_name, "'");
  const Tensor t = checked_targets(target, classes, ignored);
  const Tensor w = weight.defined() ? contiguous(detach(weight)) : weight;
  ClassLoss loss{r, ignored, 1};
  visit_float(x.dtype(), [&](auto zero) { loss.total = weight_of_targets<decltype(zero)>(t, w, ignored); });
  const Tensor shaped = x.dim() == 1 && r == LossReduction::None ? t.alias(contiguous_layout({})) : t;
  return nll_forward(node_name(x), x, shaped, w, loss);
}

// --- cross entropy ---

Tensor along_classes(const Tensor& weight, const Tensor& x) {
  Dims sizes;
  for (int d = 0; d < x.dim(); ++d) sizes.push_back(d == class_dim(x) ? -1 : 1);
  return reshape(weight, sizes);
}

Tensor cross_entropy_probabilities(const Tensor& x, const Tensor& target, const Tensor& weight, i64 ignored,
                                   LossReduction r, double smoothing) {
  BACKLIT_CHECK(target.is_floating(), Runtime,
                "Expected floating point type for target with class probabilities, got ",
                info(target.dtype()).scalar_name);
  BACKLIT_CHECK(ignored < 0, Runtime, "ignore_index is not supported for floating point target");
  const int d = class_dim(x);
  const i64 classes = x.layout().size(d);
  check_weight(x, weight, classes);
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

Tensor cross_entropy_smoothed(const Tensor& x, const Tensor& target, const Tensor& weight, i64 ignored,
                              LossReduction r, double smoothing) {
  const int d = class_dim(x);
  const Tensor scores = log_softmax(x, d);
  const Tensor picked = nll(scores, target, weight, ignored, r);
  const Tensor t = x.dim() == 1 ? target.alias(contiguous_layout({})) : target;
  Tensor spread = neg(sum(weight.defined() ? mul(scores, along_classes(weight, x)) : scores, Dims{d}, false));
  const Tensor skipped = apply<formulas::Eq>(t, Scalar(ignored));
  spread = where(skipped, Scalar(0.0), spread);
  if (r == LossReduction::Sum) spread = sum(spread);
  if (r == LossReduction::Mean) {
    const Tensor w = weight.defined() ? contiguous(detach(weight)) : weight;
    const Tensor checked = contiguous(to_dtype(target, Dtype::Int64));
    double total = 0;
    visit_float(x.dtype(), [&](auto zero) { total = weight_of_targets<decltype(zero)>(checked, w, ignored); });
    spread = div(sum(spread), Scalar(total));
  }
  const auto classes = static_cast<double>(x.layout().size(d));
  return add(mul(picked, Scalar(1 - smoothing)), mul(spread, Scalar(smoothing / classes)));
}

Tensor cross_entropy_op(const Tensor& x, const Tensor& target, const Tensor& weight, i64 ignored,
                        const std::string& reduction, double smoothing) {
  const LossReduction r = loss_reduction(reduction);
  BACKLIT_CHECK(smoothing <= 1, Runtime,
                "label_smoothing must be between 0.0 and 1.0. Got: ", smoothing);
  if (x.layout().same_sizes(target.layout()))
    return cross_entropy_probabilities(x, target, weight, ignored, r, smoothing);
  if (x.dim() == 0) wrap_dim(1, 0);  // PyTorch's error
  check_shapes(x, target);
  if (smoothing > 0) return cross_entropy_smoothed(x, target, weight, ignored, r, smoothing);
  return nll(log_softmax(x, class_dim(x)), target, weight, ignored, r);
}

Tensor nll_op(const Tensor& x, const Tensor& target, const Tensor& weight, i64 ignored,
              const std::string& reduction) {
  return nll(x, target, weight, ignored, loss_reduction(reduction));
}

const Register nll_row(
    "nll_loss(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, "
    "str reduction='mean') -> Tensor",
    nll_op,
    {.meaning = "Negative log-likelihood of the target classes, given log-probabilities; reduced.",
     .formula = "y = −Σₙ w[tₙ] x[n, tₙ] / Σₙ w[tₙ]",
     .gradient = "∂L/∂x[n, tₙ] = −w[tₙ] / Σₘ w[tₘ] ∂L/∂y, zero elsewhere",
     .home = "nn"});
const Register cross_entropy_row(
    "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, "
    "str reduction='mean', float label_smoothing=0.0) -> Tensor",
    cross_entropy_op,
    {.meaning = "Negative log-softmax of the scores at the target classes (or against probabilities); reduced.",
     .formula = "y = −Σₙ w[tₙ] log softmax(x[n])[tₙ] / Σₙ w[tₙ]",
     .gradient = "∂L/∂x[n] = w[tₙ] / Σₘ w[tₘ] (softmax(x[n]) − onehot(tₙ)) ∂L/∂y",
     .home = "nn"});

}  // namespace
}  // namespace backlit::ops
