// Tensors over or from what is there already: as_tensor, asarray, frombuffer, empty_strided, ...
#include <cstring>

#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/factory.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

// The memory of data where it has some that a tensor can look at, else a copy.
Tensor shared_or_new(PyObject* data, std::optional<Dtype> dtype) {
  const bool array = is_numpy_array(data);
  if (!array && !is_tensor(data)) return tensor_from_data(data, dtype);
  const Tensor t = array ? tensor_over_buffer(data, data)
                         : Tensor::borrow(reinterpret_cast<TensorObject*>(data));
  return to_dtype(t, dtype.value_or(t.dtype()));
}

Tensor as_tensor_op(Any data, std::optional<Dtype> dtype, Any device) {
  check_device(device.object);
  return shared_or_new(data.object, dtype);
}
const RegisterAny as_tensor_row(
    "as_tensor(any data, dtype? dtype=None, any device=None) -> Tensor", as_tensor_op,
    {.meaning =
         "data as a tensor, without a copy where it is a tensor or a NumPy array of that dtype.",
     .example = "torch.as_tensor([1, 2]) -> tensor([1, 2])"});

Tensor over_bytes(PyObject* buffer, Dtype dtype, std::int64_t count, std::int64_t offset) {
  const Tensor bytes = tensor_over_bytes(buffer);
  const std::int64_t total = bytes.numel(), item = static_cast<std::int64_t>(size_of(dtype));
  BACKLIT_CHECK(total > 0 && count != 0, Value, "both buffer length (", total, ") and count (",
                count, ") must not be 0");
  BACKLIT_CHECK(offset >= 0 && offset < total, Value, "offset (", offset,
                " bytes) must be non-negative and no greater than buffer length (", total,
                " bytes) minus 1");
  BACKLIT_CHECK(count > 0 || (total - offset) % item == 0, Value, "buffer length (", total - offset,
                " bytes) after offset (", offset, " bytes) must be a multiple of element size (",
                item, ")");
  const std::int64_t n = count < 0 ? (total - offset) / item : count;
  BACKLIT_CHECK(n <= (total - offset) / item, Value, "requested buffer length (", n, " * ", item,
                " bytes) after offset (", offset,
                " bytes) must not be greater than actual buffer length (", total, " bytes)");
  retain(bytes->storage);
  return Tensor::over(bytes->storage, bytes.raw() + offset, contiguous_layout(Dims{n}), dtype);
}

Tensor frombuffer_op(Any buffer, Dtype dtype, std::int64_t count, std::int64_t offset,
                     bool requires_grad) {
  BACKLIT_CHECK(PyObject_CheckBuffer(buffer.object), Value,
                "object does not implement Python buffer protocol.");
  return with_requires_grad(over_bytes(buffer.object, dtype, count, offset), requires_grad);
}
const RegisterAny frombuffer_row(
    "frombuffer(any buffer, *, dtype dtype, int count=-1, int offset=0, bool requires_grad=False) "
    "-> Tensor",
    frombuffer_op,
    {.meaning = "The bytes of a buffer, from offset on, as a 1-D tensor over the same memory."});

Tensor asarray_op(Any obj, std::optional<Dtype> dtype, Any device, Any copy,
                  std::optional<bool> grad) {
  check_device(device.object);
  PyObject* o = obj.object;
  if (!grad && is_tensor(o) && Tensor::borrow(reinterpret_cast<TensorObject*>(o)).requires_grad() &&
      PyErr_WarnEx(
          PyExc_UserWarning,
          "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of "
          "False. "
          "Pass requires_grad=False explicitly to get the old behavior and silence this warning.",
          1) < 0)
    throw PythonErrorSet();
  const bool must = copy.object == Py_True, never = copy.object == Py_False;
  Tensor t;
  if (is_tensor(o) || is_numpy_array(o)) {
    t = shared_or_new(o, dtype);
    const Tensor source = shared_or_new(o, std::nullopt);
    BACKLIT_CHECK(!never || t.dtype() == source.dtype(), Value, "can't alias tensor with dtype '",
                  info(source.dtype()).scalar_name, "' into dtype '", info(t.dtype()).scalar_name,
                  "'.");
    if (must && t.raw() == source.raw()) t = clone(t);
  } else if (PyObject_CheckBuffer(o) && !scalar_dtype(o)) {
    t = over_bytes(o, dtype.value_or(default_dtype()), -1, 0);
    if (must) t = clone(t);
  } else {
    BACKLIT_CHECK(!never, Value, "can't alias arbitrary sequence into a tensor.");
    t = tensor_from_data(o, dtype);
  }
  const bool requires_grad = grad.value_or(t.requires_grad());
  if (t.requires_grad() && !requires_grad) return detach(t);
  if (requires_grad && !t.requires_grad()) t = with_requires_grad(detach(t), true);
  return t;
}
const RegisterAny asarray_row(
    "asarray(any obj, *, dtype? dtype=None, any device=None, any copy=None, bool? "
    "requires_grad=None) -> Tensor",
    asarray_op,
    {.meaning = "obj as a tensor; copy says whether its memory must (True) or must not (False) be "
                "copied."});

