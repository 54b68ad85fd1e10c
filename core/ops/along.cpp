// gather, scatter, scatter_add: elements chosen by an index along one dimension. Gathering and
// adding are each other's gradient.
#include "ops/along.h"

#include <algorithm>

#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {

static_assert(kAlongDims == kMaxDims);

void check_index_dtype(const char* name, const Tensor& index) {
  if (index.numel() == 0) return;  // PyTorch takes any dtype then
  BACKLIT_CHECK(index.dtype() == Dtype::Int64 || index.dtype() == Dtype::Int32, Runtime, name,
                "(): Expected dtype int32/int64 for index. Got torch.", info(index.dtype()).name,
                ".");
}

void check_same_dtype(const char* name, const Tensor& x, const Tensor& src) {
  BACKLIT_CHECK(x.dtype() == src.dtype(), Runtime, name,
                "(): Expected self.dtype to be equal to src.dtype. Got torch.",
                info(x.dtype()).name, " and torch.", info(src.dtype()).name, ".");
}

namespace {

void check_shapes(const Tensor& x, int dim, const Tensor& index, const Tensor& src, bool gathers) {
  if (index.numel() == 0) return;
  BACKLIT_CHECK(std::max(index.dim(), 1) == std::max(x.dim(), 1), Runtime,
                "Index tensor must have the same number of dimensions as ",
                gathers ? "input" : "self", " tensor");
  BACKLIT_CHECK(!src.defined() || std::max(src.dim(), 1) == std::max(index.dim(), 1), Runtime,
                "Index tensor must have the same number of dimensions as src tensor");
  const auto size = [](const Tensor& t, int d) { return t.dim() ? t.layout().size(d) : 1; };
  for (int d = 0; d < index.dim(); ++d) {
    const std::int64_t n = index.layout().size(d);
    const bool fits_x = d == dim || n <= size(x, d);
    if (gathers) {
      BACKLIT_CHECK(fits_x, Runtime, "Size does not match at dimension ", d, " expected index ",
                    to_string(index.sizes()), " to be no larger than self ", to_string(x.sizes()),
                    " apart from dimension ", dim);
    } else if (src.defined()) {
      BACKLIT_CHECK(fits_x && n <= size(src, d), Runtime, "Expected index ",
                    to_string(index.sizes()), " to be no larger than self ", to_string(x.sizes()),
                    " apart from dimension ", dim, " and to be no larger size than src ",
                    to_string(src.sizes()));
    } else {
      BACKLIT_CHECK(fits_x, Runtime, "Expected index ", to_string(index.sizes()),
                    " to be no larger than self ", to_string(x.sizes()), " apart from dimension ",
                    dim);
    }
  }
}

Along along_of(const Tensor& x, const Axis& axis, const Tensor& part) {
  Along a;
  const Layout& l = axis.index.layout();
  const bool one = part.numel() == 1;
  for (int d = 0; d < l.ndim; ++d) {
    const std::int64_t step = part.dim() == 0 || (one && l.numel > 1) ? 0 : part.layout().stride(d);
    const std::int64_t whole = x.dim() ? x.layout().stride(d) : 0;
    const Along::Dim each{l.size(d), whole, l.stride(d), step};
    if (d == axis.dim)
      a.own = each;
    else
      a.add(each);
  }
  if (l.ndim == 0) a.own = {1, x.dim() ? x.layout().stride(0) : 0, 0, 0};
  a.limit = x.dim() ? x.layout().size(axis.dim) : 1;
  return a;
}

// After the fact, so that the loop need not stop: the first index out of range.
[[noreturn]] void fail_range(const Axis& axis, std::int64_t limit) {
  const Tensor index = contiguous(axis.index);
  const auto* k = index.data<std::int64_t>();
  const auto* bad =
      std::find_if(k, k + index.numel(), [&](std::int64_t i) { return i < 0 || i >= limit; });
  fail(ErrorKind::Runtime, "index ", *bad, " is out of bounds for dimension ", axis.dim,
       " with size ", limit);
}

}  // namespace

Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index, const char* name) {
  check_index_dtype("gather", index);
  const Axis axis{wrap_dim(dim, x.dim()), to_dtype(detach(index), Dtype::Int64)};
  check_shapes(x, axis.dim, index, Tensor(), true);
  Tensor y = Tensor::empty(index.sizes(), x.dtype());
  if (index.numel() > 0) {
    const Along a = along_of(x, axis, y);
    bool good;
    {
      const GilRelease release(index.numel() >= kGilReleaseElements);
      good = gather_along(a, x.raw(), axis.index.data<std::int64_t>(), y.raw(), size_of(x.dtype()));
    }
    if (!good) fail_range(axis, a.limit);
  }
  y->inference = modes.inference;
  return record(name, std::move(y), {x}, {index}, [d = axis.dim, sizes = Dims(x.sizes())](Vjp& v) {
    v.set(0, scatter_add(Tensor::zeros(sizes, v.g().dtype()), d, v.saved(0), v.g()));
  });
}

