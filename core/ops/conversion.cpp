// Conversion of tensors: dtype, copies, and the in-place forms of both.
#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/memory_format.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

// Once per program, as in PyTorch.
void warn_discarded_part(const Tensor& x, Dtype dtype) {
  static bool warned = false;
  if (warned || !x.is_complex() || is_complex(dtype) || dtype == Dtype::Bool) return;
  warned = true;
  if (PyErr_WarnEx(PyExc_UserWarning, "Casting complex values to real discards the imaginary part",
                   1) < 0)
    throw PythonErrorSet();
}

Tensor converted(const Tensor& x, Dtype dtype, bool copy) {
  warn_discarded_part(x, dtype);
  if (x.dtype() != dtype) return to_dtype(x, dtype);
  return copy ? clone(x) : x;
}

Tensor converted(const Tensor& x, Dtype dtype, bool copy, Any format) {
  return laid_out(converted(x, dtype, copy), memory_format(format.object));
}

Tensor to_dtype_op(const Tensor& x, Dtype dtype, bool, bool copy, Any format) {
  return converted(x, dtype, copy, format);
}
Tensor to_other_op(const Tensor& x, const Tensor& other, bool, bool copy, Any format) {
  return converted(x, other.dtype(), copy, format);
}
Tensor to_device_op(const Tensor& x, Any device, std::optional<Dtype> dtype, bool, bool copy,
                    Any format) {
  check_device(device.object);
  return converted(x, dtype.value_or(x.dtype()), copy, format);
}
const RegisterAny to_dtype_row(
    "to(Tensor input, dtype dtype, bool non_blocking=False, bool copy=False, *, any "
    "memory_format=None) "
    "-> Tensor",
    to_dtype_op,
    {.meaning = "The tensor with that dtype; itself where nothing changes.",
     .gradient = "∂L/∂x = ∂L/∂y, converted back",
     .function = false});
const RegisterAny to_other_row(
    "to(Tensor input, Tensor other, bool non_blocking=False, bool copy=False, *, any "
    "memory_format=None) "
    "-> Tensor",
    to_other_op, {.function = false});
const RegisterAny to_device_row(
    "to(Tensor input, any device=None, dtype? dtype=None, bool non_blocking=False, bool "
    "copy=False, *, "
    "any memory_format=None) -> Tensor",
    to_device_op, {.function = false});

template <Dtype D> Tensor to_fixed(const Tensor& x, Any) { return converted(x, D, false); }
#define BACKLIT_CONVERSION(name, D)                                                      \
  const RegisterAny name##_row(#name "(Tensor input, any memory_format=None) -> Tensor", \
                               to_fixed<D>,                                              \
                               {.meaning = "The tensor converted to that dtype.",        \
                                .gradient = "∂L/∂x = ∂L/∂y, converted back",             \
                                .function = false})
BACKLIT_CONVERSION(half, Dtype::Float16);
BACKLIT_CONVERSION(bfloat16, Dtype::BFloat16);
BACKLIT_CONVERSION(float, Dtype::Float32);
BACKLIT_CONVERSION(double, Dtype::Float64);
BACKLIT_CONVERSION(cfloat, Dtype::Complex64);
BACKLIT_CONVERSION(cdouble, Dtype::Complex128);
BACKLIT_CONVERSION(int, Dtype::Int32);
BACKLIT_CONVERSION(long, Dtype::Int64);
BACKLIT_CONVERSION(short, Dtype::Int16);
BACKLIT_CONVERSION(char, Dtype::Int8);
BACKLIT_CONVERSION(byte, Dtype::UInt8);
BACKLIT_CONVERSION(bool, Dtype::Bool);
#undef BACKLIT_CONVERSION

Tensor type_as(const Tensor& x, const Tensor& other) { return converted(x, other.dtype(), false); }
const RegisterAny type_as_row("type_as(Tensor input, Tensor other) -> Tensor", type_as,
                              {.meaning = "input with the dtype of other.",
                               .gradient = "∂L/∂x = ∂L/∂y, converted back",
                               .function = false});

Tensor clone_op(const Tensor& x, Any format) {
  const Tensor there = laid_out(x, memory_format(format.object));
  return there.raw() == x.raw() ? clone(x) : there;
}
const RegisterAny clone_row("clone(Tensor input, *, any memory_format=None) -> Tensor", clone_op,
                            {.meaning = "A copy of the tensor, in the same order of dimensions.",
                             .formula = "y = x",
                             .gradient = "∂L/∂x = ∂L/∂y"});
