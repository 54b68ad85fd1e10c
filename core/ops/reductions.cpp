// Reductions.
#include "ops/reductions.h"

#include "ops/arithmetic.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// Every element of x added into y, where y keeps the reduced dimensions as size 1.
void sum_kernel(const Tensor& x, const Tensor& y) {
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Layout& l = x.layout();
    std::int64_t index[kMaxDims] = {};
    for (std::int64_t i = 0; i < l.numel; ++i) {
      std::int64_t from = 0, to = 0;
      for (int d = 0; d < l.ndim; ++d) {
        from += index[d] * l.stride(d);
        if (y.layout().size(d) != 1) to += index[d] * y.layout().stride(d);
      }
      y.data<T>()[to] = static_cast<T>(y.data<T>()[to] + x.data<T>()[from]);
      for (int d = l.ndim - 1; d >= 0; --d) {
        if (++index[d] < l.size(d)) break;
        index[d] = 0;
      }
    }
  });
}

}  // namespace

Tensor sum(const Tensor& input, Span dims, bool keepdim, std::optional<Dtype> dtype) {
  const Dtype d = dtype ? *dtype : is_floating(input.dtype()) ? input.dtype() : Dtype::Int64;
  const Tensor x = to_dtype(input, d);
  bool reduce[kMaxDims] = {};
  for (auto k : dims) reduce[wrap_dim(k, x.dim())] = true;
  Dims kept(x.sizes()), out;
  for (int k = 0; k < x.dim(); ++k) {
    if (dims.empty() || reduce[k]) kept[k] = 1;
    else out.push_back(kept[k]);
  }
  Tensor y = Tensor::zeros(kept, d);
  sum_kernel(x, y);
  if (!keepdim) y = y.alias(contiguous_layout(out));
  return record(dims.empty() ? "SumBackward0" : "SumBackward1", y, {x}, {},
                [from = x.layout_ref(), kept](Vjp& v) { v.set(0, expand(view(v.g(), kept), from->sizes())); });
}

Tensor mean(const Tensor& x, Span dims, bool keepdim, std::optional<Dtype> dtype) {
  Tensor s = sum(x, dims, keepdim, dtype);
  return div(s, Scalar(static_cast<double>(x.numel()) / static_cast<double>(s.numel())));
}

namespace {

Tensor sum_op(const Tensor& x, std::optional<Dims> dims, bool keepdim, std::optional<Dtype> dtype) {
  return sum(x, dims ? Span(*dims) : Span(), keepdim, dtype);
}
const Register sum_row(
    "sum(Tensor input, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor", sum_op,
    {.meaning = "Sum of all elements, or of those along dim.",
     .formula = "y = Σᵢ xᵢ",
     .gradient = "∂L/∂x = ∂L/∂y, expanded to the shape of x"});

}  // namespace

}  // namespace backlit::ops