Tensor matching(const Tensor& src, const Tensor& index) {
  Tensor s = src;
  for (int d = 0; d < index.dim() && d < src.dim(); ++d)
    if (s.layout().size(d) != index.layout().size(d)) s = narrow(s, d, 0, index.layout().size(d));
  return s;
}

Axis scatter_axis(const char* name, const Tensor& x, std::int64_t dim, const Tensor& index,
                  const Tensor& src) {
  const Axis axis{wrap_dim(dim, x.dim()), to_dtype(detach(index), Dtype::Int64)};
  check_index_dtype(name, index);
  if (src.defined()) check_same_dtype(name, x, src);
  check_shapes(x, axis.dim, index, src, false);
  return axis;
}

void put_along(const Tensor& x, const Axis& axis, const Tensor& src, Put put) {
  if (axis.index.numel() == 0) return;
  if (put != Put::Store && is_sixteen_bit(x.dtype())) {
    const Tensor wide = to_dtype(detach(x), Dtype::Float32);
    put_along(wide, axis, to_dtype(detach(src), Dtype::Float32), put);
    return copy_in_place(x, wide);
  }
  const Tensor part = src->storage->data == x->storage->data ? clone(detach(src)) : detach(src);
  const Along a = along_of(x, axis, part);
  bool good;
  {
    const GilRelease release(axis.index.numel() >= kGilReleaseElements);
    good = scatter_along(a, x.raw(), axis.index.data<std::int64_t>(), part.raw(), x.dtype(), put);
  }
  if (!good) fail_range(axis, a.limit);
}

namespace {

Tensor number_like(const Tensor& x, const Scalar& value) {
  Tensor t = Tensor::empty(Dims{}, x.dtype());
  value.write(t.raw(), x.dtype());
  return t;
}

template <class How>
Tensor scatter_as(How how, const Tensor& x, std::int64_t dim, const Tensor& index,
                  const Tensor& given) {
  const Axis axis = scatter_axis("scatter", x, dim, index, given);
  const Tensor src = index.numel() ? matching(given, index) : given;
  return how(
      "ScatterBackward0", {x, src}, {index},
      [&](const Tensor& y) { put_along(y, axis, src, Put::Store); },
      [d = axis.dim](Vjp& v) {
        if (v.needs(0)) v.set(0, scatter_value(v.g(), d, v.saved(0), Scalar(0)));
        if (v.needs(1)) v.set(1, gather(v.g(), d, v.saved(0)));
      });
}

template <class How>
Tensor scatter_value_as(How how, const Tensor& x, std::int64_t dim, const Tensor& index,
                        const Scalar& value) {
  const Axis axis = scatter_axis("scatter", x, dim, index, Tensor());
  const Tensor one = number_like(x, value);
  return how(
      "ScatterBackward1", {x}, {index},
      [&](const Tensor& y) { put_along(y, axis, one, Put::Store); },
      [d = axis.dim](Vjp& v) { v.set(0, scatter_value(v.g(), d, v.saved(0), Scalar(0))); });
}

template <class How>
Tensor scatter_add_as(How how, const Tensor& x, std::int64_t dim, const Tensor& index,
                      const Tensor& given) {
  const Axis axis = scatter_axis("scatter", x, dim, index, given);
  const Tensor src = index.numel() ? matching(given, index) : given;
  return how(
      "ScatterAddBackward0", {x, src}, {index},
      [&](const Tensor& y) { put_along(y, axis, src, Put::Add); },
      [d = axis.dim](Vjp& v) {
        if (v.needs(0)) v.set(0, v.g());
        if (v.needs(1)) v.set(1, gather(v.g(), d, v.saved(0)));
      });
}

}  // namespace

Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src) {
  return scatter_as(OnCopy{x}, x, dim, index, src);
}
Tensor scatter_value(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value) {
  return scatter_value_as(OnCopy{x}, x, dim, index, value);
}
Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src) {
  return scatter_add_as(OnCopy{x}, x, dim, index, src);
}

