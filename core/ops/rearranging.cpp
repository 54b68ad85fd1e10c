// Copies in another order: repeat, flip, roll, rotations, triangles, diagonals.
#include <algorithm>

#include "base/threads.h"
#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/indexing.h"
#include "ops/joining.h"
#include "ops/linalg.h"
#include "ops/reductions.h"
#include "ops/tile_run.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// The part of contiguous y from `start` along dim, as memory.
Tensor part_of(const Tensor& y, int dim, std::int64_t start, std::int64_t length) {
  Dims sizes(y.sizes());
  sizes[dim] = length;
  return y.alias(strided_layout(sizes, y.strides()), start * y.layout().stride(dim));
}

// --- copies in another order ---

}  // namespace

Tensor repeat(const Tensor& x, Span counts) {
  BACKLIT_CHECK(static_cast<int>(counts.size()) >= x.dim(), Runtime,
                "Number of dimensions of repeat dims can not be smaller than number of dimensions "
                "of tensor. Got ",
                counts.size(), " repeats for a ", x.dim(), "-D tensor.");
  Dims sizes(x.sizes());
  while (sizes.n < static_cast<int>(counts.size())) sizes.insert(0, 1);
  Tensor y = view(contiguous(detach(x)), sizes);
  Dims wanted(sizes);
  for (int d = 0; d < sizes.n; ++d) wanted[d] *= counts[static_cast<std::size_t>(d)];
  for (int d = 0; d < sizes.n; ++d) {
    const std::int64_t r = counts[static_cast<std::size_t>(d)];
    BACKLIT_CHECK(r >= 0, Runtime, "Trying to create tensor with negative dimension ", wanted[d],
                  ": ", to_string(wanted));
    if (r == 1) continue;
    Dims once(y.sizes()), joined(once);
    joined[d] *= r;
    Tensor next = Tensor::empty(joined, x.dtype());
    for (std::int64_t i = 0; i < r && y.numel(); ++i)
      copy_in_place(part_of(next, d, i * once[d], once[d]), y);
    y = next;
  }
  if (y->storage == x->storage) y = clone(y);
  return record("RepeatBackward0", std::move(y), {x}, {},
                [sizes, from = Dims(x.sizes()), r = Dims(counts)](Vjp& v) {
                  Tensor g = v.g();
                  for (int d = 0; d < sizes.n; ++d) {
                    if (r[d] == 1) continue;
                    Dims split(g.sizes());
                    split[d] = sizes[d];
                    split.insert(d, r[d]);
                    g = sum(reshape(g, split), Dims{d}, false);
                  }
                  v.set(0, reshape(g, from));
                });
}

namespace {

Tensor repeat_op(const Tensor& x, const Dims& counts) { return repeat(x, counts); }

}  // namespace

Tensor flip(const Tensor& x, Span dims) {
  Dims strides(x.strides());
  std::int64_t offset = 0;
  bool seen[kMaxDims] = {};
  for (auto k : dims) {
    const int d = wrap_dim(k, x.dim());
    BACKLIT_CHECK(!seen[d], Runtime, "dim ", d, " appears multiple times in the list of dims");
    seen[d] = true;
    if (x.dim() == 0) continue;
    offset += std::max<std::int64_t>(x.layout().size(d) - 1, 0) * strides[d];
    strides[d] = -strides[d];
  }
  const Layout* order[] = {&x.layout()};
  Tensor y = Tensor::empty(result_layout(x.sizes(), order), x.dtype());
  // negative strides exist only here, for the length of the copy
  if (x.numel()) copy_in_place(y, x.alias(strided_layout(x.sizes(), strides), offset));
  return record("FlipBackward0", std::move(y), {x}, {},
                [d = Dims(dims)](Vjp& v) { v.set(0, flip(v.g(), d)); });
}

