#include "ops/reductions_lines.h"

#include "formulas/comparison.h"
#include "formulas/logic.h"
#include "ops/arithmetic.h"
#include "ops/reductions.h"
#include "ops/views.h"

namespace backlit::ops {
Tensor take_along(const Tensor& x, int d, const Tensor& index) {
  const Tensor source = contiguous(detach(x)), at = contiguous(index);
  Tensor y = Tensor::empty(index.sizes(), x.dtype());
  const Lines from(x.sizes(), d), to(index.sizes(), d);
  visit_size(size_of(x.dtype()), [&](auto zero) {
    using T = decltype(zero);
    const T* in = source.data<T>();
    const std::int64_t* ix = at.data<std::int64_t>();
    T* out = y.data<T>();
    to.each([&](std::int64_t line) {
      const std::int64_t a = from.start(line), b = to.start(line);
      for (std::int64_t k = 0; k < to.n; ++k)
        out[b + k * to.inner] = in[a + ix[b + k * to.inner] * from.inner];
    });
  });
  return record("GatherBackward0", std::move(y), {x}, {index}, [from = x.layout_ref(), d](Vjp& v) {
    v.set(0, put_along(v.g(), d, v.saved(0), from->sizes()));
  });
}

Tensor put_along(const Tensor& g, int d, const Tensor& index, Span sizes) {
  const Tensor source = contiguous(detach(g)), at = contiguous(index);
  Tensor y = Tensor::zeros(sizes, g.dtype());
  const Lines from(index.sizes(), d), to(sizes, d);
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const T* in = source.data<T>();
    const std::int64_t* ix = at.data<std::int64_t>();
    T* out = y.data<T>();
    from.each([&](std::int64_t line) {
      const std::int64_t a = from.start(line), b = to.start(line);
      for (std::int64_t k = 0; k < from.n; ++k)
        out[b + ix[a + k * from.inner] * to.inner] += in[a + k * from.inner];
    });
  };
  visit(g.dtype(), run);
  return record("ScatterAddBackward0", std::move(y), {g}, {index},
                [d](Vjp& v) { v.set(0, take_along(v.g(), d, v.saved(0))); });
}

Tensor record_picked(const char* name, Tensor y, const Tensor& x, int d, bool keepdim,
                     const Tensor& index) {
  const bool widen = !keepdim && x.dim() > 0;
  return record(name, std::move(y), {x}, {index}, [from = x.layout_ref(), d, widen](Vjp& v) {
    const Tensor at = v.saved(0);
    v.set(0, widen ? put_along(unsqueeze(v.g(), d), d, unsqueeze(at, d), from->sizes())
                   : put_along(v.g(), d, at, from->sizes()));
  });
}

Tensor share_evenly(const Tensor& g, const Tensor& x, const Tensor& y, Span dims,
                    bool nan_is_equal) {
  Tensor mask = apply<formulas::Eq>(x, y);
  if (nan_is_equal) mask = apply<formulas::LogicalOr>(mask, apply<formulas::Isnan>(x));
  return mul(mask, div(g, sum(mask, dims, true)));
}

Tensor share_with_equal(const Tensor& g, const Tensor& x, const Tensor& y) {
  const Tensor same = apply<formulas::Eq>(x, y);
  const Tensor mask = apply<formulas::LogicalOr>(
      same, apply<formulas::LogicalAnd>(apply<formulas::Isnan>(x), apply<formulas::Isnan>(y)));
  return where(mask, div(g, sum(mask)), Scalar(0.0));
}

}  // namespace backlit::ops