namespace {

Tensor scatter_in_place(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src) {
  return scatter_as(OnItself{x}, x, dim, index, src);
}
Tensor scatter_value_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                              const Scalar& value) {
  return scatter_value_as(OnItself{x}, x, dim, index, value);
}
Tensor scatter_add_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                            const Tensor& src) {
  return scatter_add_as(OnItself{x}, x, dim, index, src);
}
Tensor scatter_reducing(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& src,
                        const std::string& reduce) {
  return scatter_with(x, dim, index, src, reduce, false);
}
Tensor scatter_value_reducing(const Tensor& x, std::int64_t dim, const Tensor& index,
                              const Scalar& value, const std::string& reduce) {
  return scatter_with(x, dim, index, number_like(x, value), reduce, false);
}
Tensor scatter_reducing_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                                 const Tensor& src, const std::string& reduce) {
  return scatter_with(x, dim, index, src, reduce, true);
}
Tensor scatter_value_reducing_in_place(const Tensor& x, std::int64_t dim, const Tensor& index,
                                       const Scalar& value, const std::string& reduce) {
  return scatter_with(x, dim, index, number_like(x, value), reduce, true);
}
Tensor gather_op(const Tensor& x, std::int64_t dim, const Tensor& index, bool, const Tensor& out) {
  if (!out.defined()) return gather(x, dim, index);
  BACKLIT_CHECK(out.dtype() == x.dtype(), Runtime, "Expected out tensor to have dtype ",
                info(x.dtype()).c_name, ", but got ", info(out.dtype()).c_name, " instead");
  // grown to the size of the result it would lie over the tensors that it has its memory from
  if (!out.layout().same_sizes(index.layout()))
    for (const Tensor& input : {x, index})
      if (input->storage->data == out->storage->data) fail_overlap();
  return into_out("gather", gather(x, dim, index), out);
}

// Index and x broadcast against each other, apart from dim; indices wrap around.
Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<std::int64_t> dim,
                      const Tensor& out) {
  BACKLIT_CHECK(indices.dtype() == Dtype::Int64, Runtime,
                "torch.take_along_dim(): dtype of indices should be Long but got ",
                info(indices.dtype()).scalar_name);
  if (!dim)
    return into_out("take_along_dim", gather(reshape(x, Dims{-1}), 0, reshape(indices, Dims{-1})),
                    out);
  BACKLIT_CHECK(x.dim() == indices.dim(), Runtime,
                "torch.take_along_dim(): input and indices should have the same number of "
                "dimensions, but got ",
                x.dim(), " dimensions for input, and ", indices.dim(), " dimensions for indices");
  const int d = wrap_dim(*dim, x.dim());
  Dims whole(x.sizes()), chosen(indices.sizes());
  const std::int64_t n = x.dim() ? whole[d] : 1, picks = x.dim() ? chosen[d] : 1;
  if (x.dim()) chosen[d] = n;
  Dims sizes = broadcast_sizes(whole, chosen);
  const Tensor from = expand(x, sizes);
  if (x.dim()) sizes[d] = picks;
  Tensor index = clone_contiguous(expand(indices, sizes));
  auto* k = index.data<std::int64_t>();
  for (std::int64_t i = 0; n > 0 && i < index.numel(); ++i) {
    k[i] %= n;
    if (k[i] < 0) k[i] += n;
  }
  return into_out("take_along_dim", gather(from, d, index), out);
}