namespace {

Tensor flip_op(const Tensor& x, const Dims& dims) { return flip(x, dims); }

Tensor roll(const Tensor& x, Span shifts, Span dims) {
  BACKLIT_CHECK(!shifts.empty(), Runtime, "`shifts` required");
  if (dims.empty()) {
    BACKLIT_CHECK(shifts.size() == 1, Runtime,
                  "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:0");
    return reshape(roll(reshape(x, Dims{-1}), shifts, Dims{0}), x.sizes());
  }
  BACKLIT_CHECK(shifts.size() == dims.size(), Runtime,
                "shifts and dimensions must align. shifts: ", shifts.size(),
                ", dims:", dims.size());
  Tensor y = contiguous(detach(x));
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const int d = wrap_dim(dims[i], x.dim());
    BACKLIT_CHECK(x.dim() > 0, Index, "Dimension specified as ", dims[i],
                  " but tensor has no dimensions");
    const std::int64_t n = x.layout().size(d);
    if (n == 0) continue;
    const std::int64_t shift = (shifts[i] % n + n) % n;
    Tensor next = Tensor::empty(x.sizes(), x.dtype());
    if (shift) copy_in_place(part_of(next, d, 0, shift), part_of(y, d, n - shift, shift));
    copy_in_place(part_of(next, d, shift, n - shift), part_of(y, d, 0, n - shift));
    y = next;
  }
  if (y->storage == x->storage) y = clone(y);
  Dims back(shifts);
  for (int i = 0; i < back.n; ++i) back[i] = -back[i];
  return record("RollBackward0", std::move(y), {x}, {},
                [back, d = Dims(dims)](Vjp& v) { v.set(0, roll(v.g(), back, d)); });
}
Tensor roll_op(const Tensor& x, const Dims& shifts, std::optional<Dims> dims) {
  return roll(x, shifts, dims ? Span(*dims) : Span());
}

// The elements of y, contiguous, on one side of diagonal number k from `from`, which may be y's own
// memory; 0 on the other.
void fill_triangle(const Tensor& y, const char* from, std::int64_t k, bool lower) {
  const std::int64_t rows = y.layout().size(y.dim() - 2), columns = y.layout().size(y.dim() - 1);
  const auto size = static_cast<std::int64_t>(size_of(y.dtype()));
  const std::int64_t all_rows = columns ? y.numel() / columns : 0;
  k = std::clamp(k, -rows - 1, columns + 1);
  GilRelease release(y.numel() >= kGilReleaseElements);
  parallel_for(all_rows, std::max<std::int64_t>((1 << 15) / std::max<std::int64_t>(columns, 1), 1),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t r = begin; r < end; ++r) {
                   const std::int64_t edge =
                       std::clamp<std::int64_t>(r % rows + k + (lower ? 1 : 0), 0, columns);
                   const std::int64_t row = r * columns * size, middle = row + edge * size,
                                      next = row + columns * size;
                   const std::int64_t first = lower ? row : middle, last = lower ? middle : next;
                   if (from != y.raw()) std::copy(from + first, from + last, y.raw() + first);
                   std::fill(y.raw() + row, y.raw() + first, char{0});
                   std::fill(y.raw() + last, y.raw() + next, char{0});
                 }
               });
}
}  // namespace

Tensor triangle(const Tensor& x, std::int64_t k, bool lower) {
  BACKLIT_CHECK(x.dim() >= 2, Runtime, lower ? "tril" : "triu",
                ": input tensor must have at least 2 dimensions");
  const Tensor dense = contiguous(detach(x));
  Tensor y = Tensor::empty(x.sizes(), x.dtype());
  fill_triangle(y, dense.raw(), k, lower);
  return record(lower ? "TrilBackward0" : "TriuBackward0", std::move(y), {x}, {},
                [k, lower](Vjp& v) { v.set(0, triangle(v.g(), k, lower)); });
}

