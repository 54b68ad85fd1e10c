// Random tensors: the numbers of PyTorch's CPU generator for the same seed.
#include <cmath>
#include <cstring>
#include <numbers>

#include "graph/inplace.h"
#include "kernels/random_fill.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/factory.h"
#include "ops/floats.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

// The parts of a complex number share its variance.
constexpr double kHalfVariance = 1 / std::numbers::sqrt2;
std::int64_t real_numbers(const Tensor& y) { return y.numel() * (y.is_complex() ? 2 : 1); }

Dtype floating(std::optional<Dtype> dtype, const Tensor& out) {
  return dtype ? *dtype : out.defined() ? out.dtype() : default_dtype();
}

Tensor rand_op(const Dims& size, Generator* generator, const Tensor& out,
               BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  Tensor y = Tensor::empty(size, floating(dtype, out));
  visit_floats(real_of(y.dtype()), "check_uniform_bounds", [&](auto zero) {
    fill_uniform(y.data<decltype(zero)>(), real_numbers(y), 0, 1, *generator);
  });
  return finish_factory(y, out, dtype, requires_grad);
}
Tensor randn_op(const Dims& size, Generator* generator, const Tensor& out,
                BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  Tensor y = Tensor::empty(size, floating(dtype, out));
  const double deviation = y.is_complex() ? kHalfVariance : 1;
  visit_floats(real_of(y.dtype()), "normal_kernel_cpu", [&](auto zero) {
    fill_normal(y.data<decltype(zero)>(), real_numbers(y), 0, deviation, *generator);
  });
  return finish_factory(y, out, dtype, requires_grad);
}
const RegisterComplex rand_row(
    "rand(int* size, *, Generator? generator=None, Tensor? out=None, " BACKLIT_FACTORY
    ") -> Tensor",
    rand_op, {.meaning = "Random numbers, uniform in [0, 1)."});
const RegisterComplex randn_row(
    "randn(int* size, *, Generator? generator=None, Tensor? out=None, " BACKLIT_FACTORY
    ") -> Tensor",
    randn_op, {.meaning = "Random numbers, normal with mean 0 and deviation 1."});

Tensor randint(std::int64_t low, std::int64_t high, const Dims& size, Generator* generator,
               const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  const Dtype d = dtype ? *dtype : out.defined() ? out.dtype() : Dtype::Int64;
  const RandomRange range = random_range(d, low, high);
  Tensor y = Tensor::empty(size, d);
  fill_random_range(d, y.raw(), y.numel(), range, *generator);
  return finish_factory(y, out, dtype, requires_grad);
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
    "randint(int low, int high, int[] size, *, Generator? generator=None, Tensor? "
    "out=None, " BACKLIT_FACTORY ") -> Tensor",
    randint_op, {.meaning = "Random integers, uniform in [low, high)."});

Tensor randperm_op(std::int64_t n, Generator* generator, const Tensor& out,
                   BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  BACKLIT_CHECK(n >= 0, Runtime, "Trying to create tensor with negative dimension ", n, ": [", n,
                "]");
  Tensor y = Tensor::empty(Dims{n}, Dtype::Int64);
  fill_randperm(y.data<std::int64_t>(), n, *generator);
  const Dtype d = dtype ? *dtype : out.defined() ? out.dtype() : Dtype::Int64;
  return finish_factory(to_dtype(y, d), out, dtype, requires_grad);
}
const Register randperm_row(
    "randperm(int n, *, Generator? generator=None, Tensor? out=None, " BACKLIT_FACTORY
    ") -> Tensor",
    randperm_op, {.meaning = "A random permutation of 0, ..., n - 1."});

// The dimensions from the outermost in memory to the innermost: PyTorch draws in that order.
Dims memory_order(const Tensor& x) {
  Dims order;
  for (int d = 0; d < x.dim(); ++d) {
    order.push_back(d);
    for (int at = d; at > 0; --at) {
      const auto outer = static_cast<int>(order[at - 1]), inner = static_cast<int>(order[at]);
      const std::int64_t a = x.layout().stride(outer), b = x.layout().stride(inner);
      if (a > b || (a == b && x.layout().size(outer) >= x.layout().size(inner))) break;
      std::swap(order.v[at - 1], order.v[at]);
    }
  }
  return order;
}

