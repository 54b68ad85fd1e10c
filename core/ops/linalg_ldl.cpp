// Factors of symmetric and Hermitian matrices that need not be positive definite.
#include "ops/arithmetic.h"
#include "ops/linalg.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;

std::string singular_block(int info) {
  return concat("D[", info, ",", info,
                "] is zero, and using it on ldl_solve would result in a division by zero.");
}

Named<3> ldl_factor_ex(const Tensor& a, bool hermitian, bool check_errors, const char* name) {
  check_square("torch.linalg.ldl_factor_ex", a);
  const i64 n = a.size(-1);
  Dims lengths(batch_of(a));
  lengths.push_back(n);
  const Tensor ld = columns_of(a), pivots = Tensor::empty(lengths, Dtype::Int32),
               info = Tensor::zeros(batch_of(a), Dtype::Int32);
  visit_numbers(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (a.numel() == 0) return;
    each_matrix(info.numel(), cube(n), [&](i64 i) {
      T* matrix = ld.data<T>() + i * n * n;
      info.data<std::int32_t>()[i] =
          Lapack<T>::ldl(hermitian, i32_of(n), matrix, pivots.data<std::int32_t>() + i * n);
      for (i64 column = 1; column < n; ++column)  // the half that LAPACK does not read
        std::fill(matrix + column * n, matrix + column * (n + 1), T(0));
    });
  });
  if (check_errors) check_info(name, info, singular_block);
  const Tensor outputs[] = {ld, pivots, info}, inputs[] = {a};
  record_outputs("NotImplemented", outputs, inputs, {}, [](Vjp&) {
    fail(ErrorKind::Runtime, "derivative for aten::linalg_ldl_factor_ex is not implemented");
  });
  return {"linalg_ldl_factor_ex", "LD pivots info", {ld, pivots, info}};
}
Named<3> ldl_factor_ex_op(const Tensor& a, bool hermitian, bool check_errors) {
  return ldl_factor_ex(a, hermitian, check_errors, "torch.linalg.ldl_factor_ex");
}
Named<2> ldl_factor_op(const Tensor& a, bool hermitian) {
  const Named<3> f = ldl_factor_ex(a, hermitian, true, "torch.linalg.ldl_factor");
  return {"linalg_ldl_factor", "LD pivots", {f.values[0], f.values[1]}};
}

Tensor ldl_solve_op(const Tensor& ld, const Tensor& pivots, const Tensor& b, bool hermitian,
                    const Tensor& out) {
  const char* name = "torch.linalg.ldl_solve";
  check_matrix(name, b, "B");
  check_square(name, ld);
  const i64 n = ld.size(-1), columns = b.size(-1);
  BACKLIT_CHECK(b.size(-2) == n, Runtime, "Incompatible matrix sizes for ", name,
                ": each A matrix is ", n, " by ", n, " but each b matrix is ", b.size(-2), " by ",
                columns);
  Dims lengths(batch_of(ld));
  lengths.push_back(n);
  BACKLIT_CHECK(Dims(pivots.sizes()) == lengths, Runtime, name,
                ": Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with "
                "shape ",
                to_string(pivots.sizes()), " instead");
  BACKLIT_CHECK(is_integral(pivots.dtype()), Runtime, name,
                ": Expected pivots to be integers. Got ", info(pivots.dtype()).scalar_name);
  BACKLIT_CHECK(b.dtype() == ld.dtype(), Runtime,
                "Expected b and A to have the same dtype, but found b of type ",
                info(b.dtype()).scalar_name, " and A of type ", info(ld.dtype()).scalar_name,
                " instead.");
  const Dims batch = broadcast_sizes(batch_of(ld), batch_of(b));
  Dims wide(batch);
  wide.push_back(n);
  const Tensor factors = columns_of(expand(detach(ld), with_matrix(batch, n, n))),
               order = contiguous(to_dtype(expand(pivots, wide), Dtype::Int32)),
               x = columns_of(expand(detach(b), with_matrix(batch, n, columns)));
  visit_numbers(ld.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (x.numel() == 0) return;
    const double work = static_cast<double>(n) * static_cast<double>(n * columns);
    each_matrix(product(batch), work, [&](i64 i) {
      Lapack<T>::solve_ldl(hermitian, i32_of(n), i32_of(columns), factors.data<T>() + i * n * n,
                           order.data<std::int32_t>() + i * n, x.data<T>() + i * n * columns);
    });
  });
  const Tensor y = record("NotImplemented", x, {ld, b}, {}, [](Vjp&) {
    fail(ErrorKind::Runtime, "derivative for aten::linalg_ldl_solve is not implemented");
  });
  return into_out("linalg_ldl_solve", y, out);
}

constexpr const char* kFactors = "A = L·D·Lᵀ, or L·D·Lᴴ where hermitian";
const RegisterComplex ldl_factor_ex_row(
    "ldl_factor_ex(Tensor A, *, bool hermitian=False, bool check_errors=False) -> (Tensor, Tensor, "
    "Tensor)",
    ldl_factor_ex_op,
    {.meaning = "L and D of a symmetric matrix packed in one, LAPACK's pivots, and where D is 0.",
     .formula = kFactors,
     .home = "linalg",
     .method = false});
const RegisterComplex ldl_factor_row(
    "ldl_factor(Tensor A, *, bool hermitian=False) -> (Tensor, Tensor)", ldl_factor_op,
    {.meaning = "L and D of a symmetric matrix packed in one, and LAPACK's pivots.",
     .formula = kFactors,
     .home = "linalg",
     .method = false});
const RegisterComplex ldl_solve_row(
    "ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False, Tensor? out=None) -> "
    "Tensor",
    ldl_solve_op,
    {.meaning = "The solution of A·X = B from what ldl_factor gives.",
     .formula = "A·X = B",
     .home = "linalg",
     .method = false});

}  // namespace
}  // namespace backlit::ops