namespace {

Tensor triangle_in_place(const Tensor& x, std::int64_t k, bool lower) {
  BACKLIT_CHECK(x.dim() >= 2, Runtime, lower ? "tril" : "triu",
                ": input tensor must have at least 2 dimensions");
  return record_in_place(
      lower ? "TrilBackward0" : "TriuBackward0", x, {x}, {},
      [&] {
        const Tensor y = contiguous(detach(x));
        fill_triangle(y, y.raw(), k, lower);
        if (y->storage != x->storage) copy_in_place(x, y);
      },
      [k, lower](Vjp& v) { v.set(0, triangle(v.g(), k, lower)); });
}
Tensor tril_op(const Tensor& x, std::int64_t k) { return triangle(x, k, true); }
Tensor triu_op(const Tensor& x, std::int64_t k) { return triangle(x, k, false); }
Tensor tril_in_place(const Tensor& x, std::int64_t k) { return triangle_in_place(x, k, true); }
Tensor triu_in_place(const Tensor& x, std::int64_t k) { return triangle_in_place(x, k, false); }

Tensor diagonal_of(const Tensor& x, std::int64_t k, int a, int b) {
  Dims sizes(x.sizes()), strides(x.strides());
  const std::int64_t rows = sizes[a], columns = sizes[b];
  const std::int64_t n =
      std::max<std::int64_t>(0, k >= 0 ? std::min(rows, columns - k) : std::min(rows + k, columns));
  const std::int64_t offset = n == 0 ? 0 : (k >= 0 ? k * strides[b] : -k * strides[a]);
  const std::int64_t step = strides[a] + strides[b];
  for (const int d : {std::max(a, b), std::min(a, b)}) {
    sizes.erase(d);
    strides.erase(d);
  }
  sizes.push_back(n);
  strides.push_back(step);
  return x.alias(strided_layout(sizes, strides), offset);
}

constexpr std::int64_t kMost = std::int64_t{1} << 31;

// x on the diagonals of matrices that are 0 elsewhere.
Tensor diag_embed(const Tensor& x, std::int64_t k, std::int64_t dim1, std::int64_t dim2) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "diag_embed: input must have at least 1 dimension");
  const int a = wrap_dim(dim1, x.dim() + 1), b = wrap_dim(dim2, x.dim() + 1);
  BACKLIT_CHECK(a != b, Runtime, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  BACKLIT_CHECK(k > -kMost && k < kMost, Runtime, "diag_embed: offset out of range: ", k);
  const std::int64_t n = x.layout().size(x.dim() - 1) + std::abs(k);
  Dims sizes(x.sizes().first(static_cast<std::size_t>(x.dim() - 1)));
  sizes.insert(std::min(a, b), n);
  sizes.insert(std::max(a, b), n);
  Tensor y = Tensor::zeros(sizes, x.dtype());
  copy_in_place(diagonal_of(y, k, a, b), x);
  return record("DiagEmbedBackward0", std::move(y), {x}, {},
                [k, a, b](Vjp& v) { v.set(0, diagonal(v.g(), k, a, b)); });
}

const RegisterAny repeat_row("repeat(Tensor input, int* repeats) -> Tensor", repeat_op,
                             {.meaning = "The tensor repeated along each dimension.",
                              .formula = "y = x, tiled",
                              .gradient = "∂L/∂x = Σ over the copies of ∂L/∂y",
                              .function = false});
const RegisterAny flip_row("flip(Tensor input, int* dims) -> Tensor", flip_op,
                           {.meaning = "The order reversed along each of dims.",
                            .formula = "yᵢ = x₋ᵢ",
                            .gradient = "∂L/∂x = ∂L/∂y, flipped"});
const RegisterAny roll_row(
    "roll(Tensor input, int[1] shifts, int[1]? dims=None) -> Tensor", roll_op,
    {.meaning = "Elements moved along dims, those that fall off coming back in front.",
     .formula = "yᵢ = xᵢ₋ₛ",
     .gradient = "∂L/∂x = ∂L/∂y, rolled back"});
const RegisterAny tril_row("tril(Tensor input, int diagonal=0) -> Tensor", tril_op,
                           {.meaning = "The lower triangle, 0 above the diagonal.",
                            .formula = "yᵢⱼ = xᵢⱼ if j ≤ i + k else 0",
                            .gradient = "∂L/∂x = tril(∂L/∂y)"});
