// The seam to vmap and forward mode. A tensor that carries a batch or a tangent with it (a subclass
// of `Carrier`, src/backlit/func/_carriers.py) is no Tensor here: it fits no parameter, so a call
// that holds one ends where calls that fit no row end, and is handed to Python from there. Calls
// without one pay nothing; rows that draw random numbers ask one more flag.
#include "bind/carriers.h"

#include "bind/bind.h"

namespace nb = nanobind;

namespace backlit {

PyTypeObject* carrier_type = nullptr;
bool batching_draws = false;

namespace {

// Arguments nest: lists of tensors, and indices as lists in tuples.
bool holds_carrier(PyObject* o, int depth) {
  if (is_carrier(o)) return true;
  if (depth == 0 || (!PyTuple_Check(o) && !PyList_Check(o))) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i)
    if (holds_carrier(PySequence_Fast_GET_ITEM(o, i), depth - 1)) return true;
  return false;
}

}  // namespace

bool holds_carrier(PyObject* o) { return carrier_type && holds_carrier(o, 2); }

bool holds_carrier(PyObject* const* arguments, Py_ssize_t n) {
  for (Py_ssize_t i = 0; carrier_type && i < n; ++i)
    if (holds_carrier(arguments[i])) return true;
  return false;
}

PyObject* call_carrier(PyObject* operation, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* kwnames) {
  const Object given = Object::steal(PyTuple_New(nargs));
  for (Py_ssize_t i = 0; i < nargs; ++i) {
    Py_INCREF(args[i]);
    PyTuple_SET_ITEM(given.get(), i, args[i]);
  }
  const Object named = Object::steal(PyDict_New());
  for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i)
    if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(kwnames, i), args[nargs + i]) < 0)
      return nullptr;
  return PyObject_CallMethod(reinterpret_cast<PyObject*>(carrier_type), "_call", "OOO", operation,
                             given.get(), named.get());
}

PyObject* call_carrier_method(const char* name, PyObject* self, PyObject* argument,
                              PyObject* value) {
  auto* type = reinterpret_cast<PyObject*>(carrier_type);
  if (!value) return PyObject_CallMethod(type, name, "OO", self, argument);
  return PyObject_CallMethod(type, name, "OOO", self, argument, value);
}

void bind_carriers(nb::module_& m) {
  m.def("_set_carrier_type", [](nb::handle type) {
    carrier_type = reinterpret_cast<PyTypeObject*>(type.inc_ref().ptr());
  });
  // Whether rows that draw random numbers are handed to vmap; gives what it was.
  m.def("_hand_draws_to_vmap", [](bool on) { return std::exchange(batching_draws, on); });
}

}  // namespace backlit
