// Rows of the registry for views: the same memory under another shape.
#include <algorithm>

#include "ops/arithmetic.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

constexpr const char* kReshapeGradient = "∂L/∂x = ∂L/∂y in the shape of x";
constexpr const char* kEmbedGradient = "∂L/∂x = ∂L/∂y at the elements shown, 0 at the others";

// --- shape ---

Tensor view_op(const Tensor& x, Dims size) { return view(x, size); }
Tensor view_dtype_op(const Tensor& x, Dtype dtype) { return view_as_dtype(x, dtype); }
const RegisterAny view_dtype_row("view(Tensor input, dtype dtype) -> Tensor", view_dtype_op,
                                 {.meaning = "The same bytes read as elements of another type.",
                                  .function = false,
                                  .view = true});
const RegisterAny view_row("view(Tensor input, int* size) -> Tensor", view_op,
                           {.meaning = "The same elements in another shape, without a copy.",
                            .formula = "y = x in the shape `size`",
                            .gradient = kReshapeGradient,
                            .function = false,
                            .view = true});

Tensor reshape_op(const Tensor& x, Dims shape) { return reshape(x, shape); }
const RegisterAny reshape_row(
    "reshape(Tensor input, int* shape) -> Tensor", reshape_op,
    {.meaning = "The same elements in another shape; copies only where a view cannot do.",
     .formula = "y = x in the shape `shape`",
     .gradient = kReshapeGradient});

Tensor view_as(const Tensor& x, const Tensor& other) { return view(x, other.sizes()); }
const RegisterAny view_as_row("view_as(Tensor input, Tensor other) -> Tensor", view_as,
                              {.meaning = "A view in the shape of other.",
                               .gradient = kReshapeGradient,
                               .function = false});
Tensor reshape_as(const Tensor& x, const Tensor& other) { return reshape(x, other.sizes()); }
const RegisterAny reshape_as_row("reshape_as(Tensor input, Tensor other) -> Tensor", reshape_as,
                                 {.meaning = "reshape to the shape of other.",
                                  .gradient = kReshapeGradient,
                                  .function = false});