const RegisterAny triu_row("triu(Tensor input, int diagonal=0) -> Tensor", triu_op,
                           {.meaning = "The upper triangle, 0 below the diagonal.",
                            .formula = "yᵢⱼ = xᵢⱼ if j ≥ i + k else 0",
                            .gradient = "∂L/∂x = triu(∂L/∂y)"});
const RegisterAny diag_embed_row(
    "diag_embed(Tensor input, int offset=0, int dim1=-2, int dim2=-1) -> Tensor", diag_embed,
    {.meaning = "Matrices with the last dimension on a diagonal.",
     .formula = "Yᵢᵢ = xᵢ",
     .gradient = "∂L/∂x = diagonal(∂L/∂Y)"});
const RowOptions kTriangleInPlace{.meaning = "Clears the elements on the other side of a diagonal.",
                                  .gradient = "as tril or triu",
                                  .function = false};
const RegisterAny tril_in_place_row("tril_(Tensor input, int diagonal=0) -> Tensor", tril_in_place,
                                    kTriangleInPlace);
const RegisterAny triu_in_place_row("triu_(Tensor input, int diagonal=0) -> Tensor", triu_in_place,
                                    kTriangleInPlace);

// --- diagonals ---

Tensor diag(const Tensor& x, std::int64_t k) {
  BACKLIT_CHECK(x.dim() == 1 || x.dim() == 2, Runtime, "diag(): Supports 1D or 2D tensors. Got ",
                x.dim(), "D");
  if (x.dim() == 1) return diag_embed(x, k, 0, 1);
  const Tensor y = clone_contiguous(diagonal(detach(x), k, 0, 1));
  const Dims sizes(x.sizes());
  return record("DiagonalBackward0_copy", y, {x}, {}, [k, sizes](Vjp& v) {
    v.set(0, diagonal_scatter(Tensor::zeros(sizes, v.g().dtype()), v.g(), k, 0, 1));
  });
}
const RegisterAny diag_row(
    "diag(Tensor input, int diagonal=0) -> Tensor", diag,
    {.meaning = "A vector as a diagonal matrix, or the diagonal of a matrix.",
     .formula = "Yᵢᵢ = xᵢ, or yᵢ = Xᵢᵢ",
     .gradient = "∂L/∂x = the diagonal of ∂L/∂Y, or ∂L/∂X = diag(∂L/∂y)"});
Tensor diagflat(const Tensor& x, std::int64_t k) {
  return diag_embed(view(contiguous(x), Dims{-1}), k, 0, 1);
}
const RegisterAny diagflat_row("diagflat(Tensor input, int offset=0) -> Tensor", diagflat,
                               {.meaning = "All elements on the diagonal of a matrix.",
                                .formula = "Yᵢᵢ = flatten(x)ᵢ",
                                .gradient = "∂L/∂x = the diagonal of ∂L/∂Y in the shape of x"});

// --- copies with a part replaced ---

const Tensor& check_part(const Tensor& part, const Tensor& src) {
  BACKLIT_CHECK(part.layout().same_sizes(src.layout()), Runtime,
                "expected src to have a size equal to the slice of self. src size = ",
                to_string(src.sizes()), ", slice size = ", to_string(part.sizes()));
  return src;
}
// y = x with src in the part that `look` shows; the gradients are the same of ∂L/∂y with 0, and
// look.
template <class Look>
Tensor with_part(const char* name, const Tensor& x, const Tensor& src, Look look) {
  Tensor y = clone(detach(x));
  const Tensor part = look(y);
  copy_in_place(part, check_part(part, src));
  const auto rule = [name, look, sizes = Dims(src.sizes()), dtype = src.dtype()](Vjp& v) {
    const Tensor g = contiguous(v.g());
    if (v.needs(0)) v.set(0, with_part(name, g, Tensor::zeros(sizes, g.dtype()), look));
    if (v.needs(1)) v.set(1, to_dtype(look(g), dtype));
  };
  return record(name, y, {x, src}, {}, rule);
}
Tensor select_scatter(const Tensor& x, const Tensor& src, std::int64_t dim, std::int64_t index) {
  return with_part("SelectScatterBackward0", x, src,
                   [=](const Tensor& t) { return select(t, dim, index); });
}
Tensor slice_scatter(const Tensor& x, const Tensor& src, std::int64_t dim,
                     std::optional<std::int64_t> start, std::optional<std::int64_t> end,
                     std::int64_t step) {
  const std::int64_t a = start.value_or(0), b = end.value_or(INT64_MAX);
  return with_part("SliceScatterBackward0", x, src,
                   [=](const Tensor& t) { return slice(t, dim, a, b, step); });
}

