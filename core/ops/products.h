// Products of matrices and vectors.
#pragma once

#include <initializer_list>

#include "ops/elementwise.h"

namespace backlit::ops {

// All of them are recorded. op(x) is x, or its transpose when the flag says so.
Tensor mm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& x);
Tensor dot(const Tensor& x, const Tensor& y);
Tensor bmm(const Tensor& a, const Tensor& b);
Tensor matmul(const Tensor& a, const Tensor& b);
Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta = 1,
             const Scalar& alpha = 1);
Tensor outer(const Tensor& x, const Tensor& y);
Tensor inner(const Tensor& a, const Tensor& b);
// Sums over pairs of dimensions, dims_a[i] with dims_b[i]; the others in order.
Tensor tensordot(const Tensor& a, const Tensor& b, Span dims_a, Span dims_b);
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias);

// op(a) @ op(b) for matrices, and for batches of them. Outside of recording no view is made.
Tensor mm(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b);
Tensor bmm(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b);
// mm, or with matrices of a batch in place of one or both.
Tensor matrix_product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b);

// --- not recorded ---

// Sizes of op(a) @ op(b) for matrices; throws PyTorch's message when they do not fit.
void check_matrices(const Tensor& a, const Tensor& b, const char* name_a, const char* name_b);
// The checks of mv and addmv; the vector of addmv has `ndim` dimensions, `length` elements.
void check_matrix_vector(const Tensor& a, const Tensor& x, int ndim, std::int64_t length,
                         Dtype dtype);
void check_batches(const Tensor& a, const Tensor& b);
// y = alpha * op(a) @ op(b) + beta * y for matrices over memory that the caller owns, y row-major.
void multiply_into(const Tensor& y, const Tensor& a, bool transpose_a, const Tensor& b,
                   bool transpose_b, const Scalar& beta, const Scalar& alpha);
void multiply_batches_into(const Tensor& y, const Tensor& a, bool transpose_a, const Tensor& b,
                           bool transpose_b, const Scalar& beta, const Scalar& alpha);
// y = matrix @ x * alpha + beta * y for a vector y.
void multiply_vector_into(const Tensor& y, const Tensor& a, bool transpose_a, const Tensor& x,
                          const Scalar& beta, const Scalar& alpha);
// What the gradient of `other` reads: t, or nothing when other needs none, so that t may change
// then.
inline Tensor read_by(const Tensor& other, const Tensor& t) {
  return other.requires_grad() ? t : Tensor();
}
// Contiguous, contents undefined.
Tensor new_result(Span sizes, Dtype dtype);
// y's memory under other sizes, recorded under that name; for a y that nobody else sees.
Tensor unsafe_view(const char* name, const Tensor& y, Span sizes);
// A matrix product's complaints about its factors.
void check_same_dtype(const Tensor& a, const Tensor& b);
void check_not_bool(const char* kernel, Dtype dtype);

}  // namespace backlit::ops
