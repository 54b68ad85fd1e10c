// any, all, count_nonzero, prod, nansum, nanmean.
#include "formulas/comparison.h"
#include "ops/arithmetic.h"
#include "ops/reductions.h"
#include "ops/reductions_lines.h"
#include "ops/reductions_plan.h"
#include "ops/scans.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

// x, or where it is complex: where it is not zero.
Tensor counted(const Tensor& x) { return x.is_complex() ? apply<formulas::Ne>(x, Scalar(0)) : x; }

// PyTorch gives uint8 for uint8 and bool for everything else.
Tensor truth(Reduction r, const Tensor& input, Span dims, bool keepdim) {
  const Tensor x = counted(input);
  Tensor y = reduce(r, x, ReducedDims(x, dims), keepdim);
  return x.dtype() == Dtype::UInt8 ? to_dtype(y, Dtype::UInt8) : y;
}
Tensor any_op(const Tensor& x, std::optional<Dims> dims, bool keepdim) {
  return truth(Reduction::Any, x, dims ? Span(*dims) : Span(), keepdim);
}
Tensor all_op(const Tensor& x, std::optional<Dims> dims, bool keepdim) {
  return truth(Reduction::All, x, dims ? Span(*dims) : Span(), keepdim);
}
const RegisterComplex any_row(
    "any(Tensor input, int[1]? dim=None, bool keepdim=False, *, Tensor? out=None) -> Tensor",
    any_op, {.meaning = "Whether any element is not zero.", .formula = "y = ∃i xᵢ ≠ 0"});
const RegisterComplex all_row(
    "all(Tensor input, int[1]? dim=None, bool keepdim=False, *, Tensor? out=None) -> Tensor",
    all_op, {.meaning = "Whether no element is zero.", .formula = "y = ∀i xᵢ ≠ 0"});

Tensor count_nonzero_op(const Tensor& input, std::optional<Dims> dims) {
  const Tensor x = counted(input);
  return reduce(Reduction::Count, x, ReducedDims(x, dims ? Span(*dims) : Span()), false);
}
const RegisterComplex count_nonzero_row("count_nonzero(Tensor input, int[1]? dim=None) -> Tensor",
                                        count_nonzero_op,
                                        {.meaning = "Number of elements that are not zero."});

// --- prod ---

// d(prod x)/dx times g for lines with zeros: only the zero of a line with a single one gets
// anything.
Tensor prod_gradient_with_zeros(const Tensor& g, const Tensor& input, int d) {
  const Tensor x = contiguous(input), gc = contiguous(g);
  Tensor out = Tensor::empty(x.sizes(), x.dtype());
  const Lines lines(x.sizes(), d);
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    const T* gs = gc.data<T>();
    T* y = out.data<T>();
    lines.each([&](i64 line) {
      const i64 a = lines.start(line);
      T before = 1;
      for (i64 k = 0; k < lines.n; ++k) {
        y[a + k * lines.inner] = before;
        before *= in[a + k * lines.inner];
      }
      T after = gs[line];
      for (i64 k = lines.n; k-- > 0;) {
        y[a + k * lines.inner] *= after;
        after *= in[a + k * lines.inner];
      }
    });
  };
  if (x.dtype() == Dtype::Float32)
    run(float{});
  else
    run(double{});
  return out;
}

}  // namespace

Tensor leave_one_out(const Tensor& x, int d) {
  BACKLIT_CHECK(x.dim() < kMaxDims, NotImplemented,
                "second derivatives of products of an 8-dimensional tensor with zeros");
  const i64 n = x.dim() ? x.size(d) : 1;
  const Tensor flat = x.dim() ? x : reshape(x, Dims{1});
  Tensor eye = Tensor::zeros(Dims{n, n}, Dtype::Bool);
  for (i64 k = 0; k < n; ++k) eye.data<bool>()[k * (n + 1)] = true;
  Dims shape;
  for (int k = 0; k <= flat.dim(); ++k) shape.push_back(k == d || k == d + 1 ? n : 1);
  return where(reshape(eye, shape), Scalar(1.0), unsqueeze(flat, d));
}

namespace {

// g and y have dimension d as 1 (or are 0-d with x).
Tensor prod_gradient(const Tensor& g, const Tensor& x, const Tensor& y, int d) {
  if (x.numel() == 0) return Tensor::zeros(x.sizes(), g.dtype());
  if (all_nonzero(x)) return div(mul(g, conj(y)), conj(x));
  if (!modes.grad && !x.is_complex()) return prod_gradient_with_zeros(g, x, d);
  if (x.dim() == 0) return g;
  return mul(g, conj(prod_along(leave_one_out(x, d), d + 1)));
}

// Products of complex numbers over `dims`, in order.
Tensor complex_product(const Tensor& z, const ReducedDims& dims, bool keepdim) {
  Dims order;
  for (int k = 0; k < z.dim(); ++k)
    if (!dims.reduce[k]) order.push_back(k);
  for (int k = 0; k < z.dim(); ++k)
    if (dims.reduce[k]) order.push_back(k);
  const Tensor x = contiguous(permute(detach(z), order));
  Tensor y = Tensor::empty(dims.sizes(keepdim), z.dtype());
  visit_complex(z.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    for (i64 i = 0; i < y.numel(); ++i) {
      T all = 1;
      for (i64 k = 0; k < dims.count; ++k) all *= *in++;
      y.data<T>()[i] = all;
    }
  });
  return y;
}

