// LAPACK from the OpenBLAS library, one matrix at a time, in Fortran's column-major order.
#pragma once

#include <cstdint>

#include "base/numbers.h"

namespace backlit {

// Every function gives LAPACK's info: 0, or i > 0 for a failure at row i. Matrices are n (or m) by
// n, columns `m` elements apart. Workspace is allocated inside, from the C library: threads may
// call these at the same time and without the GIL.
template <class T> struct Lapack {
  using i32 = std::int32_t;
  static i32 lu(i32 m, i32 n, T* a, i32* pivots);  // getrf: A = P·L·U in place; pivots from 1
  static i32 solve_lu(bool transposed, i32 n, i32 columns, const T* lu, const i32* pivots, T* b);
  static i32 inverse_lu(i32 n, T* lu, const i32* pivots);  // getri, in place
  static i32 cholesky(bool upper, i32 n, T* a);            // potrf; the other half is left
  static i32 qr(i32 m, i32 n, T* a, T* tau);               // geqrf, in place
  static i32 form_q(i32 m, i32 columns, i32 k, T* a, const T* tau);   // orgqr, in place
  static i32 eigh(bool vectors, bool upper, i32 n, T* a, T* values);  // syevd; vectors in place
  // geev: A·V = V·diag(re + i im). Vectors (null: none) of a pair of complex eigenvalues are the
  // real and the imaginary parts of the first one's. Destroys a.
  static i32 eig(i32 n, T* a, T* re, T* im, T* v);
  static i32 complex_eig(i32 n, Complex<T>* a, Complex<T>* values, Complex<T>* v);
  // gesdd: A = U·diag(s)·Vᵀ. `all`: square U and V. u and vt may be null: only s. Destroys a.
  static i32 svd(bool all, i32 m, i32 n, T* a, T* s, T* u, T* vt);
  // gelsy: the least-squares solution of least norm; b has max(m, n) rows. Destroys a.
  static i32 least_squares(i32 m, i32 n, i32 columns, T* a, T* b, T rcond, i32* rank);
  // trsm: op(A)·X = B (left) or X·op(A) = B, in place in b (m by n), column-major.
  static void solve_triangular(bool left, bool upper, bool transposed, bool unit, i32 m, i32 n,
                               const T* a, i32 lda, T* b);
};

extern template struct Lapack<float>;
extern template struct Lapack<double>;

}  // namespace backlit
