// Gathering and scattering by index tensors and masks. All of it is index arithmetic on the maps of
// indexing.h: gather picks, scatter clears and puts, and each is the other's gradient.
#include <algorithm>

#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/indexing.h"
#include "ops/joining.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// Runs the out-of-place form and makes x its result: memory, version and history.
template <class F> Tensor in_place(const Tensor& x, F&& out_of_place) {
  check_inplace(x);
  const Tensor y = out_of_place();
  copy_in_place(x, y);
  bump_version(x);
  if (y->grad_fn) rebase_history(x, y->grad_fn);
  return x;
}

void check_index_dtype(const char* name, const Tensor& index) {
  BACKLIT_CHECK(index.dtype() == Dtype::Int64 || index.dtype() == Dtype::Int32, Runtime, name,
                "(): Expected dtype int32/int64 for index. Got torch.", info(index.dtype()).name,
                ".");
}

// The elements x[..., index[p], ...] at the positions p of index, which runs over `dim` of x.
IndexMapRef axis_map(const char* name, const Tensor& x, int dim, const Tensor& given) {
  check_index_dtype(name, given);
  const Tensor index = contiguous(to_dtype(given, Dtype::Int64));
  auto map = std::make_shared<IndexMap>();
  map->full = contiguous_layout(x.sizes());
  const Dims strides = contiguous_strides(x.sizes());
  Tensor offsets = Tensor::empty(index.sizes(), Dtype::Int64);
  const auto* from = index.data<std::int64_t>();
  auto* to = offsets.data<std::int64_t>();
  const std::int64_t n = x.dim() ? x.layout().size(dim) : 1;
  std::int64_t at[kMaxDims] = {};
  for (std::int64_t i = 0; i < index.numel(); ++i) {
    BACKLIT_CHECK(from[i] >= 0 && from[i] < n, Runtime, "index ", from[i],
                  " is out of bounds for dimension ", dim, " with size ", n);
    std::int64_t offset = 0;
    for (int d = 0; d < index.dim(); ++d) offset += (d == dim ? from[i] : at[d]) * strides[d];
    to[i] = offset;
    for (int d = index.dim() - 1; d >= 0; --d) {
      if (++at[d] < index.layout().size(d)) break;
      at[d] = 0;
    }
  }
  map->offsets = offsets;
  return map;
}

void check_shapes(const Tensor& x, int dim, const Tensor& index, const Tensor* src) {
  if (index.numel() == 0) return;
  BACKLIT_CHECK(std::max(index.dim(), 1) == std::max(x.dim(), 1), Runtime,
                "Index tensor must have the same number of dimensions as ", src ? "self" : "input",
                " tensor");
  BACKLIT_CHECK(!src || std::max(src->dim(), 1) == std::max(index.dim(), 1), Runtime,
                "Index tensor must have the same number of dimensions as src tensor");
  for (int d = 0; d < index.dim(); ++d) {
    const bool fits_x = d == dim || index.layout().size(d) <= x.layout().size(d);
    if (!src) {
      BACKLIT_CHECK(fits_x, Runtime, "Size does not match at dimension ", d, " expected index ",
                    to_string(index.sizes()), " to be no larger than self ", to_string(x.sizes()),
                    " apart from dimension ", dim);
    } else {
      BACKLIT_CHECK(fits_x && index.layout().size(d) <= src->layout().size(d), Runtime,
                    "Expected index ", to_string(index.sizes()), " to be no larger than self ",
                    to_string(x.sizes()), " apart from dimension ", dim,
                    " and to be no larger size than src ", to_string(src->sizes()));
    }
  }
}

Tensor gather_op(const Tensor& x, std::int64_t dim, const Tensor& index, bool) {
  const int d = wrap_dim(dim, x.dim());
  check_shapes(x, d, index, nullptr);
  if (index.numel() == 0) return Tensor::empty(index.sizes(), x.dtype());
  return pick_at(x, axis_map("gather", x, d, index), "GatherBackward0");
}

// src's elements at the positions of index.
Tensor matching(const Tensor& src, const Tensor& index) {
  Tensor s = src;
  for (int d = 0; d < index.dim() && d < src.dim(); ++d)
    if (s.layout().size(d) != index.layout().size(d)) s = narrow(s, d, 0, index.layout().size(d));
  return s;
}

// g with zeros behind it in each dimension: what lies outside of index has no part in the result.
Tensor padded(Tensor g, const Dims& sizes) {
  for (int d = 0; d < g.dim(); ++d) {
    if (g.layout().size(d) == sizes[d]) continue;
    Dims rest(g.sizes());
    rest[d] = sizes[d] - rest[d];
    g = cat({g, Tensor::zeros(rest, g.dtype())}, d);
  }
  return g;
}

