// Splitting: several views of one tensor, recorded as one node.
#include <algorithm>
#include <cstring>

#include "ops/arithmetic.h"
#include "ops/joining.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// Several views of x, recorded as one node.
std::vector<Tensor> views(const char* name, const Tensor& x, std::vector<Tensor> out, int dim,
                          bool joined_by_cat, bool unsafe = false) {
  if (x.is_differentiable() && !unsafe)
    for (const Tensor& y : out) set_view(y, x, ViewKind::Several);
  if (!should_record({x})) return out;
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

std::vector<Tensor> pieces(const char* name, const Tensor& x, int dim,
                           const std::vector<std::int64_t>& lengths, bool unsafe = false) {
  std::vector<Tensor> out;
  std::int64_t start = 0;
  for (const std::int64_t n : lengths) {
    Dims sizes(x.sizes());
    sizes[dim] = n;
    out.push_back(x.alias(strided_layout(sizes, x.strides()), start * x.layout().stride(dim)));
    start += n;
  }
  return views(name, x, std::move(out), dim, true, unsafe);
}

}  // namespace

std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim) {
  BACKLIT_CHECK(x.dim() > 0, Index, "Dimension specified as ", dim,
                " but tensor has no dimensions");
  const int d = wrap_dim(dim, x.dim());
  Dims sizes(x.sizes()), strides(x.strides());
  sizes.erase(d);
  strides.erase(d);
  const LayoutRef layout = strided_layout(sizes, strides);
  std::vector<Tensor> out;
  out.reserve(static_cast<std::size_t>(x.layout().size(d)));
  for (std::int64_t i = 0; i < x.layout().size(d); ++i)
    out.push_back(x.alias(layout, i * x.layout().stride(d)));
  return out.empty() ? out : views("UnbindBackward0", x, std::move(out), d, false);
}

namespace {

std::vector<std::int64_t> equal_lengths(std::int64_t n, std::int64_t size) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t start = 0; start < n; start += size)
    lengths.push_back(std::min(size, n - start));
  if (lengths.empty()) lengths.push_back(0);
  return lengths;
}

std::vector<Tensor> split_size(const Tensor& x, std::int64_t size, std::int64_t dim,
                               bool unsafe = false) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "split expects at least a 1-dimensional tensor");
  BACKLIT_CHECK(size >= 0, Runtime,
                "split expects split_size be non-negative, but got split_size=", size);
  const int d = wrap_dim(dim, x.dim());
  const std::int64_t n = x.layout().size(d);
  BACKLIT_CHECK(size > 0 || n == 0, Runtime,
                "split_size can only be 0 if dimension size is 0, but got dimension size of ", n);
  return pieces(unsafe ? "UnsafeSplitBackward0" : "SplitBackward0", x, d,
                size ? equal_lengths(n, size) : std::vector<std::int64_t>{0}, unsafe);
}

std::vector<Tensor> split_sizes_as(const Tensor& x, Any sizes, std::int64_t dim, bool unsafe) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "split expects at least a 1-dimensional tensor");
  const int d = wrap_dim(dim, x.dim());
  std::vector<std::int64_t> lengths;
  const Object fast =
      Object::steal(PySequence_Fast(sizes.object, "split_with_sizes expects a list of ints"));
  if (!fast) throw PythonErrorSet();
  std::int64_t total = 0;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    lengths.push_back(int_from_object(PySequence_Fast_GET_ITEM(fast.get(), i)));
    total += lengths.back();
  }
  for (auto n : lengths)
    BACKLIT_CHECK(n >= 0, Runtime,
                  "split_with_sizes expects split_sizes have only non-negative entries, but got "
                  "split_sizes=",
                  to_string(lengths));
  BACKLIT_CHECK(total == x.layout().size(d), Runtime,
                "split_with_sizes expects split_sizes to sum exactly to ", x.layout().size(d),
                " (input tensor's size at dimension ", d,
                "), but got split_sizes=", to_string(lengths));
  return pieces(unsafe ? "UnsafeSplitWithSizesBackward0" : "SplitWithSizesBackward0", x, d, lengths,
                unsafe);
}
std::vector<Tensor> split_sizes(const Tensor& x, Any sizes, std::int64_t dim) {
  return split_sizes_as(x, sizes, dim, false);
}
std::vector<Tensor> unsafe_split_sizes(const Tensor& x, Any sizes, std::int64_t dim) {
  return split_sizes_as(x, sizes, dim, true);
}
std::vector<Tensor> unsafe_split(const Tensor& x, std::int64_t size, std::int64_t dim) {
  return split_size(x, size, dim, true);
}

std::vector<Tensor> split_op(const Tensor& x, Any size, std::int64_t dim) {
  if (PyTuple_Check(size.object) || PyList_Check(size.object)) return split_sizes(x, size, dim);
  return split_size(x, int_from_object(size.object), dim);
}

std::vector<Tensor> chunk_as(const Tensor& x, std::int64_t chunks, std::int64_t dim, bool unsafe) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "chunk expects at least a 1-dimensional tensor");
  BACKLIT_CHECK(chunks > 0, Runtime, "chunk expects `chunks` to be greater than 0, got: ", chunks);
  const int d = wrap_dim(dim, x.dim());
  const std::int64_t n = x.layout().size(d);
  if (n == 0)
    return pieces("SplitWithSizesBackward0", x, d,
                  std::vector<std::int64_t>(static_cast<std::size_t>(chunks), 0), unsafe);
  return split_size(x, (n + chunks - 1) / chunks, dim, unsafe);
}
std::vector<Tensor> chunk_op(const Tensor& x, std::int64_t chunks, std::int64_t dim) {
  return chunk_as(x, chunks, dim, false);
}
std::vector<Tensor> unsafe_chunk(const Tensor& x, std::int64_t chunks, std::int64_t dim) {
  return chunk_as(x, chunks, dim, true);
}

