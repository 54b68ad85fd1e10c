// Layer normalisation: one pass forward, one backward.
#include "ops/normalization.h"

#include <algorithm>
#include <memory>

#include "base/threads.h"
#include "kernels/isa.h"
#include "kernels/layer_norm.h"
#include "ops/arithmetic.h"
#include "ops/floats.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kTask = 1 << 14;    // elements of one chunk of rows
constexpr i64 kMaxPartials = 32;  // of the gradients of weight and bias

const LayerNormTable& table() {
  static const auto& best = best_table<LayerNormTable>("LayerNormTable");
  return best;
}
const LayerNormKernels<float>& kernels(float) { return table().f32; }
const LayerNormKernels<double>& kernels(double) { return table().f64; }

template <class T> T* memory(const Tensor& t) { return t.defined() ? t.data<T>() : nullptr; }
// Row-major and not recorded.
Tensor plain(const Tensor& t) {
  return !t.defined() || t.is_contiguous() ? t : contiguous(detach(t));
}

struct LayerNorm {
  Dims shape;  // of the normalised dimensions
  i64 rows, n;
  double eps;
  bool has_weight;

  void operator()(Vjp& v) const;
  void recorded(Vjp& v) const;
  void fused(Vjp& v) const;
};

void LayerNorm::fused(Vjp& v) const {
  const Tensor g = plain(v.g()), x = plain(v.saved(0)),
               w = has_weight ? plain(v.saved(1)) : Tensor();
  const Tensor mean = v.saved(2), scale = v.saved(3);
  Tensor gx = v.needs(0) ? Tensor::empty(g.sizes(), g.dtype()) : Tensor();
  Tensor gw = v.needs(1) ? Tensor::zeros(shape, g.dtype()) : Tensor();
  Tensor gb = v.needs(2) ? Tensor::zeros(shape, g.dtype()) : Tensor();
  const i64 chunk =
      std::max(kTask / std::max<i64>(n, 1) + 1, (rows + kMaxPartials - 1) / kMaxPartials);
  const i64 partials = gw.defined() || gb.defined() ? (rows + chunk - 1) / chunk : 0;
  visit_floats(g.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const GilRelease release(rows * n >= kGilReleaseElements);
    // one piece adds straight into the result
    std::unique_ptr<T[]> parts;
    if (partials > 1) parts = std::make_unique<T[]>(static_cast<std::size_t>(2 * partials * n));
    parallel_for(rows, chunk, [&](i64 begin, i64 end) {
      const i64 at = begin / chunk * 2 * n, e = begin * n;
      T* const pw = parts ? parts.get() + at : memory<T>(gw);
      T* const pb = parts ? parts.get() + at + n : memory<T>(gb);
      kernels(zero).backward(g.data<T>() + e, x.data<T>() + e, memory<T>(w), mean.data<T>() + begin,
                             scale.data<T>() + begin, gx.defined() ? gx.data<T>() + e : nullptr,
                             gw.defined() ? pw : nullptr, gb.defined() ? pb : nullptr, end - begin,
                             n);
    });
    for (i64 p = 0; parts && p < partials; ++p)
      for (i64 i = 0; i < n; ++i) {
        if (gw.defined()) gw.data<T>()[i] += parts[static_cast<std::size_t>(2 * p * n + i)];
        if (gb.defined()) gb.data<T>()[i] += parts[static_cast<std::size_t>((2 * p + 1) * n + i)];
      }
  });
  v.set(0, std::move(gx));
  v.set(1, std::move(gw));
  v.set(2, std::move(gb));
}

// The same from recorded operations, so that it differentiates again.
void LayerNorm::recorded(Vjp& v) const {
  const Tensor &g = v.g(), x = v.saved(0);
  Dims dims;
  for (int d = 0; d < shape.size(); ++d) dims.push_back(d - shape.size());
  const Tensor centred = sub(x, mean(x, dims, true));
  const Tensor scale = pow(add(mean(mul(centred, centred), dims, true), Scalar(eps)), Scalar(-0.5));
  const Tensor unit = mul(centred, scale);
  if (v.needs(0)) {
    const Tensor h = has_weight ? mul(g, v.saved(1)) : g;
    const Tensor along = mul(unit, mean(mul(h, unit), dims, true));
    v.set(0, mul(scale, sub(sub(h, mean(h, dims, true)), along)));
  }
  if (v.needs(1)) v.set(1, sum_to(mul(g, unit), shape));
  if (v.needs(2)) v.set(2, sum_to(g, shape));
}

