// Products over chosen dimensions and products of several matrices: inner, tensordot, kron,
// multi_dot, matrix_power.
#include <limits>
#include <vector>

#include "ops/arithmetic.h"
#include "ops/linalg.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {

Tensor tensordot(const Tensor& input1, const Tensor& input2, Span dims_a, Span dims_b) {
  BACKLIT_CHECK(dims_a.size() == dims_b.size(), Runtime,
                "both dimension lists should have same length");
  BACKLIT_CHECK(input1.dtype() == input2.dtype(), Runtime, "both inputs should have same dtype");
  Tensor a = input1, b = input2;
  bool summed_a[kMaxDims] = {}, summed_b[kMaxDims] = {};
  Dims order_a, order_b, out;
  std::int64_t k = 1;
  for (std::size_t i = 0; i < dims_a.size(); ++i) {
    const int p = wrap_dim(dims_a[i], a.dim()), q = wrap_dim(dims_b[i], b.dim());
    BACKLIT_CHECK(!summed_a[p], Runtime, "dim ", p, " appears multiple times in the list of dims");
    BACKLIT_CHECK(!summed_b[q], Runtime, "dim ", q, " appears multiple times in the list of dims");
    summed_a[p] = summed_b[q] = true;
    const std::int64_t m = a.layout().size(p), n = b.layout().size(q);
    if (m == 1 && n != 1) b = sum(b, Dims{q}, true, b.dtype());
    if (n == 1 && m != 1) a = sum(a, Dims{p}, true, a.dtype());
    BACKLIT_CHECK(m == n || m == 1 || n == 1, Runtime,
                  "contracted dimensions need to match, but first has size ", m, " in dim ",
                  dims_a[i], " and second has size ", n, " in dim ", dims_b[i]);
    k *= std::min(m, n);
  }
  for (int d = 0; d < a.dim(); ++d)
    if (!summed_a[d]) order_a.push_back(d), out.push_back(a.layout().size(d));
  const std::int64_t m = product(out);
  std::int64_t n = 1;
  for (std::size_t i = 0; i < dims_a.size(); ++i) {
    order_a.push_back(wrap_dim(dims_a[i], a.dim()));
    order_b.push_back(wrap_dim(dims_b[i], b.dim()));
  }
  for (int d = 0; d < b.dim(); ++d)
    if (!summed_b[d])
      order_b.push_back(d), out.push_back(b.layout().size(d)), n *= b.layout().size(d);
  return reshape(
      mm(reshape(permute(a, order_a), Dims{m, k}), reshape(permute(b, order_b), Dims{k, n})), out);
}

Tensor inner(const Tensor& a, const Tensor& b) {
  if (a.dim() == 0 || b.dim() == 0) return mul(a, b);
  BACKLIT_CHECK(a.dtype() == b.dtype(), Runtime, "both inputs should have same dtype");
  const std::int64_t k = a.size(-1);
  BACKLIT_CHECK(k == b.size(-1), Runtime,
                "inner() the last dimension must match on both input tensors but got shapes ",
                to_string(a.sizes()), " and ", to_string(b.sizes()));
  Dims out(a.sizes().first(static_cast<std::size_t>(a.dim() - 1)));
  const std::int64_t m = product(out),
                     n = product(b.sizes().first(static_cast<std::size_t>(b.dim() - 1)));
  for (int d = 0; d < b.dim() - 1; ++d) out.push_back(b.layout().size(d));
  return view(mm(reshape(a, Dims{m, k}), false, reshape(b, Dims{n, k}), true), out);
}