Tensor contiguous_op(const Tensor& x, Any format) {
  const bool any = format.object == Py_None;
  return laid_out(x, any ? MemoryFormat::Contiguous : memory_format(format.object));
}
const RegisterAny contiguous_row(
    "contiguous(Tensor input, any memory_format=None) -> Tensor", contiguous_op,
    {.meaning = "The tensor itself where it is row-major without gaps, else a "
                "copy that is.",
     .formula = "y = x",
     .gradient = "∂L/∂x = ∂L/∂y",
     .function = false});

Tensor copy_op(const Tensor& x, const Operand& other, bool) {
  const Tensor from = other.t ? Tensor::borrow(other.t) : as_tensor(other.s);
  warn_discarded_part(from, x.dtype());
  return copy_(x, from);
}
const RegisterAny copy_row(
    "copy_(Tensor input, Tensor|Number other, bool non_blocking=False) -> Tensor", copy_op,
    {.meaning = "Copies other into input, broadcast and converted.",
     .formula = "x ← other",
     .gradient = "∂L/∂x = 0, ∂L/∂other = ∂L/∂y",
     .function = false});

Tensor fill_op(const Tensor& x, const Scalar& value) {
  check_fits(value, x.dtype(), nullptr);
  return record_in_place(
      "FillBackward2", x, {x}, {}, [&] { fill_in_place(x, value); },
      [](Vjp& v) { v.set(0, Tensor::zeros(v.g().sizes(), v.g().dtype())); });
}
Tensor fill_tensor_op(const Tensor& x, const Tensor& value) {
  BACKLIT_CHECK(value.dim() == 0, Runtime,
                "fill_ only supports 0-dimension value tensor but got tensor with ", value.dim(),
                " dimensions.");
  return record_in_place(
      "FillBackward3", x, {x, value}, {}, [&] { copy_in_place(x, value); },
      [sizes = Dims(), dtype = value.dtype()](Vjp& v) {
        if (v.needs(0)) v.set(0, Tensor::zeros(v.g().sizes(), v.g().dtype()));
        if (v.needs(1)) v.set(1, to_dtype(sum_to(v.g(), sizes), dtype));
      });
}
const RegisterAny fill_row("fill_(Tensor input, Scalar value) -> Tensor", fill_op,
                           {.meaning = "Sets every element to value.",
                            .formula = "x ← value",
                            .gradient = "∂L/∂x = 0"});
const RegisterAny fill_tensor_row("fill_(Tensor input, Tensor value) -> Tensor", fill_tensor_op,
                                  {.meaning = "Sets every element to value.",
                                   .formula = "x ← value",
                                   .gradient = "∂L/∂x = 0, ∂L/∂value = Σ ∂L/∂y"});
Tensor fill_copy(const Tensor& x, const Scalar& value) { return fill_op(clone(x), value); }
Tensor fill_tensor_copy(const Tensor& x, const Tensor& value) {
  return fill_tensor_op(clone(x), value);
}
const RegisterAny fill_copy_row("fill(Tensor input, Scalar value) -> Tensor", fill_copy,
                                {.meaning = "value everywhere, in the shape and dtype of input.",
                                 .formula = "y = value",
                                 .gradient = "∂L/∂x = 0",
                                 .method = false});
const RegisterAny fill_tensor_copy_row(
    "fill(Tensor input, Tensor value) -> Tensor", fill_tensor_copy,
    {.meaning = "value everywhere, in the shape and dtype of input.",
     .formula = "y = value",
     .gradient = "∂L/∂x = 0, ∂L/∂value = Σ ∂L/∂y",
     .method = false});

Tensor zero_op(const Tensor& x) {
  return record_in_place(
      "ZeroBackward0", x, {x}, {}, [&] { fill_in_place(x, Scalar(0)); },
      [](Vjp& v) { v.set(0, Tensor::zeros(v.g().sizes(), v.g().dtype())); });
}
const RegisterAny zero_row("zero_(Tensor input) -> Tensor", zero_op,
                           {.meaning = "Sets every element to 0.",
                            .formula = "x ← 0",
                            .gradient = "∂L/∂x = 0"});

Tensor detach_in_place(const Tensor& x) {
  BACKLIT_CHECK(
      !(x->meta && x->meta->base), Runtime,
      "Can't detach views in-place. Use detach() instead. If you are using "
      "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, "
      "gradients are views of DDP buckets, and hence detach_() cannot be called on these "
      "gradients.");
  Py_CLEAR(x->grad_fn);
  x->output_nr = 0;
  x->requires_grad = false;
  return x;
}
const RegisterAny detach_row("detach_(Tensor input) -> Tensor", detach_in_place,
                             {.meaning = "Forgets the history of input, in place."});

Tensor cpu(const Tensor& x, Any) { return x; }
const RegisterAny cpu_row("cpu(Tensor input, any memory_format=None) -> Tensor", cpu,
                          {.meaning = "The tensor itself: there is one device.",
                           .function = false});

}  // namespace
}  // namespace backlit::ops
