// Batch normalisation: two passes over each channel forward, two backward.
#include "kernels/batch_norm.h"

#include <cmath>

#include "base/threads.h"
#include "graph/inplace.h"
#include "kernels/isa.h"
#include "ops/arithmetic.h"
#include "ops/floats.h"
#include "ops/normalization.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kTask = 1 << 14;  // elements of one chunk of channels

const BatchNormTable& table() {
  static const auto& best = best_table<BatchNormTable>("BatchNormTable");
  return best;
}
const BatchNormKernels<float>& kernels(float) { return table().f32; }
const BatchNormKernels<double>& kernels(double) { return table().f64; }

// A contiguous tensor whose channels are runs: (batch, channels, length), or, for (n, channels),
// its transpose as one batch.
struct Channels {
  bool transposed;
  i64 batch, count, length;

  explicit Channels(const Tensor& x) {
    count = x.size(1);
    batch = x.size(0);
    length = count && batch ? x.numel() / (batch * count) : 0;
    transposed = length == 1;
    if (transposed) std::swap(batch, length);
  }
  i64 elements() const { return batch * length; }  // of one channel
  Channel one() const { return {batch, count * length, length}; }

  Tensor in(const Tensor& x) const {
    const Tensor plain = detach(x);
    return contiguous(transposed ? transpose(reshape(plain, Dims{length, count}), 0, 1) : plain);
  }
  Tensor out(Tensor y, Span sizes) const {
    return transposed ? reshape(contiguous(transpose(y, 0, 1)), sizes) : y;
  }
  // f(channel, offset of its first element) on all cores
  template <class F> void each(F f) const {
    const GilRelease release(elements() * count >= kGilReleaseElements);
    parallel_for(count, kTask / std::max<i64>(elements(), 1) + 1, [&](i64 begin, i64 end) {
      for (i64 c = begin; c < end; ++c) f(c, c * length);
    });
  }
};

struct BatchNorm {
  bool training, has_weight;
  double eps;

  void operator()(Vjp& v) const { modes.grad ? recorded(v) : fused(v); }
  void fused(Vjp& v) const;
  void recorded(Vjp& v) const;
};

// With u = (x - mean) * scale: gw = Σ g u, gb = Σ g, and in training
// gx = scale * w * (g - gb/n - u * gw/n), else scale * w * g.
void BatchNorm::fused(Vjp& v) const {
  const Tensor x = v.saved(0), mean = v.saved(2), scale = v.saved(3);
  const Tensor w = has_weight ? contiguous(detach(v.saved(1))) : Tensor();
  const Channels channels(x);
  const Tensor g = channels.in(v.g()), plain = channels.in(x);
  const Dims sizes{channels.count};
  Tensor gx = v.needs(0) ? Tensor::empty(plain.sizes(), x.dtype()) : Tensor();
  Tensor gw = Tensor::empty(sizes, x.dtype()), gb = Tensor::empty(sizes, x.dtype());
  visit_floats(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T n = static_cast<T>(channels.elements());
    const auto *pg = g.data<T>(), *px = plain.data<T>();
    channels.each([&](i64 c, i64 at) {
      const T m = mean.data<T>()[c], s = scale.data<T>()[c];
      T sum = 0, product = 0;
      kernels(zero).sums(pg + at, px + at, channels.one(), m, &sum, &product);
      gw.data<T>()[c] = product * s;
      gb.data<T>()[c] = sum;
      if (!gx.defined()) return;
      const T a = w.defined() ? w.data<T>()[c] * s : s;
      const T b = training ? -a * s * s * product / n : T(0);
      kernels(zero).combine(pg + at, px + at, gx.data<T>() + at, channels.one(), m, a, b,
                            training ? -a * sum / n : T(0));
    });
  });
  if (gx.defined()) v.set(0, channels.out(std::move(gx), x.sizes()));
  if (v.needs(1)) v.set(1, std::move(gw));
  if (v.needs(2)) v.set(2, std::move(gb));
}

// The same from recorded operations, so that it differentiates again.
void BatchNorm::recorded(Vjp& v) const {
  const Tensor &g = v.g(), x = v.saved(0);
  Dims shape, dims;
  for (int d = 0; d < x.dim(); ++d) {
    shape.push_back(d == 1 ? x.size(1) : 1);
    if (d != 1) dims.push_back(d);
  }
  const auto per_channel = [&](const Tensor& t) { return view_or_reshape(t, shape); };
  const auto average = [&](const Tensor& t) { return mean(t, dims, true); };
  const Tensor centred = sub(x, training ? average(x) : per_channel(v.saved(2)));
  const Tensor scale = training
                           ? pow(add(average(mul(centred, centred)), Scalar(eps)), Scalar(-0.5))
                           : per_channel(v.saved(3));
  const Tensor unit = mul(centred, scale);
  if (v.needs(0)) {
    const Tensor h = has_weight ? mul(g, per_channel(v.saved(1))) : g;
    const Tensor pull = training ? sub(sub(h, average(h)), mul(unit, average(mul(h, unit)))) : h;
    v.set(0, mul(scale, pull));
  }
  if (v.needs(1)) v.set(1, sum(mul(g, unit), dims, false));
  if (v.needs(2)) v.set(2, sum(g, dims, false));
}

