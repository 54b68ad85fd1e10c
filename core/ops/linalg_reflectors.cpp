// Products of Householder reflectors, Q = H₁·…·Hₖ with Hᵢ = I − τᵢ·vᵢ·vᵢᴴ, as geqrf packs them: vᵢ
// is 1 in row i, and below that what column i of a matrix holds there.
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/joining.h"
#include "ops/linalg.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

// The gradients of packed vectors and of τ, where K = Q·(∂L/∂Q)ᴴ. With dQ = Lᵢ·dHᵢ·Rᵢ, the change
// of a loss is Re tr(Mᵢ·dHᵢ), where Mᵢ = Rᵢ·(∂L/∂Q)ᴴ·Lᵢ: M₁ = H₁⁻¹·K and Mᵢ₊₁ = Hᵢ₊₁⁻¹·Mᵢ·Hᵢ. An
// inverse is a reflector too, with σ = τ / (τ·vᴴv − 1) in place of τ.
void set_gradients(Vjp& v, const Tensor& packed, const Tensor& tau, const Tensor& K) {
  const i64 m = packed.size(-2), n = packed.size(-1), k = tau.size(-1);
  const Tensor one = identity(m, packed.dtype());
  const Tensor vectors = add(tril(narrow(packed, -1, 0, k), -1), narrow(one, -1, 0, k));
  const auto row_matrix = [](const Tensor& x) { return unsqueeze(unsqueeze(x, -1), -1); };
  Tensor M = K;
  std::vector<Tensor> columns, slopes;
  for (i64 i = 0; i < k; ++i) {
    const Tensor x = narrow(vectors, -1, i, 1), xh = mH(x), t = row_matrix(select(tau, -1, i));
    const Tensor sigma = div(t, sub(mul(t, matmul(xh, x)), Scalar(1)));
    M = sub(M, matmul(mul(sigma, x), matmul(xh, M)));
    const Tensor Mx = matmul(M, x);
    columns.push_back(neg(add(mul(conj(t), matmul(mH(M), x)), mul(t, Mx))));
    slopes.push_back(neg(conj(matmul(xh, Mx))));
    M = sub(M, matmul(mul(t, Mx), xh));
  }
  if (n > k || k == 0)
    columns.push_back(Tensor::zeros(with_matrix(batch_of(packed), m, n - k), packed.dtype()));
  v.set(0, tril(cat(columns, -1), -1));
  if (k) v.set(1, squeeze(cat(slopes, -1), Dims{-2}));
}

void check_tau(const char* name, const Tensor& a, const Tensor& tau) {
  BACKLIT_CHECK(a.dim() - tau.dim() == 1, Runtime, name,
                ": Expected tau to have one dimension less than input, but got tau.ndim equal to ",
                tau.dim(), " and input.ndim is equal to ", a.dim());
  const Dims batch = batch_of(a), taus(tau.sizes().first(static_cast<std::size_t>(tau.dim() - 1)));
  BACKLIT_CHECK(batch == taus, Runtime, name,
                ": Expected batch dimensions of tau to be equal to input.shape[:-2], but got ",
                to_string(taus));
}

// --- the product ---

Tensor householder_product(const Tensor& a, const Tensor& tau) {
  const char* name = "torch.linalg.householder_product";
  BACKLIT_CHECK(a.dim() >= 2, Runtime, name, ": input must have at least 2 dimensions.");
  const i64 m = a.size(-2), n = a.size(-1);
  BACKLIT_CHECK(m >= n, Runtime, name,
                ": input.shape[-2] must be greater than or equal to input.shape[-1]");
  BACKLIT_CHECK(tau.dim() > 0 && n >= tau.size(-1), Runtime, name,
                ": input.shape[-1] must be greater than or equal to tau.shape[-1]");
  check_tau(name, a, tau);
  BACKLIT_CHECK(a.dtype() == tau.dtype(), Runtime, name, ": tau dtype ",
                info(tau.dtype()).scalar_name, " does not match input dtype ",
                info(a.dtype()).scalar_name);
  BACKLIT_CHECK(a.is_differentiable(), NotImplemented, "\"orgqr_cpu\" not implemented for '",
                info(a.dtype()).scalar_name, "'");
  const i64 k = tau.size(-1);
  const Tensor q = columns_of(a), numbers = contiguous(detach(tau));
  if (q.numel())
    visit_numbers(a.dtype(), [&](auto zero) {
      using T = decltype(zero);
      each_matrix(q.numel() / (m * n), cube(m), [&](i64 i) {
        Lapack<T>::form_q(i32_of(m), i32_of(n), i32_of(k), q.data<T>() + i * m * n,
                          numbers.data<T>() + i * k);
      });
    });
  return record(
      "LinalgHouseholderProductBackward0", q, {a, tau}, {a, tau},
      [](Vjp& v) { set_gradients(v, v.saved(0), v.saved(1), matmul(v.saved(2), mH(v.g()))); },
      true);
}