constexpr const char* kGatherGradient = "∂L/∂x = 0, with ∂L/∂y added at index";
const RegisterAny gather_row(
    "gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False, Tensor? out=None) -> "
    "Tensor",
    gather_op,
    {.meaning = "The elements that index names along dim.",
     .formula = "yᵢⱼ = x[indexᵢⱼ, j]",
     .gradient = kGatherGradient,
     .out_apart = true});
const RegisterAny take_along_dim_row(
    "take_along_dim(Tensor input, Tensor indices, int? dim=None, *, Tensor? out=None) -> Tensor",
    take_along_dim,
    {.meaning = "gather with input and indices broadcast against each other; without dim, both "
                "flattened.",
     .formula = "yᵢⱼ = x[indicesᵢⱼ, j]",
     .gradient = kGatherGradient});
const RowOptions kScatter{
    .meaning = "A copy with the elements that index names along dim replaced.",
    .formula = "y = x; y[indexᵢⱼ, j] = srcᵢⱼ",
    .gradient = "∂L/∂x = ∂L/∂y, 0 at index; ∂L/∂src = ∂L/∂y gathered at index"};
const RowOptions kScatterInPlace{.meaning = "Replaces the elements that index names along dim.",
                                 .formula = "x[indexᵢⱼ, j] = srcᵢⱼ",
                                 .gradient = "as scatter",
                                 .function = false};
const RegisterAny scatter_row("scatter(Tensor input, int dim, Tensor index, Tensor src) -> Tensor",
                              scatter, kScatter);
const RegisterAny scatter_value_row(
    "scatter(Tensor input, int dim, Tensor index, Scalar value) -> Tensor", scatter_value,
    kScatter);
const RegisterAny scatter_reducing_row(
    "scatter(Tensor input, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor",
    scatter_reducing, kScatter);
const RegisterAny scatter_value_reducing_row(
    "scatter(Tensor input, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor",
    scatter_value_reducing, kScatter);
const RegisterAny scatter_in_place_row(
    "scatter_(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", scatter_in_place,
    kScatterInPlace);
const RegisterAny scatter_value_in_place_row(
    "scatter_(Tensor input, int dim, Tensor index, Scalar value) -> Tensor", scatter_value_in_place,
    kScatterInPlace);
const RegisterAny scatter_reducing_in_place_row(
    "scatter_(Tensor input, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor",
    scatter_reducing_in_place, kScatterInPlace);
const RegisterAny scatter_value_reducing_in_place_row(
    "scatter_(Tensor input, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor",
    scatter_value_reducing_in_place, kScatterInPlace);
const RegisterAny scatter_add_row(
    "scatter_add(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", scatter_add,
    {.meaning = "A copy with src added to the elements that index names along dim.",
     .formula = "y = x; y[indexᵢⱼ, j] += srcᵢⱼ",
     .gradient = "∂L/∂x = ∂L/∂y; ∂L/∂src = ∂L/∂y gathered at index"});
const RegisterAny scatter_add_in_place_row(
    "scatter_add_(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", scatter_add_in_place,
    {.meaning = "Adds src to the elements that index names along dim.",
     .formula = "x[indexᵢⱼ, j] += srcᵢⱼ",
     .gradient = "as scatter_add",
     .function = false});

}  // namespace
}  // namespace backlit::ops