Tensor scalar_tensor_op(const Scalar& s, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  const Dtype d = dtype.value_or(default_dtype());
  check_fits(s, d, nullptr);
  Tensor y = Tensor::empty(Dims{}, d);
  s.write(y.raw(), d);
  return with_requires_grad(std::move(y), requires_grad);
}
const RegisterAny scalar_tensor_row(
    "scalar_tensor(Scalar s, *, " BACKLIT_FACTORY ") -> Tensor", scalar_tensor_op,
    {.meaning = "A 0-d tensor that holds the number, of the default dtype.",
     .example = "torch.scalar_tensor(2) -> tensor(2.)"});

Tensor empty_strided(Span sizes, Span strides, Dtype dtype) {
  BACKLIT_CHECK(sizes.size() == strides.size(), Runtime, "dimensionality of sizes (", sizes.size(),
                ") must match dimensionality of strides (", strides.size(), ")");
  for (auto s : sizes)
    BACKLIT_CHECK(s >= 0, Runtime, "Trying to create tensor with negative dimension ", s, ": ",
                  to_string(sizes));
  std::int64_t extent = 1;
  bool overflow = false;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    BACKLIT_CHECK(strides[d] >= 0, Runtime,
                  "Storage size calculation overflowed with sizes=", to_string(sizes),
                  " and strides=", to_string(strides));
    std::int64_t step = 0;
    if (sizes[d]) overflow |= __builtin_mul_overflow(sizes[d] - 1, strides[d], &step);
    overflow |= __builtin_add_overflow(extent, step, &extent);
  }
  if (product(sizes) == 0) extent = 0;
  BACKLIT_CHECK(!overflow, Runtime,
                "Storage size calculation overflowed with sizes=", to_string(sizes),
                " and strides=", to_string(strides));
  const Tensor flat = Tensor::empty(Dims{extent}, dtype);
  return flat.alias(strided_layout(sizes, strides));
}
Tensor empty_strided_op(const Dims& size, const Dims& stride, BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(empty_strided(size, stride, dtype.value_or(default_dtype())),
                            requires_grad);
}
Tensor new_empty_strided_op(const Tensor& x, const Dims& size, const Dims& stride,
                            BACKLIT_FACTORY_PARAMETERS) {
  check_device(device.object);
  return with_requires_grad(empty_strided(size, stride, dtype.value_or(x.dtype())), requires_grad);
}
const RegisterAny empty_strided_row("empty_strided(int[] size, int[] stride, *, " BACKLIT_FACTORY
                                    ") -> Tensor",
                                    empty_strided_op,
                                    {.meaning = "As empty, with the given strides."});
const RegisterAny new_empty_strided_row(
    "new_empty_strided(Tensor input, int[] size, int[] stride, *, " BACKLIT_FACTORY ") -> Tensor",
    new_empty_strided_op,
    {.meaning = "As empty_strided, with the dtype of input.", .function = false});

Tensor new_tensor_op(const Tensor& x, Any data, std::optional<Dtype> dtype, Any device,
                     bool requires_grad) {
  check_device(device.object);
  warn_copy_of_tensor(data.object, "tensor.new_tensor(sourceTensor)");
  return with_requires_grad(tensor_from_data(data.object, dtype.value_or(x.dtype())),
                            requires_grad);
}
const RegisterAny new_tensor_row(
    "new_tensor(Tensor input, any data, *, dtype? dtype=None, any device=None, bool "
    "requires_grad=False) "
    "-> Tensor",
    new_tensor_op, {.meaning = "As tensor, with the dtype of input.", .function = false});

Dtype result_type_op(Any a, Any b) {
  const auto operand = [](PyObject* o, const char* name, int position) {
    if (is_tensor(o)) return Operand(reinterpret_cast<TensorObject*>(o));
    BACKLIT_CHECK(is_number(o), Type, "result_type(): argument '", name, "' (position ", position,
                  ") must be Tensor, not ", Py_TYPE(o)->tp_name);
    return Operand(scalar_from_object(o));
  };
  const Operand in[] = {operand(a.object, "tensor1", 1), operand(b.object, "tensor2", 2)};
  return result_type(in);
}
const RegisterAny result_type_row("result_type(any tensor1, any tensor2) -> dtype", result_type_op,
                                  {.meaning = "The dtype of an arithmetic operation on the two.",
                                   .method = false});

}  // namespace
}  // namespace backlit::ops
