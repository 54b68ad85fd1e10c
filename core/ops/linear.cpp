// Products with something added: addmm and its kin, and the linear layer.
#include <algorithm>

#include "kernels/gemm.h"
#include "ops/arithmetic.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

bool is(const Scalar& s, double value) { return s.kind == Scalar::Kind::Float ? s.d == value : static_cast<double>(s.i) == value; }
Tensor times(const Tensor& x, const Scalar& s) { return is(s, 1) ? x : mul(x, s); }

// y starts as beta * input, broadcast; 0 ignores what input holds, NaN too.
Tensor start_from(const Tensor& input, Span sizes, Dtype dtype, const Scalar& beta) {
  BACKLIT_CHECK(input.dtype() == dtype, Runtime, "self and mat2 must have the same dtype, but got ",
                info(input.dtype()).scalar_name, " and ", info(dtype).scalar_name);
  Tensor y = new_result(sizes, dtype);
  if (is(beta, 0))
    fill_in_place(y, Scalar(0));
  else
    copy_in_place(y, expand(detach(input), sizes));
  return y;
}

struct AddedProduct {
  Dims input_sizes;
  Scalar beta, alpha;
};

}  // namespace

Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha) {
  check_matrices(a, b, "mat1", "mat2");
  check_not_bool("addmm_impl_cpu_", a.dtype());
  Tensor y = start_from(input, Dims{a.layout().size(0), b.layout().size(1)}, a.dtype(), beta);
  multiply_into(y, a, false, b, false, is(beta, 0) ? Scalar(0) : beta, alpha);
  return record("AddmmBackward0", std::move(y), {input, a, b}, {a, b},
                [p = AddedProduct{input.sizes(), beta, alpha}](Vjp& v) {
                  if (v.needs(0)) v.set(0, times(sum_to(v.g(), p.input_sizes), p.beta));
                  if (v.needs(1)) v.set(1, times(mm(v.g(), false, v.saved(1), true), p.alpha));
                  if (v.needs(2)) v.set(2, times(mm(v.saved(0), true, v.g(), false), p.alpha));
                });
}

