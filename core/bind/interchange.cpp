// Tensors and other libraries' data: construction, lists, the buffer protocol, NumPy.
#include <cstring>

#include "bind/bind.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/views.h"

namespace nb = nanobind;

namespace backlit {
namespace {

TensorObject& object(PyObject* o) { return *reinterpret_cast<TensorObject*>(o); }
Tensor handle(PyObject* o) { return Tensor::borrow(reinterpret_cast<TensorObject*>(o)); }

// --- lists ---

}  // namespace

PyObject* number_at(const char* p, Dtype dtype) {
  switch (dtype) {
    case Dtype::Float32: {
      float v;
      std::memcpy(&v, p, sizeof v);
      return PyFloat_FromDouble(static_cast<double>(v));
    }
    case Dtype::Float64: {
      double v;
      std::memcpy(&v, p, sizeof v);
      return PyFloat_FromDouble(v);
    }
    case Dtype::Bool: return PyBool_FromLong(*p != 0);
    default: break;
  }
  if (is_floating(dtype)) return PyFloat_FromDouble(read_double(p, dtype));
  if (!is_complex(dtype)) return PyLong_FromLongLong(read_int(p, dtype));
  const Complex<double> z = read_complex(p, dtype);
  return PyComplex_FromDoubles(z.re, z.im);
}

namespace {

// Nested at most kMaxDims deep.
PyObject* list_of(const Tensor& t, const char* p, int d) {
  if (d == t.dim()) return number_at(p, t.dtype());
  const std::int64_t step = t.layout().stride(d) * static_cast<std::int64_t>(size_of(t.dtype()));
  const std::int64_t n = t.layout().size(d);
  PyObject* list = PyList_New(n);
  for (std::int64_t i = 0; list && i < n; ++i) {
    PyObject* item = list_of(t, p + i * step, d + 1);
    if (!item)
      Py_CLEAR(list);
    else
      PyList_SET_ITEM(list, i, item);
  }
  return list;
}

PyObject* tolist(PyObject* self, PyObject*) {
  const Tensor t = handle(self);
  return list_of(t, t.raw(), 0);
}

// --- the buffer protocol ---

const char* format_of(Dtype d) {
  switch (d) {
    case Dtype::Bool: return "?";
    case Dtype::UInt8: return "B";
    case Dtype::Int8: return "b";
    case Dtype::Int16: return "h";
    case Dtype::Int32: return "i";
    case Dtype::Int64: return sizeof(long) == 8 ? "l" : "q";  // what NumPy calls int64
    case Dtype::Float16: return "e";
    case Dtype::BFloat16: return nullptr;  // no format says it
    case Dtype::Float32: return "f";
    case Dtype::Float64: return "d";
    case Dtype::Complex64: return "Zf";
    case Dtype::Complex128: break;
  }
  return "Zd";
}

std::optional<Dtype> dtype_of_format(const char* format, Py_ssize_t itemsize) {
  if (!format) return itemsize == 1 ? std::optional(Dtype::UInt8) : std::nullopt;
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  if (*format == 'Z' && format[1] && !format[2] && (format[1] == 'f' || format[1] == 'd'))
    return format[1] == 'f' ? Dtype::Complex64 : Dtype::Complex128;
  if (!*format || format[1]) return std::nullopt;
  switch (*format) {
    case '?': return Dtype::Bool;
    case 'B':
    case 'c': return Dtype::UInt8;
    case 'b': return Dtype::Int8;
    case 'e': return Dtype::Float16;
    case 'f': return Dtype::Float32;
    case 'd': return Dtype::Float64;
    case 'h':
    case 'i':
    case 'l':
    case 'q':
      if (itemsize == 2) return Dtype::Int16;
      if (itemsize == 4) return Dtype::Int32;
      if (itemsize == 8) return Dtype::Int64;
  }
  return std::nullopt;
}

// What an exported buffer keeps: the memory, also when the tensor gets another one.
struct Exported {
  Storage* storage;
  Py_ssize_t shape[kMaxDims], strides[kMaxDims];
};

[[noreturn]] void fail_unsupported(PyObject* o, const Py_buffer& view) {
  const char* f = view.format ? view.format : "";
  BACKLIT_CHECK(*f != '>' && *f != '!', Value,
                "given numpy array has byte order different from the native byte order. Conversion "
                "between byte orders is currently not supported.");
  std::string type = f;
  if (is_numpy_array(o)) {
    const Object dtype = Object::steal(PyObject_GetAttrString(o, "dtype"));
    const Object kind =
        Object::steal(dtype ? PyObject_GetAttrString(dtype.get(), "type") : nullptr);
    if (kind && PyType_Check(kind.get()))
      type = reinterpret_cast<PyTypeObject*>(kind.get())->tp_name;
    PyErr_Clear();
  }
  fail(ErrorKind::Type, "can't convert ", is_numpy_array(o) ? "np.ndarray" : Py_TYPE(o)->tp_name,
       " of type ", type,
       ". The only supported types are: float64, float32, float16, complex64, complex128, int64, "
       "int32, int16, int8, uint8, "
       "and bool.");
}

struct BufferView {
  Py_buffer view;
  explicit BufferView(PyObject* o) {
    if (PyObject_GetBuffer(o, &view, PyBUF_STRIDES | PyBUF_FORMAT | PyBUF_WRITABLE) == 0) return;
    PyErr_Clear();
    if (PyObject_GetBuffer(o, &view, PyBUF_STRIDES | PyBUF_FORMAT) < 0) throw PythonErrorSet();
  }
  ~BufferView() { PyBuffer_Release(&view); }
  BufferView(const BufferView&) = delete;
  BufferView& operator=(const BufferView&) = delete;
};

}  // namespace

int tensor_get_buffer(PyObject* self, Py_buffer* view, int flags) {
  view->obj = nullptr;
  const Tensor t = handle(self);
  const auto refuse = [](const char* why) {
    PyErr_SetString(PyExc_BufferError, why);
    return -1;
  };
  if (t.requires_grad())
    return refuse(
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
  if (t.dtype() == Dtype::BFloat16) {
    PyErr_SetString(PyExc_TypeError, "Got unsupported ScalarType BFloat16");
    return -1;
  }
  if ((flags & PyBUF_WRITABLE) && t->storage->read_only)
    return refuse("the memory of this tensor is read-only");
  const bool wants_strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES;
  bool columns = t.is_contiguous() && t.dim() <= 1;
  if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && !columns) {
    Dims order;
    for (int d = t.dim() - 1; d >= 0; --d) order.push_back(d);
    GradMode off(false);
    columns = ops::permute(t, order).is_contiguous();
  }
  const bool c_only = (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS;
  const bool f_only = (flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS;
  const bool any_only = (flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS;
  if (((!wants_strides || c_only) && !t.is_contiguous()) || (f_only && !columns) ||
      (any_only && !t.is_contiguous() && !columns))
    return refuse("the tensor is not contiguous; use .contiguous()");
  auto* kept = new Exported;
  kept->storage = t->storage;
  retain(kept->storage);
  const auto item = static_cast<Py_ssize_t>(size_of(t.dtype()));
  for (int d = 0; d < t.dim(); ++d) {
    kept->shape[d] = t.layout().size(d);
    kept->strides[d] = t.layout().stride(d) * item;
  }
  view->buf = t.raw();
  view->len = t.numel() * item;
  view->itemsize = item;
  view->readonly = t->storage->read_only;
  view->ndim = t.dim();
  view->format = (flags & PyBUF_FORMAT) ? const_cast<char*>(format_of(t.dtype())) : nullptr;
  view->shape = (flags & PyBUF_ND) ? kept->shape : nullptr;
  view->strides = wants_strides ? kept->strides : nullptr;
  view->suboffsets = nullptr;
  view->internal = kept;
  Py_INCREF(self);
  view->obj = self;
  return 0;
}

void tensor_release_buffer(PyObject*, Py_buffer* view) {
  auto* kept = static_cast<Exported*>(view->internal);
  release(kept->storage);
  delete kept;
}

Tensor tensor_over_buffer(PyObject* o, PyObject* owner) {
  const BufferView b(o);
  const auto dtype = dtype_of_format(b.view.format, b.view.itemsize);
  if (!dtype) fail_unsupported(o, b.view);
  Dims sizes, strides;
  std::int64_t extent = 1;
  for (int d = 0; d < b.view.ndim; ++d) {
    const Py_ssize_t step = b.view.strides ? b.view.strides[d] : b.view.itemsize;
    BACKLIT_CHECK(
        step >= 0, Value,
        "At least one stride in the given numpy array is negative, and tensors with negative "
        "strides are not currently supported. (You can probably work around this by making a "
        "copy of your array  with array.copy().)");
    BACKLIT_CHECK(
        step % b.view.itemsize == 0, Value,
        "given numpy array strides not a multiple of the element byte size. Copy the numpy "
        "array to reallocate the memory.");
    sizes.push_back(b.view.shape ? b.view.shape[d] : b.view.len / b.view.itemsize);
    strides.push_back(step / b.view.itemsize);
    extent = sizes[d] == 0 ? 0 : extent + (sizes[d] - 1) * strides[d] * (extent != 0);
  }
  Storage* s = new_external_storage(b.view.buf, static_cast<std::size_t>(extent * b.view.itemsize),
                                    owner, b.view.readonly);
  return Tensor::over(s, s->data, strided_layout(sizes, strides), *dtype);
}

Tensor tensor_over_bytes(PyObject* buffer) {
  Py_buffer view;
  if (PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE) < 0) throw PythonErrorSet();
    if (PyErr_WarnEx(
            PyExc_UserWarning,
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. "
            "This "
            "means you can write to the underlying (supposedly non-writable) buffer using the "
            "tensor. "
            "You may want to copy the buffer to protect its data or make it writable before "
            "converting "
            "it to a tensor. This type of warning will be suppressed for the rest of this program.",
            1) < 0) {
      PyBuffer_Release(&view);
      throw PythonErrorSet();
    }
  }
  char* data = static_cast<char*>(view.buf);
  const auto bytes = static_cast<std::size_t>(view.len);
  const bool read_only = view.readonly;
  // held while the tensor lives: a bytearray must not be resized under it
  auto* held = new Py_buffer(view);
  const Object owner = Object::steal(PyCapsule_New(held, "backlit.buffer", [](PyObject* capsule) {
    auto* b = static_cast<Py_buffer*>(PyCapsule_GetPointer(capsule, "backlit.buffer"));
    PyBuffer_Release(b);
    delete b;
  }));
  if (!owner) throw PythonErrorSet();
  Storage* s = new_external_storage(data, bytes, owner.get(), read_only);
  return Tensor::over(s, data, contiguous_layout(Dims{static_cast<std::int64_t>(bytes)}),
                      Dtype::UInt8);
}

namespace {
int warn_read_only() {
  static bool warned = false;  // once, as in PyTorch
  if (warned) return 0;
  warned = true;
  return PyErr_WarnEx(
      PyExc_UserWarning,
      "The given NumPy array is not writable, and PyTorch does not support non-writable "
      "tensors. This means writing to this tensor will result in undefined behavior. You may "
      "want to copy the array to protect its data or make it writable before converting it to "
      "a tensor. This type of warning will be suppressed for the rest of this program.",
      1);
}

// --- Tensor(...) ---

// The forms of the old constructor: none, sizes, data, another tensor.
Tensor legacy_tensor(PyObject* args, Dtype dtype, bool any_dtype = false) {
  const Py_ssize_t n = PyTuple_GET_SIZE(args);
  if (n == 0) return Tensor::empty(Dims{0}, dtype);
  PyObject* first = PyTuple_GET_ITEM(args, 0);
  const bool int_first = PyLong_Check(first) && !PyBool_Check(first);
  if (int_first || (n == 1 && Py_TYPE(first) == size_type)) {
    const Dims sizes = dims_from_object(int_first ? args : first);
    return Tensor::empty(sizes, dtype);
  }
  BACKLIT_CHECK(n == 1, Type,
                "new() received an invalid combination of arguments: sizes are ints, data is "
                "one sequence");
  if (is_tensor(first)) {
    const Tensor t = handle(first);
    BACKLIT_CHECK(any_dtype || t.dtype() == dtype, Type, "expected ", info(dtype).scalar_name,
                  " (got ", info(t.dtype()).scalar_name, ")");
    return t.alias();
  }
  BACKLIT_CHECK(!PyFloat_Check(first) && !PyBool_Check(first) && first != Py_None, Type,
                "new(): data must be a sequence (got ", Py_TYPE(first)->tp_name, ")");
  BACKLIT_CHECK(!PyUnicode_Check(first) && !PyBytes_Check(first), Type,
                "new(): invalid data type '", Py_TYPE(first)->tp_name, "'");
  return tensor_from_data(first, dtype);
}

}  // namespace

PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    PyObject* data = nullptr;
    Py_ssize_t used = 0;
    if (kwargs) {
      if (PyObject* device = PyDict_GetItemString(kwargs, "device")) {
        check_device(device);
        ++used;
      }
      if ((data = PyDict_GetItemString(kwargs, "data"))) ++used;
      BACKLIT_CHECK(type != tensor_type || used == PyDict_Size(kwargs), Type,
                    "new() received an invalid combination of arguments");
    }
    Object packed = data ? Object::steal(PyTuple_Pack(1, data)) : Object::borrow(args);
    Tensor t = legacy_tensor(packed.get(), default_dtype(), true);
    if (type == tensor_type) return to_python(std::move(t));
    return subclass_object(type, t, false);
  });
}