// --- products with it ---

// op(Q)·C for `left`, else C·op(Q), of m by m matrices Q; not recorded.
Tensor multiplied(const Tensor& a, const Tensor& tau, const Tensor& c, bool left, bool adjoint) {
  const i64 m = c.size(-2), n = c.size(-1), k = tau.size(-1), order = a.size(-2);
  const Tensor y = columns_of(c), packed = columns_of(a), numbers = contiguous(detach(tau));
  if (y.numel() && k)
    visit_numbers(c.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const double work = static_cast<double>(m) * static_cast<double>(n * k);
      each_matrix(y.numel() / (m * n), work, [&](i64 i) {
        Lapack<T>::times_q(left, adjoint, i32_of(m), i32_of(n), i32_of(k),
                           packed.data<T>() + i * order * a.size(-1), numbers.data<T>() + i * k,
                           y.data<T>() + i * m * n);
      });
    });
  return y;
}

Tensor ormqr(const Tensor& a, const Tensor& tau, const Tensor& c, bool left, bool adjoint) {
  return record("OrmqrBackward0", multiplied(a, tau, c, left, adjoint), {a, tau, c}, {a, tau, c},
                [left, adjoint](Vjp& v) {
                  const Tensor A = v.saved(0), t = v.saved(1), C = v.saved(2), g = v.g();
                  if (v.needs(2)) v.set(2, ormqr(A, t, g, left, !adjoint));
                  if (!v.needs(0) && !v.needs(1)) return;
                  // Q·(∂L/∂Q)ᴴ, where ∂L/∂Q is g·Cᴴ or C·gᴴ, Cᴴ·g or gᴴ·C
                  const auto [first, second] =
                      left ? std::pair(adjoint ? g : C, mH(adjoint ? C : g))
                           : std::pair(mH(adjoint ? C : g), adjoint ? g : C);
                  set_gradients(v, A, t, matmul(ormqr(A, t, first, true, false), second));
                });
}

Tensor ormqr_op(const Tensor& a, const Tensor& tau, const Tensor& c, bool left, bool transpose,
                const Tensor& out) {
  const char* name = "torch.ormqr";
  BACKLIT_CHECK(a.dim() >= 2, Runtime, name, ": input must have at least 2 dimensions.");
  BACKLIT_CHECK(c.dim() >= 2, Runtime, name, ": other must have at least 2 dimensions.");
  const int side = left ? -2 : -1;
  BACKLIT_CHECK(tau.dim() > 0 && c.size(side) >= tau.size(-1), Runtime, name, ": other.shape[",
                side, "] must be greater than or equal to tau.shape[-1]");
  BACKLIT_CHECK(tau.size(-1) == std::min(c.size(side), a.size(-1)), Runtime, name,
                ": tau.shape[-1] must be equal to min(other.shape[", side, "], input.shape[-1])");
  BACKLIT_CHECK(c.size(side) == a.size(-2), Runtime, name, ": other.shape[", side,
                "] must be equal to input.shape[-2]");
  check_tau(name, a, tau);
  BACKLIT_CHECK(a.dim() == c.dim(), Runtime, name,
                ": Expected other to have the same number of dimensions as input, but got "
                "other.ndim equal to ",
                c.dim(), " and input.ndim is equal to ", a.dim());
  BACKLIT_CHECK(batch_of(a) == batch_of(c), Runtime, name,
                ": Expected batch dimensions of other to be equal to input.shape[:-2], but got ",
                to_string(batch_of(c)));
  for (const auto& [what, t] : {std::pair("tau", &tau), std::pair("other", &c)})
    BACKLIT_CHECK(a.dtype() == t->dtype(), Runtime, name, ": Expected input and ", what,
                  " to have the same dtype, but input has dtype", info(a.dtype()).scalar_name,
                  " and ", what, " has dtype ", info(t->dtype()).scalar_name);
  BACKLIT_CHECK(a.is_differentiable(), NotImplemented, "\"ormqr_cpu\" not implemented for '",
                info(a.dtype()).scalar_name, "'");
  return into_out("ormqr", ormqr(a, tau, c, left, transpose), out);
}