// Runs `fill` on x's memory. What x was before does not matter to what it is then: gradient zero.
template <class Fill> Tensor fill_random_in_place(const char* name, const Tensor& x, Fill fill) {
  const auto change = [&] {
    if (x.is_contiguous()) return fill(x);
    GradMode off(false);
    const Tensor ordered = permute(x, memory_order(x));
    if (ordered.is_contiguous()) return fill(ordered);
    Tensor dense = Tensor::empty(ordered.sizes(), x.dtype());
    fill(dense);
    copy_in_place(ordered, dense);
  };
  return record_in_place(name, x, {x}, {}, change,
                         [](Vjp& v) { v.set(0, Tensor::zeros(v.g().sizes(), v.g().dtype())); });
}

Tensor uniform_op(const Tensor& x, double from, double to, Generator* generator) {
  BACKLIT_CHECK(from <= to, Runtime,
                "uniform_ expects to return a [from, to) range, but found from=", from,
                " > to=", to);
  return fill_random_in_place("UniformBackward0", x, [&](const Tensor& y) {
    visit_floats(real_of(y.dtype()), "check_uniform_bounds", [&](auto zero) {
      fill_uniform(y.data<decltype(zero)>(), real_numbers(y), from, to, *generator);
    });
  });
}
const RegisterComplex uniform_row(
    "uniform_(Tensor input, float from=0, float to=1, *, Generator? generator=None) -> Tensor",
    uniform_op,
    {.meaning = "Fills with random numbers, uniform in [from, to).", .function = false});

Tensor normal_in_place_op(const Tensor& x, double mean, double std, Generator* generator) {
  BACKLIT_CHECK(std >= 0, Runtime, "normal expects std >= 0.0, but found std ", std);
  const bool serial = !x.is_contiguous();
  if (x.is_complex()) std *= kHalfVariance;
  return fill_random_in_place("NormalBackward0", x, [&](const Tensor& y) {
    visit_floats(real_of(y.dtype()), "normal_kernel_cpu", [&](auto zero) {
      using T = decltype(zero);
      if (serial)
        fill_normal_serial(y.data<T>(), real_numbers(y), mean, std, *generator);
      else
        fill_normal(y.data<T>(), real_numbers(y), mean, std, *generator);
    });
  });
}
const RegisterComplex normal_in_place_row(
    "normal_(Tensor input, float mean=0, float std=1, *, Generator? generator=None) -> Tensor",
    normal_in_place_op,
    {.meaning = "Fills with random numbers, normal with that mean and deviation.",
     .function = false});

// --- further distributions, in place ---

Tensor random_between(const char* name, const Tensor& x, std::int64_t from,
                      std::optional<std::int64_t> to, Generator* generator) {
  const RandomRange range = random_range(x.dtype(), from, to);
  return fill_random_in_place(name, x, [&](const Tensor& y) {
    fill_random_range(y.dtype(), y.raw(), y.numel(), range, *generator);
  });
}
Tensor random_range_op(const Tensor& x, std::int64_t from, std::optional<std::int64_t> to,
                       Generator* generator) {
  return random_between("RandomBackward0", x, from, to, generator);
}
Tensor random_to_op(const Tensor& x, std::int64_t to, Generator* generator) {
  return random_between("RandomBackward1", x, 0, to, generator);
}
Tensor random_op(const Tensor& x, Generator* generator) {
  return fill_random_in_place("RandomBackward2", x, [&](const Tensor& y) {
    fill_random(y.dtype(), y.raw(), y.numel(), *generator);
  });
}
const Register random_row("random_(Tensor input, *, Generator? generator=None) -> Tensor",
                          random_op,
                          {.meaning = "Fills with random integers, over the range of the dtype.",
                           .function = false});
const Register random_to_row(
    "random_(Tensor input, int to, *, Generator? generator=None) -> Tensor", random_to_op,
    {.function = false});
const Register random_range_row(
    "random_(Tensor input, int from, int? to, *, Generator? generator=None) -> Tensor",
    random_range_op, {.function = false});

// One in-place distribution of two parameters over floating dtypes.
#define BACKLIT_DISTRIBUTION(name, node, kernel, error, signature, text)        \
  Tensor name##_op(const Tensor& x, double a, double b, Generator* generator) { \
    return fill_random_in_place(node, x, [&](const Tensor& y) {                 \
      visit_floats(y.dtype(), error, [&](auto zero) {                           \
        kernel(y.data<decltype(zero)>(), y.numel(), a, b, *generator);          \
      });                                                                       \
    });                                                                         \
  }                                                                             \
  const Register name##_row(signature, name##_op, {.meaning = text, .function = false})