PyObject* tensor_iter(PyObject* self) {
  if (handle(self).dim() == 0) {
    PyErr_SetString(PyExc_TypeError, "iteration over a 0-d tensor");
    return nullptr;
  }
  const Object parts = Object::steal(PyObject_CallMethod(self, "unbind", "i", 0));
  return parts ? PyObject_GetIter(parts.get()) : nullptr;
}

int tensor_contains(PyObject* self, PyObject* value) {
  if (!is_tensor(value) && !is_plain_number(value)) {
    PyErr_Format(PyExc_RuntimeError,
                 "Tensor.__contains__ only supports Tensor or scalar, but you passed in a %R.",
                 reinterpret_cast<PyObject*>(Py_TYPE(value)));
    return -1;
  }
  GradMode off(false);
  const Object equal = Object::steal(PyObject_RichCompare(self, value, Py_EQ));
  if (!equal) return -1;
  const Object any = Object::steal(PyObject_CallMethod(equal.get(), "any", nullptr));
  return any ? PyObject_IsTrue(any.get()) : -1;
}

// --- methods ---

namespace {

PyObject* reversed(PyObject* self, PyObject*) {
  const Tensor t = handle(self);
  if (t.dim() == 0) {
    Py_INCREF(self);
    return self;
  }
  return PyObject_CallMethod(self, "flip", "i", 0);
}

// NumPy, imported when first needed.
PyObject* numpy() {
  static PyObject* module = nullptr;
  if (!module && !(module = PyImport_ImportModule("numpy"))) throw PythonErrorSet();
  return module;
}

PyObject* as_array(const Tensor& t) {
  BACKLIT_CHECK(t.dtype() != Dtype::BFloat16, Type, "Got unsupported ScalarType BFloat16");
  return PyObject_CallMethod(numpy(), "asarray", "O", t.object());
}

// numpy(*, force=False)
PyObject* to_numpy(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"force", nullptr};
    int force = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:numpy", const_cast<char**>(names), &force))
      return nullptr;
    Tensor t = handle(self);
    BACKLIT_CHECK(
        force || !t.requires_grad(), Runtime,
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
    if (t.requires_grad() || Py_TYPE(self) != tensor_type) t = ops::detach(t);
    return as_array(t);
  });
}

