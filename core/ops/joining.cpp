// Joining: cat, stack and what is built from them.
#include "ops/joining.h"

#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "ops/arithmetic.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

constexpr std::int64_t kCopyChunk = 1 << 18;  // bytes

// A 1-D tensor without elements may stand in any list, for code from before zero-size dimensions.
constexpr std::int64_t kLegacy = -1;  // the length that stands for a tensor of sizes (0)
bool is_legacy_empty(const Tensor& t) { return t.dim() == 1 && t.numel() == 0; }

Dtype common_dtype(const std::vector<Tensor>& tensors) {
  bool same = true;
  for (const Tensor& t : tensors) same = same && t.dtype() == tensors[0].dtype();
  if (same) return tensors[0].dtype();
  std::vector<Operand> operands(tensors.begin(), tensors.end());
  return result_type(operands);
}

// What the gradients of inputs of several dtypes are converted back to; empty when they share one.
struct InputDtypes {
  std::vector<Dtype> dtypes;
  Tensor back_to(int i, Tensor g) const {
    return dtypes.empty() ? g : to_dtype(g, dtypes[static_cast<std::size_t>(i)]);
  }
};
InputDtypes mixed_dtypes(const std::vector<Tensor>& tensors) {
  InputDtypes all;
  for (const Tensor& t : tensors) all.dtypes.push_back(t.dtype());
  if (std::ranges::all_of(all.dtypes, [&](Dtype d) { return d == all.dtypes[0]; }))
    all.dtypes.clear();
  return all;
}

// f(memory, bytes in a row of the result) for each tensor that has elements; contiguous ones.
template <class F>
void for_pieces(const std::vector<Tensor>& tensors, Span lengths, std::int64_t inner, F&& f) {
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (lengths[i] > 0) f(tensors[i].raw(), lengths[i] * inner);
}

// Contiguous tensors side by side in rows of `width` bytes, written in the order of memory.
void join_rows(char* to, std::int64_t rows, std::int64_t width, const std::vector<Tensor>& tensors,
               Span lengths, std::int64_t inner) {
  if (rows == 1)
    return for_pieces(tensors, lengths, inner, [&](const char* from, std::int64_t bytes) {
      parallel_for(bytes, kCopyChunk, [&](std::int64_t begin, std::int64_t end) {
        std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
      });
      to += bytes;
    });
  parallel_for(rows, std::max<std::int64_t>(kCopyChunk / width, 1),
               [&](std::int64_t begin, std::int64_t end) {
                 char* at = to + begin * width;
                 for (std::int64_t r = begin; r < end; ++r)
                   for_pieces(tensors, lengths, inner, [&](const char* from, std::int64_t bytes) {
                     std::memcpy(at, from + r * bytes, static_cast<std::size_t>(bytes));
                     at += bytes;
                   });
               });
}

