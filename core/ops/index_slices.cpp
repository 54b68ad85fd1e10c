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

void check_slice_source(const char* name, const Tensor& x, int d, const Tensor& index,
                        const Tensor& source) {
  BACKLIT_CHECK(index.dim() <= 1, Index, name,
                "(): Index is supposed to be a vector, but got dim: ", index.dim(),
                " with type: ", info(index.dtype()).scalar_name,
                " and size: ", to_string(index.sizes()));
  BACKLIT_CHECK(
      index.dtype() == Dtype::Int64 || index.dtype() == Dtype::Int32, Runtime, name,
      "(): Expected dtype int32/int64 for index but got: ", info(index.dtype()).scalar_name);
  BACKLIT_CHECK(x.dtype() == source.dtype(), Runtime, name, "(): self (",
                info(x.dtype()).scalar_name, ") and source (", info(source.dtype()).scalar_name,
                ") must have the same scalar type");
  const std::int64_t n = source.dim() ? source.size(d) : 1;
  BACKLIT_CHECK(n == index.numel(), Runtime, name, "(): Number of indices (", index.numel(),
                ") should be equal to source.size(dim): (", n, "), for dim: ", d);
  bool fits = x.dim() == source.dim() || (x.dim() <= 1 && source.dim() <= 1);
  for (int k = 0; fits && k < x.dim() && x.dim() == source.dim(); ++k)
    fits = k == d || x.layout().size(k) == source.layout().size(k);
  BACKLIT_CHECK(fits, Runtime,
                "source tensor shape must match self tensor shape, excluding the specified "
                "dimension. Got self.shape = ",
                to_string(x.sizes()), " source.shape = ", to_string(source.sizes()));
}

namespace {

std::int64_t size_along(const Tensor& x, int dim) { return x.dim() ? x.layout().size(dim) : 1; }

// One number per slice; unlike in x[index], negative ones are refused.
IndexGroup along(const Tensor& x, int dim, const Tensor& index) {
  check_slices(index, dim, size_along(x, dim));
  return {index.dim() ? index : view(index, Dims{1}), dim};
}

// Runs an in-place change on a 0-d tensor as on one of one element.
template <class F> Tensor on_vector(const Tensor& x, F&& change) {
  if (x.dim() > 0) return change(x);
  change(view(x, Dims{1}));
  return x;
}

Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index_) {
  BACKLIT_CHECK(index_.dtype() == Dtype::Int64 || index_.dtype() == Dtype::Int32, Runtime,
                "index_select(): Expected dtype int32 or int64 for index");
  BACKLIT_CHECK(index_.dim() <= 1, Index, "index_select(): Index is supposed to be a vector");
  if (x.dim() == 0) return reshape(index_select(view(x, Dims{1}), dim, index_), {});
  const IndexGroup g = along(x, wrap_dim(dim, x.dim()), index_);
  return index(x, {&g, 1}, "IndexSelectBackward0");
}

Tensor index_add_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                          const Tensor& source, const Scalar& alpha) {
  const int d = wrap_dim(dim, x.dim());
  check_slice_source("index_add_", x, d, index, source);
  const Tensor factor = Tensor::scalar(alpha.d, x.dtype());  // of x's dtype, as in PyTorch
  return on_vector(x, [&](const Tensor& y) {
    const IndexGroup g = along(y, d, index);
    return index_put_(y, {&g, 1}, alpha.d == 1 ? source : mul(source, factor), true,
                      "IndexAddBackward0");
  });
}
Tensor index_add_op(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                    const Scalar& alpha) {
  return index_add_in_place(clone(x), dim, index, source, alpha);
}

