// Eigenvalues and eigenvectors of matrices of any kind.
#include <cmath>

#include "formulas/comparison.h"
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/joining.h"
#include "ops/linalg.h"
#include "ops/products.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

std::string not_converged(int) {
  return "The algorithm failed to converge because the input matrix is ill-conditioned or has too "
         "many repeated values.";
}

bool all_finite(const Tensor& a) {
  return a.numel() == 0 || all_nonzero(apply<formulas::Isfinite>(a));
}

Tensor eig_gradient(const Tensor& values, const Tensor& V, const Tensor& g_values,
                    const Tensor& gV) {
  const Tensor VH = mH(V);
  Tensor inner;
  if (gV.defined()) {
    const Tensor turn = matmul(VH, gV);
    // eigenvectors have length 1, and what turns their phase changes nothing
    const Tensor length = real(diagonal(turn, 0, -2, -1));
    const Tensor free = sub(turn, mul(matmul(VH, V), unsqueeze(length, -2)));
    const Tensor gaps = conj(sub(unsqueeze(values, -2), unsqueeze(values, -1)));
    inner = div(free, add(gaps, identity(values.size(-1), values.dtype())));
    const Tensor off =
        sub(Tensor::scalar(1, values.dtype()), identity(values.size(-1), values.dtype()));
    inner = mul(inner, off);
  }
  if (g_values.defined()) {
    const Tensor on = mul(unsqueeze(g_values, -1), identity(values.size(-1), values.dtype()));
    inner = inner.defined() ? add(inner, on) : on;
  }
  return solve(VH, matmul(inner, VH));
}

Named<2> eig(const char* name, const Tensor& a, bool vectors) {
  check_square(name, a);
  BACKLIT_CHECK(all_finite(detach(a)), Runtime, name,
                ": input tensor should not contain infs or NaNs.");
  const i64 n = a.size(-1);
  const Dtype d = complex_of(a.dtype());
  Dims with_values(batch_of(a));
  with_values.push_back(n);
  const bool keep = vectors || should_record({a});
  const Tensor work = columns_of(a);
  Tensor values = Tensor::empty(with_values, d);
  Tensor V = empty_columns(batch_of(a), keep ? n : 0, n, d);
  const Tensor info = Tensor::zeros(batch_of(a), Dtype::Int32);
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using C = Complex<typename Lapack<T>::Part>;
    if (a.numel() == 0) return;
    each_matrix(info.numel(), 25 * cube(n), [&](i64 i) {
      info.data<std::int32_t>()[i] =
          Lapack<T>::eig(i32_of(n), work.data<T>() + i * n * n, values.data<C>() + i * n,
                         keep ? V.data<C>() + i * n * n : nullptr);
    });
  });
  check_info(name, info, not_converged);
  const Tensor outputs[] = {values, V}, inputs[] = {a};
  record_factors("LinalgEigBackward0", outputs, inputs, [from = a.dtype()](Vjp& v) {
    v.set(0, to_dtype(eig_gradient(v.saved(0), v.saved(1), v.g(0), v.g(1)), from));
  });
  return {"linalg_eig", "eigenvalues eigenvectors", {outputs[0], outputs[1]}};
}

Named<2> eig_op(const Tensor& a) { return eig("linalg.eig", a, true); }
Tensor eigvals_op(const Tensor& a) { return eig("linalg.eigvals", a, false).values[0]; }

const RegisterComplex eig_row(
    "eig(Tensor A, *, Tensor[]? out=None) -> (Tensor, Tensor)", eig_op,
    {.meaning = "Eigenvalues and eigenvectors of a square matrix, complex numbers.",
     .formula = "A·V = V·diag(λ)",
     .gradient = "∂L/∂A = V⁻ᴴ · (diag(∂L/∂λ) + (M − VᴴV Re diag M) / (λⱼ − λᵢ)*) · Vᴴ with "
                 "M = Vᴴ · ∂L/∂V",
     .home = "linalg",
     .method = false,
     .node = "LinalgEigBackward0"});
const RegisterComplex eigvals_row("eigvals(Tensor A, *, Tensor? out=None) -> Tensor", eigvals_op,
                                  {.meaning = "Eigenvalues of a square matrix, complex numbers.",
                                   .formula = "A·V = V·diag(λ)",
                                   .gradient = "∂L/∂A = V⁻ᴴ · diag(∂L/∂λ) · Vᴴ",
                                   .home = "linalg",
                                   .method = false,
                                   .node = "LinalgEigBackward0"});

}  // namespace
}  // namespace backlit::ops
