// LAPACK from the OpenBLAS library, one matrix at a time, in Fortran's column-major order.
#pragma once

#include <cstdint>

#include "base/numbers.h"

namespace backlit {

template <class T> struct PartOf {
  using type = T;
};
template <class T> struct PartOf<Complex<T>> {
  using type = T;
};

// For T of float, double and complex numbers of both. Every function gives LAPACK's info: 0, or
// i > 0 for a failure at row i. Matrices are n (or m) by n, columns `m` elements apart. Workspace
// is allocated inside, from the C library: threads may call these at the same time and without the
// GIL.
template <class T> struct Lapack {
  using i32 = std::int32_t;
  using Part = typename PartOf<T>::type;
  static i32 lu(i32 m, i32 n, T* a, i32* pivots);  // getrf: A = P·L·U in place; pivots from 1
  static i32 solve_lu(i32 n, i32 columns, const T* lu, const i32* pivots, T* b);
  static i32 inverse_lu(i32 n, T* lu, const i32* pivots);  // getri, in place
  static i32 cholesky(bool upper, i32 n, T* a);            // potrf; the other half is left
  static i32 qr(i32 m, i32 n, T* a, T* tau);               // geqrf, in place
  static i32 form_q(i32 m, i32 columns, i32 k, T* a, const T* tau);  // orgqr or ungqr, in place
  // ormqr or unmqr: Q·C (left), C·Q, or these with Qᴴ, in place in c (m by n); of k reflectors, in
  // columns of `left ? m : n` elements.
  static i32 times_q(bool left, bool adjoint, i32 m, i32 n, i32 k, const T* a, const T* tau, T* c);
  static i32 eigh(bool vectors, bool upper, i32 n, T* a, Part* values);  // syevd or heevd, in place
  static i32 eig(i32 n, T* a, Complex<Part>* values, Complex<Part>* v);  // geev; v may be null
  // gesdd: A = U·diag(s)·Vᴴ. `all`: square U and V. u and vh may be null: only s. Destroys a.
  static i32 svd(bool all, i32 m, i32 n, T* a, Part* s, T* u, T* vh);
  // gelsy: the least-squares solution of least norm; b has max(m, n) rows. Destroys a.
  static i32 least_squares(i32 m, i32 n, i32 columns, T* a, T* b, Part rcond, i32* rank);
  // sytrf, or hetrf of Hermitian complex matrices: A = L·D·Lᵀ (L·D·Lᴴ) from the lower half, in
  // place; D has blocks of 1 and 2.
  static i32 ldl(bool hermitian, i32 n, T* a, i32* pivots);
  static i32 solve_ldl(bool hermitian, i32 n, i32 columns, const T* ldl, const i32* pivots, T* b);
  // trsm: A·X = B (left) or X·A = B, in place in b (m by n), column-major.
  static void solve_triangular(bool left, bool upper, bool unit, i32 m, i32 n, const T* a, i32 lda,
                               T* b);
};

extern template struct Lapack<float>;
extern template struct Lapack<double>;
extern template struct Lapack<Complex<float>>;
extern template struct Lapack<Complex<double>>;

}  // namespace backlit