namespace {

Tensor tensordot_op(const Tensor& a, const Tensor& b, const Dims& dims_a, const Dims& dims_b,
                    const Tensor& out) {
  return into_out("tensordot", tensordot(a, b, dims_a, dims_b), out);
}
const RegisterComplex tensordot_row(
    "_tensordot(Tensor input, Tensor other, int[] dims_self, int[] dims_other, *, "
    "Tensor? out=None) -> Tensor",
    tensordot_op,
    {.meaning = "Product summed over pairs of dimensions.",
     .formula = "C[i.., j..] = Σₖ A[i.., k] B[k, j..]",
     .gradient = "∂L/∂A = ∂L/∂C · Bᵀ, ∂L/∂B = Aᵀ · ∂L/∂C, over the remaining dimensions",
     .home = "_C",
     .method = false});
const RegisterComplex inner_row("inner(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor",
                                inner,
                                {.meaning = "Sums of products over the last dimensions of both.",
                                 .formula = "C[i.., j..] = Σₖ A[i.., k] B[j.., k]",
                                 .gradient = "∂L/∂A = ∂L/∂C · B, ∂L/∂B = ∂L/∂Cᵀ · A"});

// Block (i, j) of the result is A[i, j] * B.
Tensor kron_op(const Tensor& a, const Tensor& b) {
  const int n = std::max(a.dim(), b.dim());
  BACKLIT_CHECK(2 * n <= kMaxDims, NotImplemented, "kron: of tensors of more than ", kMaxDims / 2,
                " dimensions");
  Dims sizes_a, sizes_b, out;
  for (int d = 0; d < n; ++d) {
    const int p = d - (n - a.dim()), q = d - (n - b.dim());
    const std::int64_t s = p < 0 ? 1 : a.layout().size(p), t = q < 0 ? 1 : b.layout().size(q);
    sizes_a.push_back(s);
    sizes_a.push_back(1);
    sizes_b.push_back(1);
    sizes_b.push_back(t);
    out.push_back(s * t);
  }
  return unsafe_view("UnsafeViewBackward0",
                     contiguous(mul(reshape(a, sizes_a), reshape(b, sizes_b))), out);
}
const RegisterComplex kron_row(
    "kron(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", kron_op,
    {.meaning = "Kronecker product: every element of the first times the whole second.",
     .formula = "C = A ⊗ B",
     .gradient = "∂L/∂A[i] = Σ of ∂L/∂C · B in block i, ∂L/∂B = Σᵢ A[i] · block i of ∂L/∂C",
     .mixed = Mixed::Promoted});

// The order of products with the fewest multiplications, for matrices of sizes[i] x sizes[i + 1].
std::vector<std::vector<std::size_t>> best_splits(const std::vector<std::int64_t>& sizes) {
  const std::size_t n = sizes.size() - 1;
  std::vector<std::vector<double>> cost(n, std::vector<double>(n, 0));
  std::vector<std::vector<std::size_t>> split(n, std::vector<std::size_t>(n, 0));
  for (std::size_t length = 1; length < n; ++length)
    for (std::size_t i = 0; i + length < n; ++i) {
      const std::size_t j = i + length;
      cost[i][j] = std::numeric_limits<double>::infinity();
      for (std::size_t k = i; k < j; ++k) {
        const double c = cost[i][k] + cost[k + 1][j] +
                         static_cast<double>(sizes[i]) * static_cast<double>(sizes[k + 1]) *
                             static_cast<double>(sizes[j + 1]);
        if (c < cost[i][j]) cost[i][j] = c, split[i][j] = k;
      }
    }
  return split;
}

// The product of matrices i..j, without recursion over more than the number of matrices.
Tensor multiply_range(const std::vector<Tensor>& m,
                      const std::vector<std::vector<std::size_t>>& split, std::size_t i,
                      std::size_t j) {
  if (i == j) return m[i];
  const std::size_t k = split[i][j];
  return mm(multiply_range(m, split, i, k), multiply_range(m, split, k + 1, j));
}

Tensor multiply_chain(const std::vector<Tensor>& matrices) {
  std::vector<std::int64_t> sizes{matrices[0].layout().size(0)};
  for (const Tensor& m : matrices) sizes.push_back(m.layout().size(1));
  return multiply_range(matrices, best_splits(sizes), 0, matrices.size() - 1);
}

void check_chain(const std::vector<Tensor>& tensors) {
  const std::size_t n = tensors.size();
  BACKLIT_CHECK(n >= 2, Runtime, "multi_dot(): expected at least 2 tensors but got ", n);
  const auto end_dim = [](const char* which, const Tensor& t) {
    BACKLIT_CHECK(t.dim() == 1 || t.dim() == 2, Runtime, "multi_dot(): the ", which,
                  " tensor must be 1D or 2D but got ", t.dim(), "D");
  };
  end_dim("first", tensors.front());
  end_dim("last", tensors.back());
  for (std::size_t i = 0; i < n; ++i) {
    BACKLIT_CHECK(i == 0 || i == n - 1 || tensors[i].dim() == 2, Runtime, "multi_dot(): tensor ", i,
                  " must be 2D but got ", tensors[i].dim(), "D");
    BACKLIT_CHECK(tensors[i].dtype() == tensors[0].dtype(), Runtime,
                  "multi_dot(): all tensors must have be the same dtype but tensor 0 is ",
                  info(tensors[0].dtype()).c_name, " and tensor ", i, " ",
                  info(tensors[i].dtype()).c_name);
    BACKLIT_CHECK(i == 0 || tensors[i - 1].size(-1) == tensors[i].size(0), Runtime,
                  "multi_dot(): tensors ", i - 1, " and ", i, " with shapes ",
                  to_string(tensors[i - 1].sizes()), " and ", to_string(tensors[i].sizes()),
                  " cannot be multiplied");
  }
}

Tensor multi_dot_op(const std::vector<Tensor>& tensors, const Tensor& target) {
  check_chain(tensors);
  std::vector<Tensor> matrices(tensors);
  Dims out;
  if (tensors.front().dim() == 1)
    matrices.front() = unsqueeze(tensors.front(), 0);
  else
    out.push_back(tensors.front().layout().size(0));
  if (tensors.back().dim() == 1)
    matrices.back() = unsqueeze(tensors.back(), -1);
  else
    out.push_back(tensors.back().layout().size(1));
  const Tensor y = multiply_chain(matrices);
  return into_out("multi_dot", out.size() == 2 ? y : view(y, out), target);
}
const RegisterComplex multi_dot_row(
    "multi_dot(Tensor[] tensors, *, Tensor? out=None) -> Tensor", multi_dot_op,
    {.meaning = "Product of several matrices in the cheapest order; a vector may stand at "
                "either end.",
     .formula = "C = A₁·A₂·…·Aₙ",
     .gradient = "∂L/∂Aᵢ = (A₁…Aᵢ₋₁)ᵀ · ∂L/∂C · (Aᵢ₊₁…Aₙ)ᵀ",
     .home = "linalg",
     .method = false});

Tensor chain_matmul_op(const std::vector<Tensor>& matrices, const Tensor& out) {
  BACKLIT_CHECK(!matrices.empty(), Runtime, "chain_matmul(): Expected one or more matrices");
  for (const Tensor& m : matrices)
    BACKLIT_CHECK(m.dim() == 2, Runtime, "Tensor dimension is ", m.dim(), ", expected 2 instead.");
  if (matrices.size() == 1) return into_out("chain_matmul", clone(matrices[0]), out);
  check_chain(matrices);
  return into_out("chain_matmul", multiply_chain(matrices), out);
}
const RegisterComplex chain_matmul_row(
    "_chain_matmul(Tensor[] matrices, *, Tensor? out=None) -> Tensor", chain_matmul_op,
    {.meaning = "Product of several matrices in the cheapest order.",
     .formula = "C = A₁·A₂·…·Aₙ",
     .gradient = "∂L/∂Aᵢ = (A₁…Aᵢ₋₁)ᵀ · ∂L/∂C · (Aᵢ₊₁…Aₙ)ᵀ",
     .home = "_C",
     .method = false});

Tensor matrix_power_op(const Tensor& a, std::int64_t n) {
  BACKLIT_CHECK(a.dim() >= 2, Runtime,
                "linalg.matrix_power: The input tensor A must have at least 2 dimensions.");
  BACKLIT_CHECK(a.size(-1) == a.size(-2), Runtime,
                "linalg.matrix_power: A must be batches of square matrices, but they are ",
                a.size(-2), " by ", a.size(-1), " matrices");
  if (n < 0) return matrix_power_op(inverse(a, true), -n);
  if (n == 0) return copy_(clone(a), identity(a.size(-1), a.dtype()));
  if (n == 1) return clone(a);
  Tensor square = a, result;
  for (std::uint64_t rest = static_cast<std::uint64_t>(n); rest; rest >>= 1) {
    if (rest & 1) result = result.defined() ? matmul(result, square) : square;
    if (rest > 1) square = matmul(square, square);
  }
  return result;
}
const RegisterComplex matrix_power_row(
    "matrix_power(Tensor input, int n, *, Tensor? out=None) -> Tensor", matrix_power_op,
    {.meaning =
         "A matrix times itself, n times; n = 0 gives the identity, n < 0 powers of the inverse.",
     .formula = "Y = Aⁿ",
     .gradient = "∂L/∂A = Σᵢ (Aⁱ)ᵀ · ∂L/∂Y · (Aⁿ⁻¹⁻ⁱ)ᵀ",
     .aliases = "linalg.matrix_power"});

}  // namespace
}  // namespace backlit::ops
