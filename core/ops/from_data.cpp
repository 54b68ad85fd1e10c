// Tensors from Python data: nested sequences, numbers, NumPy arrays, other tensors.
#include <cmath>
#include <cstring>

#include "ops/arithmetic.h"
#include "ops/creation.h"

namespace backlit {
namespace {

struct NumpyName {
  const char* name;
  Dtype dtype;
};
constexpr NumpyName numpy_scalars[] = {
    {"numpy.float64", Dtype::Float64},     {"numpy.float32", Dtype::Float32},
    {"numpy.int64", Dtype::Int64},         {"numpy.longlong", Dtype::Int64},
    {"numpy.int32", Dtype::Int32},         {"numpy.intc", Dtype::Int32},
    {"numpy.int16", Dtype::Int16},         {"numpy.int8", Dtype::Int8},
    {"numpy.uint8", Dtype::UInt8},         {"numpy.bool", Dtype::Bool},
    {"numpy.bool_", Dtype::Bool},          {"numpy.float16", Dtype::Float16},
    {"numpy.complex64", Dtype::Complex64}, {"numpy.complex128", Dtype::Complex128}};

bool is_sequence(PyObject* o) {
  if (PyList_Check(o) || PyTuple_Check(o)) return true;
  return !PyUnicode_Check(o) && !PyBytes_Check(o) && !is_tensor(o) && PySequence_Check(o) &&
         !(is_numpy_array(o) && PyObject_Size(o) < 0 && (PyErr_Clear(), true));
}

Object as_fast(PyObject* o) {
  if (PyList_Check(o) || PyTuple_Check(o)) return Object::borrow(o);
  Object fast = Object::steal(PySequence_Fast(o, "not a sequence"));
  if (!fast) throw PythonErrorSet();
  return fast;
}

// Sizes and the dtype of nested sequences: the sizes are those of the first items, as in PyTorch.
struct Survey {
  Dims sizes;
  int found = -1;  // Dtype; -1: nothing yet

  void add(Dtype d) {
    if (found == static_cast<int>(d)) return;
    found = static_cast<int>(found < 0 ? d : promote_types(static_cast<Dtype>(found), d));
  }
  void measure(PyObject* o) {
    Object current = Object::borrow(o);
    while (is_sequence(current.get())) {
      const Object fast = as_fast(current.get());
      const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
      BACKLIT_CHECK(sizes.n < kMaxDims, Value, "too many dimensions '", Py_TYPE(o)->tp_name, "'");
      sizes.push_back(n);
      if (n == 0) return;
      current = Object::borrow(PySequence_Fast_GET_ITEM(fast.get(), 0));
    }
    BACKLIT_CHECK(!sizes.n || !(PyUnicode_Check(current.get()) || PyBytes_Check(current.get())),
                  Value, "too many dimensions '", Py_TYPE(current.get())->tp_name, "'");
  }
  void infer(PyObject* o, int depth = 0) {
    if (PyFloat_CheckExact(o)) return add(default_dtype());
    if (PyLong_CheckExact(o)) return add(Dtype::Int64);
    if (PyBool_Check(o)) return add(Dtype::Bool);
    if (is_sequence(o)) {
      BACKLIT_CHECK(depth <= kMaxDims, Value, "too many dimensions '", Py_TYPE(o)->tp_name, "'");
      const Object fast = as_fast(o);
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
        const Object item = Object::borrow(PySequence_Fast_GET_ITEM(fast.get(), i));
        infer(item.get(), depth + 1);
      }
      return;
    }
    const auto d = scalar_dtype(o);
    BACKLIT_CHECK(d || !(PyUnicode_Check(o) || PyBytes_Check(o)), Type,
                  "new(): invalid data type '", Py_TYPE(o)->tp_name, "'");
    BACKLIT_CHECK(d, Runtime, "Could not infer dtype of ", Py_TYPE(o)->tp_name);
    add(*d);
  }
};

// Writes nested sequences of the surveyed sizes, in order. Conversions may run Python code, so
// lengths are checked again.
struct Writer {
  const Dims& sizes;
  Dtype dtype;
  char* p;