Tensor flatten(const Tensor& x, std::int64_t start, std::int64_t end) {
  const int a = wrap_dim(start, x.dim()), b = wrap_dim(end, x.dim());
  BACKLIT_CHECK(a <= b, Runtime, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (x.dim() == 0) return reshape(x, Dims{1});
  if (a == b) return x;
  Dims sizes;
  for (int d = 0; d < x.dim(); ++d) {
    if (d > a && d <= b)
      sizes[sizes.n - 1] *= x.layout().size(d);
    else
      sizes.push_back(x.layout().size(d));
  }
  return reshape(x, sizes);
}
const RegisterAny flatten_row(
    "flatten(Tensor input, int start_dim=0, int end_dim=-1) -> Tensor", flatten,
    {.meaning = "Merges the dimensions from start_dim to end_dim into one.",
     .gradient = kReshapeGradient});

Tensor ravel(const Tensor& x) { return view(contiguous(x), Dims{-1}); }
const RegisterAny ravel_row("ravel(Tensor input) -> Tensor", ravel,
                            {.meaning = "All elements in one dimension.",
                             .gradient = kReshapeGradient});

Tensor unflatten(const Tensor& x, std::int64_t dim, Dims sizes) {
  const int d = wrap_dim(dim, x.dim());
  BACKLIT_CHECK(!sizes.empty(), Runtime, "unflatten: sizes must be non-empty");
  std::int64_t known = 1;
  int inferred = -1;
  for (int i = 0; i < sizes.n; ++i) {
    if (sizes[i] == -1)
      inferred = i;
    else
      known *= sizes[i];
  }
  const std::int64_t n = x.size(d);
  if (inferred >= 0 && known > 0 && n % known == 0) sizes[inferred] = n / known;
  BACKLIT_CHECK(product(sizes) == n, Runtime, "unflatten: Provided sizes ", to_string(sizes),
                " don't multiply up to the size of dim ", d, " (", n, ") in the input tensor");
  Dims out;
  for (int k = 0; k < x.dim(); ++k) {
    if (k != d) {
      out.push_back(x.layout().size(k));
      continue;
    }
    for (auto s : sizes) out.push_back(s);
  }
  return view(x, out);
}
const RegisterAny unflatten_row(
    "unflatten(Tensor input, int dim, int[] sizes) -> Tensor", unflatten,
    {.meaning = "Splits dimension dim into several; one size may be -1.",
     .gradient = kReshapeGradient});

// --- order of dimensions ---

Tensor transpose_op(const Tensor& x, std::int64_t a, std::int64_t b) { return transpose(x, a, b); }
const RowOptions kTranspose{
    .meaning = "Swaps two dimensions.", .formula = "y = xᵀ", .gradient = "∂L/∂x = (∂L/∂y)ᵀ"};
const RowOptions kTransposeView{.meaning = kTranspose.meaning,
                                .formula = kTranspose.formula,
                                .gradient = kTranspose.gradient,
                                .view = true};
const RegisterAny transpose_row("transpose(Tensor input, int dim0, int dim1) -> Tensor",
                                transpose_op, kTransposeView);
const RegisterAny swapdims_row("swapdims(Tensor input, int dim0, int dim1) -> Tensor", transpose_op,
                               kTranspose);
const RegisterAny swapaxes_row("swapaxes(Tensor input, int axis0, int axis1) -> Tensor",
                               transpose_op, kTranspose);

Tensor t(const Tensor& x) {
  BACKLIT_CHECK(x.dim() <= 2, Runtime, "t() expects a tensor with <= 2 dimensions, but self is ",
                x.dim(), "D");
  return transpose(x, 0, x.dim() < 2 ? 0 : 1, "TBackward0");
}
const RegisterAny t_row("t(Tensor input) -> Tensor", t, kTransposeView);

Tensor adjoint(const Tensor& x) {
  if (x.dim() == 0) return x;
  BACKLIT_CHECK(
      x.dim() != 1, Runtime,
      "tensor.adjoint() is only supported on matrices or batches of matrices. Got 1-D tensor.");
  return conj(transpose(x, -2, -1));
}
const RegisterAny adjoint_row("adjoint(Tensor input) -> Tensor", adjoint, kTranspose);

Tensor permute_op(const Tensor& x, Dims dims) { return permute(x, dims); }
const RegisterAny permute_row("permute(Tensor input, int* dims) -> Tensor", permute_op,
                              {.meaning = "Reorders the dimensions.",
                               .gradient = "∂L/∂x = ∂L/∂y with the dimensions put back",
                               .view = true});

Tensor movedim(const Tensor& x, Dims source, Dims destination) {
  BACKLIT_CHECK(source.n == destination.n, Runtime,
                "movedim: Invalid source or destination dims: source (", to_string(source),
                " dims) should contain the same number of dims as destination (",
                to_string(destination), " dims)");
  int at[kMaxDims];  // source dimension shown at each place
  bool used[kMaxDims] = {};
  std::fill_n(at, kMaxDims, -1);
  for (int i = 0; i < source.n; ++i) {
    const int from = wrap_dim(source[i], x.dim()), to = wrap_dim(destination[i], x.dim());
    BACKLIT_CHECK(!used[from], Runtime, "movedim: repeated dim in `source` (", to_string(source),
                  ")");
    BACKLIT_CHECK(at[to] < 0, Runtime, "movedim: repeated dim in `destination` (",
                  to_string(destination), ")");
    at[to] = from;
    used[from] = true;
  }
  Dims order;
  int next = 0;
  for (int d = 0; d < x.dim(); ++d) {
    if (at[d] < 0) {
      while (used[next]) ++next;
      at[d] = next++;
    }
    order.push_back(at[d]);
  }
  return permute(x, order);
}
const RegisterAny movedim_row(
    "movedim(Tensor input, int[1] source, int[1] destination) -> Tensor", movedim,
    {.meaning = "Moves dimensions to new places; the others keep their order.",
     .gradient = "∂L/∂x = ∂L/∂y with the dimensions put back",
     .aliases = "moveaxis"});

// --- sizes of 1 ---

Tensor squeeze_all(const Tensor& x) { return squeeze(x); }
Tensor squeeze_one(const Tensor& x, std::int64_t dim) { return squeeze(x, Dims{dim}); }
Tensor squeeze_some(const Tensor& x, Dims dims) { return squeeze(x, dims, true); }
const RowOptions kSqueeze{
    .meaning = "Drops dimensions of size 1.", .gradient = kReshapeGradient, .view = true};
const RegisterAny squeeze_row("squeeze(Tensor input) -> Tensor", squeeze_all, kSqueeze);
const RegisterAny squeeze_one_row("squeeze(Tensor input, int dim) -> Tensor", squeeze_one,
                                  kSqueeze);
const RegisterAny squeeze_some_row("squeeze(Tensor input, int[] dim) -> Tensor", squeeze_some,
                                   kSqueeze);

const RegisterAny unsqueeze_row("unsqueeze(Tensor input, int dim) -> Tensor", unsqueeze,
                                {.meaning = "Inserts a dimension of size 1 at dim.",
                                 .gradient = kReshapeGradient,
                                 .view = true});

Tensor expand_op(const Tensor& x, Dims size, bool) { return expand(x, size); }
constexpr const char* kExpandGradient =
    "∂L/∂x = Σ of ∂L/∂y over the places that show the same element";
const RegisterAny expand_row(
    "expand(Tensor input, int* size, *, bool implicit=False) -> Tensor", expand_op,
    {.meaning = "Repeats dimensions of size 1 without a copy; -1 keeps a size.",
     .gradient = kExpandGradient,
     .function = false,
     .view = true});
Tensor broadcast_to(const Tensor& x, Dims size) { return expand(x, size); }
const RegisterAny broadcast_to_row("broadcast_to(Tensor input, int[] size) -> Tensor", broadcast_to,
                                   {.meaning = "expand to the given shape.",
                                    .gradient = kExpandGradient});
Tensor expand_as(const Tensor& x, const Tensor& other) { return expand(x, other.sizes()); }
const RegisterAny expand_as_row("expand_as(Tensor input, Tensor other) -> Tensor", expand_as,
                                {.meaning = "expand to the shape of other.",
                                 .gradient = kExpandGradient,
                                 .function = false});
Tensor sum_to_size(const Tensor& x, const Dims& size) {
  bool fits = size.n <= x.dim();
  for (int k = 1; fits && k <= size.n; ++k)
    fits = size[size.n - k] == 1 || size[size.n - k] == x.layout().size(x.dim() - k);
  BACKLIT_CHECK(fits, Runtime, "size {", to_string(size), "} is not expandable to size {",
                to_string(x.sizes()), "}.");
  return size.empty() ? sum(x) : sum_to(x, size);
}
const RegisterAny sum_to_size_row(
    "sum_to_size(Tensor input, int* size) -> Tensor", sum_to_size,
    {.meaning = "Summed over what broadcasting from size to the shape of the tensor repeats.",
     .formula = "yᵢ = Σ of x over the places that show element i",
     .gradient = "∂L/∂x = ∂L/∂y, expanded to the shape of x",
     .function = false});

// --- parts ---

const RegisterAny select_row("select(Tensor input, int dim, int index) -> Tensor", select,
                             {.meaning = "The slice at one index of a dimension, which disappears.",
                              .formula = "y = x[…, index, …]",
                              .gradient = kEmbedGradient,
                              .view = true});
const RegisterAny narrow_row("narrow(Tensor input, int dim, int start, int length) -> Tensor",
                             narrow,
                             {.meaning = "length slices of dimension dim, from start on.",
                              .formula = "y = x[…, start : start + length, …]",
                              .gradient = kEmbedGradient});
// An integral start of one element arrives as a number; this row refuses all others.
Tensor narrow_from_tensor(const Tensor&, std::int64_t, const Tensor&, std::int64_t) {
  fail(ErrorKind::Runtime, "start must be an 0-dim integral Tensor.");
}
const RegisterAny narrow_from_row(
    "narrow(Tensor input, int dim, Tensor start, int length) -> Tensor", narrow_from_tensor);
const RegisterAny diagonal_row(
    "diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor", diagonal,
    {.meaning = "The diagonal of two dimensions, as the last dimension.",
     .formula = "yᵢ = xᵢ,ᵢ₊offset",
     .gradient = kEmbedGradient,
     .view = true});
const RegisterAny unfold_row(
    "unfold(Tensor input, int dimension, int size, int step) -> Tensor", unfold,
    {.meaning = "All windows of `size` elements along a dimension, as a new last dimension.",
     .gradient = "∂L/∂x = Σ of ∂L/∂y over the windows that show the element",
     .function = false,
     .view = true});
Tensor as_strided_op(const Tensor& x, Dims size, Dims stride, std::optional<std::int64_t> offset) {
  return as_strided(x, size, stride, offset.value_or(x.offset()));
}
const RegisterAny as_strided_row(
    "as_strided(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
    as_strided_op,
    {.meaning = "The storage through any sizes and strides.",
     .gradient = "∂L/∂x = Σ of ∂L/∂y over the places that show the element",
     .view = true});

// Known to Python as x[...] only, and by their copies.
Tensor slice_op(const Tensor& x, std::int64_t dim, std::optional<std::int64_t> start,
                std::optional<std::int64_t> end, std::int64_t step) {
  return slice(x, dim, start.value_or(0), end.value_or(INT64_MAX), step);
}
const RegisterAny slice_row(
    "slice(Tensor input, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor",
    slice_op,
    {.meaning = "Every step-th slice of dimension dim from start to end.",
     .gradient = kEmbedGradient,
     .function = false,
     .method = false,
     .view = true});
const RegisterAny alias_row("alias(Tensor input) -> Tensor", alias,
                            {.meaning = "The tensor itself, as a view.",
                             .gradient = "∂L/∂x = ∂L/∂y",
                             .function = false,
                             .method = false,
                             .view = true});

Tensor narrow_copy(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length,
                   const Tensor& out) {
  BACKLIT_CHECK(length >= 0, Runtime, "start (", start, ") + length (", length,
                ") exceeds dimension size (", x.size(dim), ").");
  return into_out("narrow_copy", clone_contiguous(narrow(x, dim, start, length)), out);
}
const RegisterAny narrow_copy_row(
    "narrow_copy(Tensor input, int dim, int start, int length, *, Tensor? out=None) -> Tensor",
    narrow_copy,
    {.meaning = "A copy of length slices of dimension dim, from start on.",
     .formula = "y = x[…, start : start + length, …]",
     .gradient = kEmbedGradient});

}  // namespace
}  // namespace backlit::ops
