// Questions to a tensor that need no operation: its sizes, strides, kind and place.
#include <cstring>

#include "bind/bind.h"
#include "ops/elementwise.h"
#include "ops/memory_format.h"

namespace nb = nanobind;

namespace backlit {
namespace {

TensorObject& object(PyObject* o) { return *reinterpret_cast<TensorObject*>(o); }

template <class F> PyCFunction method(F* f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

// The one argument `dim`, by position or name; null when it is not given or None.
PyObject* dim_argument(const char* name, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* kwnames) {
  const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  BACKLIT_CHECK(nargs + named <= 1, Type, name, "() takes from 0 to 1 positional arguments but ",
                nargs + named, " were given");
  if (named)
    BACKLIT_CHECK(PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "dim") == 0, Type,
                  name, "() got an unexpected keyword argument '",
                  PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, 0)), "'");
  PyObject* dim = nargs + named ? args[0] : nullptr;
  if (dim == Py_None) return nullptr;
  BACKLIT_CHECK(!dim || is_tensor(dim) || PyIndex_Check(dim), Type, name,
                "(): argument 'dim' must be int, not ", Py_TYPE(dim)->tp_name);
  return dim;
}

// size(-1) of a 0-d tensor is an error in PyTorch, unlike sum(-1).
int checked_dim(const Layout& l, PyObject* dim) {
  BACKLIT_CHECK(l.ndim > 0, Index, "Dimension specified as ", int_from_object(dim),
                " but tensor has no dimensions");
  return wrap_dim(int_from_object(dim), l.ndim);
}

PyObject* size(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    const Layout& l = *object(self).layout;
    PyObject* dim = dim_argument("size", args, nargs, kwnames);
    if (!dim) return size_object(l.sizes());
    return PyLong_FromLongLong(l.size(checked_dim(l, dim)));
  });
}

PyObject* stride(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    const Layout& l = *object(self).layout;
    PyObject* dim = dim_argument("stride", args, nargs, kwnames);
    if (dim) return PyLong_FromLongLong(l.stride(checked_dim(l, dim)));
    PyObject* tuple = PyTuple_New(l.ndim);
    for (int d = 0; tuple && d < l.ndim; ++d)
      PyTuple_SET_ITEM(tuple, d, PyLong_FromLongLong(l.stride(d)));
    return tuple;
  });
}

PyObject* is_contiguous(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                        PyObject* kwnames) {
  return guarded([&] {
    const bool given = nargs || kwnames;
    const auto format = given ? ops::memory_format(args[0]) : ops::MemoryFormat::Contiguous;
    return PyBool_FromLong(ops::lies_in(*object(self).layout, format));
  });
}
PyObject* get_device(PyObject*, PyObject*) { return PyLong_FromLong(-1); }
PyObject* no(PyObject*, PyObject*) { Py_RETURN_FALSE; }
PyObject* holds_complex(PyObject* self, PyObject*) {
  return PyBool_FromLong(is_complex(object(self).dtype));
}
PyObject* is_signed(PyObject* self, PyObject*) {
  const Dtype d = object(self).dtype;
  return PyBool_FromLong(d != Dtype::Bool && d != Dtype::UInt8);
}
PyObject* is_same_size(PyObject* self, PyObject* other) {
  if (!is_tensor(other)) {
    PyErr_Format(PyExc_TypeError,
                 "is_same_size(): argument 'other' (position 1) must be Tensor, not %s",
                 Py_TYPE(other)->tp_name);
    return nullptr;
  }
  return PyBool_FromLong(object(self).layout->same_sizes(*object(other).layout));
}
PyObject* is_set_to(PyObject* self, PyObject* other) {
  if (!is_tensor(other)) {
    PyErr_Format(PyExc_TypeError,
                 "is_set_to(): argument 'tensor' (position 1) must be Tensor, not %s",
                 Py_TYPE(other)->tp_name);
    return nullptr;
  }
  const TensorObject &a = object(self), &b = object(other);
  bool same = a.data == b.data && a.dtype == b.dtype && a.layout->same_sizes(*b.layout);
  for (int d = 0; same && d < a.layout->ndim; ++d)
    same = a.layout->stride(d) == b.layout->stride(d);
  return PyBool_FromLong(same);
}
PyObject* is_nonzero(PyObject* self, PyObject*) {
  const int truth = PyObject_IsTrue(self);
  return truth < 0 ? nullptr : PyBool_FromLong(truth);
}
PyObject* is_view(PyObject* self, PyObject*) {
  return PyBool_FromLong(object(self).meta && object(self).meta->base);
}
PyObject* dim_order(PyObject* self, PyObject*) {
  const Layout& l = *object(self).layout;
  int order[kMaxDims];
  for (int d = 0; d < l.ndim; ++d) {
    int at = d;
    for (; at > 0 && l.stride(order[at - 1]) < l.stride(d); --at) order[at] = order[at - 1];
    order[at] = d;
  }
  PyObject* tuple = PyTuple_New(l.ndim);
  for (int d = 0; tuple && d < l.ndim; ++d) PyTuple_SET_ITEM(tuple, d, PyLong_FromLong(order[d]));
  return tuple;
}

PyMethodDef methods[] = {
    {"size", method(size), METH_FASTCALL | METH_KEYWORDS,
     "size(dim=None): the sizes, or that of one dimension."},
    {"stride", method(stride), METH_FASTCALL | METH_KEYWORDS,
     "stride(dim=None): elements between neighbours along each dimension, or along one."},
    {"is_contiguous", method(is_contiguous), METH_FASTCALL | METH_KEYWORDS,
     "Is the memory row-major without gaps?"},
    {"dim_order", dim_order, METH_NOARGS,
     "The dimensions from the outermost in memory to the innermost."},
    {"get_device", get_device, METH_NOARGS, "-1: the CPU."},
    {"is_complex", holds_complex, METH_NOARGS, "Does the tensor hold complex numbers?"},
    {"is_conj", no, METH_NOARGS, "False: conj() copies."},
    {"is_neg", no, METH_NOARGS, "False: nothing is negated when it is read."},
    {"is_pinned", no, METH_NOARGS, "False: there is one device."},
    {"is_shared", no, METH_NOARGS, "Is the memory shared with other processes?"},
    {"is_signed", is_signed, METH_NOARGS, "Does the dtype hold negative numbers?"},
    {"is_same_size", is_same_size, METH_O, "Has other the same sizes?"},
    {"is_set_to", is_set_to, METH_O, "Is it the same memory, seen the same way?"},
    {"is_nonzero", is_nonzero, METH_NOARGS, "Is the one element not zero?"},
    {"_is_view", is_view, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_tensor_methods(PyMethodDef* defs) {
  for (PyMethodDef* def = defs; def->ml_name; ++def) {
    const Object m = Object::steal(PyDescr_NewMethod(tensor_type, def));
    if (!m ||
        PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), def->ml_name, m.get()) < 0)
      throw PythonErrorSet();
  }
}

void bind_queries(nb::module_&) { add_tensor_methods(methods); }

}  // namespace backlit