Tensor prod_value(const Tensor& input, Span dims, bool keepdim, std::optional<Dtype> dtype) {
  const Dtype d = dtype ? *dtype : input.is_differentiable() ? input.dtype() : Dtype::Int64;
  if (is_complex(d)) {
    const Tensor z = to_dtype(detach(input), d);
    return complex_product(z, ReducedDims(z, dims), keepdim);
  }
  const bool wide = d == Dtype::Int64 && !is_floating(input.dtype());
  const Tensor x = wide ? input : to_dtype(detach(input), is_floating(d) ? d : Dtype::Int64);
  return to_dtype(reduce(Reduction::Prod, x, ReducedDims(x, dims), keepdim), d);
}

}  // namespace

Tensor prod_along(const Tensor& x, int d) { return prod(x, d, false, std::nullopt); }

Tensor prod(const Tensor& input, i64 dim, bool keepdim, std::optional<Dtype> dtype) {
  const int d = wrap_dim(dim, input.dim());
  const Tensor x = dtype && is_differentiable(*dtype) ? to_dtype(input, *dtype) : input;
  Tensor y = prod_value(x, Dims{d}, keepdim, dtype);
  const bool widen = !keepdim && x.dim() > 0;
  return record(
      "ProdBackward1", std::move(y), {x}, {x},
      [d, widen](Vjp& v) {
        const Tensor g = widen ? unsqueeze(v.g(), d) : v.g();
        const Tensor y = widen ? unsqueeze(v.saved(1), d) : v.saved(1);
        v.set(0, prod_gradient(g, v.saved(0), y, d));
      },
      true);
}

namespace {

Tensor prod_all_op(const Tensor& input, std::optional<Dtype> dtype) {
  const Tensor x = dtype && is_differentiable(*dtype) ? to_dtype(input, *dtype) : input;
  Tensor y = prod_value(x, {}, false, dtype);
  return record(
      "ProdBackward0", std::move(y), {x}, {x},
      [](Vjp& v) {
        const Tensor x = v.saved(0);
        const Tensor flat = reshape(x, Dims{-1});
        v.set(0, reshape(prod_gradient(v.g(), flat, v.saved(1), 0), x.sizes()));
      },
      true);
}
const RegisterComplex prod_all_row("prod(Tensor input, *, dtype? dtype=None) -> Tensor",
                                   prod_all_op,
                                   {.meaning = "Product of all elements, or of those along dim.",
                                    .formula = "y = Πᵢ xᵢ",
                                    .gradient = "∂L/∂xᵢ = ∂L/∂y Π_{j≠i} xⱼ"});
const RegisterComplex prod_row(
    "prod(Tensor input, int dim, bool keepdim=False, *, dtype? dtype=None, Tensor? out=None) -> "
    "Tensor",
    prod,
    {.meaning = "Product of the elements along dim.",
     .formula = "y = Πᵢ xᵢ",
     .gradient = "∂L/∂xᵢ = ∂L/∂y Π_{j≠i} xⱼ"});

// --- nansum, nanmean ---

Tensor nansum_op(const Tensor& input, std::optional<Dims> dims, bool keepdim,
                 std::optional<Dtype> dtype) {
  const Span over = dims ? Span(*dims) : Span();
  if (!is_floating(input.dtype())) return sum(input, over, keepdim, dtype);
  const Tensor x = dtype && is_floating(*dtype) ? to_dtype(input, *dtype) : input;
  const ReducedDims r(x, over);
  Tensor y = reduce(Reduction::NanSum, x, r, keepdim);
  if (dtype) y = to_dtype(y, *dtype);
  return record("NansumBackward0", std::move(y), {x}, {x}, [kept = r.kept](Vjp& v) {
    const Tensor nan = apply<formulas::Isnan>(v.saved(0));
    v.set(0, where(nan, Scalar(0.0), view_or_reshape(v.g(), kept)));
  });
}
const Register nansum_row(
    "nansum(Tensor input, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None, Tensor? "
    "out=None) -> Tensor",
    nansum_op,
    {.meaning = "Sum of the elements that are not nan.",
     .formula = "y = Σᵢ xᵢ, nan as 0",
     .gradient = "∂L/∂xᵢ = ∂L/∂y where xᵢ is a number, else 0"});

Tensor nanmean_op(const Tensor& x, std::optional<Dims> dims, bool keepdim,
                  std::optional<Dtype> dtype) {
  BACKLIT_CHECK(x.is_floating(), Runtime,
                "nanmean(): expected input to have floating point or complex dtype but got ",
                info(x.dtype()).scalar_name);
  const Tensor number = apply<formulas::Eq>(detach(x), detach(x));
  const Tensor count =
      reduce(Reduction::Count, number, ReducedDims(x, dims ? Span(*dims) : Span()), keepdim);
  return div(nansum_op(x, dims, keepdim, dtype), count);
}
const Register nanmean_row(
    "nanmean(Tensor input, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None, Tensor? "
    "out=None) -> Tensor",
    nanmean_op,
    {.meaning = "Mean of the elements that are not nan.",
     .formula = "y = Σᵢ xᵢ / n, over the n numbers",
     .gradient = "∂L/∂xᵢ = 1/n ∂L/∂y where xᵢ is a number, else 0"});

}  // namespace
}  // namespace backlit::ops