constexpr RowOptions product_row(const char* home) {
  return {.meaning = "The first columns of a product of Householder reflectors.",
          .formula = "Q = H₁·…·Hₖ with Hᵢ = I − τᵢ·vᵢ·vᵢᵀ",
          .gradient =
              "∂L/∂vᵢ = −τᵢ (Mᵢ + Mᵢᵀ)·vᵢ, ∂L/∂τᵢ = −vᵢᵀ·Mᵢ·vᵢ with "
              "Mᵢ = Hᵢ₊₁·…·Hₖ·(∂L/∂Q)ᵀ·H₁·…·Hᵢ₋₁",
          .home = home,
          .node = "LinalgHouseholderProductBackward0"};
}
const RegisterComplex householder_product_row(
    "householder_product(Tensor input, Tensor tau, *, Tensor? out=None) -> Tensor",
    householder_product, [] {
      RowOptions options = product_row("linalg");
      options.method = false;
      return options;
    }());
const RegisterComplex orgqr_row("orgqr(Tensor input, Tensor tau, *, Tensor? out=None) -> Tensor",
                                householder_product, product_row("torch"));
const RegisterComplex ormqr_row(
    "ormqr(Tensor input, Tensor tau, Tensor other, bool left=True, bool transpose=False, *, "
    "Tensor? out=None) -> Tensor",
    ormqr_op,
    {.meaning = "The product of a matrix and the square Q of Householder reflectors.",
     .formula = "Y = Q·C, C·Q, Qᵀ·C or C·Qᵀ",
     .gradient = "∂L/∂C = Qᵀ·∂L/∂Y, and that of householder_product with ∂L/∂Q = ∂L/∂Y·Cᵀ"});

// --- the factorization that makes them ---

Named<2> geqrf_op(const Tensor& a) {
  BACKLIT_CHECK(a.dim() >= 2, Runtime, "torch.geqrf: input must have at least 2 dimensions.");
  BACKLIT_CHECK(a.is_differentiable(), NotImplemented, "\"geqrf_cpu\" not implemented for '",
                info(a.dtype()).scalar_name, "'");
  const i64 m = a.size(-2), n = a.size(-1), k = std::min(m, n);
  Dims lengths(batch_of(a));
  lengths.push_back(k);
  const Tensor packed = columns_of(a), tau = Tensor::empty(lengths, a.dtype());
  if (packed.numel())
    visit_numbers(a.dtype(), [&](auto zero) {
      using T = decltype(zero);
      each_matrix(packed.numel() / (m * n), cube(k), [&](i64 i) {
        Lapack<T>::qr(i32_of(m), i32_of(n), packed.data<T>() + i * m * n, tau.data<T>() + i * k);
      });
    });
  const Tensor outputs[] = {packed, tau}, inputs[] = {a};
  record_factors("GeqrfBackward0", outputs, inputs, [](Vjp&) {
    fail(ErrorKind::NotImplemented,
         "the derivative for 'geqrf' is not implemented. Use torch.linalg.qr, which has one.");
  });
  return {"geqrf", "a tau", {packed, tau}};
}
const RegisterComplex geqrf_row(
    "geqrf(Tensor input, *, Tensor[]? out=None) -> (Tensor, Tensor)", geqrf_op,
    {.meaning = "R and below it the Householder vectors of Q, packed in one matrix, and their τ.",
     .formula = "A = H₁·…·Hₖ·R"});

}  // namespace
}  // namespace backlit::ops
