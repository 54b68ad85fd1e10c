#include "kernels/lapack.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/openblas.h"

namespace backlit {
namespace {

using i32 = std::int32_t;

template <class T> inline constexpr char kLetter = '\0';
template <> inline constexpr char kLetter<float> = 's';
template <> inline constexpr char kLetter<double> = 'd';
template <> inline constexpr char kLetter<Complex<float>> = 'c';
template <> inline constexpr char kLetter<Complex<double>> = 'z';

// A Fortran function by its name without the letter of the type. Arguments are addresses; the
// lengths of CHARACTER arguments follow, which all ABIs in use let a caller leave out for length 1.
template <class T, class... A> i32 call(const char* name, A... arguments) {
  const std::string full = concat(kLetter<T>, name, '_');
  void* found = openblas_symbol(full.c_str());
  BACKLIT_CHECK(found, Runtime, "LAPACK: the loaded OpenBLAS library has no ", full,
                ". Try: pip install scipy-openblas32");
  i32 info = 0;
  reinterpret_cast<void (*)(A..., i32*)>(found)(arguments..., &info);
  BACKLIT_CHECK(info >= 0, Runtime, "LAPACK: argument ", -info, " of ", full, " is wrong.");
  return info;
}

template <class T> std::size_t as_size(T v) { return static_cast<std::size_t>(v); }
template <class T> std::size_t as_size(Complex<T> v) { return static_cast<std::size_t>(v.re); }

// Asks for the size of the workspace, allocates it, and calls f(work, size) again.
template <class T, class F> i32 with_workspace(F f) {
  T best = 0;
  f(&best, -1);
  std::vector<T> work(std::max<std::size_t>(1, as_size(best)));
  return f(work.data(), static_cast<i32>(work.size()));
}

i32 at_least_1(i32 n) { return std::max(n, 1); }

}  // namespace

template <class T> i32 Lapack<T>::lu(i32 m, i32 n, T* a, i32* pivots) {
  const i32 lda = at_least_1(m);
  return call<T>("getrf", &m, &n, a, &lda, pivots);
}

template <class T>
i32 Lapack<T>::solve_lu(bool transposed, i32 n, i32 columns, const T* lu, const i32* pivots, T* b) {
  const i32 ld = at_least_1(n);
  return call<T>("getrs", transposed ? "T" : "N", &n, &columns, lu, &ld, pivots, b, &ld);
}

template <class T> i32 Lapack<T>::inverse_lu(i32 n, T* lu, const i32* pivots) {
  const i32 ld = at_least_1(n);
  return with_workspace<T>(
      [&](T* work, i32 size) { return call<T>("getri", &n, lu, &ld, pivots, work, &size); });
}

template <class T> i32 Lapack<T>::cholesky(bool upper, i32 n, T* a) {
  const i32 ld = at_least_1(n);
  return call<T>("potrf", upper ? "U" : "L", &n, a, &ld);
}

template <class T> i32 Lapack<T>::qr(i32 m, i32 n, T* a, T* tau) {
  const i32 ld = at_least_1(m);
  return with_workspace<T>(
      [&](T* work, i32 size) { return call<T>("geqrf", &m, &n, a, &ld, tau, work, &size); });
}

template <class T> i32 Lapack<T>::form_q(i32 m, i32 columns, i32 k, T* a, const T* tau) {
  const i32 ld = at_least_1(m);
  return with_workspace<T>([&](T* work, i32 size) {
    return call<T>("orgqr", &m, &columns, &k, a, &ld, tau, work, &size);
  });
}

template <class T> i32 Lapack<T>::eigh(bool vectors, bool upper, i32 n, T* a, T* values) {
  const i32 ld = at_least_1(n);
  i32 best = 0;
  const i32 ask = -1;
  T first = 0;
  const char *job = vectors ? "V" : "N", *half = upper ? "U" : "L";
  call<T>("syevd", job, half, &n, a, &ld, values, &first, &ask, &best, &ask);
  std::vector<T> work(std::max<std::size_t>(1, static_cast<std::size_t>(first)));
  std::vector<i32> integers(static_cast<std::size_t>(at_least_1(best)));
  const i32 size = static_cast<i32>(work.size()), count = static_cast<i32>(integers.size());
  return call<T>("syevd", job, half, &n, a, &ld, values, work.data(), &size, integers.data(),
                 &count);
}

template <class T> i32 Lapack<T>::eig(i32 n, T* a, T* re, T* im, T* v) {
  const i32 ld = at_least_1(n);
  return with_workspace<T>([&](T* work, i32 size) {
    return call<T>("geev", "N", v ? "V" : "N", &n, a, &ld, re, im, static_cast<T*>(nullptr), &ld, v,
                   &ld, work, &size);
  });
}

template <class T>
i32 Lapack<T>::complex_eig(i32 n, Complex<T>* a, Complex<T>* values, Complex<T>* v) {
  const i32 ld = at_least_1(n);
  std::vector<T> real_work(static_cast<std::size_t>(2 * ld));
  return with_workspace<Complex<T>>([&](Complex<T>* work, i32 size) {
    return call<Complex<T>>("geev", "N", v ? "V" : "N", &n, a, &ld, values,
                            static_cast<Complex<T>*>(nullptr), &ld, v, &ld, work, &size,
                            real_work.data());
  });
}

template <class T> i32 Lapack<T>::svd(bool all, i32 m, i32 n, T* a, T* s, T* u, T* vt) {
  const i32 k = std::min(m, n), ld = at_least_1(m);
  const i32 ldvt = at_least_1(all ? n : k);
  std::vector<i32> integers(static_cast<std::size_t>(8 * at_least_1(k)));
  const char* job = !u ? "N" : all ? "A" : "S";
  return with_workspace<T>([&](T* work, i32 size) {
    return call<T>("gesdd", job, &m, &n, a, &ld, s, u, &ld, vt, &ldvt, work, &size,
                   integers.data());
  });
}

template <class T>
i32 Lapack<T>::least_squares(i32 m, i32 n, i32 columns, T* a, T* b, T rcond, i32* rank) {
  const i32 lda = at_least_1(m), ldb = at_least_1(std::max(m, n));
  std::vector<i32> order(static_cast<std::size_t>(at_least_1(n)));
  return with_workspace<T>([&](T* work, i32 size) {
    return call<T>("gelsy", &m, &n, &columns, a, &lda, b, &ldb, order.data(), &rcond, rank, work,
                   &size);
  });
}

template <class T>
void Lapack<T>::solve_triangular(bool left, bool upper, bool transposed, bool unit, i32 m, i32 n,
                                 const T* a, i32 lda, T* b) {
  constexpr int kColumnMajor = 102, kUpper = 121, kLower = 122, kNonUnit = 131, kUnit = 132,
                kLeft = 141, kRight = 142;
  using Solve = void (*)(int, int, int, int, int, i32, i32, T, const T*, i32, T*, i32);
  void* found = openblas_symbol(sizeof(T) == 4 ? "cblas_strsm" : "cblas_dtrsm");
  BACKLIT_CHECK(found, Runtime, "LAPACK: the loaded OpenBLAS library has no trsm.");
  reinterpret_cast<Solve>(found)(kColumnMajor, left ? kLeft : kRight, upper ? kUpper : kLower,
                                 transposed ? kCblasTrans : kCblasNoTrans, unit ? kUnit : kNonUnit,
                                 m, n, T(1), a, at_least_1(lda), b, at_least_1(m));
}

template struct Lapack<float>;
template struct Lapack<double>;

}  // namespace backlit
