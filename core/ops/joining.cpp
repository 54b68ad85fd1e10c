// Joining, splitting and rearranging: cat, stack, split, unbind, repeat, flip, roll, triangles.
#include "ops/joining.h"

#include <algorithm>

#include "ops/arithmetic.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// PyTorch's old rule: a 1-d tensor without elements joins with anything.
bool is_nothing(const Tensor& t) { return t.dim() == 1 && t.numel() == 0; }

Dtype common_dtype(const std::vector<Tensor>& tensors) {
  std::vector<Operand> operands(tensors.begin(), tensors.end());
  return result_type(operands);
}

// The part of contiguous y from `start` along dim, as memory.
Tensor part_of(const Tensor& y, int dim, std::int64_t start, std::int64_t length) {
  Dims sizes(y.sizes());
  sizes[dim] = length;
  return y.alias(strided_layout(sizes, y.strides()), start * y.layout().stride(dim));
}

void check_joinable(const Tensor& first, const Tensor& t, int dim, std::size_t i) {
  BACKLIT_CHECK(t.dim() == first.dim(), Runtime, "Tensors must have same number of dimensions: got ", first.dim(), " and ",
                t.dim());
  for (int d = 0; d < t.dim(); ++d)
    BACKLIT_CHECK(d == dim || t.layout().size(d) == first.layout().size(d), Runtime,
                  "Sizes of tensors must match except in dimension ", dim, ". Expected size ", first.layout().size(d),
                  " but got size ", t.layout().size(d), " for tensor number ", i, " in the list.");
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t dim) {
  BACKLIT_CHECK(!tensors.empty(), Value, "torch.cat(): expected a non-empty list of Tensors");
  const Tensor* first = nullptr;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    BACKLIT_CHECK(tensors[i].dim() > 0, Runtime, "zero-dimensional tensor (at position ", i, ") cannot be concatenated");
    if (!first && !is_nothing(tensors[i])) first = &tensors[i];
  }
  if (!first) first = &tensors[0];
  const int d = wrap_dim(dim, first->dim());
  Dims sizes(first->sizes());
  sizes[d] = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (is_nothing(tensors[i])) continue;
    check_joinable(*first, tensors[i], d, i);
    sizes[d] += tensors[i].layout().size(d);
  }
  Tensor y = Tensor::empty(sizes, common_dtype(tensors));
  y->inference = modes.inference;
  std::int64_t start = 0;
  std::vector<std::pair<std::int64_t, Dtype>> parts;  // length along dim
  for (const Tensor& t : tensors) {
    const std::int64_t n = is_nothing(t) && t.dim() != first->dim() ? 0 : t.layout().size(d);
    parts.emplace_back(n, t.dtype());
    if (n && t.numel()) copy_in_place(part_of(y, d, start, n), t);
    start += n;
  }
  return record("CatBackward0", std::move(y), tensors, {}, [d, parts](Vjp& v) {
    std::int64_t at = 0;
    for (int i = 0; i < v.inputs(); ++i) {
      const auto [n, dtype] = parts[static_cast<std::size_t>(i)];
      if (v.needs(i)) {
        const bool nothing = n == 0 && v.g().dim() != 1;
        v.set(i, nothing ? Tensor::zeros(Dims{0}, dtype) : to_dtype(narrow(v.g(), d, at, n), dtype));
      }
      at += n;
    }
  });
}

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim) {
  BACKLIT_CHECK(!tensors.empty(), Runtime, "stack expects a non-empty TensorList");
  const Tensor& first = tensors[0];
  for (std::size_t i = 1; i < tensors.size(); ++i)
    BACKLIT_CHECK(tensors[i].layout().same_sizes(first.layout()), Runtime, "stack expects each tensor to be equal size, but got ",
                  to_string(first.sizes()), " at entry 0 and ", to_string(tensors[i].sizes()), " at entry ", i);
  const int d = wrap_dim(dim, first.dim() + 1);
  Dims sizes(first.sizes());
  sizes.insert(d, static_cast<std::int64_t>(tensors.size()));
  Tensor y = Tensor::empty(sizes, common_dtype(tensors));
  y->inference = modes.inference;
  std::vector<Dtype> dtypes;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Dims strides(y.strides());
    const std::int64_t step = strides[d];
    strides.erase(d);
    copy_in_place(y.alias(strided_layout(first.sizes(), strides), static_cast<std::int64_t>(i) * step), tensors[i]);
    dtypes.push_back(tensors[i].dtype());
  }
  return record("StackBackward0", std::move(y), tensors, {}, [d, dtypes](Vjp& v) {
    for (int i = 0; i < v.inputs(); ++i)
      if (v.needs(i)) v.set(i, to_dtype(select(v.g(), d, i), dtypes[static_cast<std::size_t>(i)]));
  });
}