// __array__(dtype=None, *, copy=None)
PyObject* array_protocol(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"dtype", "copy", nullptr};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$O:__array__", const_cast<char**>(names),
                                     &dtype, &copy))
      return nullptr;
    const Object empty = Object::steal(PyTuple_New(0));
    Object array = Object::steal(to_numpy(self, empty.get(), nullptr));
    if (!array) return nullptr;
    if (dtype != Py_None) {
      const Object wanted = Object::steal(PyObject_CallMethod(numpy(), "dtype", "O", dtype));
      const Object own = Object::steal(PyObject_GetAttrString(array.get(), "dtype"));
      if (!wanted || !own) return nullptr;
      const int same = PyObject_RichCompareBool(wanted.get(), own.get(), Py_EQ);
      if (same < 0) return nullptr;
      if (!same) {
        BACKLIT_CHECK(copy != Py_False, Value,
                      "Unable to avoid copy while creating an array as requested.");
        return PyObject_CallMethod(array.get(), "astype", "O", wanted.get());
      }
    }
    if (copy == Py_True) return PyObject_CallMethod(array.get(), "copy", nullptr);
    return array.release();
  });
}

// What NumPy's functions make of a result when an argument was a tensor.
PyObject* array_wrap(PyObject*, PyObject* const* args, Py_ssize_t nargs) {
  return guarded([&]() -> PyObject* {
    BACKLIT_CHECK(nargs >= 1 && nargs <= 3, Type, "__array_wrap__ takes 1 to 3 arguments, got ",
                  nargs);
    Object array = Object::steal(PyObject_CallMethod(numpy(), "asarray", "O", args[0]));
    if (!array) return nullptr;
    Tensor t = tensor_over_buffer(array.get(), array.get());
    if (t.dtype() == Dtype::Bool) t = ops::to_dtype(t, Dtype::UInt8);  // as PyTorch has it
    return to_python(std::move(t));
  });
}