void check_parameter(const char* name, const Tensor& t, const Tensor& x) {
  if (!t.defined()) return;
  BACKLIT_CHECK(t.numel() == x.size(1), Runtime, name, " should contain ", x.size(1),
                " elements not ", t.numel());
}

void check_running(const char* name, const Tensor& t, const Tensor& x, bool training) {
  BACKLIT_CHECK(training || t.defined(), Runtime, name, " must be defined in evaluation mode");
  check_parameter(name, t, x);
  BACKLIT_CHECK(!t.defined() || !should_record({&t, 1}), Runtime,
                "The function 'native_batch_norm' is not differentiable with respect to argument '",
                name, "'. This input cannot have requires_grad True.");
}

// running = (1 - momentum) * running + momentum * seen
void follow(const Tensor& running, const Tensor& seen, double momentum, double factor) {
  if (!running.defined()) return;
  const GradMode off(false);
  copy_(running, add(mul(running, Scalar(1 - momentum)), mul(seen, Scalar(momentum * factor))));
}

Tensor batch_norm_op(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const Tensor& running_mean, const Tensor& running_var, bool training,
                     double momentum, double eps, bool) {
  if (x.numel() == 0 && x.dim() < 2 && !weight.defined() && !bias.defined()) return clone(x);
  BACKLIT_CHECK(x.dim() >= 2, Index, "Dimension out of range (expected to be in range of [",
                -std::max(x.dim(), 1), ", ", std::max(x.dim(), 1) - 1, "], but got 1)");
  check_running("running_mean", running_mean, x, training);
  check_running("running_var", running_var, x, training);
  BACKLIT_CHECK(running_mean.defined() == running_var.defined(), Value,
                "running_mean and running_var must either both be None or neither be None");
  check_parameter("weight", weight, x);
  check_parameter("bias", bias, x);
  BACKLIT_CHECK(x.is_floating(), NotImplemented, "\"batch_norm\" not implemented for '",
                info(x.dtype()).scalar_name, "'");
  check_parameter_dtypes(x, {&weight, &bias, &running_mean, &running_var});
  const Channels channels(x);
  const Tensor plain = channels.in(x);
  const auto values = [&](const Tensor& t) { return t.defined() ? contiguous(detach(t)) : t; };
  const Tensor w = values(weight), b = values(bias), given_mean = values(running_mean),
               given_var = values(running_var);
  const Tensor mean = Tensor::empty(Dims{channels.count}, x.dtype()),
               variance = Tensor::empty(mean.sizes(), x.dtype()),
               scale = Tensor::empty(mean.sizes(), x.dtype());
  Tensor y = Tensor::empty(plain.sizes(), x.dtype());
  visit_floats(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T *const m = mean.data<T>(), *const s = scale.data<T>(), *const var = variance.data<T>();
    channels.each([&](i64 c, i64 at) {
      if (training) {
        kernels(zero).moments(plain.data<T>() + at, channels.one(), m + c, var + c);
      } else {
        m[c] = given_mean.data<T>()[c];
        var[c] = given_var.data<T>()[c];
      }
      s[c] = T(1) / std::sqrt(var[c] + static_cast<T>(eps));
      const T factor = w.defined() ? s[c] * w.data<T>()[c] : s[c];
      const T shift = (b.defined() ? b.data<T>()[c] : T(0)) - m[c] * factor;
      kernels(zero).scale(plain.data<T>() + at, y.data<T>() + at, channels.one(), factor, shift);
    });
  });
  if (training && x.numel()) {
    const double n = static_cast<double>(channels.elements());
    follow(running_mean, mean, momentum, 1);
    follow(running_var, variance, momentum, n / (n - 1));
  }
  return record("NativeBatchNormBackward0", channels.out(std::move(y), x.sizes()),
                {x, weight, bias}, {x, weight, mean, scale},
                BatchNorm{training, weight.defined(), eps});
}
const Register batch_norm_row(
    "batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? "
    "running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor",
    batch_norm_op,
    {.meaning = "Each channel (dimension 1) brought to mean 0 and variance 1 over the batch, or "
                "by the running statistics, then scaled and shifted.",
     .formula = "y = (x − mean) / √(var + eps) ∘ w + b",
     .gradient = "∂L/∂x = (h − mean(h) − x̂ mean(h ∘ x̂)) / √(var + eps), h = w ∘ ∂L/∂y; not in "
                 "training h / √(var + eps)",
     .method = false,
     .node = "NativeBatchNormBackward0",
     .mixed = Mixed::AsInput});

}  // namespace
}  // namespace backlit::ops
