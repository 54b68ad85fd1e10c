// Random tensors: the numbers of PyTorch's CPU generator for the same seed.
#include <cmath>
#include <cstring>

#include "kernels/random_fill.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"

namespace backlit::ops {
namespace {

#define BACKLIT_FACTORY                                                                       \
  "dtype? dtype=None, any layout=None, any device=None, any pin_memory=False, "               \
  "bool requires_grad=False"
#define BACKLIT_FACTORY_PARAMETERS \
  std::optional<Dtype> dtype, Any, Any device, Any, bool requires_grad

// Calls f with float or double memory; other dtypes fail with PyTorch's text.
template <class F> void visit_floating(Dtype d, const char* kernel, F&& f) {
  if (d == Dtype::Float32) return f(float{});
  if (d == Dtype::Float64) return f(double{});
  fail(ErrorKind::NotImplemented, "\"", kernel, "\" not implemented for '", info(d).scalar_name, "'");
}

Tensor finish(Tensor y, const Tensor& out, std::optional<Dtype> dtype, bool requires_grad) {
  if (out.defined()) {
    BACKLIT_CHECK(!dtype || *dtype == out.dtype(), Runtime, "dtype ", info(y.dtype()).name,
                  " does not match dtype of out parameter (", info(out.dtype()).name, ")");
    y = into_given(std::move(y), out);
  }
  return with_requires_grad(std::move(y), requires_grad);
}

Dtype floating(std::optional<Dtype> dtype, const Tensor& out) {
  return dtype ? *dtype : out.defined() ? out.dtype() : default_dtype();
}

Tensor rand_op(const Dims& size, Generator* generator, const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  Tensor y = Tensor::empty(size, floating(dtype, out));
  visit_floating(y.dtype(), "check_uniform_bounds", [&](auto zero) {
    fill_uniform(y.data<decltype(zero)>(), y.numel(), 0, 1, *generator);
  });
  return finish(y, out, dtype, requires_grad);
}
Tensor randn_op(const Dims& size, Generator* generator, const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  Tensor y = Tensor::empty(size, floating(dtype, out));
  visit_floating(y.dtype(), "normal_kernel_cpu", [&](auto zero) {
    fill_normal(y.data<decltype(zero)>(), y.numel(), 0, 1, *generator);
  });
  return finish(y, out, dtype, requires_grad);
}
const Register rand_row(
    "rand(int* size, *, Generator? generator=None, Tensor? out=None, " BACKLIT_FACTORY ") -> Tensor", rand_op,
    {.meaning = "Random numbers, uniform in [0, 1)."});
const Register randn_row(
    "randn(int* size, *, Generator? generator=None, Tensor? out=None, " BACKLIT_FACTORY ") -> Tensor",
    randn_op, {.meaning = "Random numbers, normal with mean 0 and deviation 1."});

Tensor randint(std::int64_t low, std::int64_t high, const Dims& size, Generator* generator,
               const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  const Dtype d = dtype ? *dtype : out.defined() ? out.dtype() : Dtype::Int64;
  const RandomRange range = random_range(d, low, high);
  Tensor y = Tensor::empty(size, d);
  fill_random_range(d, y.raw(), y.numel(), range, *generator);
  return finish(y, out, dtype, requires_grad);
}
Tensor randint_op(std::int64_t low, std::int64_t high, const Dims& size, Generator* generator,
                  const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  return randint(low, high, size, generator, out, dtype, {}, device, {}, requires_grad);
}
Tensor randint_high_op(std::int64_t high, const Dims& size, Generator* generator, const Tensor& out,
                       BACKLIT_FACTORY_PARAMETERS) {
  return randint(0, high, size, generator, out, dtype, {}, device, {}, requires_grad);
}
const Register randint_high_row(
    "randint(int high, int[] size, *, Generator? generator=None, Tensor? out=None, " BACKLIT_FACTORY
    ") -> Tensor",
    randint_high_op, {.meaning = "Random integers, uniform in [low, high)."});
const Register randint_row(
    "randint(int low, int high, int[] size, *, Generator? generator=None, Tensor? out=None, " BACKLIT_FACTORY
    ") -> Tensor",
    randint_op, {.meaning = "Random integers, uniform in [low, high)."});

Tensor randperm_op(std::int64_t n, Generator* generator, const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  BACKLIT_CHECK(n >= 0, Runtime, "n must be non-negative, got", n);
  Tensor y = Tensor::empty(Dims{n}, Dtype::Int64);
  fill_randperm(y.data<std::int64_t>(), n, *generator);
  const Dtype d = dtype ? *dtype : out.defined() ? out.dtype() : Dtype::Int64;
  return finish(to_dtype(y, d), out, dtype, requires_grad);
}
const Register randperm_row(
    "randperm(int n, *, Generator? generator=None, Tensor? out=None, " BACKLIT_FACTORY ") -> Tensor",
    randperm_op, {.meaning = "A random permutation of 0, ..., n - 1."});

// Runs `fill` on x's elements in row-major order, and bumps the version; no history.
template <class Fill> Tensor fill_random_in_place(const Tensor& x, Fill fill) {
  check_inplace(x);
  if (x.is_contiguous()) {
    fill(x);
  } else {
    Tensor dense = Tensor::empty(x.sizes(), x.dtype());
    fill(dense);
    copy_in_place(x, dense);
  }
  bump_version(x);
  return x;
}

Tensor uniform_op(const Tensor& x, double from, double to, Generator* generator) {
  BACKLIT_CHECK(from <= to, Runtime, "uniform_ expects to return a [from, to) range, but found from=", from,
                " > to=", to);
  return fill_random_in_place(x, [&](const Tensor& y) {
    visit_floating(y.dtype(), "check_uniform_bounds", [&](auto zero) {
      fill_uniform(y.data<decltype(zero)>(), y.numel(), from, to, *generator);
    });
  });
}
const Register uniform_row(
    "uniform_(Tensor input, float from=0, float to=1, *, Generator? generator=None) -> Tensor", uniform_op,
    {.meaning = "Fills with random numbers, uniform in [from, to).", .function = false});

Tensor normal_in_place_op(const Tensor& x, double mean, double std, Generator* generator) {
  BACKLIT_CHECK(std >= 0, Runtime, "normal expects std >= 0.0, but found std ", std);
  const bool serial = !x.is_contiguous();
  return fill_random_in_place(x, [&](const Tensor& y) {
    visit_floating(y.dtype(), "normal_kernel_cpu", [&](auto zero) {
      using T = decltype(zero);
      if (serial) fill_normal_serial(y.data<T>(), y.numel(), mean, std, *generator);
      else fill_normal(y.data<T>(), y.numel(), mean, std, *generator);
    });
  });
}
const Register normal_in_place_row(
    "normal_(Tensor input, float mean=0, float std=1, *, Generator? generator=None) -> Tensor",
    normal_in_place_op,
    {.meaning = "Fills with random numbers, normal with that mean and deviation.", .function = false});

}  // namespace
}  // namespace backlit::ops