// _legacy_tensor(dtype, args): FloatTensor(...) and its family.
PyObject* legacy_tensor_of(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *dtype, *data;
    if (!PyArg_ParseTuple(args, "OO!", &dtype, &PyTuple_Type, &data)) return nullptr;
    return to_python(legacy_tensor(data, dtype_from_object(dtype)));
  });
}

// _storage_bytes(tensor): all bytes of its storage, 1-D uint8.
PyObject* storage_bytes(PyObject*, PyObject* tensor) {
  return guarded([&]() -> PyObject* {
    BACKLIT_CHECK(is_tensor(tensor), Type, "expected a Tensor, not ", Py_TYPE(tensor)->tp_name);
    Storage* s = object(tensor).storage;
    retain(s);
    return to_python(Tensor::over(
        s, s->data, contiguous_layout(Dims{static_cast<std::int64_t>(s->bytes)}), Dtype::UInt8));
  });
}

// _storage_view(bytes, dtype, size, stride, offset): a tensor over what _storage_bytes gives.
PyObject* storage_view(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *bytes, *dtype, *size, *stride;
    long long offset;
    if (!PyArg_ParseTuple(args, "OOOOL", &bytes, &dtype, &size, &stride, &offset)) return nullptr;
    BACKLIT_CHECK(
        is_tensor(bytes) && handle(bytes).is_contiguous() && object(bytes).dtype == Dtype::UInt8,
        Type, "expected contiguous bytes");
    const Tensor memory = handle(bytes);
    const Dtype d = dtype_from_object(dtype);
    const Dims sizes = dims_from_object(size), strides = dims_from_object(stride);
    BACKLIT_CHECK(sizes.n == strides.n, Runtime, "mismatch in length of strides and shape");
    std::int64_t last = offset;
    bool bad = offset < 0, none = false;
    for (int i = 0; i < sizes.n; ++i) {
      std::int64_t step;
      bad |= sizes[i] < 0 || strides[i] < 0 ||
             __builtin_mul_overflow(sizes[i] - 1, strides[i], &step) ||
             __builtin_add_overflow(last, step, &last);
      none |= sizes[i] == 0;
    }
    const auto item = static_cast<std::int64_t>(size_of(d));
    bad |= (none ? offset > memory.numel() / item : last >= memory.numel() / item);
    BACKLIT_CHECK(!bad, Runtime, "setStorage: sizes ", to_string(sizes), ", strides ",
                  to_string(strides), ", storage offset ", offset,
                  " are out of bounds for storage of size ", memory.numel());
    retain(memory->storage);
    return to_python(Tensor::over(memory->storage, memory.raw() + offset * item,
                                  strided_layout(sizes, strides), d));
  });
}