// Writes the tensors side by side along dimension d of y; `lengths` are their sizes there.
void join(const Tensor& y, const std::vector<Tensor>& tensors, int d, Span lengths) {
  if (y.numel() == 0) return;
  const auto step = static_cast<std::int64_t>(size_of(y.dtype()));
  const Layout& l = y.layout();
  std::int64_t rows = 1, inner = step;
  for (int k = 0; k < l.ndim; ++k) (k < d ? rows : inner) *= k == d ? 1 : l.size(k);
  const bool plain = std::ranges::all_of(tensors, [&](const Tensor& t) {
    return t.numel() == 0 || (t.is_contiguous() && t.dtype() == y.dtype());
  });
  if (plain) {
    const GilRelease release(y.numel() >= kGilReleaseElements);
    const auto bytes = y.numel() * step;
    return join_rows(y.raw(), rows, bytes / rows, tensors, lengths, inner);
  }
  std::int64_t at = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (t.numel() == 0) continue;
    Dims sizes(l.sizes());
    sizes[d] = lengths[i];
    const Tensor part = y.alias(strided_layout(sizes, l.strides()), at * (inner / step));
    copy_in_place(part, t.dim() == sizes.n ? t : view(contiguous(detach(t)), sizes));
    at += lengths[i];
  }
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim) {
  BACKLIT_CHECK(!tensors.empty(), Value, "torch.cat(): expected a non-empty list of Tensors");
  const Tensor* first = nullptr;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    BACKLIT_CHECK(tensors[i].dim() > 0, Runtime, "zero-dimensional tensor (at position ", i,
                  ") cannot be concatenated. Use stack(), or unsqueeze(0) first.");
    if (!first && !is_legacy_empty(tensors[i])) first = &tensors[i];
  }
  if (!first) first = &tensors[0];
  const int d = wrap_dim(dim, first->dim());
  Dims sizes(first->sizes());
  std::vector<std::int64_t> lengths;
  lengths.reserve(tensors.size());
  sizes[d] = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (is_legacy_empty(t)) {
      lengths.push_back(0);
      continue;
    }
    BACKLIT_CHECK(t.dim() == sizes.n, Runtime, "Tensors must have same number of dimensions: got ",
                  sizes.n, " and ", t.dim());
    for (int k = 0; k < sizes.n; ++k)
      BACKLIT_CHECK(k == d || t.layout().size(k) == sizes[k], Runtime,
                    "Sizes of tensors must match except in dimension ", d, ". Expected size ",
                    sizes[k], " but got size ", t.layout().size(k), " for tensor number ", i,
                    " in the list.");
    lengths.push_back(t.layout().size(d));
    sizes[d] += lengths.back();
  }
  Tensor y = Tensor::empty(sizes, common_dtype(tensors));
  join(y, tensors, d, lengths);
  y->inference = modes.inference;
  if (!y.is_differentiable() || !should_record(tensors)) return y;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (is_legacy_empty(tensors[i])) lengths[i] = kLegacy;
  return record("CatBackward0", y, tensors, {},
                [d, lengths, types = mixed_dtypes(tensors)](Vjp& v) {
                  std::int64_t at = 0;
                  for (int i = 0; i < v.inputs(); ++i) {
                    const std::int64_t length = lengths[static_cast<std::size_t>(i)];
                    const bool legacy = length == kLegacy;
                    const std::int64_t n = legacy ? 0 : length;
                    if (v.needs(i)) {
                      v.set(i, types.back_to(i, legacy ? Tensor::zeros(Dims{0}, v.g().dtype())
                                                       : slice(v.g(), d, at, at + n, 1)));
                    }
                    at += n;
                  }
                });
}

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim) {
  BACKLIT_CHECK(!tensors.empty(), Runtime, "stack expects a non-empty TensorList");
  const int d = wrap_dim(dim, tensors[0].dim() + 1);
  for (std::size_t i = 1; i < tensors.size(); ++i)
    BACKLIT_CHECK(tensors[i].layout().same_sizes(tensors[0].layout()), Runtime,
                  "stack expects each tensor to be equal size, but got ",
                  to_string(tensors[0].sizes()), " at entry 0 and ", to_string(tensors[i].sizes()),
                  " at entry ", i);
  Dims sizes(tensors[0].sizes());
  sizes.insert(d, static_cast<std::int64_t>(tensors.size()));
  Tensor y = Tensor::empty(sizes, common_dtype(tensors));
  const std::vector<std::int64_t> ones(tensors.size(), 1);
  join(y, tensors, d, ones);
  y->inference = modes.inference;
  if (!y.is_differentiable() || !should_record(tensors)) return y;
  return record("StackBackward0", y, tensors, {}, [d, types = mixed_dtypes(tensors)](Vjp& v) {
    for (int i = 0; i < v.inputs(); ++i)
      if (v.needs(i)) v.set(i, types.back_to(i, select(v.g(), d, i)));
  });
}

