// The linear layer.
#include <algorithm>

#include "kernels/gemm.h"
#include "ops/arithmetic.h"
#include "ops/products.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

constexpr std::int64_t kFewElements = 2048;

// The bias is added to every row: its gradient is the sum of the rows of g.
Tensor bias_gradient(const Tensor& g, const Dims& sizes) {
  const bool few = !modes.grad && g.is_contiguous() && g.numel() <= kFewElements &&
                   sizes.size() == 1 && sizes[0] == g.layout().size(1);
  if (!few) return sum_to(g, sizes);
  Tensor y = Tensor::empty(sizes, g.dtype());
  const auto add_rows = [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t n = sizes[0], rows = g.layout().size(0);
    T* to = y.data<T>();
    std::fill_n(to, n, T(0));
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < n; ++j) to[j] += g.data<T>()[i * n + j];
  };
  g.dtype() == Dtype::Float32 ? add_rows(float{}) : add_rows(double{});
  return y;
}

// (n, in) · (out, in)ᵀ + b: one product, which starts from the bias.
Tensor linear_matrix(const Tensor& x, const Tensor& w, const Tensor& b) {
  const std::int64_t n = x.layout().size(0), in = x.layout().size(1), out = w.layout().size(0);
  Tensor y = new_result(Dims{n, out}, x.dtype());
  if (b.defined() && b.dim() == 1 && b.is_contiguous() && b.numel() == out && x.is_contiguous() &&
      w.is_contiguous() && is_floating(x.dtype())) {
    const auto run = [&](auto zero) {
      using T = decltype(zero);
      GilRelease release(static_cast<double>(n) * static_cast<double>(in * out) > 1 << 18);
      gemm_plus_row<T>(false, true, n, out, in, x.data<T>(), std::max<std::int64_t>(in, 1),
                       w.data<T>(), std::max<std::int64_t>(in, 1), b.data<T>(), y.data<T>(),
                       std::max<std::int64_t>(out, 1));
    };
    if (x.dtype() == Dtype::Float32)
      run(float{});
    else
      run(double{});
  } else {
    if (b.defined()) copy_in_place(y, expand(detach(b), y.sizes()));
    multiply_into(y, x, false, w, true, b.defined() ? 1 : 0, 1);
  }
  const auto wants = [](const Tensor& t) { return t.defined() && t.requires_grad(); };
  if (!modes.grad || !(wants(x) || wants(w) || wants(b))) return y;
  if (!b.defined())
    return record("MmBackward0", std::move(y), {x, w}, {read_by(w, x), read_by(x, w)},
                  ForBatches{[](Vjp& v) {
                    if (v.needs(0)) v.set(0, matrix_product(v.g(), false, v.saved(1), false));
                    if (v.needs(1)) v.set(1, matrix_product(v.g(), true, v.saved(0), false));
                  }});
  return record("AddmmBackward0", std::move(y), {b, x, w}, {read_by(w, x), read_by(x, w)},
                ForBatches{[sizes = Dims(b.sizes())](Vjp& v) {
                  const Tensor& g = v.g();
                  if (v.needs(0))
                    v.set(0, v.lead() ? sum_to(v, g, sizes) : bias_gradient(g, sizes));
                  if (v.needs(1)) v.set(1, matrix_product(g, false, v.saved(1), false));
                  if (v.needs(2)) v.set(2, matrix_product(g, true, v.saved(0), false));
                }});
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
  if (x.dim() == 2 && w.dim() == 2 && x.layout().size(1) == w.layout().size(1) &&
      x.dtype() == w.dtype() && is_floating(x.dtype()) && (!b.defined() || b.dtype() == x.dtype()))
    return linear_matrix(x, w, b);
  BACKLIT_CHECK(w.dim() == 2 || w.dim() == 1, Runtime,
                "linear: weight must be a matrix. Got shape ", to_string(w.sizes()), ".");
  BACKLIT_CHECK(x.dim() > 0, Runtime,
                "both arguments to linear need to be at least 1D, but they are ", x.dim(), "D and ",
                w.dim(), "D");
  if (w.dim() == 1) {
    const Tensor y = matmul(x, w);
    return b.defined() ? add(y, b) : y;
  }
  if (!b.defined()) check_same_dtype(x, w);
  BACKLIT_CHECK(x.dtype() == w.dtype() && (!b.defined() || b.dtype() == x.dtype()), Runtime,
                x.dtype() != w.dtype() ? "mat1 and mat2 must have the same dtype, but got "
                                       : "self and mat2 must have the same dtype, but got ",
                info(x.dtype() != w.dtype() ? x.dtype() : b.dtype()).scalar_name, " and ",
                info(w.dtype()).scalar_name,
                ". Convert the input with .to(dtype), or the module with .double() or .float().");
  check_not_bool("addmm_impl_cpu_", x.dtype());
  if (x.is_complex()) {
    const Tensor y = matmul(x, transpose(w, 0, 1));
    return b.defined() ? add(y, b) : y;
  }
  Dims out(x.sizes());
  const std::int64_t in = out[out.n - 1];
  out.erase(out.n - 1);
  const std::int64_t n = product(out);
  BACKLIT_CHECK(in == w.layout().size(1), Runtime, "mat1 and mat2 shapes cannot be multiplied (", n,
                "x", in, " and ", w.layout().size(1), "x", w.layout().size(0), "). Got input ",
                to_string(x.sizes()), " and weight ", to_string(w.sizes()), ".");
  if (x.dim() == 2) return linear_matrix(x, w, b);
  out.push_back(w.layout().size(0));
  return view(linear_matrix(reshape(x, Dims{n, in}), w, b), out);
}

namespace {

const RegisterComplex linear_row(
    "linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", linear,
    {.meaning = "The linear layer, (*, in) -> (*, out).",
     .formula = "Y = X·Wᵀ + b",
     .gradient = "∂L/∂X = ∂L/∂Y · W, ∂L/∂W = ∂L/∂Yᵀ · X, ∂L/∂b = Σ rows of ∂L/∂Y",
     .home = "nn"});

}  // namespace
}  // namespace backlit::ops