void LayerNorm::operator()(Vjp& v) const { modes.grad ? recorded(v) : fused(v); }

}  // namespace

void check_parameter_dtypes(const Tensor& x, std::initializer_list<const Tensor*> parameters) {
  for (const Tensor* t : parameters) {
    if (!t->defined() || t->dtype() == x.dtype()) continue;
    BACKLIT_CHECK(t->dtype() == Dtype::Float32, Runtime,
                  "mixed dtype (CPU): expect parameter to have scalar type of Float. Got ",
                  info(t->dtype()).scalar_name);
    fail(ErrorKind::Runtime, "mixed dtype (CPU): all inputs must share same datatype. Got ",
         info(x.dtype()).scalar_name, " and Float.");
  }
}

namespace {

void check(const Tensor& x, const Dims& shape, const Tensor& weight, const Tensor& bias) {
  BACKLIT_CHECK(
      !shape.empty(), Runtime,
      "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
      "element, but got normalized_shape = []");
  check_parameter_dtypes(x, {&weight, &bias});
  const auto same_shape = [&](const char* name, const Tensor& t) {
    BACKLIT_CHECK(!t.defined() || std::ranges::equal(t.sizes(), Span(shape)), Runtime, "Expected ",
                  name, " to be of same shape as normalized_shape, but got ", name, " of shape ",
                  to_string(t.sizes()), " and normalized_shape = ", to_string(shape));
  };
  same_shape("weight", weight);
  same_shape("bias", bias);
  const auto lead = static_cast<std::size_t>(std::max(x.dim() - shape.size(), 0));
  if (x.dim() < shape.size() || !std::ranges::equal(x.sizes().subspan(lead), Span(shape))) {
    std::string wanted = "[*";
    for (const auto s : shape) wanted += concat(", ", s);
    fail(ErrorKind::Runtime, "Given normalized_shape=", to_string(shape),
         ", expected input with shape ", wanted, "], but got input of size", to_string(x.sizes()));
  }
  BACKLIT_CHECK(x.is_floating(), NotImplemented, "\"LayerNormKernelImpl\" not implemented for '",
                info(x.dtype()).scalar_name, "'");
}

Tensor layer_norm_op(const Tensor& x, const Dims& shape, const Tensor& weight, const Tensor& bias,
                     double eps) {
  check(x, shape, weight, bias);
  const i64 n = product(shape), rows = n ? x.numel() / n : 0;
  const Tensor source = plain(x), w = plain(weight), b = plain(bias);
  Tensor y = Tensor::empty(x.sizes(), x.dtype());
  y->inference = modes.inference;
  const Tensor mean = Tensor::empty(Dims{rows}, x.dtype()),
               scale = Tensor::empty(Dims{rows}, x.dtype());
  visit_floats(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const GilRelease release(rows * n >= kGilReleaseElements);
    parallel_for(rows, kTask / std::max<i64>(n, 1) + 1, [&](i64 begin, i64 end) {
      kernels(zero).forward(source.data<T>() + begin * n, memory<T>(w), memory<T>(b),
                            y.data<T>() + begin * n, mean.data<T>() + begin,
                            scale.data<T>() + begin, end - begin, n, eps);
    });
  });
  return record("NativeLayerNormBackward0", std::move(y), {x, weight, bias},
                {x, weight, mean, scale}, LayerNorm{shape, rows, n, eps, weight.defined()});
}
const Register layer_norm_row(
    "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, "
    "float eps=1e-05) -> Tensor",
    layer_norm_op,
    {.meaning = "The last dimensions brought to mean 0 and variance 1, then scaled and shifted.",
     .formula = "y = (x − mean) / √(var + eps) ∘ w + b",
     .gradient = "∂L/∂x = (h − mean(h) − x̂ mean(h ∘ x̂)) / √(var + eps), h = w ∘ ∂L/∂y",
     .home = "nn",
     .mixed = Mixed::AsInput});

}  // namespace
}  // namespace backlit::ops
