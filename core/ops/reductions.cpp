// Sums, means, products, and what counts.
#include "ops/reductions.h"

#include "ops/arithmetic.h"
#include "ops/reductions_plan.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

Dtype sum_dtype(const Tensor& x, std::optional<Dtype> dtype) {
  return dtype ? *dtype : is_floating(x.dtype()) ? x.dtype() : Dtype::Int64;
}

// g, which lacks the reduced dimensions or has them as 1, in the shape of the input.
Tensor spread(const Tensor& g, const Dims& kept, const LayoutRef& from) {
  return expand(view_or_reshape(g, kept), from->sizes());
}

// The sum before it is recorded. Small integers are widened on the way, other conversions come
// first.
Tensor sum_value(const Tensor& x, const ReducedDims* dims, bool keepdim, Dtype d) {
  const bool direct = d == x.dtype() || (d == Dtype::Int64 && !is_floating(x.dtype()));
  if (!direct || (d != Dtype::Int64 && !is_floating(d))) {
    // a sum of small integers in their own dtype wraps the same way at the end
    const Dtype wide = is_floating(d) ? d : Dtype::Int64;
    const Tensor converted = to_dtype(detach(x), wide);
    return to_dtype(sum_value(converted, dims, keepdim, wide), d);
  }
  return dims ? reduce(Reduction::Sum, x, *dims, keepdim) : reduce_all(Reduction::Sum, x);
}

}  // namespace

Tensor view_or_reshape(const Tensor& g, Span sizes) {
  return g.dim() == static_cast<int>(sizes.size()) ? g : reshape(g, sizes);
}

Tensor sum(const Tensor& x, std::optional<Dtype> dtype) {
  Tensor y = sum_value(x, nullptr, false, sum_dtype(x, dtype));
  return record("SumBackward0", std::move(y), {x}, {},
                [from = x.layout_ref(), d = x.dtype()](Vjp& v) {
                  v.set(0, expand(to_dtype(v.g(), d), from->sizes()));
                });
}

Tensor sum(const Tensor& x, Span dims, bool keepdim, std::optional<Dtype> dtype) {
  const ReducedDims r(x, dims);
  Tensor y = sum_value(x, &r, keepdim, sum_dtype(x, dtype));
  return record("SumBackward1", std::move(y), {x}, {},
                [from = x.layout_ref(), kept = r.kept, d = x.dtype()](Vjp& v) {
                  v.set(0, spread(to_dtype(v.g(), d), kept, from));
                });
}

namespace {

Dtype mean_dtype(const Tensor& x, std::optional<Dtype> dtype) {
  const Dtype d = dtype ? *dtype : x.dtype();
  BACKLIT_CHECK(is_floating(d), Runtime, "mean(): ",
                dtype ? "could not infer output dtype. Optional dtype"
                      : "could not infer output dtype. Input dtype",
                " must be either a floating point or complex dtype. Got: ", info(d).scalar_name);
  return d;
}

// y /= n, of memory that nobody else sees
void divide(const Tensor& y, std::int64_t n) {
  if (y.dtype() == Dtype::Float32) {
    for (std::int64_t i = 0; i < y.numel(); ++i) y.data<float>()[i] /= static_cast<float>(n);
  } else {
    for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] /= static_cast<double>(n);
  }
}

}  // namespace

Tensor mean(const Tensor& x, std::optional<Dtype> dtype) {
  Tensor y = sum_value(x, nullptr, false, mean_dtype(x, dtype));
  divide(y, x.numel());
  return record("MeanBackward0", std::move(y), {x}, {},
                [from = x.layout_ref(), d = x.dtype()](Vjp& v) {
                  const Scalar n(static_cast<double>(from->numel));
                  v.set(0, expand(div(to_dtype(v.g(), d), n), from->sizes()));
                });
}

Tensor mean(const Tensor& x, Span dims, bool keepdim, std::optional<Dtype> dtype) {
  const Dtype out = mean_dtype(x, dtype);
  const ReducedDims r(x, dims);
  Tensor y = sum_value(x, &r, keepdim, out);
  divide(y, r.count);
  return record("MeanBackward1", std::move(y), {x}, {},
                [from = x.layout_ref(), kept = r.kept, n = r.count, d = x.dtype()](Vjp& v) {
                  const Scalar count(static_cast<double>(n));
                  v.set(0, spread(div(to_dtype(v.g(), d), count), kept, from));
                });
}

namespace {

Tensor sum_all_op(const Tensor& x, std::optional<Dtype> dtype) { return sum(x, dtype); }
Tensor sum_op(const Tensor& x, std::optional<Dims> dims, bool keepdim, std::optional<Dtype> dtype) {
  return sum(x, dims ? Span(*dims) : Span(), keepdim, dtype);
}
const Register sum_all_row("sum(Tensor input, *, dtype? dtype=None) -> Tensor", sum_all_op,
                           {.meaning = "Sum of all elements, or of those along dim.",
                            .formula = "y = Σᵢ xᵢ",
                            .gradient = "∂L/∂x = ∂L/∂y, expanded to the shape of x"});
const Register sum_row(
    "sum(Tensor input, int[1]? dim, bool keepdim=False, *, dtype? dtype=None, Tensor? out=None) -> "
    "Tensor",
    sum_op,
    {.meaning = "Sum of all elements, or of those along dim.",
     .formula = "y = Σᵢ xᵢ",
     .gradient = "∂L/∂x = ∂L/∂y, expanded to the shape of x"});

Tensor mean_all_op(const Tensor& x, std::optional<Dtype> dtype) { return mean(x, dtype); }
Tensor mean_op(const Tensor& x, std::optional<Dims> dims, bool keepdim,
               std::optional<Dtype> dtype) {
  return mean(x, dims ? Span(*dims) : Span(), keepdim, dtype);
}
const Register mean_all_row("mean(Tensor input, *, dtype? dtype=None, Tensor? out=None) -> Tensor",
                            mean_all_op,
                            {.meaning = "Mean of all elements, or of those along dim.",
                             .formula = "y = 1/n Σᵢ xᵢ",
                             .gradient = "∂L/∂x = 1/n ∂L/∂y, expanded to the shape of x"});
const Register mean_row(
    "mean(Tensor input, int[1]? dim, bool keepdim=False, *, dtype? dtype=None, Tensor? out=None) "
    "-> Tensor",
    mean_op,
    {.meaning = "Mean of all elements, or of those along dim.",
     .formula = "y = 1/n Σᵢ xᵢ",
     .gradient = "∂L/∂x = 1/n ∂L/∂y, expanded to the shape of x"});

}  // namespace

}  // namespace backlit::ops
