// Creation of tensors from numbers: zeros, ones, full, empty, arange, linspace, logspace, eye, ...
#include "ops/creation.h"

#include <cmath>
#include <cstring>

#include "base/threads.h"
#include "graph/inplace.h"
#include "kernels/ranges.h"
#include "ops/arithmetic.h"
#include "ops/factory.h"
#include "ops/tile_run.h"
#include "ops/views.h"

namespace backlit {

void check_device(PyObject* device) {
  if (device == Py_None || device == device_object()) return;
  const Object checked = Object::steal(
      PyObject_CallOneArg(reinterpret_cast<PyObject*>(Py_TYPE(device_object())), device));
  if (!checked) throw PythonErrorSet();
}

Tensor with_requires_grad(Tensor t, bool requires_grad) {
  if (!requires_grad) return t;
  BACKLIT_CHECK(
      t.is_differentiable(), Runtime,
      "Only Tensors of floating point and complex dtype can require gradients. Got torch.",
      info(t.dtype()).name, ".");
  t->requires_grad = true;
  return t;
}

Tensor into_given(Tensor result, const Tensor& out) {
  check_inplace(out, false);
  if (!out.layout().same_sizes(result.layout()) && result.dtype() == out.dtype()) {
    std::swap(out->storage, result->storage);
    std::swap(out->data, result->data);
    std::swap(out->layout, result->layout);
  } else {
    if (!out.layout().same_sizes(result.layout())) {
      Tensor fresh = Tensor::empty(result.sizes(), out.dtype());
      std::swap(out->storage, fresh->storage);
      std::swap(out->data, fresh->data);
      std::swap(out->layout, fresh->layout);
    }
    ops::copy_in_place(out, result);
  }
  bump_version(out);
  return out;
}

Tensor finish_factory(Tensor y, const Tensor& out, std::optional<Dtype> dtype, bool requires_grad) {
  if (!out.defined()) return with_requires_grad(std::move(y), requires_grad);
  BACKLIT_CHECK(!dtype || *dtype == out.dtype(), Runtime, "dtype ",
                info(dtype.value_or(Dtype::Bool)).name, " does not match dtype of out parameter (",
                info(out.dtype()).name, ")");
  return with_requires_grad(into_given(std::move(y), out), requires_grad);
}

void check_sizes(Span sizes, const char* name) {
  for (auto s : sizes)
    BACKLIT_CHECK(s >= 0, Runtime, name, ": Dimension size must be non-negative. Got ",
                  to_string(sizes), ".");
}

Tensor empty_as(const Tensor& x, std::optional<Dtype> dtype) {
  const Dtype d = dtype.value_or(x.dtype());
  if (x.layout().dense) return Tensor::empty(x.layout_ref(), d);
  const Layout* l[] = {&x.layout()};
  return Tensor::empty(result_layout(x.sizes(), l), d);
}

namespace ops {
namespace {

Dtype chosen(std::optional<Dtype> dtype, const Tensor& out) {
  return dtype ? *dtype : out.defined() ? out.dtype() : default_dtype();
}

// Every element of y set to value.
Tensor filled(Tensor y, const Scalar& value) {
  fill_in_place(y, value);
  return y;
}

Tensor empty_op(const Dims& size, const Tensor& out, BACKLIT_FACTORY_FORMAT_PARAMETERS) {
  check_device(device.object);
  return finish_factory(Tensor::empty(size, chosen(dtype, out)), out, dtype, requires_grad);
}
Tensor zeros_op(const Dims& size, const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  check_sizes(size, "zeros");
  return finish_factory(Tensor::zeros(size, chosen(dtype, out)), out, dtype, requires_grad);
}
Tensor ones_op(const Dims& size, const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  return finish_factory(filled(Tensor::empty(size, chosen(dtype, out)), Scalar(1)), out, dtype,
                        requires_grad);
}

Dtype dtype_of_number(const Scalar& s) {
  const Operand in[] = {s};
  return result_type(in);
}

Tensor full_op(const Dims& size, const Scalar& value, const Tensor& out,
               BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  const Dtype d = dtype ? *dtype : out.defined() ? out.dtype() : dtype_of_number(value);
  check_fits(value, d, nullptr);
  return finish_factory(filled(Tensor::empty(size, d), value), out, dtype, requires_grad);
}

Tensor empty_like_op(const Tensor& x, BACKLIT_FACTORY_FORMAT_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(empty_as(x, dtype), requires_grad);
}
Tensor zeros_like_op(const Tensor& x, BACKLIT_FACTORY_FORMAT_PARAMETERS) {
  check_device(device.object);
  Tensor y = empty_as(x, dtype);
  if (y.numel()) std::memset(y.raw(), 0, static_cast<std::size_t>(y.numel()) * size_of(y.dtype()));
  return with_requires_grad(std::move(y), requires_grad);
}
Tensor ones_like_op(const Tensor& x, BACKLIT_FACTORY_FORMAT_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(filled(empty_as(x, dtype), Scalar(1)), requires_grad);
}
Tensor full_like_op(const Tensor& x, const Scalar& value, BACKLIT_FACTORY_FORMAT_PARAMETERS) {
  check_device(device.object);
  check_fits(value, dtype.value_or(x.dtype()), nullptr);
  return with_requires_grad(filled(empty_as(x, dtype), value), requires_grad);
}

Tensor new_empty_op(const Tensor& x, const Dims& size, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(Tensor::empty(size, dtype.value_or(x.dtype())), requires_grad);
}
Tensor new_zeros_op(const Tensor& x, const Dims& size, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(Tensor::zeros(size, dtype.value_or(x.dtype())), requires_grad);
}
Tensor new_ones_op(const Tensor& x, const Dims& size, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(filled(Tensor::empty(size, dtype.value_or(x.dtype())), Scalar(1)),
                            requires_grad);
}
Tensor new_full_op(const Tensor& x, const Dims& size, const Scalar& value,
                   BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  check_fits(value, dtype.value_or(x.dtype()), nullptr);
  return with_requires_grad(filled(Tensor::empty(size, dtype.value_or(x.dtype())), value),
                            requires_grad);
}

const RegisterAny empty_row(
    "empty(int* size, *, Tensor? out=None, " BACKLIT_FACTORY_FORMAT ") -> Tensor", empty_op,
    {.meaning = "A tensor of the given size whose contents are not defined."});
const RegisterAny zeros_row("zeros(int* size, *, Tensor? out=None, " BACKLIT_FACTORY ") -> Tensor",
                            zeros_op,
                            {.meaning = "A tensor of zeros.",
                             .formula = "y = 0",
                             .example = "torch.zeros(2) -> tensor([0., 0.])"});
const RegisterAny ones_row("ones(int* size, *, Tensor? out=None, " BACKLIT_FACTORY ") -> Tensor",
                           ones_op,
                           {.meaning = "A tensor of ones.",
                            .formula = "y = 1",
                            .example = "torch.ones(2) -> tensor([1., 1.])"});
const RegisterAny full_row(
    "full(int[] size, Scalar fill_value, *, Tensor? out=None, " BACKLIT_FACTORY ") -> Tensor",
    full_op,
    {.meaning =
         "A tensor with fill_value everywhere; its dtype is that of the number unless given.",
     .example = "torch.full((2,), 3.5) -> tensor([3.5000, 3.5000])"});
const RegisterAny empty_like_row(
    "empty_like(Tensor input, *, " BACKLIT_FACTORY_FORMAT ") -> Tensor", empty_like_op,
    {.meaning = "As empty, with the size, dtype and order of dimensions of input.",
     .method = false});
const RegisterAny zeros_like_row(
    "zeros_like(Tensor input, *, " BACKLIT_FACTORY_FORMAT ") -> Tensor", zeros_like_op,
    {.meaning = "Zeros with the size and dtype of input.", .method = false});
const RegisterAny ones_like_row("ones_like(Tensor input, *, " BACKLIT_FACTORY_FORMAT ") -> Tensor",
                                ones_like_op,
                                {.meaning = "Ones with the size and dtype of input.",
                                 .method = false});
const RegisterAny full_like_row(
    "full_like(Tensor input, Scalar fill_value, *, " BACKLIT_FACTORY_FORMAT ") -> Tensor",
    full_like_op,
    {.meaning = "fill_value everywhere, with the size and dtype of input.", .method = false});
const RegisterAny new_empty_row(
    "new_empty(Tensor input, int* size, *, " BACKLIT_FACTORY ") -> Tensor", new_empty_op,
    {.meaning = "As empty, with the dtype of input.", .function = false});
const RegisterAny new_zeros_row("new_zeros(Tensor input, int* size, *, " BACKLIT_FACTORY
                                ") -> Tensor",
                                new_zeros_op,
                                {.meaning = "Zeros with the dtype of input.", .function = false});
const RegisterAny new_ones_row("new_ones(Tensor input, int* size, *, " BACKLIT_FACTORY
                               ") -> Tensor",
                               new_ones_op,
                               {.meaning = "Ones with the dtype of input.", .function = false});
const RegisterAny new_full_row(
    "new_full(Tensor input, int[] size, Scalar fill_value, *, " BACKLIT_FACTORY ") -> Tensor",
    new_full_op, {.meaning = "fill_value everywhere, with the dtype of input.", .function = false});

// --- ranges ---

// PyTorch's number of elements of start, start + step, ... below end.
std::int64_t range_length(const Scalar& start, const Scalar& end, const Scalar& step, Dtype dtype) {
  double n;
  if (dtype == Dtype::Int64)
    n = std::ceil(static_cast<double>(end.i - start.i) / static_cast<double>(step.i));
  else
    n = std::ceil((end.d - start.d) / step.d);
  BACKLIT_CHECK(n >= 0 && n < 9.2e18, Runtime, "invalid size, possible overflow?");
  return static_cast<std::int64_t>(n);
}

Scalar truncated(const Scalar& s) {
  if (s.kind != Scalar::Kind::Float) return s;
  check_fits(s, Dtype::Int64, nullptr);
  Scalar t(static_cast<std::int64_t>(s.d));
  t.d = s.d;
  return t;
}

void check_range(const Scalar& start, const Scalar& end, const Scalar& step) {
  BACKLIT_CHECK(step.d > 0 || step.d < 0, Runtime, "step must be nonzero");
  BACKLIT_CHECK(std::isfinite(start.d) && std::isfinite(end.d), Runtime,
                "unsupported range: ", start.d, " -> ", end.d);
  BACKLIT_CHECK((step.d > 0 && end.d >= start.d) || (step.d < 0 && end.d <= start.d), Runtime,
                "upper bound and lower bound inconsistent with step sign. Got start=", start.d,
                ", end=", end.d, ", step=", step.d, ".");
}

Tensor arange(Scalar start, Scalar end, Scalar step, const Tensor& out,
              std::optional<Dtype> dtype) {
  const bool floats = start.kind == Scalar::Kind::Float || end.kind == Scalar::Kind::Float ||
                      step.kind == Scalar::Kind::Float;
  const Dtype d = dtype           ? *dtype
                  : out.defined() ? out.dtype()
                  : floats        ? default_dtype()
                                  : Dtype::Int64;
  BACKLIT_CHECK(d != Dtype::Bool, NotImplemented, "\"arange_cpu\" not implemented for 'Bool'");
  check_range(start, end, step);
  if (!is_floating(d)) {
    start = truncated(start);
    end = truncated(end);
    step = truncated(step);
    BACKLIT_CHECK(d != Dtype::Int64 || step.i != 0, Value, "step must be nonzero");
  }
  Tensor y = Tensor::empty(Dims{range_length(start, end, step, d)}, d);
  visit(d, [&](auto zero) {
    using T = decltype(zero);
    T* p = y.data<T>();
    if constexpr (std::is_floating_point_v<T>) {
      const GilRelease release(y.numel() > kGilReleaseElements);
      range_functions(zero).arange(p, y.numel(), start.d, step.d);
    } else {
      std::uint64_t v = static_cast<std::uint64_t>(start.i);
      for (std::int64_t i = 0; i < y.numel(); ++i, v += static_cast<std::uint64_t>(step.i))
        p[i] = static_cast<T>(v);
    }
  });
  return y;
}

Tensor arange_end_op(const Scalar& end, const Tensor& out, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  return finish_factory(arange(Scalar(0), end, Scalar(1), out, dtype), out, dtype, requires_grad);
}
Tensor arange_op(const Scalar& start, const Scalar& end, const Scalar& step, const Tensor& out,
                 BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  return finish_factory(arange(start, end, step, out, dtype), out, dtype, requires_grad);
}
const Register arange_end_row("arange(Scalar end, *, Tensor? out=None, " BACKLIT_FACTORY
                              ") -> Tensor",
                              arange_end_op,
                              {.meaning = "The numbers start, start + step, ... below end.",
                               .formula = "yᵢ = start + i·step",
                               .example = "torch.arange(3) -> tensor([0, 1, 2])"});
const Register arange_row(
    "arange(Scalar start, Scalar end, Scalar step=1, *, Tensor? out=None, " BACKLIT_FACTORY
    ") -> Tensor",
    arange_op,
    {.meaning = "The numbers start, start + step, ... below end.",
     .formula = "yᵢ = start + i·step"});

}  // namespace
}  // namespace ops
}  // namespace backlit
