// Views: new sizes and strides over the same memory. All of them are recorded and differentiable.
#pragma once

#include <optional>

#include "graph/node.h"

namespace backlit::ops {

// y looks at x's memory through `layout`, `offset` elements on; `rule` is its gradient.
template <class F>
Tensor make_view(const char* name, const Tensor& x, LayoutRef layout, std::int64_t offset, F rule) {
  Tensor y = x.alias(std::move(layout), offset);
  if (x.is_differentiable()) set_view(y, x);
  return record(name, std::move(y), {x}, {}, std::move(rule));
}

// A view that may leave elements out, as steps on sizes and strides; `dense` strides and offset are
// those of the same view of a contiguous tensor, which the gradient needs.
struct Pick {
  Dims sizes, strides, dense_strides;
  std::int64_t offset = 0, dense_offset = 0;

  void select(int d, std::int64_t index) {
    offset += index * strides[d];
    dense_offset += index * dense_strides[d];
    sizes.erase(d);
    strides.erase(d);
    dense_strides.erase(d);
  }
  void slice(int d, std::int64_t start, std::int64_t length, std::int64_t step) {
    offset += start * strides[d];
    dense_offset += start * dense_strides[d];
    sizes[d] = length;
    strides[d] *= step;
    dense_strides[d] *= step;
  }
  void unsqueeze(int d) {
    const bool last = d == sizes.size();
    strides.insert(d, last ? 1 : sizes[d] * strides[d]);
    dense_strides.insert(d, last ? 1 : sizes[d] * dense_strides[d]);
    sizes.insert(d, 1);
  }
};
Pick pick_all(const Tensor& x);
// Elements of x seen through p, without overlap.
Tensor make_pick(const char* name, const Tensor& x, const Pick& p);

Tensor expand(const Tensor& x, Span sizes);   // -1 keeps a size
Tensor reshape(const Tensor& x, Span sizes);  // a view where possible, else a copy; -1 is inferred
Tensor view(const Tensor& x, Span sizes);     // a view, or an error
Tensor transpose(const Tensor& x, std::int64_t a, std::int64_t b,
                 const char* name = "TransposeBackward0");
Tensor permute(const Tensor& x, Span order);
Tensor select(const Tensor& x, std::int64_t dim, std::int64_t index);
Tensor slice(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t end,
             std::int64_t step);
Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length);
Tensor unsqueeze(const Tensor& x, std::int64_t dim);
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, Span dims, bool list = false);  // list: PyTorch's name for several
Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t dim1, std::int64_t dim2);
Tensor unfold(const Tensor& x, std::int64_t dim, std::int64_t size, std::int64_t step);
Tensor view_as_dtype(const Tensor& x, Dtype dtype);
Tensor alias(const Tensor& x);
Tensor as_strided(const Tensor& x, Span sizes, Span strides, std::int64_t offset);
Tensor detach(const Tensor& x);

// What in-place changes need (graph/inplace.cpp).
bool lies_within(const Tensor& base, const Tensor& view);
// The elements of x, laid out as `layout`, seen through (view, offset): a copy; recorded.
Tensor pick_strided(const Tensor& x, const LayoutRef& layout, const LayoutRef& view,
                    std::int64_t offset);
Ref<Node> as_strided_node(const Tensor& base, LayoutRef view, std::int64_t offset);
// The same for a base known by its edge (owned) and layout.
Ref<Node> as_strided_node(Edge base, LayoutRef layout, LayoutRef view, std::int64_t offset);
// base, laid out as `layout`, with the elements seen through (view, offset) replaced by `inner`
// (undefined: zero); recorded.
Tensor slice_scatter_strided(const Tensor& base, const Tensor& inner, const LayoutRef& layout,
                             const LayoutRef& view, std::int64_t offset);

// Strides that make a view of x with `sizes` (same number of elements), if there are any.
std::optional<Dims> view_strides(const Layout& x, Span sizes);
// Replaces one -1 and checks the number of elements.
Dims infer_sizes(Span sizes, std::int64_t numel);

}  // namespace backlit::ops