Tensor as_strided_scatter(const Tensor& x, const Tensor& src, const Dims& size, const Dims& stride,
                          std::optional<std::int64_t> offset) {
  const std::int64_t start = offset.value_or(x.offset()) - x.offset();
  return with_part("AsStridedScatterBackward0", contiguous(x), src, [=](const Tensor& t) {
    return as_strided(t, size, stride, t.offset() + start);  // a gradient may begin anywhere
  });
}

}  // namespace

Tensor diagonal_scatter(const Tensor& x, const Tensor& src, std::int64_t k, std::int64_t a,
                        std::int64_t b) {
  return with_part("DiagonalScatterBackward0", x, src,
                   [=](const Tensor& t) { return diagonal(t, k, a, b); });
}

namespace {

const RowOptions kScatter{.meaning = "A copy with a part replaced by src.",
                          .gradient = "∂L/∂x = ∂L/∂y, 0 in the part; ∂L/∂src = the part of ∂L/∂y"};
const RegisterAny select_scatter_row(
    "select_scatter(Tensor input, Tensor src, int dim, int index) -> Tensor", select_scatter,
    kScatter);
const RegisterAny slice_scatter_row(
    "slice_scatter(Tensor input, Tensor src, int dim=0, int? start=None, int? end=None, int "
    "step=1) -> Tensor",
    slice_scatter, kScatter);
const RegisterAny diagonal_scatter_row(
    "diagonal_scatter(Tensor input, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor",
    diagonal_scatter, kScatter);
const RegisterAny as_strided_scatter_row(
    "as_strided_scatter(Tensor input, Tensor src, int[] size, int[] stride, int? "
    "storage_offset=None) -> Tensor",
    as_strided_scatter, kScatter);

Tensor fill_diagonal(const Tensor& x, const Scalar& value, bool wrap) {
  BACKLIT_CHECK(x.dim() >= 2, Runtime, "dimensions must larger than 1");
  std::int64_t n = x.layout().size(0), step = 0;
  for (int d = 0; d < x.dim(); ++d) {
    BACKLIT_CHECK(x.dim() == 2 || x.layout().size(d) == x.layout().size(0), Runtime,
                  "all dimensions of input must be of equal length");
    n = std::min(n, x.layout().size(d));
    step += x.layout().stride(d);
  }
  const auto diagonals = [=](const Tensor& t, Span strides, std::int64_t stride) {
    std::vector<Tensor> parts{t.alias(strided_layout(Dims{n}, Dims{stride}))};
    const std::int64_t rows = t.layout().size(0), columns = t.layout().size(t.dim() - 1);
    for (std::int64_t r = columns + 1; wrap && t.dim() == 2 && r < rows; r += columns + 1)
      parts.push_back(
          t.alias(strided_layout(Dims{std::min(rows - r, columns)}, Dims{stride}), r * strides[0]));
    return parts;
  };
  return record_in_place(
      "FillDiagonalBackward0", x, {x}, {},
      [&] {
        for (const Tensor& part : diagonals(x, x.strides(), step)) fill_in_place(part, value);
      },
      [value, wrap](Vjp& v) { v.set(0, fill_diagonal(clone(v.g()), Scalar(0), wrap)); });
}
const RegisterAny fill_diagonal_row(
    "fill_diagonal_(Tensor input, Scalar fill_value, bool wrap=False) -> Tensor", fill_diagonal,
    {.meaning = "Writes a number on the diagonal.",
     .formula = "Xᵢᵢ = fill_value",
     .gradient = "∂L/∂X = ∂L/∂Y, 0 on the diagonal",
     .function = false});

// --- turned and repeated ---

Tensor fliplr(const Tensor& x) {
  BACKLIT_CHECK(x.dim() >= 2, Runtime, "Input must be >= 2-d.");
  return flip(x, Dims{1});
}
Tensor flipud(const Tensor& x) {
  BACKLIT_CHECK(x.dim() >= 1, Runtime, "Input must be >= 1-d.");
  return flip(x, Dims{0});
}
const RegisterAny fliplr_row("fliplr(Tensor input) -> Tensor", fliplr,
                             {.meaning = "The columns in reverse order.",
                              .gradient = "∂L/∂x = ∂L/∂y, flipped"});
const RegisterAny flipud_row("flipud(Tensor input) -> Tensor", flipud,
                             {.meaning = "The rows in reverse order.",
                              .gradient = "∂L/∂x = ∂L/∂y, flipped"});

Tensor rot90(const Tensor& x, std::int64_t k, Span dims) {
  BACKLIT_CHECK(dims.size() == 2, Runtime,
                "expected total rotation dims == 2, but got dims = ", dims.size());
  BACKLIT_CHECK(x.dim() >= 2, Runtime, "expected total dims >= 2, but got total dims = ", x.dim());
  BACKLIT_CHECK(dims[0] != dims[1] && std::abs(dims[0] - dims[1]) != x.dim(), Runtime,
                "expected rotation dims to be different, but got dim0 = ", dims[0],
                " and dim1 = ", dims[1]);
  const int a = wrap_dim(dims[0], x.dim()), b = wrap_dim(dims[1], x.dim());
  const std::int64_t turns = (k % 4 + 4) % 4;
  Tensor y = detach(x);
  if (turns == 0) y = clone_contiguous(y);
  if (turns == 1) y = transpose(flip(y, Dims{b}), a, b);
  if (turns == 2) y = flip(y, Dims{a, b});
  if (turns == 3) y = transpose(flip(y, Dims{a}), a, b);
  return record("Rot90Backward0", detach(y), {x}, {},
                [turns, order = Dims{a, b}](Vjp& v) { v.set(0, rot90(v.g(), -turns, order)); });
}
Tensor rot90_op(const Tensor& x, std::int64_t k, std::optional<Dims> dims) {
  return rot90(x, k, dims ? *dims : Dims{0, 1});
}
const RegisterAny rot90_row(
    "rot90(Tensor input, int k=1, int[]? dims=None) -> Tensor", rot90_op,
    {.meaning = "Turned by k quarter turns from the first of dims towards the second.",
     .gradient = "∂L/∂x = ∂L/∂y, turned back"});

Tensor tile(const Tensor& x, Dims counts) {
  while (counts.n < x.dim()) counts.insert(0, 1);
  return repeat(x, counts);
}
const RegisterAny tile_row("tile(Tensor input, int* dims) -> Tensor", tile,
                           {.meaning = "The tensor repeated along its last dimensions.",
                            .formula = "y = x, tiled",
                            .gradient = "∂L/∂x = Σ over the copies of ∂L/∂y"});

Tensor interleave_number(const Tensor& x, std::int64_t repeats, std::optional<std::int64_t> dim) {
  BACKLIT_CHECK(repeats >= 0, Runtime, "Repeats must be non-negative");
  const Tensor from = dim ? (x.dim() ? x : view(x, Dims{1})) : reshape(x, Dims{-1});
  const int d = dim ? wrap_dim(*dim, from.dim()) : 0;
  Dims wide(from.sizes());
  wide.insert(d + 1, repeats);
  Dims sizes(from.sizes());
  sizes[d] *= repeats;
  return view(clone_contiguous(expand(unsqueeze(from, d + 1), wide)), sizes);
}
// 0 repeats[0] times, 1 repeats[1] times, ...
Tensor interleave_index(const Tensor& repeats) {
  BACKLIT_CHECK(repeats.dim() == 1 || repeats.dim() == 0, Runtime,
                "repeat_interleave only accept 1D vector as repeat");
  BACKLIT_CHECK(repeats.dtype() == Dtype::Int64 || repeats.dtype() == Dtype::Int32, NotImplemented,
                "\"repeat_interleave_cpu\" not implemented for '",
                info(repeats.dtype()).scalar_name, "'");
  const Tensor counts = contiguous(to_dtype(detach(repeats), Dtype::Int64));
  const auto* r = counts.data<std::int64_t>();
  std::int64_t total = 0;
  for (std::int64_t i = 0; i < counts.numel(); ++i) {
    BACKLIT_CHECK(r[i] >= 0, Runtime, "repeats can not be negative");
    BACKLIT_CHECK(!__builtin_add_overflow(total, r[i], &total), Runtime,
                  "repeats: their sum overflows");
  }
  Tensor index = Tensor::empty(Dims{total}, Dtype::Int64);
  auto* to = index.data<std::int64_t>();
  for (std::int64_t i = 0; i < counts.numel(); ++i) to = std::fill_n(to, r[i], i);
  return to_dtype(index, repeats.dtype());
}
void check_output_size(std::optional<std::int64_t> given, std::int64_t size) {
  BACKLIT_CHECK(!given || *given == size, Runtime,
                "allocated size does not match required size. Got output_size=", given.value_or(0),
                " where the repeats sum to ", size, ".");
}
Tensor interleave_tensor(const Tensor& x, const Tensor& repeats, std::optional<std::int64_t> dim,
                         std::optional<std::int64_t> output_size) {
  const Tensor from = dim ? (x.dim() ? x : view(x, Dims{1})) : reshape(x, Dims{-1});
  const int d = dim ? wrap_dim(*dim, from.dim()) : 0;
  Tensor each = repeats.dim() ? repeats : view(repeats, Dims{1});
  BACKLIT_CHECK(each.dim() == 1, Runtime, "repeats must be 0-dim or 1-dim tensor");
  const std::int64_t n = from.layout().size(d);
  if (each.numel() == 1) each = expand(each, Dims{n});
  BACKLIT_CHECK(each.numel() == n, Runtime,
                "repeats must have the same size as input along dim, but got repeats.size(0) = ",
                each.numel(), " and input.size(", d, ") = ", n);
  const IndexGroup g{interleave_index(each), d};
  check_output_size(output_size, g.index.numel());
  return index(from, {&g, 1}, "IndexSelectBackward0");
}
Tensor interleave_int(const Tensor& x, std::int64_t repeats, std::optional<std::int64_t> dim,
                      std::optional<std::int64_t> output_size) {
  const Tensor y = interleave_number(x, repeats, dim);
  if (output_size) check_output_size(output_size, dim && x.dim() ? y.size(*dim) : y.numel());
  return y;
}
Tensor interleave_counts(const Tensor& repeats, std::optional<std::int64_t> output_size) {
  const Tensor y = interleave_index(repeats);
  check_output_size(output_size, y.numel());
  return y;
}
const RowOptions kInterleave{.meaning = "Each element (or slice along dim) repeated.",
                             .gradient = "∂L/∂x = Σ over the copies of ∂L/∂y"};
const RegisterAny interleave_number_row(
    "repeat_interleave(Tensor input, int repeats, int? dim=None, *, int? output_size=None) -> "
    "Tensor",
    interleave_int, kInterleave);
const RegisterAny interleave_tensor_row(
    "repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, int? output_size=None) -> "
    "Tensor",
    interleave_tensor, kInterleave);
const RegisterAny interleave_counts_row(
    "repeat_interleave(Tensor repeats, *, int? output_size=None) -> Tensor", interleave_counts,
    {.meaning = "The index i repeated repeats[i] times."});

}  // namespace
}  // namespace backlit::ops
