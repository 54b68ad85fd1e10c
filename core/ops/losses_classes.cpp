// nll_loss, and the checks of class targets.
#include "ops/losses_classes.h"

#include "ops/arithmetic.h"
#include "ops/reductions_lines.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
const char* node_name(const Tensor& x) {
  return x.dim() > 2 ? "NllLoss2DBackward0" : "NllLossBackward0";
}

void check_target_dtype(const Tensor& target) {
  BACKLIT_CHECK(target.dtype() == Dtype::Int64 || target.dtype() == Dtype::UInt8, Runtime,
                "expected target dtype to be Long or Byte, but got ",
                info(target.dtype()).scalar_name);
}

// The targets as contiguous int64, all of them classes or `ignored`.
Tensor checked_targets(const Tensor& target, i64 classes, i64 ignored) {
  check_target_dtype(target);
  Tensor t = target;
  if (t.dtype() != Dtype::Int64) t = to_dtype(t, Dtype::Int64);
  if (!t.is_contiguous()) t = contiguous(t);
  const i64* at = t.data<i64>();
  for (i64 i = 0; i < t.numel(); ++i)
    BACKLIT_CHECK((at[i] >= 0 && at[i] < classes) || at[i] == ignored, Index, "Target ", at[i],
                  " is out of bounds. Classes are 0 to ", classes - 1, ".");
  return t;
}

template <class T>
double weight_of_targets(const Tensor& target, const Tensor& weight, i64 ignored) {
  const auto w = weights_of<T>(weight, ignored);
  const i64* t = target.data<i64>();
  return chunked_sum(target.numel(), [&](i64 i) { return w(t[i]); });
}

Tensor nll_backward(const Tensor& g, const Tensor& target, const Tensor& weight,
                    const ClassLoss& loss, const LayoutRef& like);

// The loss of checked targets; recorded. x is any tensor of class scores.
Tensor nll_forward(const char* name, const Tensor& x, const Tensor& target, const Tensor& weight,
                   const ClassLoss& loss) {
  const Tensor from = x.is_contiguous() ? x : contiguous(detach(x));
  const Lines lines(x.sizes(), class_dim(x));
  const bool none = loss.reduction == LossReduction::None;
  Tensor y = Tensor::empty(none ? target.sizes() : Span(), x.dtype());
  visit_floats(x.dtype(), [&](auto zero) {
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
      parallel_for(y.numel(), kTargetChunk, [&](i64 a, i64 b) {
        for (i64 i = a; i < b; ++i) out[i] = at(i);
      });
      return;
    }
    const double s = chunked_sum(target.numel(), at);
    *y.data<T>() = static_cast<T>(loss.reduction == LossReduction::Mean ? s / loss.total : s);
  });
  return record(name, std::move(y), {x}, {target, weight}, [loss, like = x.layout_ref()](Vjp& v) {
    v.set(0, nll_backward(v.g(), v.saved(0), v.saved(1), loss, like));
  });
}

// Zeros with the gradient at the targets' places. Its own gradient is the loss again.
Tensor nll_backward(const Tensor& g, const Tensor& target, const Tensor& weight,
                    const ClassLoss& loss, const LayoutRef& like) {
  Tensor gx = Tensor::zeros(like->sizes(), g.dtype());
  const Lines lines(gx.sizes(), class_dim(gx));
  const bool none = loss.reduction == LossReduction::None;
  const Tensor grad = contiguous(detach(g));
  visit_floats(g.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto w = weights_of<T>(weight, loss.ignored);
    const T* in = grad.data<T>();
    const i64* t = target.data<i64>();
    T* out = gx.data<T>();
    const T divisor = loss.reduction == LossReduction::Mean ? static_cast<T>(loss.total) : T(1);
    const GilRelease release(target.numel() >= kGilReleaseElements);
    parallel_for(target.numel(), kTargetChunk, [&](i64 a, i64 b) {
      for (i64 i = a; i < b; ++i)
        if (t[i] != loss.ignored)
          out[lines.start(i) + t[i] * lines.inner] = -w(t[i]) * in[none ? i : 0] / divisor;
    });
  });
  return record("NllLossBackwardBackward0", std::move(gx), {g}, {target, weight}, [loss](Vjp& v) {
    v.set(0, nll_forward("NllLossBackward0", v.g(), v.saved(0), v.saved(1), loss));
  });
}

}  // namespace