// y[offsets[i]] = or += s[i], in order: of equal offsets the last one stays.
void put_in_order(const Tensor& y, const IndexMapRef& map, const Tensor& s, bool add) {
  const Tensor source = contiguous(s);
  const auto* at = map->offsets.data<std::int64_t>();
  visit(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < map->offsets.numel(); ++i) {
      T& target = y.data<T>()[at[i]];
      target = add ? static_cast<T>(target + source.data<T>()[i]) : source.data<T>()[i];
    }
  });
}

void check_same_dtype(const char* name, const Tensor& x, const Tensor& src) {
  BACKLIT_CHECK(x.dtype() == src.dtype(), Runtime, name,
                "(): Expected self.dtype to be equal to src.dtype. Got torch.",
                info(x.dtype()).name, " and torch.", info(src.dtype()).name, ".");
}

Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src) {
  const int d = wrap_dim(dim, x.dim());
  check_same_dtype("scatter", x, src);
  check_shapes(x, d, index, &src);
  if (index.numel() == 0) return clone(x);
  const IndexMapRef map = axis_map("scatter", x, d, index);
  Tensor y = clone_contiguous(detach(x));
  put_in_order(y, map, detach(matching(src, index)), false);
  return record("ScatterBackward0", std::move(y), {x, src}, {},
                [map, sizes = Dims(src.sizes())](Vjp& v) {
                  if (v.needs(0)) v.set(0, clear_at(v.g(), map));
                  if (v.needs(1)) v.set(1, padded(pick_at(v.g(), map), sizes));
                });
}

Tensor scatter_value(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value) {
  const int d = wrap_dim(dim, x.dim());
  check_shapes(x, d, index, nullptr);
  if (index.numel() == 0) return clone(x);
  const IndexMapRef map = axis_map("scatter", x, d, index);
  Tensor y = clone_contiguous(detach(x)), filled = Tensor::empty(index.sizes(), x.dtype());
  fill_in_place(filled, value);
  put_in_order(y, map, filled, false);
  return record("ScatterBackward1", std::move(y), {x}, {},
                [map](Vjp& v) { v.set(0, clear_at(v.g(), map)); });
}

Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src) {
  const int d = wrap_dim(dim, x.dim());
  check_same_dtype("scatter", x, src);
  check_shapes(x, d, index, &src);
  if (index.numel() == 0) return clone(x);
  const IndexMapRef map = axis_map("scatter_add", x, d, index);
  Tensor y = clone_contiguous(detach(x));
  put_in_order(y, map, detach(matching(src, index)), true);
  return record("ScatterAddBackward0", std::move(y), {x, src}, {},
                [map, sizes = Dims(src.sizes())](Vjp& v) {
                  if (v.needs(0)) v.set(0, v.g());
                  if (v.needs(1)) v.set(1, padded(pick_at(v.g(), map), sizes));
                });
}

Tensor scatter_in_place(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src) {
  return in_place(x, [&] { return scatter(x, dim, index, src); });
}
Tensor scatter_value_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                              const Scalar& value) {
  return in_place(x, [&] { return scatter_value(x, dim, index, value); });
}
Tensor scatter_add_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                            const Tensor& src) {
  return in_place(x, [&] { return scatter_add(x, dim, index, src); });
}

// --- whole slices along one dimension ---

