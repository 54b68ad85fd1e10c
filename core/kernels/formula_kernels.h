// The reading of formulas as loops: included by one generated file per formulas/*.h, which defines
// BACKLIT_FORMULA through this header and then includes the formulas.
#pragma once

#include "kernels/isa.h"
#include "kernels/tiles.h"

#define BACKLIT_FORMULA(Struct)                                                                \
  namespace {                                                                                  \
  constexpr ::backlit::FormulaKernels kernels_##Struct = ::backlit::formula_kernels<Struct>(); \
  BACKLIT_ISA_TABLE(FormulaKernels, kernels_##Struct)                                          \
  }

#include "formulas/formula.h"

namespace backlit {
inline namespace BACKLIT_ISA {

// A parameter as T: beyond the range of an integer type its nearest end, which is what an absent
// bound (an infinity) stands for.
template <class T> T parameter_as(double p) {
  if constexpr (std::is_same_v<T, bool>) {
    return p != 0;
  } else if constexpr (std::is_integral_v<T>) {
    constexpr T low = std::numeric_limits<T>::lowest(), high = std::numeric_limits<T>::max();
    if (!(p > static_cast<double>(low))) return low;
    return p >= static_cast<double>(high) ? high : static_cast<T>(p);
  } else {
    return static_cast<T>(p);
  }
}

// A number whose sine needs no more than the reduction of bounded numbers.
template <class T> struct Bounded {
  T v;
  Bounded(T x) : v(x) {}
  operator T() const { return v; }
  friend BACKLIT_INLINE T sin(Bounded x) { return math::bounded::sin(x.v); }
  friend BACKLIT_INLINE T cos(Bounded x) { return math::bounded::cos(x.v); }
  friend BACKLIT_INLINE T tan(Bounded x) { return math::bounded::tan(x.v); }
};
template <class T> bool all_bounded(const T* x, std::int64_t n) {
  int outside = 0;  // nan is outside
  for (std::int64_t i = 0; i < n; ++i) outside |= !(math::abs(x[i]) <= math::bounded::limit<T>);
  return !outside;
}

// A loop with a call in it is not vectorised, and the compiler finds long formulas too long to
// inline.
#define BACKLIT_FLATTEN __attribute__((flatten))

// n input pointers of type T, indexed at once.
template <class F, class T, std::size_t... I, std::size_t... P>
BACKLIT_FLATTEN void forward_loop(const void* const* in, void* out, std::int64_t n,
                                  const double* params, std::index_sequence<I...>,
                                  std::index_sequence<P...>) {
  const T* const x[] = {static_cast<const T*>(in[I])...};
  [[maybe_unused]] const T p[] = {parameter_as<T>(params[P])..., T()};
  using Result = std::conditional_t<F::promote == Promote::ToBool, bool, T>;
  auto* y = static_cast<Result*>(out);
  if constexpr (F::trigonometric)
    if (all_bounded(x[0], n)) {
#pragma GCC ivdep
      for (std::int64_t i = 0; i < n; ++i) y[i] = F::value(Bounded<T>(x[0][i]));
      return;
    }
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<Result>(F::value(x[I][i]..., p[P]...));
}

template <class F, int Input> struct Local {
  template <class T, class... A> static T at(A... a) {
    if constexpr (F::arity == 1)
      return F::local(a...);
    else if constexpr (Input == 0)
      return F::local_a(a...);
    else if constexpr (Input == 1)
      return F::local_b(a...);
    else
      return F::local_c(a...);
  }
};

template <class F, int Input, class T, std::size_t... I, std::size_t... P>
BACKLIT_FLATTEN void backward_loop(const void* const* in, void* out, std::int64_t n,
                                   const double* params, std::index_sequence<I...>,
                                   std::index_sequence<P...>) {
  const T* const g = static_cast<const T*>(in[0]);
  const T* const x[] = {static_cast<const T*>(in[I + 1])...};
  const T* const y = static_cast<const T*>(in[F::arity + 1]);
  [[maybe_unused]] const T p[] = {parameter_as<T>(params[P])..., T()};
  auto* gx = static_cast<T*>(out);
  if constexpr (F::trigonometric)
    if (all_bounded(x[0], n)) {
#pragma GCC ivdep
      for (std::int64_t i = 0; i < n; ++i)
        gx[i] = g[i] * F::local(Bounded<T>(x[0][i]), Bounded<T>(y[i]));
      return;
    }
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) {
    const T local = Local<F, Input>::template at<T>(x[I][i]..., y[i], p[P]...);
    if constexpr (F::masks)
      gx[i] = local == T(0) ? T(0) : g[i] * local;
    else
      gx[i] = g[i] * local;
  }
}

template <class F, class T>
void forward_tile(const void* const* in, void* out, std::int64_t n, const double* p) {
  forward_loop<F, T>(in, out, n, p, std::make_index_sequence<F::arity>(),
                     std::make_index_sequence<F::params>());
}
template <class F, int Input, class T>
void backward_tile(const void* const* in, void* out, std::int64_t n, const double* p) {
  backward_loop<F, Input, T>(in, out, n, p, std::make_index_sequence<F::arity>(),
                             std::make_index_sequence<F::params>());
}

template <class F, int Input> constexpr bool has_local() {
  constexpr Rule rules[] = {F::a_rule, F::b_rule, F::c_rule};
  return Input < F::arity && F::rule == Rule::Derivative && rules[Input] == Rule::Derivative;
}

template <class F> constexpr FormulaKernels formula_kernels() {
  FormulaKernels k{};
  k.name = F::name;
  const auto forward = [&]<class T>(T) {
    k.forward[static_cast<int>(dtype_of<T>)] = &forward_tile<F, T>;
  };
  const auto backward = [&]<class T>(T) {
    constexpr int d = static_cast<int>(dtype_of<T>);
    if constexpr (has_local<F, 0>()) k.backward[0][d] = &backward_tile<F, 0, T>;
    if constexpr (has_local<F, 1>()) k.backward[1][d] = &backward_tile<F, 1, T>;
    if constexpr (has_local<F, 2>()) k.backward[2][d] = &backward_tile<F, 2, T>;
  };
  if constexpr ((F::kinds & kBools) != 0) forward(bool());
  if constexpr ((F::kinds & kIntegers) != 0) {
    forward(std::uint8_t());
    forward(std::int8_t());
    forward(std::int16_t());
    forward(std::int32_t());
    forward(std::int64_t());
  }
  if constexpr ((F::kinds & kFloats) != 0) {
    if constexpr (F::promote != Promote::ToDouble) {
      forward(float());
      backward(float());
    }
    forward(double());
    backward(double());
  }
  return k;
}

}  // namespace BACKLIT_ISA
}  // namespace backlit
