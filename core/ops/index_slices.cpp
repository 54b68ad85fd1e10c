// Whole slices along one dimension: index_select, index_add, index_copy, index_fill.
#include <algorithm>

#include "ops/along.h"
#include "ops/indexing.h"
#include "registry/registry.h"

namespace backlit::ops {

void check_slices(const Tensor& index, int dim, std::int64_t n) {
  const Tensor dense = contiguous(to_dtype(detach(index), Dtype::Int64));
  const auto* k = dense.data<std::int64_t>();
  for (std::int64_t i = 0; i < dense.numel(); ++i)
    BACKLIT_CHECK(k[i] >= 0 && k[i] < n, Index, "index out of range in self. Got index ", k[i],
                  " for dimension ", dim, " of size ", n, ".");
}

namespace {

IndexGroup along(const char* name, const Tensor& x, int dim, const Tensor& index) {
  check_index_dtype(name, index);
  BACKLIT_CHECK(index.dim() <= 1, Index, name, "(): Index is supposed to be a vector");
  const Tensor vector = index.dim() == 0 ? view(index, Dims{1}) : index;
  check_slices(vector, dim, x.layout().size(dim));  // unlike x[index], no negative numbers
  return {vector, dim};
}

Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index_) {
  if (x.dim() == 0) return reshape(index_select(view(x, Dims{1}), dim, index_), {});
  const IndexGroup g = along("index_select", x, wrap_dim(dim, x.dim()), index_);
  return index(x, {&g, 1}, "IndexSelectBackward0");
}

Tensor index_add_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                          const Tensor& source, const Scalar& alpha) {
  const IndexGroup g = along("index_add", x, wrap_dim(dim, x.dim()), index);
  check_same_dtype("index_add", x, source);
  const Tensor factor = Tensor::scalar(alpha.d, x.dtype());  // of x's dtype, as in PyTorch
  return index_put_(x, {&g, 1}, alpha.d == 1 ? source : mul(source, factor), true,
                    "IndexAddBackward0");
}
Tensor index_add_op(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                    const Scalar& alpha) {
  return index_add_in_place(clone(x), dim, index, source, alpha);
}
Tensor index_copy_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                           const Tensor& source) {
  const IndexGroup g = along("index_copy", x, wrap_dim(dim, x.dim()), index);
  check_same_dtype("index_copy", x, source);
  return index_put_(x, {&g, 1}, source, false, "IndexCopyBackward0");
}
Tensor index_copy_op(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  return index_copy_in_place(clone(x), dim, index, source);
}
// 1 for each slice that index names, in a shape that broadcasts to x.
Tensor slice_mask(const Tensor& x, const IndexGroup& g) {
  Dims sizes(x.sizes());
  for (int d = 0; d < sizes.n; ++d) sizes[d] = d == g.dim ? sizes[d] : 1;
  const Tensor mask = Tensor::zeros(sizes, Dtype::Bool);
  const Tensor dense = contiguous(to_dtype(g.index, Dtype::Int64));
  for (std::int64_t i = 0; i < dense.numel(); ++i)
    mask.data<bool>()[dense.data<std::int64_t>()[i]] = true;
  return mask;
}

Tensor index_fill_in_place(const Tensor& x, std::int64_t dim, const Tensor& index, Any value) {
  const IndexGroup g = along("index_fill", x, wrap_dim(dim, x.dim()), index);
  Tensor v = is_tensor(value.object)
                 ? Tensor::borrow(reinterpret_cast<TensorObject*>(value.object))
                 : Tensor::scalar(scalar_from_object(value.object).d, x.dtype());
  BACKLIT_CHECK(v.dim() == 0, Runtime,
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
                v.dim(), " dimension(s).");
  // a value that gradients flow to counts once per element, however often index names it
  if (v.requires_grad() && modes.grad)
    return masked_fill_in_place(x, slice_mask(x, g), v, "IndexFillBackward1");
  return index_put_(x, {&g, 1}, to_dtype(v, x.dtype()), false,
                    is_tensor(value.object) ? "IndexFillBackward1" : "IndexFillBackward0");
}
Tensor index_fill_op(const Tensor& x, std::int64_t dim, const Tensor& index, Any value) {
  return index_fill_in_place(clone(x), dim, index, value);
}

const Register index_select_row("index_select(Tensor input, int dim, Tensor index) -> Tensor",
                                index_select,
                                {.meaning = "The slices along dim that index names.",
                                 .formula = "yᵢ = x[indexᵢ]",
                                 .gradient = "∂L/∂x = 0, with the slices of ∂L/∂y added at index"});
const RowOptions kIndexAdd{
    .meaning = "alpha times the slices of source, added to those that index names.",
    .formula = "y = x; y[indexᵢ] += α·sourceᵢ",
    .gradient = "∂L/∂x = ∂L/∂y; ∂L/∂source = α·∂L/∂y at index"};
const Register index_add_row(
    "index_add(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
    index_add_op, kIndexAdd);
const Register index_add_in_place_row(
    "index_add_(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
    index_add_in_place,
    {.meaning = kIndexAdd.meaning,
     .formula = kIndexAdd.formula,
     .gradient = kIndexAdd.gradient,
     .function = false});
const RowOptions kIndexCopy{.meaning = "The slices that index names, replaced by those of source.",
                            .formula = "y = x; y[indexᵢ] = sourceᵢ",
                            .gradient = "∂L/∂x = ∂L/∂y, 0 at index; ∂L/∂source = ∂L/∂y at index"};
const Register index_copy_row(
    "index_copy(Tensor input, int dim, Tensor index, Tensor source) -> Tensor", index_copy_op,
    kIndexCopy);
const Register index_copy_in_place_row(
    "index_copy_(Tensor input, int dim, Tensor index, Tensor source) -> Tensor",
    index_copy_in_place,
    {.meaning = kIndexCopy.meaning,
     .formula = kIndexCopy.formula,
     .gradient = kIndexCopy.gradient,
     .function = false});
const RowOptions kIndexFill{.meaning = "The slices that index names, filled with value.",
                            .formula = "y = x; y[indexᵢ] = value",
                            .gradient = "∂L/∂x = ∂L/∂y, 0 at index"};
const Register index_fill_row(
    "index_fill(Tensor input, int dim, Tensor index, any value) -> Tensor", index_fill_op,
    kIndexFill);
const Register index_fill_in_place_row(
    "index_fill_(Tensor input, int dim, Tensor index, any value) -> Tensor", index_fill_in_place,
    {.meaning = kIndexFill.meaning,
     .formula = kIndexFill.formula,
     .gradient = kIndexFill.gradient,
     .function = false});

}  // namespace
}  // namespace backlit::ops
