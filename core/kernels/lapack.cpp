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

template <class T> std::vector<T> scratch(std::int64_t n) {
  return std::vector<T>(static_cast<std::size_t>(std::max<std::int64_t>(n, 1)));
}

// Functions of complex matrices have names of their own, and work with real numbers besides.
template <class T> constexpr const char* either(const char* real, const char* complex) {
  return kIsComplex<T> ? complex : real;
}

// LAPACK's vectors of a real matrix: columns k and k + 1 are the parts of those of a pair.
template <class T> void unpack_vectors(i32 n, const T* im, const T* packed, Complex<T>* v) {
  const auto at = [n](i32 row, i32 column) {
    return static_cast<std::size_t>(column) * static_cast<std::size_t>(n) +
           static_cast<std::size_t>(row);
  };
  for (i32 k = 0; k < n; ++k) {
    const bool pair = im[k] != 0;
    for (i32 i = 0; i < n; ++i) {
      const T re = packed[at(i, k)], part = pair ? packed[at(i, k + 1)] : T(0);
      v[at(i, k)] = {re, part};
      if (pair) v[at(i, k + 1)] = {re, -part};
    }
    k += pair;
  }
}

template <class T> i32 eig_of(i32 n, T* a, Complex<T>* values, Complex<T>* v) {
  const i32 ld = at_least_1(n);
  std::vector<T> re = scratch<T>(n), im = re, packed = scratch<T>(v ? std::int64_t{n} * n : 1);
  const i32 info = with_workspace<T>([&](T* work, i32 size) {
    return call<T>("geev", "N", v ? "V" : "N", &n, a, &ld, re.data(), im.data(),
                   static_cast<T*>(nullptr), &ld, packed.data(), &ld, work, &size);
  });
  for (std::size_t k = 0; k < static_cast<std::size_t>(n); ++k) values[k] = {re[k], im[k]};
  if (v) unpack_vectors(n, im.data(), packed.data(), v);
  return info;
}

template <class T> i32 eig_of(i32 n, Complex<T>* a, Complex<T>* values, Complex<T>* v) {
  const i32 ld = at_least_1(n);
  std::vector<T> parts = scratch<T>(2 * n);
  return with_workspace<Complex<T>>([&](Complex<T>* work, i32 size) {
    return call<Complex<T>>("geev", "N", v ? "V" : "N", &n, a, &ld, values,
                            static_cast<Complex<T>*>(nullptr), &ld, v, &ld, work, &size,
                            parts.data());
  });
}

}  // namespace

template <class T> i32 Lapack<T>::lu(i32 m, i32 n, T* a, i32* pivots) {
  const i32 lda = at_least_1(m);
  return call<T>("getrf", &m, &n, a, &lda, pivots);
}

template <class T>
i32 Lapack<T>::solve_lu(i32 n, i32 columns, const T* lu, const i32* pivots, T* b) {
  const i32 ld = at_least_1(n);
  return call<T>("getrs", "N", &n, &columns, lu, &ld, pivots, b, &ld);
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
    return call<T>(either<T>("orgqr", "ungqr"), &m, &columns, &k, a, &ld, tau, work, &size);
  });
}

template <class T>
i32 Lapack<T>::times_q(bool left, bool adjoint, i32 m, i32 n, i32 k, const T* a, const T* tau,
                       T* c) {
  const i32 lda = at_least_1(left ? m : n), ldc = at_least_1(m);
  const char *side = left ? "L" : "R", *form = !adjoint ? "N" : either<T>("T", "C");
  return with_workspace<T>([&](T* work, i32 size) {
    return call<T>(either<T>("ormqr", "unmqr"), side, form, &m, &n, &k, a, &lda, tau, c, &ldc, work,
                   &size);
  });
}

template <class T> i32 Lapack<T>::eigh(bool vectors, bool upper, i32 n, T* a, Part* values) {
  const i32 ld = at_least_1(n), ask = -1;
  const char *job = vectors ? "V" : "N", *half = upper ? "U" : "L";
  const auto run = [&](T* work, const i32* size, [[maybe_unused]] Part* parts,
                       [[maybe_unused]] const i32* part_size, i32* integers, const i32* count) {
    if constexpr (kIsComplex<T>)
      return call<T>("heevd", job, half, &n, a, &ld, values, work, size, parts, part_size, integers,
                     count);
    else
      return call<T>("syevd", job, half, &n, a, &ld, values, work, size, integers, count);
  };
  T best = 0;
  Part best_parts = 0;
  i32 best_count = 0;
  run(&best, &ask, &best_parts, &ask, &best_count, &ask);
  const auto size = static_cast<i32>(as_size(best)), part_size = static_cast<i32>(best_parts);
  std::vector<T> work = scratch<T>(size);
  std::vector<Part> parts = scratch<Part>(part_size);
  std::vector<i32> integers = scratch<i32>(best_count);
  return run(work.data(), &size, parts.data(), &part_size, integers.data(), &best_count);
}