namespace {

using Tensors = std::vector<Tensor>;

constexpr const char* kCatGradient = "∂L/∂xᵢ = the part of ∂L/∂y that xᵢ fills";

Tensor cat_op(const Tensors& tensors, std::int64_t dim, const Tensor& out) {
  return into_out("cat", cat(tensors, dim), out);
}
const RegisterAny cat_row("cat(Tensor[] tensors, int dim=0, *, Tensor? out=None) -> Tensor", cat_op,
                          {.meaning = "Joins tensors along an existing dimension.",
                           .formula = "y = [x₁ x₂ …]",
                           .gradient = kCatGradient,
                           .aliases = "concat concatenate",
                           .out_apart = true});
Tensor stack_op(const Tensors& tensors, std::int64_t dim, const Tensor& out) {
  return into_out("stack", stack(tensors, dim), out);
}
const RegisterAny stack_row("stack(Tensor[] tensors, int dim=0, *, Tensor? out=None) -> Tensor",
                            stack_op,
                            {.meaning = "Joins tensors of one shape along a new dimension.",
                             .formula = "y[i] = xᵢ",
                             .gradient = "∂L/∂xᵢ = ∂L/∂y[i]"});

// --- at least so many dimensions ---

Tensor atleast_1d(const Tensor& x) { return x.dim() >= 1 ? x : view(x, Dims{1}); }
Tensor atleast_2d(const Tensor& x) {
  if (x.dim() >= 2) return x;
  return x.dim() == 0 ? view(x, Dims{1, 1}) : unsqueeze(x, 0);
}
Tensor atleast_3d(const Tensor& x) {
  if (x.dim() >= 3) return x;
  if (x.dim() == 0) return view(x, Dims{1, 1, 1});
  return unsqueeze(x.dim() == 1 ? unsqueeze(x, 0) : x, -1);
}
template <Tensor (*F)(const Tensor&)> Tensors each(const Tensors& tensors) {
  Tensors out;
  for (const Tensor& t : tensors) out.push_back(F(t));
  return out;
}
const RowOptions kAtLeast{
    .meaning = "A view with dimensions of size 1 added where there are too few.",
    .gradient = "∂L/∂x = ∂L/∂y in the shape of x",
    .method = false};
const RegisterAny atleast_1d_row("atleast_1d(Tensor input) -> Tensor", atleast_1d, kAtLeast);
const RegisterAny atleast_1d_rows("atleast_1d(Tensor* tensors) -> Tensor[]", each<atleast_1d>,
                                  kAtLeast);
const RegisterAny atleast_2d_row("atleast_2d(Tensor input) -> Tensor", atleast_2d, kAtLeast);
const RegisterAny atleast_2d_rows("atleast_2d(Tensor* tensors) -> Tensor[]", each<atleast_2d>,
                                  kAtLeast);
const RegisterAny atleast_3d_row("atleast_3d(Tensor input) -> Tensor", atleast_3d, kAtLeast);
const RegisterAny atleast_3d_rows("atleast_3d(Tensor* tensors) -> Tensor[]", each<atleast_3d>,
                                  kAtLeast);

// --- stacks of NumPy ---

Tensor hstack(const Tensors& tensors, const Tensor& out) {
  BACKLIT_CHECK(!tensors.empty(), Runtime, "hstack expects a non-empty TensorList");
  const Tensors all = each<atleast_1d>(tensors);
  return into_out("hstack", cat(all, all[0].dim() == 1 ? 0 : 1), out);
}
Tensor vstack(const Tensors& tensors, const Tensor& out) {
  BACKLIT_CHECK(!tensors.empty(), Runtime, "vstack expects a non-empty TensorList");
  return into_out("vstack", cat(each<atleast_2d>(tensors), 0), out);
}
Tensor dstack(const Tensors& tensors, const Tensor& out) {
  BACKLIT_CHECK(!tensors.empty(), Runtime, "dstack expects a non-empty TensorList");
  return into_out("dstack", cat(each<atleast_3d>(tensors), 2), out);
}
Tensor column_stack(const Tensors& tensors, const Tensor& out) {
  BACKLIT_CHECK(!tensors.empty(), Runtime, "column_stack expects a non-empty TensorList");
  Tensors columns;
  for (const Tensor& t : tensors)
    columns.push_back(t.dim() <= 1 ? reshape(t, Dims{t.numel(), 1}) : t);
  return hstack(columns, out);
}
const RegisterAny hstack_row(
    "hstack(Tensor[] tensors, *, Tensor? out=None) -> Tensor", hstack,
    {.meaning = "Joins tensors side by side, along dimension 1 (0 for 1-D).",
     .gradient = kCatGradient});
const RegisterAny vstack_row("vstack(Tensor[] tensors, *, Tensor? out=None) -> Tensor", vstack,
                             {.meaning = "Joins tensors as rows, along dimension 0.",
                              .gradient = kCatGradient,
                              .aliases = "row_stack"});
const RegisterAny dstack_row("dstack(Tensor[] tensors, *, Tensor? out=None) -> Tensor", dstack,
                             {.meaning = "Joins tensors in depth, along dimension 2.",
                              .gradient = kCatGradient});
const RegisterAny column_stack_row("column_stack(Tensor[] tensors, *, Tensor? out=None) -> Tensor",
                                   column_stack,
                                   {.meaning = "Joins 1-D tensors as columns.",
                                    .gradient = kCatGradient});

Tensor block_diag(const Tensors& tensors) {
  Tensors blocks;
  Dims sizes{0, 0};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    BACKLIT_CHECK(tensors[i].dim() <= 2, Runtime,
                  "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input ", i,
                  " has ", tensors[i].dim(), " dimensions");
    const Tensor t = detach(tensors[i]);
    blocks.push_back(atleast_2d(t));
    sizes[0] += blocks.back().size(0);
    sizes[1] += blocks.back().size(1);
  }
  if (tensors.empty()) return Tensor::zeros(Dims{1, 0}, default_dtype());
  Tensor y = Tensor::zeros(sizes, common_dtype(tensors));
  std::int64_t row = 0, column = 0;
  for (const Tensor& b : blocks) {
    copy_in_place(
        slice(slice(detach(y), 0, row, row + b.size(0), 1), 1, column, column + b.size(1), 1), b);
    row += b.size(0);
    column += b.size(1);
  }
  if (!y.is_differentiable() || !should_record(tensors)) return y;
  std::vector<Dims> shapes;
  for (const Tensor& t : tensors) shapes.emplace_back(t.sizes());
  return record("BlockDiagBackward0", y, tensors, {}, [shapes](Vjp& v) {
    std::int64_t r = 0, c = 0;
    for (int i = 0; i < v.inputs(); ++i) {
      const Dims& s = shapes[static_cast<std::size_t>(i)];
      const std::int64_t rows = s.n == 2 ? s[0] : 1, columns = s.n ? s[s.n - 1] : 1;
      if (v.needs(i))
        v.set(i, reshape(slice(slice(v.g(), 0, r, r + rows, 1), 1, c, c + columns, 1), s));
      r += rows;
      c += columns;
    }
  });
}
const RegisterAny block_diag_row(
    "block_diag(Tensor* tensors) -> Tensor", block_diag,
    {.meaning = "A matrix with the given matrices along its diagonal, 0 elsewhere.",
     .gradient = "∂L/∂xᵢ = the block of ∂L/∂y that xᵢ fills"});

}  // namespace
}  // namespace backlit::ops