void check_class_shapes(const Tensor& x, const Tensor& target) {
  BACKLIT_CHECK(x.dim() > 0, Value, "Expected 1 or more dimensions (got 0)");
  if (x.dim() == 1) {
    BACKLIT_CHECK(target.dim() <= 1, Runtime,
                  "0D or 1D target tensor expected, multi-target not supported");
    check_target_dtype(target);
    BACKLIT_CHECK(
        target.numel() == 1, Value,
        "For 1D input, 1D target must have size 1, but got target size: ", target.numel());
    return;
  }
  const i64 n = target.dim() ? target.layout().size(0) : 0;
  BACKLIT_CHECK(x.layout().size(0) == n, Value, "Expected input batch_size (", x.layout().size(0),
                ") to match target batch_size (", n, ").");
  if (x.dim() == 2) {
    BACKLIT_CHECK(target.dim() == 1, Runtime,
                  "0D or 1D target tensor expected, multi-target not supported");
    return;
  }
  Dims expected(x.sizes());
  expected.erase(1);
  if (x.dim() == 4) {
    BACKLIT_CHECK(
        target.dim() == 3, Runtime,
        "only batches of spatial targets supported (3D tensors) but got targets of dimension: ",
        target.dim());
    BACKLIT_CHECK(expected == Dims(target.sizes()), Runtime,
                  "size mismatch (got input: ", to_string(x.sizes()),
                  " , target: ", to_string(target.sizes()));
  }
  BACKLIT_CHECK(expected == Dims(target.sizes()), Runtime, "Expected target size ",
                to_string(expected), ", got ", to_string(target.sizes()));
}

void check_class_weight(const Tensor& weight, i64 classes) {
  if (!weight.defined()) return;
  BACKLIT_CHECK(
      weight.dim() == 1 && weight.numel() == classes, Runtime,
      "weight tensor should be defined either for all ", classes,
      " classes or no classes but got weight tensor of shape: ", to_string(weight.sizes()));
}

ClassTargets::ClassTargets(const Tensor& x, const Tensor& given, const Tensor& weights, i64 ignored,
                           LossReduction r)
    : loss{r, ignored, 1} {
  check_class_shapes(x, given);
  const i64 classes = x.layout().size(class_dim(x));
  check_class_weight(weights, classes);
  BACKLIT_CHECK(!weights.defined() || weights.dtype() == x.dtype(), Runtime,
                "expected scalar type ", info(x.dtype()).scalar_name, " but found ",
                info(weights.dtype()).scalar_name);
  check_target_dtype(given);
  BACKLIT_CHECK(x.is_floating(), NotImplemented, "\"nll_loss_out_frame\" not implemented for '",
                info(x.dtype()).scalar_name, "'");
  target = checked_targets(given, classes, ignored);
  check_constant(x.dim() > 2 ? "nll_loss2d_forward" : "nll_loss_forward", "weight", weights);
  if (x.dim() == 1 && target.dim() == 1) target = target.alias(contiguous_layout({}));
  if (weights.defined()) weight = contiguous(detach(weights));
  visit_floats(x.dtype(), [&](auto zero) {
    loss.total = weight_of_targets<decltype(zero)>(target, weight, ignored);
  });
}

Tensor nll(const Tensor& x, const ClassTargets& t) {
  return nll_forward(node_name(x), x, t.target, t.weight, t.loss);
}

namespace {

Tensor nll_op(const Tensor& x, const Tensor& target, const Tensor& weight, i64 ignored,
              const std::string& reduction) {
  return nll(x, ClassTargets(x, target, weight, ignored, loss_reduction(reduction)));
}
const Register nll_row(
    "nll_loss(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, "
    "str reduction='mean') -> Tensor",
    nll_op,
    {.meaning = "Negative log-likelihood of the target classes, given log-probabilities; reduced.",
     .formula = "y = −Σₙ w[tₙ] x[n, tₙ] / Σₙ w[tₙ]",
     .gradient = "∂L/∂x[n, tₙ] = −w[tₙ] / Σₘ w[tₘ] ∂L/∂y, zero elsewhere",
     .home = "nn"});

}  // namespace
}  // namespace backlit::ops