namespace {

Tensor addmm_op(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha) {
  return addmm(input, a, b, beta, alpha);
}
const Register addmm_row(
    "addmm(Tensor input, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", addmm_op,
    {.meaning = "beta times a matrix plus alpha times the product of two.",
     .formula = "C = β·M + α·A·B",
     .gradient = "∂L/∂M = β·∂L/∂C, ∂L/∂A = α·∂L/∂C · Bᵀ, ∂L/∂B = α·Aᵀ · ∂L/∂C"});

Tensor addmv_op(const Tensor& input, const Tensor& a, const Tensor& x, const Scalar& beta, const Scalar& alpha) {
  return add(is(beta, 0) ? Operand(Scalar(0)) : Operand(times(input, beta)), times(mv(a, x), alpha));
}
const Register addmv_row(
    "addmv(Tensor input, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor", addmv_op,
    {.meaning = "beta times a vector plus alpha times a matrix times a vector.",
     .formula = "y = β·m + α·A·x",
     .gradient = "∂L/∂m = β·∂L/∂y, ∂L/∂A = α·∂L/∂y · xᵀ, ∂L/∂x = α·Aᵀ · ∂L/∂y"});

Tensor addr_op(const Tensor& input, const Tensor& x, const Tensor& y, const Scalar& beta, const Scalar& alpha) {
  return add(is(beta, 0) ? Operand(Scalar(0)) : Operand(times(input, beta)), times(outer(x, y), alpha));
}
const Register addr_row(
    "addr(Tensor input, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", addr_op,
    {.meaning = "beta times a matrix plus alpha times the outer product of two vectors.",
     .formula = "Z = β·M + α·x·yᵀ",
     .gradient = "∂L/∂M = β·∂L/∂Z, ∂L/∂x = α·∂L/∂Z · y, ∂L/∂y = α·∂L/∂Zᵀ · x"});

Tensor baddbmm_op(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha) {
  return add(is(beta, 0) ? Operand(Scalar(0)) : Operand(times(input, beta)), times(bmm(a, b), alpha));
}
const Register baddbmm_row(
    "baddbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", baddbmm_op,
    {.meaning = "beta times a batch of matrices plus alpha times the products of two batches.",
     .formula = "Cᵢ = β·Mᵢ + α·Aᵢ·Bᵢ",
     .gradient = "∂L/∂M = β·∂L/∂C, ∂L/∂Aᵢ = α·∂L/∂Cᵢ · Bᵢᵀ, ∂L/∂Bᵢ = α·Aᵢᵀ · ∂L/∂Cᵢ"});

Tensor addbmm_op(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha) {
  const Tensor s = sum(bmm(a, b), Dims{0}, false);
  return add(is(beta, 0) ? Operand(Scalar(0)) : Operand(times(input, beta)), times(s, alpha));
}
const Register addbmm_row(
    "addbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", addbmm_op,
    {.meaning = "beta times a matrix plus alpha times the sum of the products of two batches.",
     .formula = "C = β·M + α·Σᵢ Aᵢ·Bᵢ",
     .gradient = "∂L/∂M = β·∂L/∂C, ∂L/∂Aᵢ = α·∂L/∂C · Bᵢᵀ, ∂L/∂Bᵢ = α·Aᵢᵀ · ∂L/∂C"});

// (n, in) · (out, in)ᵀ + b: one product, which starts from the bias.
Tensor linear_matrix(const Tensor& x, const Tensor& w, const Tensor& b) {
  const std::int64_t n = x.layout().size(0), in = x.layout().size(1), out = w.layout().size(0);
  Tensor y = new_result(Dims{n, out}, x.dtype());
  if (b.defined() && b.dim() == 1 && b.is_contiguous() && b.numel() == out && x.is_contiguous() && w.is_contiguous() &&
      is_floating(x.dtype())) {
    const auto run = [&](auto zero) {
      using T = decltype(zero);
      GilRelease release(static_cast<double>(n) * static_cast<double>(in * out) > 1 << 18);
      gemm_plus_row<T>(false, true, n, out, in, x.data<T>(), std::max<std::int64_t>(in, 1), w.data<T>(),
                       std::max<std::int64_t>(in, 1), b.data<T>(), y.data<T>(), std::max<std::int64_t>(out, 1));
    };
    if (x.dtype() == Dtype::Float32) run(float{});
    else run(double{});
  } else {
    if (b.defined()) copy_in_place(y, expand(detach(b), y.sizes()));
    multiply_into(y, x, false, w, true, b.defined() ? 1 : 0, 1);
  }
  if (!b.defined())
    return record("MmBackward0", std::move(y), {x, w}, {x, w}, [](Vjp& v) {
      if (v.needs(0)) v.set(0, mm(v.g(), false, v.saved(1), false));
      if (v.needs(1)) v.set(1, mm(v.g(), true, v.saved(0), false));
    });
  return record("AddmmBackward0", std::move(y), {b, x, w}, {x, w}, [sizes = Dims(b.sizes())](Vjp& v) {
    if (v.needs(0)) v.set(0, sum_to(v.g(), sizes));
    if (v.needs(1)) v.set(1, mm(v.g(), false, v.saved(1), false));
    if (v.needs(2)) v.set(2, mm(v.g(), true, v.saved(0), false));
  });
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
  BACKLIT_CHECK(w.dim() == 2 || w.dim() == 1, Runtime, "linear: weight must be a matrix. Got shape ", to_string(w.sizes()), ".");
  BACKLIT_CHECK(x.dim() > 0, Runtime, "both arguments to linear need to be at least 1D, but they are ", x.dim(), "D and ",
                w.dim(), "D");
  if (w.dim() == 1) {
    const Tensor y = matmul(x, w);
    return b.defined() ? add(y, b) : y;
  }
  BACKLIT_CHECK(x.dtype() == w.dtype() && (!b.defined() || b.dtype() == x.dtype()), Runtime,
                x.dtype() != w.dtype() ? "mat1 and mat2 must have the same dtype, but got " : "self and mat2 must have the same dtype, but got ",
                info(x.dtype() != w.dtype() ? x.dtype() : b.dtype()).scalar_name, " and ", info(w.dtype()).scalar_name,
                ". Convert the input with .to(dtype), or the module with .double() or .float().");
  check_not_bool("addmm_impl_cpu_", x.dtype());
  Dims out(x.sizes());
  const std::int64_t in = out[out.n - 1];
  out.erase(out.n - 1);
  const std::int64_t n = product(out);
  BACKLIT_CHECK(in == w.layout().size(1), Runtime, "mat1 and mat2 shapes cannot be multiplied (", n, "x", in, " and ",
                w.layout().size(1), "x", w.layout().size(0), "). Got input ", to_string(x.sizes()), " and weight ",
                to_string(w.sizes()), ".");
  if (x.dim() == 2) return linear_matrix(x, w, b);
  out.push_back(w.layout().size(0));
  return view(linear_matrix(reshape(x, Dims{n, in}), w, b), out);
}

namespace {

const Register linear_row("linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", linear,
                          {.meaning = "The linear layer, (*, in) -> (*, out).",
                           .formula = "Y = X·Wᵀ + b",
                           .gradient = "∂L/∂X = ∂L/∂Y · W, ∂L/∂W = ∂L/∂Yᵀ · X, ∂L/∂b = Σ rows of ∂L/∂Y",
                           .home = "nn"});

}  // namespace
}  // namespace backlit::ops