  void write(PyObject* o, int depth) {
    if (depth == sizes.n) {
      BACKLIT_CHECK(!(PyList_Check(o) || PyTuple_Check(o)), Type, "'", Py_TYPE(o)->tp_name,
                    "' object cannot be interpreted as an integer");
      write_checked(o, p, dtype);
      p += size_of(dtype);
      return;
    }
    BACKLIT_CHECK(is_sequence(o), Type, "not a sequence");
    const Object fast = as_fast(o);
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
    BACKLIT_CHECK(n == sizes[depth], Value, "expected sequence of length ", sizes[depth],
                  " at dim ", depth, " (got ", n, ")");
    for (Py_ssize_t i = 0; i < n; ++i) {
      BACKLIT_CHECK(PySequence_Fast_GET_SIZE(fast.get()) == n, Runtime,
                    "the sequence changed while a tensor was made of it");
      PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
      if (depth + 1 == sizes.n && PyFloat_CheckExact(item) && dtype == Dtype::Float32) {
        const auto v = static_cast<float>(PyFloat_AS_DOUBLE(item));
        std::memcpy(p, &v, sizeof v);
        p += sizeof v;
        continue;
      }
      const Object keep = Object::borrow(item);
      write(item, depth + 1);
    }
  }
};

constexpr const char* kCppNames[] = {"bool", "uint8_t", "int8_t", "int16_t", "int", "int64_t"};

[[noreturn]] void fail_overflow(Dtype dtype, const char* type_name) {
  fail(ErrorKind::Runtime, "value cannot be converted to type ",
       type_name ? type_name : kCppNames[static_cast<int>(dtype)], " without overflow");
}

bool integer_fits(std::int64_t v, Dtype dtype) {
  switch (dtype) {
    case Dtype::UInt8: return v >= -255 && v <= 255;  // negative ones wrap, as in PyTorch
    case Dtype::Int8: return v >= -128 && v <= 127;
    case Dtype::Int16: return v >= -32768 && v <= 32767;
    case Dtype::Int32: return v >= INT32_MIN && v <= INT32_MAX;
    default: return true;
  }
}

}  // namespace

void check_fits(const Scalar& value, Dtype dtype, const char* type_name) {
  if (!is_integral(dtype)) return;
  if (value.kind == Scalar::Kind::Complex) {
    BACKLIT_CHECK(value.im == 0, Runtime, "value cannot be converted to type ",
                  type_name ? type_name : kCppNames[static_cast<int>(dtype)], " without overflow");
    return check_fits(Scalar(value.d), dtype, type_name);
  }
  if (value.kind == Scalar::Kind::Float) {
    const double low = dtype == Dtype::UInt8 ? -0.99 : -9.2233720368547758e18;
    if (!(value.d >= low && value.d < 9.2233720368547758e18) ||
        !integer_fits(static_cast<std::int64_t>(value.d), dtype))
      fail_overflow(dtype, type_name);
    return;
  }
  if (!integer_fits(value.i, dtype)) fail_overflow(dtype, type_name);
}

void write_checked(PyObject* number, void* p, Dtype dtype) {
  if (is_tensor(number)) {
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(number));
    BACKLIT_CHECK(t.numel() == 1, Value,
                  "only one element tensors can be converted to Python scalars");
  }
  if (is_complex(dtype) && !is_tensor(number)) {
    const Py_complex z = PyComplex_AsCComplex(number);
    if (z.real == -1.0 && PyErr_Occurred()) throw PythonErrorSet();
    return Scalar(Complex<double>{z.real, z.imag}).write(p, dtype);
  }
  if (is_floating(dtype) && !is_tensor(number)) {
    const double d = PyFloat_AsDouble(number);  // big integers too
    if (d == -1.0 && PyErr_Occurred()) throw PythonErrorSet();
    write_double(p, dtype, d);
    return;
  }
  if (PyLong_Check(number)) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(number, &overflow);
    BACKLIT_CHECK(!overflow, Value, "Overflow when unpacking long long");
    const Scalar s(static_cast<std::int64_t>(v));
    check_fits(s, dtype, info(dtype).name);
    s.write(p, dtype);
    return;
  }
  const Scalar s = scalar_from_object(number);
  check_fits(s, dtype, info(dtype).name);
  s.write(p, dtype);
}