BACKLIT_DISTRIBUTION(
    log_normal, "LogNormalBackward0", fill_log_normal, "log_normal_cpu",
    "log_normal_(Tensor input, float mean=1, float std=2, *, Generator? generator=None) -> Tensor",
    "Fills with exponentials of normal numbers with that mean and deviation.");
BACKLIT_DISTRIBUTION(
    cauchy, "CauchyBackward0", fill_cauchy, "cauchy_cpu",
    "cauchy_(Tensor input, float median=0, float sigma=1, *, Generator? generator=None) -> Tensor",
    "Fills with numbers of a Cauchy distribution.");
#undef BACKLIT_DISTRIBUTION

Tensor exponential_op(const Tensor& x, double lambd, Generator* generator) {
  BACKLIT_CHECK(
      x.is_floating(), Runtime,
      "Exponential distribution is a continuous probability distribution. dtype must be a floating "
      "point but you specified ",
      info(x.dtype()).scalar_name);
  return fill_random_in_place("ExponentialBackward0", x, [&](const Tensor& y) {
    visit_floats(y.dtype(), "exponential_cpu", [&](auto zero) {
      fill_exponential(y.data<decltype(zero)>(), y.numel(), lambd, *generator);
    });
  });
}
const Register exponential_row(
    "exponential_(Tensor input, float lambd=1, *, Generator? generator=None) -> Tensor",
    exponential_op,
    {.meaning = "Fills with numbers of an exponential distribution of that rate.",
     .function = false});

Tensor geometric_op(const Tensor& x, double p, Generator* generator) {
  return fill_random_in_place("GeometricBackward0", x, [&](const Tensor& y) {
    BACKLIT_CHECK(y.dtype() != Dtype::Bool, NotImplemented,
                  "\"geometric_cpu\" not implemented for 'Bool'");
    fill_geometric(y.dtype(), y.raw(), y.numel(), p, *generator);
  });
}
const Register geometric_row(
    "geometric_(Tensor input, float p, *, Generator? generator=None) -> Tensor", geometric_op,
    {.meaning = "Fills with the number of trials up to the first success.", .function = false});

// --- bernoulli ---

Tensor bernoulli_in_place_op(const Tensor& x, double p, Generator* generator) {
  return fill_random_in_place("BernoulliBackward2", x, [&](const Tensor& y) {
    fill_bernoulli(y.dtype(), y.raw(), y.numel(), p, *generator);
  });
}
// Probabilities differ by element: drawn in the order of x's memory, p laid out alike.
Tensor bernoulli_tensor_op(const Tensor& x, const Tensor& p, Generator* generator) {
  BACKLIT_CHECK(p.is_floating(), Runtime,
                "expected probabilities tensor to have floating type, got ",
                info(p.dtype()).scalar_name);
  const auto change = [&] {
    GradMode off(false);
    const Dims order = memory_order(x);
    const Tensor to = permute(x, order);
    const Tensor from = clone_contiguous(permute(expand(p, x.sizes()), order));
    Tensor y = Tensor::empty(to.sizes(), x.dtype());
    fill_bernoulli(y.dtype(), y.raw(), y.numel(), p.dtype(), from.raw(), *generator);
    copy_in_place(to, y);
  };
  return record_in_place("BernoulliBackward1", x, {x, p}, {}, change,
                         [sizes = Dims(p.sizes()), dtype = p.dtype()](Vjp& v) {
                           v.set(0, Tensor::zeros(v.g().sizes(), v.g().dtype()));
                           if (v.needs(1)) v.set(1, Tensor::zeros(sizes, dtype));
                         });
}
const Register bernoulli_tensor_row(
    "bernoulli_(Tensor input, Tensor p, *, Generator? generator=None) -> Tensor",
    bernoulli_tensor_op, {.meaning = "Fills with 1 (with probability p) or 0.", .function = false});
const Register bernoulli_in_place_row(
    "bernoulli_(Tensor input, float p=0.5, *, Generator? generator=None) -> Tensor",
    bernoulli_in_place_op, {.function = false});