Tensor index_copy_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                           const Tensor& source) {
  const int d = wrap_dim(dim, x.dim());
  BACKLIT_CHECK(index.dim() <= 1, Index, "index_copy_(): Index should have dimension 1 or 0 (got ",
                index.dim(), ")");
  BACKLIT_CHECK(x.dtype() == source.dtype(), Runtime,
                "index_copy_(): self and source expected to have the same dtype, but got (self) ",
                info(x.dtype()).scalar_name, " and (source) ", info(source.dtype()).scalar_name);
  check_index_dtype("index_copy_", index);
  Dims own(x.sizes()), theirs(source.sizes());
  if (own.n) own.erase(d);
  if (theirs.n) theirs.erase(std::min(d, theirs.n - 1));
  BACKLIT_CHECK(own == theirs, Runtime,
                "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
                "slice shape: ",
                to_string(own), " at dimension ", d, " and source slice shape: ", to_string(theirs),
                " at dimension 0.");
  const std::int64_t count = size_along(source, d), n = size_along(x, d);
  BACKLIT_CHECK(count == index.numel(), Index, "index_copy_(): Number of indices (", index.numel(),
                ") should be equal to source.size(dim) (", count, ")");
  const Tensor numbers = contiguous(to_dtype(detach(index), Dtype::Int64));
  const auto* k = numbers.data<std::int64_t>();
  for (std::int64_t i = 0; i < numbers.numel(); ++i)
    BACKLIT_CHECK(k[i] >= 0 && k[i] < n, Index, "index_copy_(): index ", k[i],
                  " is out of bounds for dimension ", d, " with size ", n);
  return on_vector(x, [&](const Tensor& y) {
    const IndexGroup g = along(y, d, index);
    return index_put_(y, {&g, 1}, source, false, "IndexCopyBackward0");
  });
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
  const int d = wrap_dim(dim, x.dim());
  const bool tensor = is_tensor(value.object);
  Tensor v = tensor ? Tensor::borrow(reinterpret_cast<TensorObject*>(value.object))
                    : Tensor::empty(Dims{}, x.dtype());
  if (!tensor) scalar_from_object(value.object).write(v.raw(), x.dtype());
  BACKLIT_CHECK(v.dim() == 0, Runtime,
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
                v.dim(), " dimension(s).");
  check_index_dtype("index_fill_", index);
  BACKLIT_CHECK(index.dim() <= 1, Index, "Index has to be a vector/scalar");
  const std::int64_t n = size_along(x, d);
  // here negative numbers count from the end
  const Tensor positions = clone_contiguous(to_dtype(detach(index), Dtype::Int64));
  auto* k = positions.data<std::int64_t>();
  for (std::int64_t i = 0; i < positions.numel(); ++i) {
    BACKLIT_CHECK(k[i] >= -n && k[i] < n, Index, "index ", k[i], " is out of bounds for dimension ",
                  d, " with size ", n);
    if (k[i] < 0) k[i] += n;
  }
  return on_vector(x, [&](const Tensor& y) {
    const IndexGroup g = along(y, d, positions);
    // a value that gradients flow to counts once per element, however often index names it
    if (v.requires_grad() && modes.grad)
      return masked_fill_in_place(y, slice_mask(y, g), v, "IndexFillBackward1");
    return index_put_(y, {&g, 1}, to_dtype(v, x.dtype()), false,
                      tensor ? "IndexFillBackward1" : "IndexFillBackward0");
  });
}
Tensor index_fill_op(const Tensor& x, std::int64_t dim, const Tensor& index, Any value) {
  return index_fill_in_place(clone(x), dim, index, value);
}

const RegisterAny index_select_row(
    "index_select(Tensor input, int dim, Tensor index, *, Tensor? out=None) -> Tensor",
    index_select,
    {.meaning = "The slices along dim that index names.",
     .formula = "yᵢ = x[indexᵢ]",
     .gradient = "∂L/∂x = 0, with the slices of ∂L/∂y added at index",
     .out_apart = true});
const RowOptions kIndexAdd{
    .meaning = "alpha times the slices of source, added to those that index names.",
    .formula = "y = x; y[indexᵢ] += α·sourceᵢ",
    .gradient = "∂L/∂x = ∂L/∂y; ∂L/∂source = α·∂L/∂y at index"};
const RegisterAny index_add_row(
    "index_add(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
    index_add_op, kIndexAdd);
const RegisterAny index_add_in_place_row(
    "index_add_(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
    index_add_in_place,
    {.meaning = kIndexAdd.meaning,
     .formula = kIndexAdd.formula,
     .gradient = kIndexAdd.gradient,
     .function = false});
const RowOptions kIndexCopy{.meaning = "The slices that index names, replaced by those of source.",
                            .formula = "y = x; y[indexᵢ] = sourceᵢ",
                            .gradient = "∂L/∂x = ∂L/∂y, 0 at index; ∂L/∂source = ∂L/∂y at index"};
const RegisterAny index_copy_row(
    "index_copy(Tensor input, int dim, Tensor index, Tensor source) -> Tensor", index_copy_op,
    kIndexCopy);
const RegisterAny index_copy_in_place_row(
    "index_copy_(Tensor input, int dim, Tensor index, Tensor source) -> Tensor",
    index_copy_in_place,
    {.meaning = kIndexCopy.meaning,
     .formula = kIndexCopy.formula,
     .gradient = kIndexCopy.gradient,
     .function = false});
const RowOptions kIndexFill{.meaning = "The slices that index names, filled with value.",
                            .formula = "y = x; y[indexᵢ] = value",
                            .gradient = "∂L/∂x = ∂L/∂y, 0 at index"};
const RegisterAny index_fill_row(
    "index_fill(Tensor input, int dim, Tensor index, any value) -> Tensor", index_fill_op,
    kIndexFill);
const RegisterAny index_fill_in_place_row(
    "index_fill_(Tensor input, int dim, Tensor index, any value) -> Tensor", index_fill_in_place,
    {.meaning = kIndexFill.meaning,
     .formula = kIndexFill.formula,
     .gradient = kIndexFill.gradient,
     .function = false});

}  // namespace
}  // namespace backlit::ops
