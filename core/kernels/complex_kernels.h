// The reading of formulas as loops over complex numbers, for those that say `complex`: included by
// one generated file per formulas/*.h. Plain loops for every machine: complex functions are long.
#pragma once

#include "formulas/math_complex.h"
#include "kernels/formula_kernels.h"

#undef BACKLIT_FORMULA
#define BACKLIT_FORMULA(Struct)                                  \
  namespace {                                                    \
  constexpr ::backlit::FormulaKernels complex_##Struct =         \
      ::backlit::complex_kernels<::backlit::formulas::Struct>(); \
  BACKLIT_ISA_TABLE(FormulaKernels, complex_##Struct)            \
  }

namespace backlit {
inline namespace BACKLIT_ISA {

template <class F, class T, std::size_t... I, std::size_t... P>
void complex_forward(const void* const* in, void* out, std::int64_t n, const double* params,
                     std::index_sequence<I...>, std::index_sequence<P...>) {
  const T* const x[] = {static_cast<const T*>(in[I])...};
  using Result = std::conditional_t<F::promote == Promote::ToBool, bool, T>;
  auto* y = static_cast<Result*>(out);
  for (std::int64_t i = 0; i < n; ++i)
    y[i] = static_cast<Result>(F::value(x[I][i]..., convert_number<T>(params[P])...));
}

// g times the conjugate of the local derivative: so is the gradient of a real result with respect
// to a complex number, ∂L/∂re + i ∂L/∂im.
template <class F, int Input, class T, std::size_t... I, std::size_t... P>
void complex_backward(const void* const* in, void* out, std::int64_t n, const double* params,
                      std::index_sequence<I...>, std::index_sequence<P...>) {
  const T* const g = static_cast<const T*>(in[0]);
  const T* const x[] = {static_cast<const T*>(in[I + 1])...};
  const T* const y = static_cast<const T*>(in[F::arity + 1]);
  auto* gx = static_cast<T*>(out);
  for (std::int64_t i = 0; i < n; ++i) {
    const T local =
        Local<F, Input>::template at<T>(x[I][i]..., y[i], convert_number<T>(params[P])...);
    gx[i] = F::masks && local == T(0) ? T(0) : g[i] * conj(local);
  }
}

template <class F, class T> constexpr void add_complex_kernels(FormulaKernels& k) {
  using Inputs = std::make_index_sequence<F::arity>;
  using Params = std::make_index_sequence<F::params>;
  constexpr int d = static_cast<int>(dtype_of<T>);
  k.forward[d] = [](const void* const* in, void* out, std::int64_t n, const double* p) {
    complex_forward<F, T>(in, out, n, p, Inputs(), Params());
  };
  const auto backward = [&]<int Input>(std::integral_constant<int, Input>) {
    if constexpr (has_local<F, Input>())
      k.backward[Input][d] = [](const void* const* in, void* out, std::int64_t n, const double* p) {
        complex_backward<F, Input, T>(in, out, n, p, Inputs(), Params());
      };
  };
  backward(std::integral_constant<int, 0>());
  backward(std::integral_constant<int, 1>());
  backward(std::integral_constant<int, 2>());
}

template <class F> constexpr FormulaKernels complex_kernels() {
  FormulaKernels k{};
  k.name = F::name;
  if constexpr (F::complex) {
    if constexpr (F::promote != Promote::ToDouble) add_complex_kernels<F, Complex<float>>(k);
    add_complex_kernels<F, Complex<double>>(k);
  }
  return k;
}

}  // namespace BACKLIT_ISA
}  // namespace backlit