PyObject* from_numpy(PyObject*, PyObject* array) {
  return guarded([&]() -> PyObject* {
    BACKLIT_CHECK(is_numpy_array(array), Type, "expected np.ndarray (got ", Py_TYPE(array)->tp_name,
                  ")");
    Tensor t = tensor_over_buffer(array, array);
    if (t->storage->read_only && warn_read_only() < 0) return nullptr;
    return to_python(std::move(t));
  });
}

template <class F> PyCFunction method(F* f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

PyObject* as_complex_number(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    const Tensor t = handle(self);
    BACKLIT_CHECK(t.numel() == 1, Value,
                  "only one element tensors can be converted to Python scalars");
    const Complex<double> z = read_complex(t.raw(), t.dtype());
    return PyComplex_FromDoubles(z.re, z.im);
  });
}

PyMethodDef methods[] = {
    {"__complex__", as_complex_number, METH_NOARGS, nullptr},
    {"tolist", tolist, METH_NOARGS,
     "The elements as nested lists of Python numbers; a number for a 0-d tensor."},
    {"numpy", method(to_numpy), METH_VARARGS | METH_KEYWORDS,
     "numpy(*, force=False): the same memory as a NumPy array."},
    {"__array__", method(array_protocol), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"__array_wrap__", method(array_wrap), METH_FASTCALL, nullptr},
    {"__reversed__", reversed, METH_NOARGS, "The tensor with its first dimension reversed."},
    {nullptr, nullptr, 0, nullptr}};

PyMethodDef functions[] = {
    {"_legacy_tensor", legacy_tensor_of, METH_VARARGS, nullptr},
    {"_storage_bytes", storage_bytes, METH_O, nullptr},
    {"_storage_view", storage_view, METH_VARARGS, nullptr},
    {"from_numpy", from_numpy, METH_O, "The memory of a NumPy array as a tensor."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void bind_interchange(nb::module_& m) {
  add_tensor_methods(methods);
  const Object priority = Object::steal(PyLong_FromLong(1000));  // above ndarray's: it defers to us
  if (PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), "__array_priority__",
                             priority.get()) < 0)
    throw PythonErrorSet();
  if (PyModule_AddFunctions(m.ptr(), functions) < 0) throw PythonErrorSet();
}

}  // namespace backlit
