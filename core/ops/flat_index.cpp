// Elements by their position in a flattened tensor, and by tuples of index tensors: take, put,
// index_put, unravel_index, nonzero_static.
#include <algorithm>

#include "graph/inplace.h"
#include "ops/along.h"
#include "ops/indexing.h"
#include "ops/sorting.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// Positions in a tensor of n elements, negative ones counted from its end.
Tensor flat_positions(const char* name, const char* verb, const Tensor& index, std::int64_t n) {
  BACKLIT_CHECK(index.dtype() == Dtype::Int64, Runtime, name,
                "(): Expected a long tensor for index, but got ", info(index.dtype()).scalar_name);
  BACKLIT_CHECK(n > 0 || index.numel() == 0, Index, name, "(): ", verb, " an empty tensor");
  const Tensor positions = clone_contiguous(detach(index));
  auto* k = positions.data<std::int64_t>();
  for (std::int64_t i = 0; i < index.numel(); ++i) {
    BACKLIT_CHECK(k[i] >= -n && k[i] < n, Index, "out of range: tried to access index ", k[i],
                  " on a tensor of ", n, " elements.");
    if (k[i] < 0) k[i] += n;
  }
  return positions;
}

Tensor take(const Tensor& x, const Tensor& index) {
  const Tensor at = flat_positions("take", "tried to take from", index, x.numel());
  const Tensor flat = gather(reshape(x, Dims{-1}), 0, view(at, Dims{-1}), "TakeBackward0");
  return view(flat, index.sizes());
}

template <class How>
Tensor put_as(How how, const Tensor& x, const Tensor& index, const Tensor& source,
              bool accumulate) {
  const Tensor at = flat_positions("put_", "Tried to put elements into", index, x.numel());
  BACKLIT_CHECK(x.dtype() == source.dtype(), Runtime,
                "put_(): self and source expected to have the same dtype, but got self.dtype = ",
                info(x.dtype()).scalar_name,
                " and source.dtype = ", info(source.dtype()).scalar_name);
  BACKLIT_CHECK(index.numel() == source.numel(), Index,
                "put_(): Expected source and index to have the same number of elements, but got "
                "source.numel() = ",
                source.numel(), ", index.numel() = ", index.numel());
  const Axis axis{0, at.alias(contiguous_layout(Dims{at.numel()}))};
  return how(
      "PutBackward0", {x, source}, {index},
      [&](const Tensor& y) {
        const Tensor dense = contiguous(detach(y));
        put_along(dense.alias(contiguous_layout(Dims{dense.numel()})), axis,
                  reshape(detach(source), Dims{-1}), accumulate ? Put::Add : Put::Store);
        if (dense->storage != y->storage) copy_in_place(y, dense);
      },
      [accumulate, sizes = Dims(source.sizes())](Vjp& v) {
        const Tensor i = v.saved(0);
        if (v.needs(0))
          v.set(0, accumulate ? v.g()
                              : put_as(OnCopy{v.g()}, v.g(), i,
                                       Tensor::zeros(i.sizes(), v.g().dtype()), false));
        if (v.needs(1)) v.set(1, reshape(take(v.g(), i), sizes));
      });
}
Tensor put_op(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate) {
  return put_as(OnCopy{x}, x, index, source, accumulate);
}
Tensor put_in_place(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate) {
  return put_as(OnItself{x}, x, index, source, accumulate);
}

Tensor index_put_in_place(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& values,
                          bool accumulate) {
  if (indices.empty()) return accumulate ? copy_(x, add(x, values)) : copy_(x, values);
  std::vector<IndexGroup> groups;
  int d = 0;
  for (const Tensor& index : indices) {
    const bool mask = index.dtype() == Dtype::Bool || index.dtype() == Dtype::UInt8;
    groups.push_back({index, d, mask ? index.dim() : 1});
    d += groups.back().span;
  }
  BACKLIT_CHECK(d <= x.dim(), Index, "too many indices for tensor of dimension ", x.dim(), " (got ",
                d, ")");
  return index_put_(x, groups, values, accumulate);
}
Tensor index_put_op(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& values,
                    bool accumulate) {
  return index_put_in_place(clone(x), indices, values, accumulate);
}

Tensor nonzero_static(const Tensor& x, std::int64_t size, std::int64_t fill_value) {
  BACKLIT_CHECK(size >= 0, Runtime, "nonzero_static: 'size' must be an non-negative integer");
  const Tensor found = nonzero(x);
  const std::int64_t n = std::min(size, found.size(0));
  Tensor y = Tensor::full(Dims{size, x.dim()}, static_cast<double>(fill_value), Dtype::Int64);
  copy_in_place(narrow(y, 0, 0, n), narrow(found, 0, 0, n));
  return y;
}

const RegisterAny take_row("take(Tensor input, Tensor index, *, Tensor? out=None) -> Tensor", take,
                           {.meaning = "The elements at positions of the flattened tensor.",
                            .formula = "yᵢ = flatten(x)[indexᵢ]",
                            .gradient = "∂L/∂x = 0, with ∂L/∂y added at index",
                            .out_apart = true});
const RowOptions kPut{
    .meaning = "source written to, or added at, positions of the flattened tensor.",
    .formula = "y = x; flatten(y)[indexᵢ] = sourceᵢ",
    .gradient =
        "∂L/∂x = ∂L/∂y, 0 at index unless accumulated; ∂L/∂source = "
        "∂L/∂y at index"};
const RowOptions kIndexPut{
    .meaning = "x[indices] = values, or += with accumulate.",
    .formula = "y = x; y[indices] = values",
    .gradient = "∂L/∂x = ∂L/∂y, 0 at indices unless accumulated; ∂L/∂values = ∂L/∂y[indices]"};
RowOptions method(RowOptions options) {
  options.function = false;
  return options;
}
const RegisterAny put_row(
    "put(Tensor input, Tensor index, Tensor source, bool accumulate=False) -> Tensor", put_op,
    kPut);
const RegisterAny put_in_place_row(
    "put_(Tensor input, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
    put_in_place, method(kPut));
const RegisterAny index_put_row(
    "index_put(Tensor input, Tensor[] indices, Tensor values, bool accumulate=False) -> Tensor",
    index_put_op, kIndexPut);
const RegisterAny index_put_in_place_row(
    "index_put_(Tensor input, Tensor[] indices, Tensor values, bool accumulate=False) -> Tensor",
    index_put_in_place, kIndexPut);
const RegisterAny nonzero_static_row(
    "nonzero_static(Tensor input, *, int size, int fill_value=-1) -> Tensor", nonzero_static,
    {.meaning = "The first `size` rows of nonzero, filled up with fill_value."});

}  // namespace
}  // namespace backlit::ops