template <class T> i32 Lapack<T>::eig(i32 n, T* a, Complex<Part>* values, Complex<Part>* v) {
  return eig_of(n, a, values, v);
}

template <class T> i32 Lapack<T>::svd(bool all, i32 m, i32 n, T* a, Part* s, T* u, T* vh) {
  const i32 k = std::min(m, n), ld = at_least_1(m), ldvh = at_least_1(all ? n : k);
  std::vector<i32> integers = scratch<i32>(8 * k);
  const char* job = !u ? "N" : all ? "A" : "S";
  // what the manual of zgesdd asks for
  const std::int64_t shorter = k, longer = std::max(m, n);
  const std::int64_t most =
      std::max(5 * shorter * (shorter + 1), 2 * shorter * (longer + shorter) + shorter);
  std::vector<Part> parts = scratch<Part>(!kIsComplex<T> ? 1 : u ? most : 7 * shorter);
  return with_workspace<T>([&](T* work, i32 size) {
    if constexpr (kIsComplex<T>)
      return call<T>("gesdd", job, &m, &n, a, &ld, s, u, &ld, vh, &ldvh, work, &size, parts.data(),
                     integers.data());
    else
      return call<T>("gesdd", job, &m, &n, a, &ld, s, u, &ld, vh, &ldvh, work, &size,
                     integers.data());
  });
}

template <class T>
i32 Lapack<T>::least_squares(i32 m, i32 n, i32 columns, T* a, T* b, Part rcond, i32* rank) {
  const i32 lda = at_least_1(m), ldb = at_least_1(std::max(m, n));
  std::vector<i32> order = scratch<i32>(n);
  std::vector<Part> parts = scratch<Part>(2 * n);
  return with_workspace<T>([&](T* work, i32 size) {
    if constexpr (kIsComplex<T>)
      return call<T>("gelsy", &m, &n, &columns, a, &lda, b, &ldb, order.data(), &rcond, rank, work,
                     &size, parts.data());
    else
      return call<T>("gelsy", &m, &n, &columns, a, &lda, b, &ldb, order.data(), &rcond, rank, work,
                     &size);
  });
}

template <class T> i32 Lapack<T>::ldl(bool hermitian, i32 n, T* a, i32* pivots) {
  const i32 ld = at_least_1(n);
  const char* name = hermitian ? either<T>("sytrf", "hetrf") : "sytrf";
  return with_workspace<T>(
      [&](T* work, i32 size) { return call<T>(name, "L", &n, a, &ld, pivots, work, &size); });
}

template <class T>
i32 Lapack<T>::solve_ldl(bool hermitian, i32 n, i32 columns, const T* ldl, const i32* pivots,
                         T* b) {
  const i32 ld = at_least_1(n);
  const char* name = hermitian ? either<T>("sytrs", "hetrs") : "sytrs";
  return call<T>(name, "L", &n, &columns, ldl, &ld, pivots, b, &ld);
}

template <class T>
void Lapack<T>::solve_triangular(bool left, bool upper, bool unit, i32 m, i32 n, const T* a,
                                 i32 lda, T* b) {
  constexpr int kColumnMajor = 102, kUpper = 121, kLower = 122, kNonUnit = 131, kUnit = 132,
                kLeft = 141, kRight = 142;
  // complex numbers are passed by address
  using Number = std::conditional_t<kIsComplex<T>, const T*, T>;
  using Solve = void (*)(int, int, int, int, int, i32, i32, Number, const T*, i32, T*, i32);
  const std::string name = concat("cblas_", kLetter<T>, "trsm");
  void* found = openblas_symbol(name.c_str());
  BACKLIT_CHECK(found, Runtime, "LAPACK: the loaded OpenBLAS library has no ", name, '.');
  const T one = 1;
  Number alpha;
  if constexpr (kIsComplex<T>)
    alpha = &one;
  else
    alpha = one;
  reinterpret_cast<Solve>(found)(kColumnMajor, left ? kLeft : kRight, upper ? kUpper : kLower,
                                 kCblasNoTrans, unit ? kUnit : kNonUnit, m, n, alpha, a,
                                 at_least_1(lda), b, at_least_1(m));
}

template struct Lapack<float>;
template struct Lapack<double>;
template struct Lapack<Complex<float>>;
template struct Lapack<Complex<double>>;

}  // namespace backlit