namespace {

// Several views of x, recorded as one node.
std::vector<Tensor> views(const char* name, const Tensor& x, std::vector<Tensor> out, int dim, bool joined_by_cat) {
  if (!modes.grad) return out;
  if (x.is_floating())
    for (const Tensor& y : out) set_view(y, x);
  std::vector<LayoutRef> layouts;
  for (const Tensor& y : out) layouts.push_back(y.layout_ref());
  const Tensor inputs[] = {x};
  record_outputs(name, out, inputs, {}, [layouts, dim, joined_by_cat](Vjp& v) {
    std::vector<Tensor> parts;
    Dtype dtype = Dtype::Float32;
    for (std::size_t i = 0; i < layouts.size(); ++i)
      if (v.g(static_cast<int>(i)).defined()) dtype = v.g(static_cast<int>(i)).dtype();
    for (std::size_t i = 0; i < layouts.size(); ++i) {
      const Tensor& g = v.g(static_cast<int>(i));
      parts.push_back(g.defined() ? g : Tensor::zeros(layouts[i]->sizes(), dtype));
    }
    v.set(0, joined_by_cat ? cat(parts, dim) : stack(parts, dim));
  });
  return out;
}

std::vector<Tensor> pieces(const char* name, const Tensor& x, int dim, const std::vector<std::int64_t>& lengths) {
  std::vector<Tensor> out;
  std::int64_t start = 0;
  for (const std::int64_t n : lengths) {
    Dims sizes(x.sizes());
    sizes[dim] = n;
    out.push_back(x.alias(strided_layout(sizes, x.strides()), start * x.layout().stride(dim)));
    start += n;
  }
  return views(name, x, std::move(out), dim, true);
}

}  // namespace

std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim) {
  BACKLIT_CHECK(x.dim() > 0, Index, "Dimension specified as ", dim, " but tensor has no dimensions");
  const int d = wrap_dim(dim, x.dim());
  Dims sizes(x.sizes()), strides(x.strides());
  sizes.erase(d);
  strides.erase(d);
  const LayoutRef layout = strided_layout(sizes, strides);
  std::vector<Tensor> out;
  out.reserve(static_cast<std::size_t>(x.layout().size(d)));
  for (std::int64_t i = 0; i < x.layout().size(d); ++i) out.push_back(x.alias(layout, i * x.layout().stride(d)));
  return out.empty() ? out : views("UnbindBackward0", x, std::move(out), d, false);
}

namespace {

std::vector<std::int64_t> equal_lengths(std::int64_t n, std::int64_t size) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t start = 0; start < n; start += size) lengths.push_back(std::min(size, n - start));
  if (lengths.empty()) lengths.push_back(0);
  return lengths;
}

std::vector<Tensor> split_size(const Tensor& x, std::int64_t size, std::int64_t dim) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "split expects at least a 1-dimensional tensor");
  BACKLIT_CHECK(size >= 0, Runtime, "split expects split_size be non-negative, but got split_size=", size);
  const int d = wrap_dim(dim, x.dim());
  const std::int64_t n = x.layout().size(d);
  BACKLIT_CHECK(size > 0 || n == 0, Runtime, "split_size can only be 0 if dimension size is 0, but got dimension size of ", n);
  return pieces("SplitBackward0", x, d, size ? equal_lengths(n, size) : std::vector<std::int64_t>{0});
}