IndexGroup along(const char* name, const Tensor& x, int dim, const Tensor& index) {
  check_index_dtype(name, index);
  BACKLIT_CHECK(index.dim() <= 1, Index, name, "(): Index is supposed to be a vector");
  const Tensor vector = index.dim() == 0 ? view(index, Dims{1}) : index;
  // unlike x[index], negative numbers are refused
  const Tensor dense = contiguous(to_dtype(vector, Dtype::Int64));
  for (std::int64_t i = 0; i < dense.numel(); ++i)
    BACKLIT_CHECK(
        dense.data<std::int64_t>()[i] >= 0 && dense.data<std::int64_t>()[i] < x.layout().size(dim),
        Index, "index out of range in self. Got index ", dense.data<std::int64_t>()[i],
        " for size ", x.layout().size(dim), ".");
  return {dense, dim};
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
  return index_put_(x, {&g, 1}, alpha.d == 1 ? source : mul(source, alpha), true,
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
Tensor index_fill_in_place(const Tensor& x, std::int64_t dim, const Tensor& index, Any value) {
  const IndexGroup g = along("index_fill", x, wrap_dim(dim, x.dim()), index);
  Tensor v = is_tensor(value.object)
                 ? Tensor::borrow(reinterpret_cast<TensorObject*>(value.object))
                 : Tensor::scalar(scalar_from_object(value.object).d, x.dtype());
  BACKLIT_CHECK(v.dim() == 0, Runtime,
                "index_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
                v.dim(), " dimension(s).");
  return index_put_(x, {&g, 1}, v, false,
                    is_tensor(value.object) ? "IndexFillBackward1" : "IndexFillBackward0");
}
Tensor index_fill_op(const Tensor& x, std::int64_t dim, const Tensor& index, Any value) {
  return index_fill_in_place(clone(x), dim, index, value);
}

Tensor take_op(const Tensor& x, const Tensor& index_) {
  BACKLIT_CHECK(index_.dtype() == Dtype::Int64, Runtime,
                "take(): Expected a long tensor for index, but got ",
                info(index_.dtype()).scalar_name);
  const IndexGroup g{index_, 0};
  return index(reshape(x, Dims{-1}), {&g, 1}, "TakeBackward0");
}

// --- masks ---

void check_mask(const char* name, const Tensor& mask) {
  BACKLIT_CHECK(mask.dtype() == Dtype::Bool, Runtime, name,
                "_ only supports boolean masks, but got mask with dtype ", c_name(mask.dtype()));
}

Tensor broadcast(const Tensor& t, const Dims& sizes) {
  return t.layout().same_sizes(*contiguous_layout(sizes)) ? t : expand(t, sizes);
}

Tensor masked_fill_with(const char* name, const Tensor& x, const Tensor& mask,
                        const Tensor& value) {
  check_mask("masked_fill", mask);
  BACKLIT_CHECK(value.dim() == 0, Runtime,
                "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
                value.dim(), " dimension(s).");
  Tensor y;
  {
    GradMode off(false);
    y = where(mask, to_dtype(value, x.dtype()), x);
  }
  return record(name, std::move(y), {x, value}, {mask}, [from = Dims(x.sizes())](Vjp& v) {
    const Tensor m = v.saved(0);
    if (v.needs(0)) v.set(0, sum_to(where(m, Scalar(0.0), v.g()), from));
    if (v.needs(1)) v.set(1, sum(where(m, v.g(), Scalar(0.0)), {}, false));
  });
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  return masked_fill_with("MaskedFillBackward1", x, mask, value);
}
Tensor masked_fill_number(const Tensor& x, const Tensor& mask, const Scalar& value) {
  Tensor v = Tensor::empty(Dims{}, x.dtype());
  value.write(v.raw(), x.dtype());
  return masked_fill_with("MaskedFillBackward0", x, mask, v);
}
template <class F> Tensor masked_in_place(const Tensor& x, const Tensor& mask, F&& fill) {
  BACKLIT_CHECK(std::ranges::equal(Span(broadcast_sizes(x.sizes(), mask.sizes())), x.sizes()),
                Runtime, "output with shape ", to_string(x.sizes()),
                " doesn't match the broadcast shape ",
                to_string(broadcast_sizes(x.sizes(), mask.sizes())));
  return in_place(x, fill);
}
Tensor masked_fill_in_place(const Tensor& x, const Tensor& mask, const Tensor& value) {
  return masked_in_place(x, mask, [&] { return masked_fill(x, mask, value); });
}
Tensor masked_fill_number_in_place(const Tensor& x, const Tensor& mask, const Scalar& value) {
  return masked_in_place(x, mask, [&] { return masked_fill_number(x, mask, value); });
}

Tensor masked_select_op(const Tensor& x, const Tensor& mask) {
  BACKLIT_CHECK(mask.dtype() == Dtype::Bool, Runtime,
                "masked_select: expected BoolTensor for mask");
  const Dims sizes = broadcast_sizes(x.sizes(), mask.sizes());
  const Tensor wide = sizes.empty() ? view(x, Dims{1}) : broadcast(x, sizes);
  const IndexGroup g{contiguous(sizes.empty() ? view(mask, Dims{1}) : broadcast(mask, sizes)), 0,
                     std::max(sizes.n, 1)};
  return index(wide, {&g, 1}, "MaskedSelectBackward0");
}

Tensor masked_scatter_in_place(const Tensor& x, const Tensor& mask, const Tensor& source) {
  check_mask("masked_scatter", mask);
  check_same_dtype("masked_scatter", x, source);
  const IndexGroup g{contiguous(broadcast(mask, Dims(x.sizes()))), 0, x.dim()};
  const std::int64_t n = make_index_map(x, {&g, 1})->offsets.numel();
  BACKLIT_CHECK(
      n <= source.numel(), Runtime,
      "masked_scatter: expected self and source to have same dtypes and source to hold at least ",
      n, " elements. Number of elements of source < number of ones in mask");
  return index_put_(x, {&g, 1}, narrow(reshape(source, Dims{-1}), 0, 0, n), false,
                    "MaskedScatterBackward0");
}
Tensor masked_scatter_op(const Tensor& x, const Tensor& mask, const Tensor& source) {
  return masked_scatter_in_place(clone(broadcast(x, broadcast_sizes(x.sizes(), mask.sizes()))),
                                 mask, source);
}

// --- rows ---

const Register gather_row(
    "gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor", gather_op,
    {.meaning = "The elements that index names along dim.",
     .formula = "yᵢⱼ = x[indexᵢⱼ, j]",
     .gradient = "∂L/∂x = 0, with ∂L/∂y added at index"});
const RowOptions kScatter{
    .meaning = "A copy with the elements that index names along dim replaced.",
    .formula = "y = x; y[indexᵢⱼ, j] = srcᵢⱼ",
    .gradient = "∂L/∂x = ∂L/∂y, 0 at index; ∂L/∂src = ∂L/∂y gathered at index"};
const Register scatter_row("scatter(Tensor input, int dim, Tensor index, Tensor src) -> Tensor",
                           scatter, kScatter);
const Register scatter_value_row(
    "scatter(Tensor input, int dim, Tensor index, Scalar value) -> Tensor", scatter_value,
    kScatter);
const RowOptions kScatterInPlace{.meaning = "Replaces the elements that index names along dim.",
                                 .formula = "x[indexᵢⱼ, j] = srcᵢⱼ",
                                 .gradient = "as scatter",
                                 .function = false};
const Register scatter_in_place_row(
    "scatter_(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", scatter_in_place,
    kScatterInPlace);
const Register scatter_value_in_place_row(
    "scatter_(Tensor input, int dim, Tensor index, Scalar value) -> Tensor", scatter_value_in_place,
    kScatterInPlace);
const Register scatter_add_row(
    "scatter_add(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", scatter_add,
    {.meaning = "A copy with src added to the elements that index names along dim.",
     .formula = "y = x; y[indexᵢⱼ, j] += srcᵢⱼ",
     .gradient = "∂L/∂x = ∂L/∂y; ∂L/∂src = ∂L/∂y gathered at index"});
const Register scatter_add_in_place_row(
    "scatter_add_(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", scatter_add_in_place,
    {.meaning = "Adds src to the elements that index names along dim.",
     .formula = "x[indexᵢⱼ, j] += srcᵢⱼ",
     .gradient = "as scatter_add",
     .function = false});
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
const Register take_row("take(Tensor input, Tensor index) -> Tensor", take_op,
                        {.meaning = "The elements at positions of the flattened tensor.",
                         .formula = "yᵢ = flatten(x)[indexᵢ]",
                         .gradient = "∂L/∂x = 0, with ∂L/∂y added at index"});
const RowOptions kMaskedFill{.meaning = "value where the mask is true, the tensor elsewhere.",
                             .formula = "y = value if mask else x",
                             .gradient = "∂L/∂x = 0 if mask else ∂L/∂y"};
const RowOptions kMaskedFillInPlace{.meaning = "Writes value where the mask is true.",
                                    .formula = "x = value if mask else x",
                                    .gradient = "∂L/∂x = 0 if mask else ∂L/∂y",
                                    .function = false};
const Register masked_fill_row("masked_fill(Tensor input, Tensor mask, Scalar value) -> Tensor",
                               masked_fill_number, kMaskedFill);
const Register masked_fill_tensor_row(
    "masked_fill(Tensor input, Tensor mask, Tensor value) -> Tensor", masked_fill, kMaskedFill);
const Register masked_fill_in_place_row(
    "masked_fill_(Tensor input, Tensor mask, Scalar value) -> Tensor", masked_fill_number_in_place,
    kMaskedFillInPlace);
const Register masked_fill_tensor_in_place_row(
    "masked_fill_(Tensor input, Tensor mask, Tensor value) -> Tensor", masked_fill_in_place,
    kMaskedFillInPlace);
const Register masked_select_row(
    "masked_select(Tensor input, Tensor mask) -> Tensor", masked_select_op,
    {.meaning = "The elements where the mask is true, in one dimension.",
     .formula = "y = x[mask]",
     .gradient = "∂L/∂x = 0, with ∂L/∂y at the mask"});
const Register masked_scatter_row(
    "masked_scatter(Tensor input, Tensor mask, Tensor source) -> Tensor", masked_scatter_op,
    {.meaning = "The elements of source in turn where the mask is true, the tensor elsewhere.",
     .formula = "y = x; y[mask] = source",
     .gradient = "∂L/∂x = 0 if mask else ∂L/∂y; ∂L/∂source = ∂L/∂y[mask]"});
const Register masked_scatter_in_place_row(
    "masked_scatter_(Tensor input, Tensor mask, Tensor source) -> Tensor", masked_scatter_in_place,
    {.meaning = "Writes the elements of source in turn where the mask is true.",
     .formula = "x[mask] = source",
     .gradient = "as masked_scatter",
     .function = false});

}  // namespace
}  // namespace backlit::ops
