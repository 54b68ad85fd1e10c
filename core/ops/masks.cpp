// Elements chosen by masks: masked_fill, masked_select, masked_scatter.
#include <algorithm>

#include "graph/inplace.h"
#include "ops/along.h"
#include "ops/creation.h"
#include "ops/indexing.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "registry/registry.h"

namespace backlit::ops {

namespace {

// Runs the out-of-place form and makes x its result: memory, version and history.
template <class F> Tensor in_place(const Tensor& x, F&& out_of_place) {
  check_inplace(x);
  const Tensor y = out_of_place();
  if (y.requires_grad()) check_inplace(x, true);
  copy_in_place(x, y);
  bump_version(x);
  if (y->grad_fn) rebase_history(x, y->grad_fn);
  return x;
}

void check_mask(const char* name, const Tensor& mask) {
  BACKLIT_CHECK(mask.dtype() == Dtype::Bool, Runtime, name,
                "_ only supports boolean masks, but got mask with dtype ",
                info(mask.dtype()).c_name);
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
  check_fits(value, x.dtype(), nullptr);
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
}  // namespace

Tensor masked_fill_in_place(const Tensor& x, const Tensor& mask, const Tensor& value,
                            const char* name) {
  return masked_in_place(x, mask, [&] { return masked_fill_with(name, x, mask, value); });
}

namespace {

Tensor masked_fill_tensor_in_place(const Tensor& x, const Tensor& mask, const Tensor& value) {
  return masked_fill_in_place(x, mask, value, "MaskedFillBackward1");
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
  if (x.dim() == 0) {
    masked_scatter_in_place(view(x, Dims{1}), mask, source);
    return x;
  }
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

const RowOptions kMaskedFill{.meaning = "value where the mask is true, the tensor elsewhere.",
                             .formula = "y = value if mask else x",
                             .gradient = "∂L/∂x = 0 if mask else ∂L/∂y"};
const RowOptions kMaskedFillInPlace{.meaning = "Writes value where the mask is true.",
                                    .formula = "x = value if mask else x",
                                    .gradient = "∂L/∂x = 0 if mask else ∂L/∂y",
                                    .function = false};
const RegisterAny masked_fill_row("masked_fill(Tensor input, Tensor mask, Scalar value) -> Tensor",
                                  masked_fill_number, kMaskedFill);
const RegisterAny masked_fill_tensor_row(
    "masked_fill(Tensor input, Tensor mask, Tensor value) -> Tensor", masked_fill, kMaskedFill);
const RegisterAny masked_fill_in_place_row(
    "masked_fill_(Tensor input, Tensor mask, Scalar value) -> Tensor", masked_fill_number_in_place,
    kMaskedFillInPlace);
const RegisterAny masked_fill_tensor_in_place_row(
    "masked_fill_(Tensor input, Tensor mask, Tensor value) -> Tensor", masked_fill_tensor_in_place,
    kMaskedFillInPlace);
const RegisterAny masked_select_row(
    "masked_select(Tensor input, Tensor mask, *, Tensor? out=None) -> Tensor", masked_select_op,
    {.meaning = "The elements where the mask is true, in one dimension.",
     .formula = "y = x[mask]",
     .gradient = "∂L/∂x = 0, with ∂L/∂y at the mask",
     .out_apart = true});
const RegisterAny masked_scatter_row(
    "masked_scatter(Tensor input, Tensor mask, Tensor source) -> Tensor", masked_scatter_op,
    {.meaning = "The elements of source in turn where the mask is true, the tensor elsewhere.",
     .formula = "y = x; y[mask] = source",
     .gradient = "∂L/∂x = 0 if mask else ∂L/∂y; ∂L/∂source = ∂L/∂y[mask]"});
const RegisterAny masked_scatter_in_place_row(
    "masked_scatter_(Tensor input, Tensor mask, Tensor source) -> Tensor", masked_scatter_in_place,
    {.meaning = "Writes the elements of source in turn where the mask is true.",
     .formula = "x[mask] = source",
     .gradient = "as masked_scatter",
     .function = false});

}  // namespace
}  // namespace backlit::ops
