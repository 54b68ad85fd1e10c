// Conversion between Python objects and the types of operations' parameters and results.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "ops/elementwise.h"
#include "tensor/tensor.h"

namespace backlit {

// --- what bind/ provides: the Python types ---
extern PyTypeObject* dtype_type;
extern PyTypeObject* size_type;
extern PyTypeObject* generator_type;
extern PyTypeObject* carrier_type;  // bind/carriers.cpp; null at first
PyObject* dtype_object(Dtype d);    // borrowed: torch.float32, ...
Dtype dtype_from_object(PyObject* o);
// torch.float32, ..., or Python's float, int, bool; none for other objects.
std::optional<Dtype> as_dtype(PyObject* o);
PyObject* size_object(Span sizes);  // new reference: torch.Size
Generator& generator_from_object(PyObject* o);
// A tensor from anything torch.tensor accepts; used where PyTorch takes array-likes.
Tensor tensor_from_data(PyObject* data, std::optional<Dtype> dtype);
// Result of an operation with named fields: torch.return_types.max(values=, indices=).
PyObject* named_result(const char* name, const char* fields, std::vector<Tensor>& values);
// Writes results into out=, a tensor or a tuple of them, which then take their places.
void write_out(const char* name, std::span<Tensor> results, PyObject* out);

inline bool is_tensor(PyObject* o) { return PyObject_TypeCheck(o, tensor_type); }
inline bool is_carrier(PyObject* o) { return carrier_type && Py_TYPE(o)->tp_base == carrier_type; }
inline bool is_number(PyObject* o) {
  if (PyFloat_Check(o) || PyLong_Check(o)) return true;
  if (is_tensor(o) || is_carrier(o)) return false;
  return PyIndex_Check(o) || (Py_TYPE(o)->tp_as_number && Py_TYPE(o)->tp_as_number->nb_float &&
                              !PyObject_CheckBuffer(o));
}
Scalar scalar_from_object(PyObject* o);
Dims dims_from_object(PyObject* o);
std::int64_t int_from_object(PyObject* o);

// Optional results, several results, results with names.
template <std::size_t N> struct Named {
  const char* name;
  const char* fields;  // "values indices"
  std::array<Tensor, N> values;
};
// A tuple (or a list, for functions whose PyTorch counterpart gives a list).
struct TensorList {
  std::vector<Tensor> values;
};

// Any Python object, for operations that look at their argument themselves.
struct Any {
  PyObject* object;
};

template <class T> struct FromPython;

template <> struct FromPython<Tensor> {
  static Tensor get(PyObject* o) {
    if (is_tensor(o)) return Tensor::borrow(reinterpret_cast<TensorObject*>(o));
    return Tensor();  // None
  }
};
template <> struct FromPython<Operand> {
  static Operand get(PyObject* o) {
    if (is_tensor(o)) return Operand(reinterpret_cast<TensorObject*>(o));
    return Operand(scalar_from_object(o));
  }
};
template <> struct FromPython<bool> {
  static bool get(PyObject* o) {
    return o == Py_True || (o != Py_False && PyObject_IsTrue(o) == 1);
  }
};
template <> struct FromPython<std::int64_t> {
  static std::int64_t get(PyObject* o) { return int_from_object(o); }
};
template <> struct FromPython<double> {
  static double get(PyObject* o) { return scalar_from_object(o).d; }
};
template <> struct FromPython<Scalar> {
  static Scalar get(PyObject* o) { return scalar_from_object(o); }
};
template <> struct FromPython<Dims> {
  static Dims get(PyObject* o) { return dims_from_object(o); }
};
template <> struct FromPython<Dtype> {
  static Dtype get(PyObject* o) { return dtype_from_object(o); }
};
template <> struct FromPython<Any> {
  static Any get(PyObject* o) { return {o}; }
};
template <> struct FromPython<std::string> {
  static std::string get(PyObject* o) {
    Py_ssize_t n;
    const char* s = PyUnicode_AsUTF8AndSize(o, &n);
    if (!s) throw PythonErrorSet();
    return {s, static_cast<std::size_t>(n)};
  }
};
template <> struct FromPython<Generator*> {
  static Generator* get(PyObject* o) {
    return o == Py_None ? &default_generator() : &generator_from_object(o);
  }
};
template <class T> struct FromPython<std::optional<T>> {
  static std::optional<T> get(PyObject* o) {
    if (o == Py_None) return std::nullopt;
    return FromPython<T>::get(o);
  }
};
template <> struct FromPython<std::vector<Tensor>> {
  static std::vector<Tensor> get(PyObject* o) {
    std::vector<Tensor> out;
    const Object fast = Object::steal(PySequence_Fast(o, "expected a sequence of tensors"));
    if (!fast) throw PythonErrorSet();
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
    out.reserve(static_cast<std::size_t>(n));
    for (Py_ssize_t i = 0; i < n; ++i)
      out.push_back(FromPython<Tensor>::get(PySequence_Fast_GET_ITEM(fast.get(), i)));
    return out;
  }
};

inline PyObject* to_python(Tensor t) {
  if (!t.defined()) Py_RETURN_NONE;
  return reinterpret_cast<PyObject*>(t.release());
}
inline PyObject* to_python(bool b) { return PyBool_FromLong(b); }
inline PyObject* to_python(std::int64_t i) { return PyLong_FromLongLong(i); }
inline PyObject* to_python(double d) { return PyFloat_FromDouble(d); }
inline PyObject* to_python(Dtype d) {
  PyObject* o = dtype_object(d);
  Py_INCREF(o);
  return o;
}
inline PyObject* to_python(Object o) { return o.release(); }
inline PyObject* to_python(const Dims& d) { return size_object(d); }
inline PyObject* to_python(const std::string& s) {
  return PyUnicode_FromStringAndSize(s.data(), static_cast<Py_ssize_t>(s.size()));
}
inline PyObject* to_python(std::vector<Tensor> tensors) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(tensors.size()));
  for (std::size_t i = 0; tuple && i < tensors.size(); ++i)
    PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), to_python(std::move(tensors[i])));
  return tuple;
}
inline PyObject* to_python(TensorList list) {
  PyObject* out = PyList_New(static_cast<Py_ssize_t>(list.values.size()));
  for (std::size_t i = 0; out && i < list.values.size(); ++i)
    PyList_SET_ITEM(out, static_cast<Py_ssize_t>(i), to_python(std::move(list.values[i])));
  return out;
}
template <std::size_t N> PyObject* to_python(Named<N> named) {
  std::vector<Tensor> values(named.values.begin(), named.values.end());
  return named_result(named.name, named.fields, values);
}
template <class... T> PyObject* to_python(std::tuple<T...> values) {
  PyObject* tuple = PyTuple_New(sizeof...(T));
  Py_ssize_t i = 0;
  std::apply([&](auto&... v) { (PyTuple_SET_ITEM(tuple, i++, to_python(std::move(v))), ...); },
             values);
  return tuple;
}

}  // namespace backlit
