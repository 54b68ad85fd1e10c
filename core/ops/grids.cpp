// Broadcasting of lists, and grids and combinations of vectors.
#include <algorithm>
#include <optional>

#include "ops/arithmetic.h"
#include "ops/indexing.h"
#include "ops/joining.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

using Tensors = std::vector<Tensor>;

// --- broadcasting and grids ---

Tensors broadcast_tensors(const Tensors& tensors) {
  Dims sizes;
  for (const Tensor& t : tensors) sizes = broadcast_sizes(sizes, t.sizes());
  Tensors out;
  for (const Tensor& t : tensors) out.push_back(expand(t, sizes));
  return out;
}
const RegisterAny broadcast_tensors_row(
    "broadcast_tensors(Tensor* tensors) -> Tensor[]", broadcast_tensors,
    {.meaning = "Expands tensors to their common shape.",
     .gradient = "∂L/∂x = Σ of ∂L/∂y over the places that show the same element"});

Tensors meshgrid(const Tensors& tensors, std::optional<std::string> indexing) {
  BACKLIT_CHECK(!tensors.empty(), Runtime, "meshgrid expects a non-empty TensorList");
  if (!indexing &&
      PyErr_WarnEx(
          PyExc_UserWarning,
          "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
          "argument. Pass indexing='ij' to keep today's result.",
          1) < 0)
    throw PythonErrorSet();
  const std::string order = indexing.value_or("ij");
  BACKLIT_CHECK(order == "ij" || order == "xy", Runtime,
                "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: ", order);
  const bool swap = order == "xy" && tensors.size() >= 2;
  Dims sizes;
  for (const Tensor& t : tensors) {
    BACKLIT_CHECK(t.dim() <= 1, Runtime,
                  "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: ", t.dim(),
                  "D of shape ", to_string(t.sizes()));
    BACKLIT_CHECK(t.dtype() == tensors[0].dtype(), Runtime,
                  "meshgrid expects all tensors to have the same dtype");
    sizes.push_back(t.numel());
  }
  if (swap) std::swap(sizes[0], sizes[1]);
  Tensors out;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::size_t place = swap && i < 2 ? 1 - i : i;
    Dims own;
    for (std::size_t k = 0; k < tensors.size(); ++k)
      own.push_back(k == place ? tensors[i].numel() : 1);
    out.push_back(expand(view(tensors[i], own), sizes));
  }
  return out;
}
const RegisterAny meshgrid_row(
    "meshgrid(Tensor* tensors, *, str? indexing=None) -> Tensor[]", meshgrid,
    {.meaning = "The coordinates of a grid: one tensor per axis, all in the shape of the grid.",
     .gradient = "∂L/∂x = Σ of ∂L/∂y over the places that show the same element"});

Tensor cartesian_prod(const Tensors& tensors) {
  BACKLIT_CHECK(!tensors.empty(), Runtime, "meshgrid expects a non-empty TensorList");
  for (const Tensor& t : tensors)
    BACKLIT_CHECK(t.dim() == 1, Runtime, "Expect a 1D vector, but got shape ",
                  to_string(t.sizes()));
  if (tensors.size() == 1) return tensors[0];
  Tensors columns;
  for (const Tensor& t : meshgrid(tensors, "ij")) columns.push_back(reshape(t, Dims{-1}));
  return stack(columns, 1);
}
const RegisterAny cartesian_prod_row(
    "cartesian_prod(Tensor* tensors) -> Tensor", cartesian_prod,
    {.meaning = "All tuples of one element of each vector, as rows.",
     .gradient = "∂L/∂xᵢ = Σ of ∂L/∂y over the rows that show the element"});

// Row numbers of all choices of r out of n, in order.
Tensor combinations(const Tensor& x, std::int64_t r, bool with_replacement) {
  BACKLIT_CHECK(x.dim() == 1, Runtime, "Expect a 1D vector, but got shape ", to_string(x.sizes()));
  BACKLIT_CHECK(r >= 0, Runtime, "Expect a non-negative number, but got ", r);
  if (r == 0) return Tensor::empty(Dims{0}, x.dtype());
  const std::int64_t n = x.numel();
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> at(static_cast<std::size_t>(r));
  const auto size = static_cast<std::size_t>(r);
  for (std::size_t i = 0; i < size; ++i)
    at[i] = with_replacement ? 0 : static_cast<std::int64_t>(i);
  bool more = with_replacement ? n > 0 : r <= n;
  while (more) {
    rows.insert(rows.end(), at.begin(), at.end());
    more = false;
    for (std::size_t i = size; i-- > 0 && !more;) {
      const std::int64_t last = with_replacement ? n - 1 : n - static_cast<std::int64_t>(size - i);
      if (at[i] >= last) continue;
      ++at[i];
      for (std::size_t k = i + 1; k < size; ++k) at[k] = at[k - 1] + (with_replacement ? 0 : 1);
      more = true;
    }
  }
  const auto count = static_cast<std::int64_t>(rows.size()) / r;
  Tensors columns;
  for (std::int64_t k = 0; k < r; ++k) {
    Tensor index = Tensor::empty(Dims{count}, Dtype::Int64);
    for (std::int64_t i = 0; i < count; ++i)
      index.data<std::int64_t>()[i] = rows[static_cast<std::size_t>(i * r + k)];
    const IndexGroup g{index, 0};
    columns.push_back(ops::index(x, {&g, 1}, "MaskedSelectBackward0"));
  }
  return stack(columns, 1);
}
const RegisterAny combinations_row(
    "combinations(Tensor input, int r=2, bool with_replacement=False) -> Tensor", combinations,
    {.meaning = "All choices of r elements, as rows.",
     .gradient = "∂L/∂xᵢ = Σ of ∂L/∂y over the rows that show the element",
     .method = false});

Tensor vander(const Tensor& x, std::optional<std::int64_t> columns, bool increasing) {
  BACKLIT_CHECK(x.dim() == 1, Runtime, "x must be a one-dimensional tensor.");
  const std::int64_t n = columns.value_or(x.numel());
  BACKLIT_CHECK(n >= 0, Runtime, "N must be non-negative.");
  const Dtype dtype = x.is_differentiable() ? x.dtype() : Dtype::Int64;
  if (n == 0) return Tensor::empty(Dims{x.numel(), 0}, dtype);
  const Tensor base = to_dtype(x, dtype);
  Tensors powers{Tensor::full(Dims{x.numel()}, 1, dtype)};
  for (std::int64_t k = 1; k < n; ++k) powers.push_back(k == 1 ? base : mul(powers.back(), base));
  const Tensor y = stack(powers, 1);
  return increasing ? y : flip(y, Dims{1});
}
const RegisterComplex vander_row("vander(Tensor x, int? N=None, bool increasing=False) -> Tensor",
                                 vander,
                                 {.meaning = "The powers of a vector as columns.",
                                  .formula = "Yᵢⱼ = xᵢⁿ⁻¹⁻ʲ",
                                  .gradient = "∂L/∂xᵢ = Σⱼ ∂L/∂Yᵢⱼ · (n-1-j) xᵢⁿ⁻²⁻ʲ",
                                  .method = false});

}  // namespace
}  // namespace backlit::ops
