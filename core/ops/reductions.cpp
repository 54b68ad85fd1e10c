// Sums, means, products, and what counts.
#include "ops/reductions.h"

#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/reductions_plan.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

Dtype sum_dtype(const Tensor& x, std::optional<Dtype> dtype) {
  return dtype ? *dtype : x.is_differentiable() ? x.dtype() : Dtype::Int64;
}

// g, which lacks the reduced dimensions or has them as 1, in the shape of the input.
Tensor spread(const Vjp& v, const Tensor& g, const Dims& kept, const LayoutRef& from) {
  return expand(view_or_reshape(g, v.sizes(kept)), v.sizes(from->sizes()));
}

Tensor sum_value(const Tensor& x, const ReducedDims* dims, bool keepdim, Dtype d);

// The sums of the parts.
Tensor complex_sum(const Tensor& z, const ReducedDims* dims, bool keepdim) {
  const Tensor pairs = as_pairs(z);
  Dims over;
  for (int k = 0; k < z.dim(); ++k)
    if (!dims || dims->reduce[k]) over.push_back(k);
  if (over.empty()) return clone_contiguous(detach(z));
  const ReducedDims of_pairs(pairs, over);
  return as_complex(sum_value(pairs, &of_pairs, keepdim, pairs.dtype()));
}

// The sum before it is recorded. Small integers are widened on the way, other conversions come
// first; 16-bit numbers are summed in float32.
Tensor sum_value(const Tensor& x, const ReducedDims* dims, bool keepdim, Dtype d) {
  if (is_complex(d)) return complex_sum(to_dtype(detach(x), d), dims, keepdim);
  if (is_sixteen_bit(d)) {
    const Tensor wide = to_dtype(detach(x), Dtype::Float32);
    return to_dtype(sum_value(wide, dims, keepdim, Dtype::Float32), d);
  }
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
                ForBatches{[from = x.layout_ref(), d = x.dtype()](Vjp& v) {
                  v.set(0, expand_to(v, to_dtype(v.g(), d), from->sizes()));
                }});
}

Tensor sum(const Tensor& x, Span dims, bool keepdim, std::optional<Dtype> dtype) {
  const ReducedDims r(x, dims);
  Tensor y = sum_value(x, &r, keepdim, sum_dtype(x, dtype));
  return record("SumBackward1", std::move(y), {x}, {},
                ForBatches{[from = x.layout_ref(), kept = r.kept, d = x.dtype()](Vjp& v) {
                  v.set(0, spread(v, to_dtype(v.g(), d), kept, from));
                }});
}

namespace {

Dtype mean_dtype(const Tensor& x, std::optional<Dtype> dtype) {
  const Dtype d = dtype ? *dtype : x.dtype();
  BACKLIT_CHECK(is_differentiable(d), Runtime, "mean(): ",
                dtype ? "could not infer output dtype. Optional dtype"
                      : "could not infer output dtype. Input dtype",
                " must be either a floating point or complex dtype. Got: ", info(d).scalar_name);
  return d;
}

// y /= n, of contiguous memory that nobody else sees
void divide(const Tensor& y, std::int64_t n) {
  if (y.is_complex()) return divide(as_pairs(y), n);
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < y.numel(); ++i) y.data<T>()[i] /= static_cast<T>(n);
  };
  y.dtype() == Dtype::Float32 ? run(float{}) : run(double{});
}

Tensor mean_value(const Tensor& x, const ReducedDims* dims, bool keepdim, Dtype d) {
  const Tensor y = sum_value(x, dims, keepdim, computing(d));
  divide(y, dims ? dims->count : x.numel());
  return to_dtype(y, d);
}

}  // namespace

Tensor mean(const Tensor& x, std::optional<Dtype> dtype) {
  Tensor y = mean_value(x, nullptr, false, mean_dtype(x, dtype));
  return record("MeanBackward0", std::move(y), {x}, {},
                ForBatches{[from = x.layout_ref(), d = x.dtype()](Vjp& v) {
                  const Scalar n(static_cast<double>(from->numel));
                  v.set(0, expand_to(v, div(to_dtype(v.g(), d), n), from->sizes()));
                }});
}

Tensor mean(const Tensor& x, Span dims, bool keepdim, std::optional<Dtype> dtype) {
  const Dtype out = mean_dtype(x, dtype);
  const ReducedDims r(x, dims);
  Tensor y = mean_value(x, &r, keepdim, out);
  return record(
      "MeanBackward1", std::move(y), {x}, {},
      ForBatches{[from = x.layout_ref(), kept = r.kept, n = r.count, d = x.dtype()](Vjp& v) {
        const Scalar count(static_cast<double>(n));
        v.set(0, spread(v, div(to_dtype(v.g(), d), count), kept, from));
      }});
}

namespace {

Tensor sum_all_op(const Tensor& x, std::optional<Dtype> dtype) { return sum(x, dtype); }
Tensor sum_op(const Tensor& x, std::optional<Dims> dims, bool keepdim, std::optional<Dtype> dtype) {
  return sum(x, dims ? Span(*dims) : Span(), keepdim, dtype);
}
const RegisterAny sum_all_row("sum(Tensor input, *, dtype? dtype=None) -> Tensor", sum_all_op,
                              {.meaning = "Sum of all elements, or of those along dim.",
                               .formula = "y = Σᵢ xᵢ",
                               .gradient = "∂L/∂x = ∂L/∂y, expanded to the shape of x"});
const RegisterAny sum_row(
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
const RegisterAny mean_all_row(
    "mean(Tensor input, *, dtype? dtype=None, Tensor? out=None) -> Tensor", mean_all_op,
    {.meaning = "Mean of all elements, or of those along dim.",
     .formula = "y = 1/n Σᵢ xᵢ",
     .gradient = "∂L/∂x = 1/n ∂L/∂y, expanded to the shape of x"});
const RegisterAny mean_row(
    "mean(Tensor input, int[1]? dim, bool keepdim=False, *, dtype? dtype=None, Tensor? out=None) "
    "-> Tensor",
    mean_op,
    {.meaning = "Mean of all elements, or of those along dim.",
     .formula = "y = 1/n Σᵢ xᵢ",
     .gradient = "∂L/∂x = 1/n ∂L/∂y, expanded to the shape of x"});

}  // namespace

}  // namespace backlit::ops