// y, drawn with x as parameter: the gradient is zero.
Tensor zero_gradient(const char* node, const Tensor& x, Tensor y) {
  return record(node, std::move(y), {x}, {}, [sizes = Dims(x.sizes()), dtype = x.dtype()](Vjp& v) {
    v.set(0, Tensor::zeros(sizes, dtype));
  });
}
Tensor bernoulli_op(const Tensor& x, Generator* generator, const Tensor& out) {
  BACKLIT_CHECK(x.is_floating(), NotImplemented,
                "\"bernoulli_tensor_cpu_p_\" not implemented for '", info(x.dtype()).scalar_name,
                "'");
  Tensor y = empty_as(x, std::nullopt);
  bernoulli_tensor_op(y, x, generator);
  return out.defined() ? into_given(std::move(y), out)
                       : zero_gradient("BernoulliBackward0", x, std::move(y));
}
Tensor bernoulli_p_op(const Tensor& x, double p, Generator* generator) {
  return zero_gradient("BernoulliBackward0", x,
                       bernoulli_in_place_op(empty_as(x, std::nullopt), p, generator));
}
const Register bernoulli_row(
    "bernoulli(Tensor input, *, Generator? generator=None, Tensor? out=None) -> Tensor",
    bernoulli_op,
    {.meaning = "1 with the probability that input holds, else 0.", .gradient = "∂L/∂x = 0"});
const Register bernoulli_p_row(
    "bernoulli(Tensor input, float p, *, Generator? generator=None) -> Tensor", bernoulli_p_op,
    {.gradient = "∂L/∂x = 0"});

// --- poisson ---

Tensor poisson_op(const Tensor& x, Generator* generator) {
  const Tensor rates = contiguous(detach(x));
  Tensor y = Tensor::empty(x.sizes(), x.dtype());
  visit_floats(x.dtype(), "poisson_cpu", [&](auto zero) {
    using T = decltype(zero);
    fill_poisson(y.data<T>(), y.numel(), rates.data<T>(), *generator);
  });
  return zero_gradient("PoissonBackward0", x, std::move(y));
}
const Register poisson_row("poisson(Tensor input, Generator? generator=None) -> Tensor", poisson_op,
                           {.meaning = "Counts of a Poisson distribution whose rates input holds.",
                            .gradient = "∂L/∂x = 0",
                            .method = false});

// --- normal with tensors ---

void check_deviations(const Tensor& std) {
  bool good = true;
  const Tensor dense = contiguous(std);
  visit_floats(std.dtype(), "normal", [&](auto zero) {
    const auto* p = dense.data<decltype(zero)>();
    for (std::int64_t i = 0; i < dense.numel(); ++i) good = good && p[i] >= 0;
  });
  BACKLIT_CHECK(good, Runtime, "normal expects all elements of std >= 0.0");
}
Tensor standard_normal(Span sizes, Dtype dtype, Generator* generator) {
  return normal_in_place_op(Tensor::empty(sizes, dtype), 0, 1, generator);
}
Tensor given(Tensor y, const Tensor& out) {
  return out.defined() ? into_given(std::move(y), out) : y;
}
Tensor normal_both_op(const Tensor& mean, const Tensor& std, Generator* generator,
                      const Tensor& out) {
  check_deviations(std);
  const Dims sizes = broadcast_sizes(mean.sizes(), std.sizes());
  Tensor y = standard_normal(sizes, mean.dtype(), generator);
  y = given(add(mul(y, detach(std)), detach(mean)), out);
  return record("NormalBackward3", std::move(y), {mean, std}, {},
                [mean = Dims(mean.sizes()), std = Dims(std.sizes())](Vjp& v) {
                  if (v.needs(0)) v.set(0, Tensor::zeros(mean, v.g().dtype()));
                  if (v.needs(1)) v.set(1, Tensor::zeros(std, v.g().dtype()));
                });
}
Tensor normal_mean_op(const Tensor& mean, double std, Generator* generator, const Tensor& out) {
  const Tensor y = normal_in_place_op(Tensor::empty(mean.sizes(), mean.dtype()), 0, std, generator);
  return zero_gradient("NormalBackward1", mean, given(add(y, detach(mean)), out));
}
Tensor normal_std_op(double mean, const Tensor& std, Generator* generator, const Tensor& out) {
  check_deviations(std);
  Tensor y = mul(standard_normal(std.sizes(), std.dtype(), generator), detach(std));
  return zero_gradient("NormalBackward2", std, given(add(y, Scalar(mean)), out));
}
Tensor normal_size_op(double mean, double std, const Dims& size, Generator* generator,
                      const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  Tensor y = normal_in_place_op(Tensor::empty(size, floating(dtype, out)), mean, std, generator);
  return finish_factory(std::move(y), out, dtype, requires_grad);
}
const Register normal_both_row(
    "normal(Tensor mean, Tensor std, *, Generator? generator=None, Tensor? out=None) -> Tensor",
    normal_both_op, {.meaning = "Random numbers, normal with those means and deviations."});