std::vector<Tensor> split_sizes(const Tensor& x, Any sizes, std::int64_t dim) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "split expects at least a 1-dimensional tensor");
  const int d = wrap_dim(dim, x.dim());
  std::vector<std::int64_t> lengths;
  const Object fast = Object::steal(PySequence_Fast(sizes.object, "split_with_sizes expects a list of ints"));
  if (!fast) throw PythonErrorSet();
  std::int64_t total = 0;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    lengths.push_back(int_from_object(PySequence_Fast_GET_ITEM(fast.get(), i)));
    BACKLIT_CHECK(lengths.back() >= 0, Runtime, "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes[",
                  i, "] = ", lengths.back());
    total += lengths.back();
  }
  BACKLIT_CHECK(total == x.layout().size(d), Runtime, "split_with_sizes expects split_sizes to sum exactly to ", x.layout().size(d),
                " (input tensor's size at dimension ", d, "), but got split_sizes=", to_string(lengths));
  return pieces("SplitWithSizesBackward0", x, d, lengths);
}

std::vector<Tensor> split_op(const Tensor& x, Any size, std::int64_t dim) {
  if (PyTuple_Check(size.object) || PyList_Check(size.object)) return split_sizes(x, size, dim);
  return split_size(x, int_from_object(size.object), dim);
}

std::vector<Tensor> chunk_op(const Tensor& x, std::int64_t chunks, std::int64_t dim) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "chunk expects at least a 1-dimensional tensor");
  BACKLIT_CHECK(chunks > 0, Runtime, "chunk expects `chunks` to be greater than 0, got: ", chunks);
  const int d = wrap_dim(dim, x.dim());
  const std::int64_t n = x.layout().size(d);
  if (n == 0) return pieces("SplitWithSizesBackward0", x, d, std::vector<std::int64_t>(static_cast<std::size_t>(chunks), 0));
  return split_size(x, (n + chunks - 1) / chunks, dim);
}

std::vector<Tensor> tensor_split_op(const Tensor& x, Any where, std::int64_t dim) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  const int d = wrap_dim(dim, x.dim());
  const std::int64_t n = x.layout().size(d);
  std::vector<Tensor> out;
  PyObject* o = where.object;
  const bool list = PyTuple_Check(o) || PyList_Check(o);
  if (list || (is_tensor(o) && reinterpret_cast<TensorObject*>(o)->layout->ndim == 1)) {
    const Object fast = Object::steal(PySequence_Fast(o, "tensor_split expects indices"));
    if (!fast) throw PythonErrorSet();
    std::int64_t start = 0;
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(fast.get());
    for (Py_ssize_t i = 0; i <= count; ++i) {
      const std::int64_t end = i < count ? int_from_object(PySequence_Fast_GET_ITEM(fast.get(), i)) : n;
      out.push_back(slice(x, d, start, end, 1));
      start = end;
    }
    return out;
  }
  const std::int64_t sections = int_from_object(o);
  BACKLIT_CHECK(sections > 0, Runtime, "number of sections must be larger than 0, got ", sections);
  std::int64_t start = 0;
  for (std::int64_t i = 0; i < sections; ++i) {
    const std::int64_t length = n / sections + (i < n % sections ? 1 : 0);
    out.push_back(slice(x, d, start, start + length, 1));
    start += length;
  }
  return out;
}

// --- copies in another order ---