bool is_sections_or_indices(PyObject* o) {
  const auto whole = [](PyObject* item) { return PyIndex_Check(item) && !PyBool_Check(item); };
  if (!PyTuple_Check(o) && !PyList_Check(o)) return whole(o);
  PyObject** items = PySequence_Fast_ITEMS(o);
  return std::all_of(items, items + PySequence_Fast_GET_SIZE(o), whole);
}

void check_where(const char* name, Any where) {
  BACKLIT_CHECK(is_sections_or_indices(where.object), Type, name,
                "() received an invalid combination of arguments - got (Tensor, ",
                Py_TYPE(where.object)->tp_name,
                "), but expected one of:\n * (Tensor input, int sections)\n"
                " * (Tensor input, tuple of ints indices)");
}

std::vector<Tensor> tensor_split_op(const Tensor& x, Any where, std::int64_t dim) {
  check_where("tensor_split", where);
  BACKLIT_CHECK(
      x.dim() > 0, Runtime,
      "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
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
      const std::int64_t end =
          i < count ? int_from_object(PySequence_Fast_GET_ITEM(fast.get(), i)) : n;
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

// hsplit, vsplit, dsplit: tensor_split into equal parts along one dimension.
template <int kDim> std::vector<Tensor> numpy_split(const Tensor& x, Any where) {
  constexpr const char* name = kDim == 0   ? "torch.vsplit"
                               : kDim == 1 ? "torch.hsplit"
                                           : "torch.dsplit";
  check_where(name + std::strlen("torch."), where);
  constexpr int least = kDim == 0 ? 2 : kDim == 1 ? 1 : 3;
  BACKLIT_CHECK(x.dim() >= least, Runtime, name, " requires a tensor with at least ", least,
                " dimension, but got a tensor with ", x.dim(), " dimensions!");
  const int d = kDim == 1 && x.dim() == 1 ? 0 : kDim;
  if (!PyTuple_Check(where.object) && !PyList_Check(where.object)) {
    const std::int64_t n = int_from_object(where.object);
    BACKLIT_CHECK(n > 0 && x.layout().size(d) % n == 0, Runtime, name,
                  " attempted to split along dimension ", d, ", but the size of the dimension ",
                  x.layout().size(d), " is not divisible by the split_size ", n, "!");
  }
  return tensor_split_op(x, where, d);
}

constexpr const char* kSplitGradient = "∂L/∂x = the gradients of the parts, joined";
const RegisterAny unbind_row("unbind(Tensor input, int dim=0) -> Tensor[]", unbind,
                             {.meaning = "The slices along dim, without it; views.",
                              .formula = "yᵢ = x[i]",
                              .gradient = kSplitGradient,
                              .view = true});
const RegisterAny split_row(
    "split(Tensor input, any split_size_or_sections, int dim=0) -> Tensor[]", split_op,
    {.meaning = "Parts of the given size, or sizes, along dim; views.",
     .formula = "[y₁; y₂; ...] = x",
     .gradient = kSplitGradient,
     .view = true});
const RegisterAny split_sizes_row(
    "split_with_sizes(Tensor input, any split_sizes, int dim=0) -> Tensor[]", split_sizes,
    {.meaning = "Parts of the given sizes along dim; views.",
     .formula = "[y₁; y₂; ...] = x",
     .gradient = kSplitGradient,
     .view = true});
const RegisterAny chunk_row("chunk(Tensor input, int chunks, int dim=0) -> Tensor[]", chunk_op,
                            {.meaning = "At most that many parts of equal size along dim; views.",
                             .formula = "[y₁; y₂; ...] = x",
                             .gradient = kSplitGradient});
const RegisterAny tensor_split_row(
    "tensor_split(Tensor input, any indices_or_sections, int dim=0) -> Tensor[]", tensor_split_op,
    {.meaning = "That many parts, or parts between the given indices; views.",
     .formula = "[y₁; y₂; ...] = x",
     .gradient = kSplitGradient});
const RowOptions kNumpySplit{.meaning = "Equal parts, or parts between the given indices; views.",
                             .formula = "[y₁; y₂; ...] = x",
                             .gradient = kSplitGradient};
const RegisterAny hsplit_row("hsplit(Tensor input, any indices_or_sections) -> Tensor[]",
                             numpy_split<1>, kNumpySplit);
const RegisterAny vsplit_row("vsplit(Tensor input, any indices_or_sections) -> Tensor[]",
                             numpy_split<0>, kNumpySplit);
const RegisterAny dsplit_row("dsplit(Tensor input, any indices_or_sections) -> Tensor[]",
                             numpy_split<2>, kNumpySplit);
const RowOptions kUnsafe{
    .meaning =
        "As the function without unsafe_; the parts do not count as views, so each may "
        "be changed in place, unnoticed by the others.",
    .gradient = kSplitGradient};
const RegisterAny unsafe_split_row(
    "unsafe_split(Tensor input, int split_size, int dim=0) -> Tensor[]", unsafe_split, kUnsafe);
const RegisterAny unsafe_sizes_row(
    "unsafe_split_with_sizes(Tensor input, any split_sizes, int dim=0) -> Tensor[]",
    unsafe_split_sizes, kUnsafe);
const RegisterAny unsafe_chunk_row("unsafe_chunk(Tensor input, int chunks, int dim=0) -> Tensor[]",
                                   unsafe_chunk, kUnsafe);

}  // namespace
}  // namespace backlit::ops