std::optional<Dtype> scalar_dtype(PyObject* o) {
  if (is_tensor(o)) return reinterpret_cast<TensorObject*>(o)->dtype;
  const char* type = Py_TYPE(o)->tp_name;
  if (std::strncmp(type, "numpy.", 6) == 0) {
    for (const NumpyName& n : numpy_scalars)
      if (std::strcmp(n.name, type) == 0) return n.dtype;
    if (is_numpy_array(o)) return tensor_over_buffer(o, o).dtype();
  }
  if (PyBool_Check(o)) return Dtype::Bool;
  if (PyFloat_Check(o)) return default_dtype();
  if (PyLong_Check(o)) return Dtype::Int64;
  if (PyComplex_Check(o)) return complex_of(default_dtype());
  return std::nullopt;
}

bool is_plain_number(PyObject* o) {
  if (PyComplex_CheckExact(o)) return true;
  if (is_number(o)) return !is_numpy_array(o);
  return std::strncmp(Py_TYPE(o)->tp_name, "numpy.", 6) == 0 && !is_numpy_array(o) &&
         scalar_dtype(o);
}

bool is_numpy_array(PyObject* o) {
  static PyTypeObject* known = nullptr;
  if (known) return PyObject_TypeCheck(o, known);
  for (PyTypeObject* t = Py_TYPE(o); t; t = t->tp_base)
    if (std::strcmp(t->tp_name, "numpy.ndarray") == 0) {
      known = t;
      Py_INCREF(t);
      return true;
    }
  return false;
}

Tensor tensor_from_data(PyObject* data, std::optional<Dtype> dtype) {
  if (is_tensor(data) || is_numpy_array(data)) {
    const Tensor t = is_tensor(data) ? Tensor::borrow(reinterpret_cast<TensorObject*>(data))
                                     : tensor_over_buffer(data, data);
    GradMode off(false);
    if (t.dtype() == dtype.value_or(t.dtype())) return ops::clone(t);
    return ops::to_dtype(t, *dtype);
  }
  Survey s;
  s.measure(data);
  if (!dtype) s.infer(data);
  const Dtype d = dtype ? *dtype : s.found < 0 ? default_dtype() : static_cast<Dtype>(s.found);
  Tensor y = Tensor::empty(s.sizes, d);
  if (y.numel() == 0) return y;
  Writer{s.sizes, d, y.raw()}.write(data, 0);
  return y;
}

void warn_copy_of_tensor(PyObject* data, const char* call) {
  if (!is_tensor(data)) return;
  const std::string text = concat(
      "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
      "sourceTensor.detach().clone().requires_grad_(True), rather than ",
      call, ".");
  if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) throw PythonErrorSet();
}

namespace ops {
namespace {

Tensor tensor_op(Any data, std::optional<Dtype> dtype, Any device, bool requires_grad, Any) {
  check_device(device.object);
  warn_copy_of_tensor(data.object, "torch.tensor(sourceTensor)");
  return with_requires_grad(tensor_from_data(data.object, dtype), requires_grad);
}
const RegisterAny tensor_row(
    "tensor(any data, *, dtype? dtype=None, any device=None, bool requires_grad=False, "
    "any pin_memory=False) -> Tensor",
    tensor_op,
    {.meaning = "A tensor with a copy of the data: numbers, nested sequences, a NumPy array.",
     .example = "torch.tensor([1, 2]) -> tensor([1, 2])"});

}  // namespace
}  // namespace ops
}  // namespace backlit