Tensor repeat(const Tensor& x, Span counts) {
  BACKLIT_CHECK(static_cast<int>(counts.size()) >= x.dim(), Runtime,
                "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor. Got ",
                counts.size(), " repeats for a ", x.dim(), "-D tensor.");
  Dims sizes(x.sizes());
  while (sizes.n < static_cast<int>(counts.size())) sizes.insert(0, 1);
  Tensor y = view(contiguous(detach(x)), sizes);
  for (int d = 0; d < sizes.n; ++d) {
    const std::int64_t r = counts[static_cast<std::size_t>(d)];
    BACKLIT_CHECK(r >= 0, Runtime, "Trying to create tensor with negative dimension ", r * sizes[d], ": ", to_string(counts));
    if (r == 1) continue;
    Dims once(y.sizes()), joined(once);
    joined[d] *= r;
    Tensor next = Tensor::empty(joined, x.dtype());
    for (std::int64_t i = 0; i < r && y.numel(); ++i) copy_in_place(part_of(next, d, i * once[d], once[d]), y);
    y = next;
  }
  if (y->storage == x->storage) y = clone(y);
  return record("RepeatBackward0", std::move(y), {x}, {}, [sizes, from = Dims(x.sizes()), r = Dims(counts)](Vjp& v) {
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

Tensor repeat_op(const Tensor& x, const Dims& counts) { return repeat(x, counts); }

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
  Tensor y = Tensor::empty(x.sizes(), x.dtype());
  // negative strides exist only here, for the length of the copy
  if (x.numel()) copy_in_place(y, x.alias(strided_layout(x.sizes(), strides), offset));
  return record("FlipBackward0", std::move(y), {x}, {}, [d = Dims(dims)](Vjp& v) { v.set(0, flip(v.g(), d)); });
}
Tensor flip_op(const Tensor& x, const Dims& dims) { return flip(x, dims); }

Tensor roll(const Tensor& x, Span shifts, Span dims) {
  if (dims.empty()) {
    BACKLIT_CHECK(shifts.size() == 1, Runtime, "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:0");
    return reshape(roll(reshape(x, Dims{-1}), shifts, Dims{0}), x.sizes());
  }
  BACKLIT_CHECK(shifts.size() == dims.size(), Runtime, "shifts and dimensions must align. shifts: ", shifts.size(),
                ", dims:", dims.size());
  Tensor y = contiguous(detach(x));
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const int d = wrap_dim(dims[i], x.dim());
    const std::int64_t n = x.dim() ? x.layout().size(d) : 0;
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
  return record("RollBackward0", std::move(y), {x}, {}, [back, d = Dims(dims)](Vjp& v) { v.set(0, roll(v.g(), back, d)); });
}
Tensor roll_op(const Tensor& x, const Dims& shifts, std::optional<Dims> dims) { return roll(x, shifts, dims ? Span(*dims) : Span()); }

// Keeps what lies on or below (above) diagonal number k.
Tensor triangle(const Tensor& x, std::int64_t k, bool lower) {
  BACKLIT_CHECK(x.dim() >= 2, Runtime, lower ? "tril" : "triu", ": input tensor must have at least 2 dimensions");
  Tensor y = clone_contiguous(detach(x));
  const std::int64_t rows = x.layout().size(x.dim() - 2), columns = x.layout().size(x.dim() - 1);
  const auto size = static_cast<std::int64_t>(size_of(x.dtype()));
  const std::int64_t all_rows = columns ? x.numel() / columns : 0;
  for (std::int64_t r = 0; r < all_rows; ++r) {
    const std::int64_t edge = std::clamp<std::int64_t>(r % rows + k + (lower ? 1 : 0), 0, columns);
    char* row = y.raw() + r * columns * size;
    if (lower)
      std::fill(row + edge * size, row + columns * size, char{0});
    else
      std::fill(row, row + edge * size, char{0});
  }
  return record(lower ? "TrilBackward0" : "TriuBackward0", std::move(y), {x}, {},
                [k, lower](Vjp& v) { v.set(0, triangle(v.g(), k, lower)); });
}
Tensor tril_op(const Tensor& x, std::int64_t k) { return triangle(x, k, true); }
Tensor triu_op(const Tensor& x, std::int64_t k) { return triangle(x, k, false); }

Tensor diagonal_of(const Tensor& x, std::int64_t k, int a, int b) {
  Dims sizes(x.sizes()), strides(x.strides());
  const std::int64_t rows = sizes[a], columns = sizes[b];
  const std::int64_t n = std::max<std::int64_t>(0, k >= 0 ? std::min(rows, columns - k) : std::min(rows + k, columns));
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

// x on the diagonals of matrices that are 0 elsewhere.
Tensor diag_embed(const Tensor& x, std::int64_t k, std::int64_t dim1, std::int64_t dim2) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "diag_embed: input must have at least 1 dimension");
  const int a = wrap_dim(dim1, x.dim() + 1), b = wrap_dim(dim2, x.dim() + 1);
  BACKLIT_CHECK(a != b, Runtime, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  const std::int64_t n = x.layout().size(x.dim() - 1) + std::abs(k);
  Dims sizes(x.sizes().first(static_cast<std::size_t>(x.dim() - 1)));
  sizes.insert(std::min(a, b), n);
  sizes.insert(std::max(a, b), n);
  Tensor y = Tensor::zeros(sizes, x.dtype());
  copy_in_place(diagonal_of(y, k, a, b), x);
  return record("DiagEmbedBackward0", std::move(y), {x}, {}, [k, a, b](Vjp& v) {
    const Tensor g = contiguous(v.g());
    v.set(0, as_strided(g, diagonal_of(g, k, a, b).sizes(), diagonal_of(g, k, a, b).strides(), diagonal_of(g, k, a, b).offset()));
  });
}

const char* const kSplitGradient = "∂L/∂x = the gradients of the parts, joined";
const Register cat_row("cat(Tensor[] tensors, int dim=0) -> Tensor", cat,
                       {.meaning = "The tensors one behind the other along dim.",
                        .formula = "y = [x₁; x₂; ...]",
                        .gradient = "∂L/∂xᵢ = its part of ∂L/∂y",
                        .aliases = "concat concatenate"});
const Register stack_row("stack(Tensor[] tensors, int dim=0) -> Tensor", stack,
                         {.meaning = "The tensors as slices along a new dimension.",
                          .formula = "yᵢ = xᵢ",
                          .gradient = "∂L/∂xᵢ = ∂L/∂yᵢ"});
const Register unbind_row("unbind(Tensor input, int dim=0) -> Tensor[]", unbind,
                          {.meaning = "The slices along dim, without it; views.", .formula = "yᵢ = x[i]", .gradient = kSplitGradient});
const Register split_row("split(Tensor input, any split_size_or_sections, int dim=0) -> Tensor[]", split_op,
                         {.meaning = "Parts of the given size, or sizes, along dim; views.",
                          .formula = "[y₁; y₂; ...] = x",
                          .gradient = kSplitGradient});
const Register split_sizes_row("split_with_sizes(Tensor input, any split_sizes, int dim=0) -> Tensor[]", split_sizes,
                               {.meaning = "Parts of the given sizes along dim; views.",
                                .formula = "[y₁; y₂; ...] = x",
                                .gradient = kSplitGradient});
const Register chunk_row("chunk(Tensor input, int chunks, int dim=0) -> Tensor[]", chunk_op,
                         {.meaning = "At most that many parts of equal size along dim; views.",
                          .formula = "[y₁; y₂; ...] = x",
                          .gradient = kSplitGradient});
const Register tensor_split_row("tensor_split(Tensor input, any indices_or_sections, int dim=0) -> Tensor[]", tensor_split_op,
                                {.meaning = "That many parts, or parts between the given indices; views.",
                                 .formula = "[y₁; y₂; ...] = x",
                                 .gradient = kSplitGradient});
const Register repeat_row("repeat(Tensor input, int* repeats) -> Tensor", repeat_op,
                          {.meaning = "The tensor repeated along each dimension.",
                           .formula = "y = x, tiled",
                           .gradient = "∂L/∂x = Σ over the copies of ∂L/∂y",
                           .function = false});
const Register flip_row("flip(Tensor input, int* dims) -> Tensor", flip_op,
                        {.meaning = "The order reversed along each of dims.", .formula = "yᵢ = x₋ᵢ", .gradient = "∂L/∂x = ∂L/∂y, flipped"});
const Register roll_row("roll(Tensor input, int[1] shifts, int[1]? dims=None) -> Tensor", roll_op,
                        {.meaning = "Elements moved along dims, those that fall off coming back in front.",
                         .formula = "yᵢ = xᵢ₋ₛ",
                         .gradient = "∂L/∂x = ∂L/∂y, rolled back"});
const Register tril_row("tril(Tensor input, int diagonal=0) -> Tensor", tril_op,
                        {.meaning = "The lower triangle, 0 above the diagonal.", .formula = "yᵢⱼ = xᵢⱼ if j ≤ i + k else 0", .gradient = "∂L/∂x = tril(∂L/∂y)"});
const Register triu_row("triu(Tensor input, int diagonal=0) -> Tensor", triu_op,
                        {.meaning = "The upper triangle, 0 below the diagonal.", .formula = "yᵢⱼ = xᵢⱼ if j ≥ i + k else 0", .gradient = "∂L/∂x = triu(∂L/∂y)"});
const Register diag_embed_row("diag_embed(Tensor input, int offset=0, int dim1=-2, int dim2=-1) -> Tensor", diag_embed,
                              {.meaning = "Matrices with the last dimension on a diagonal.", .formula = "Yᵢᵢ = xᵢ", .gradient = "∂L/∂x = diagonal(∂L/∂Y)"});

}  // namespace
}  // namespace backlit::ops