const Register normal_mean_row(
    "normal(Tensor mean, float std=1, *, Generator? generator=None, Tensor? out=None) -> Tensor",
    normal_mean_op);
const Register normal_std_row(
    "normal(float mean, Tensor std, *, Generator? generator=None, Tensor? out=None) -> Tensor",
    normal_std_op);
const Register normal_size_row(
    "normal(float mean, float std, int[] size, *, Generator? generator=None, Tensor? "
    "out=None, " BACKLIT_FACTORY ") -> Tensor",
    normal_size_op);

// --- multinomial, and what has the sizes of another tensor ---

Tensor multinomial_op(const Tensor& x, std::int64_t num_samples, bool replacement,
                      Generator* generator, const Tensor& out) {
  BACKLIT_CHECK(x.dim() == 1 || x.dim() == 2, Runtime, "prob_dist must be 1 or 2 dim");
  BACKLIT_CHECK(x.is_floating(), Runtime,
                "multinomial only supports floating-point dtypes for input, got: ",
                info(x.dtype()).scalar_name);
  BACKLIT_CHECK(num_samples > 0, Runtime, "cannot sample n_sample <= 0 samples");
  const std::int64_t categories = x.size(-1), rows = x.dim() == 2 ? x.size(0) : 1;
  BACKLIT_CHECK(categories <= 1 << 24, Runtime, "number of categories cannot exceed 2^24");
  BACKLIT_CHECK(replacement || num_samples <= categories, Runtime,
                "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  BACKLIT_CHECK(!out.defined() || out.dtype() == Dtype::Int64, Runtime,
                "multinomial expects Long tensor out, got: ", info(out.dtype()).scalar_name);
  GradMode off(false);
  const Tensor dense = contiguous(x);
  Tensor y =
      Tensor::empty(x.dim() == 2 ? Dims{rows, num_samples} : Dims{num_samples}, Dtype::Int64);
  if (y.numel() && categories)
    visit_floats(x.dtype(), "multinomial", [&](auto zero) {
      multinomial(dense.data<decltype(zero)>(), rows, categories, num_samples, replacement,
                  y.data<std::int64_t>(), *generator);
    });
  return given(std::move(y), out);
}
const Register multinomial_row(
    "multinomial(Tensor input, int num_samples, bool replacement=False, *, Generator? "
    "generator=None, "
    "Tensor? out=None) -> Tensor",
    multinomial_op,
    {.meaning = "Indices drawn with the probabilities (or weights) in input's rows."});

Tensor rand_like_op(const Tensor& x, Generator* generator, BACKLIT_FACTORY_FORMAT_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(uniform_op(empty_as(x, dtype), 0, 1, generator), requires_grad);
}
Tensor randn_like_op(const Tensor& x, Generator* generator, BACKLIT_FACTORY_FORMAT_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(normal_in_place_op(empty_as(x, dtype), 0, 1, generator), requires_grad);
}
Tensor randint_like_op(const Tensor& x, std::int64_t low, std::int64_t high, Generator* generator,
                       BACKLIT_FACTORY_FORMAT_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(random_range_op(empty_as(x, dtype), low, high, generator),
                            requires_grad);
}
Tensor randint_like_high_op(const Tensor& x, std::int64_t high, Generator* generator,
                            BACKLIT_FACTORY_FORMAT_PARAMETERS) {
  return randint_like_op(x, 0, high, generator, dtype, {}, device, {}, requires_grad, {});
}
#define BACKLIT_LIKE "*, Generator? generator=None, " BACKLIT_FACTORY_FORMAT ") -> Tensor"
const RegisterComplex rand_like_row("rand_like(Tensor input, " BACKLIT_LIKE, rand_like_op,
                                    {.meaning = "As rand, with the size and dtype of input.",
                                     .method = false});
const RegisterComplex randn_like_row("randn_like(Tensor input, " BACKLIT_LIKE, randn_like_op,
                                     {.meaning = "As randn, with the size and dtype of input.",
                                      .method = false});
const Register randint_like_high_row("randint_like(Tensor input, int high, " BACKLIT_LIKE,
                                     randint_like_high_op,
                                     {.meaning = "As randint, with the size and dtype of input.",
                                      .method = false});
const Register randint_like_row("randint_like(Tensor input, int low, int high, " BACKLIT_LIKE,
                                randint_like_op, {.method = false});
#undef BACKLIT_LIKE

}  // namespace
}  // namespace backlit::ops
