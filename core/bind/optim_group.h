// What the optimizer steps share: the hyperparameters of a group, and results put where they
// belong.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "bind/bind.h"
#include "graph/modes.h"
#include "ops/arithmetic.h"

namespace backlit {

template <std::size_t N> struct Name {
  constexpr Name(const char (&s)[N]) { std::copy_n(s, N, text); }
  char text[N];
};

// The hyperparameters of a group, by name.
class Group {
 public:
  explicit Group(PyObject* dict) : dict_(dict) {
    BACKLIT_CHECK(PyDict_Check(dict), Type, "optimizer step: expected a dict as group, but got ",
                  Py_TYPE(dict)->tp_name);
  }
  template <Name kName> PyObject* object() const {
    static PyObject* const key = PyUnicode_InternFromString(kName.text);
    PyObject* found = PyDict_GetItemWithError(dict_, key);
    if (!found) {
      if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key);
      throw PythonErrorSet();
    }
    return found;
  }
  template <Name kName> double number() const { return as_number(object<kName>()); }
  template <Name kName> double number(Py_ssize_t i) const {
    return as_number(item<kName>(i).ptr());
  }
  template <Name kName> std::optional<double> number_or_none(Py_ssize_t i) const {
    const nanobind::object found = item<kName>(i);
    return found.is_none() ? std::nullopt : std::optional(as_number(found.ptr()));
  }
  template <Name kName> bool truth() const {
    const int yes = PyObject_IsTrue(object<kName>());
    if (yes < 0) throw PythonErrorSet();
    return yes == 1;
  }

 private:
  template <Name kName> nanobind::object item(Py_ssize_t i) const {
    nanobind::object found = nanobind::steal(PySequence_GetItem(object<kName>(), i));
    if (!found.is_valid()) throw PythonErrorSet();
    return found;
  }
  static double as_number(PyObject* o) {
    if (PyFloat_CheckExact(o)) return PyFloat_AS_DOUBLE(o);
    if (!is_tensor(o)) return scalar_from_object(o).d;
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(o));
    BACKLIT_CHECK(!(modes.grad && t.requires_grad()), NotImplemented,
                  "optimizer step: gradients of hyperparameters are not implemented in backlit. "
                  "Try a hyperparameter that does not require grad.");
    return t.item();
  }
  PyObject* dict_;
};

// What was updated may be a copy of what the caller passed: written back where it is.
inline void write_back(TensorObject* original, const Tensor& used) {
  if (original && original != used.get()) ops::copy_in_place(Tensor::borrow(original), used);
  if (original) ++original->storage->version;
}

// One step of Adafactor (bind/optim_adafactor.cpp).
PyObject* adafactor_step(PyObject*, PyObject* const* args, Py_ssize_t count);

}  // namespace backlit
