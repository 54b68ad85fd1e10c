// The bases of torch.no_grad and torch.enable_grad: `with no_grad():` stands in every training
// loop, so making the object, entering and leaving are C calls without an argument to unpack. What
// makes them decorators is Python (backlit/autograd/grad_mode.py).
#include "bind/bind.h"
#include "graph/modes.h"

namespace nb = nanobind;

namespace backlit {

namespace {

struct GradModeObject {
  PyObject_HEAD bool previous;
};

// no_grad() makes an object; no_grad(function), the decorator without parentheses, wraps the
// function.
PyObject* make(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  const Py_ssize_t n = PyTuple_GET_SIZE(args);
  if (n > 1 || (kwargs && PyDict_GET_SIZE(kwargs) > 0)) {
    PyErr_Format(PyExc_TypeError, "%s() takes no arguments, or the function to decorate",
                 type->tp_name);
    return nullptr;
  }
  if (n == 0 || PyTuple_GET_ITEM(args, 0) == Py_None) return type->tp_alloc(type, 0);
  PyObject* module = PyImport_ImportModule("backlit.autograd.grad_mode");
  if (!module) return nullptr;
  PyObject* wrapped = PyObject_CallMethod(module, "_wrap", "OO", type, PyTuple_GET_ITEM(args, 0));
  Py_DECREF(module);
  return wrapped;
}

int no_init(PyObject*, PyObject*, PyObject*) { return 0; }

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

template <bool On> PyObject* enter(PyObject* self, PyObject*) {
  reinterpret_cast<GradModeObject*>(self)->previous = std::exchange(modes.grad, On);
  Py_RETURN_NONE;
}
PyObject* leave(PyObject* self, PyObject* const*, Py_ssize_t) {
  modes.grad = reinterpret_cast<GradModeObject*>(self)->previous;
  Py_RETURN_NONE;
}
PyObject* get_previous(PyObject* self, void*) {
  return PyBool_FromLong(reinterpret_cast<GradModeObject*>(self)->previous);
}

PyCFunction fast(PyObject* (*f)(PyObject*, PyObject* const*, Py_ssize_t)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

template <bool On> Object make_type(const char* name) {
  static PyMethodDef methods[] = {{"__enter__", &enter<On>, METH_NOARGS, nullptr},
                                  {"__exit__", fast(&leave), METH_FASTCALL, nullptr},
                                  {nullptr, nullptr, 0, nullptr}};
  static PyGetSetDef getset[] = {{"prev", get_previous, nullptr, "The mode outside.", nullptr},
                                 {nullptr, nullptr, nullptr, nullptr, nullptr}};
  static PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(&make)},
                                {Py_tp_init, reinterpret_cast<void*>(&no_init)},
                                {Py_tp_dealloc, reinterpret_cast<void*>(&dealloc)},
                                {Py_tp_methods, methods},
                                {Py_tp_getset, getset},
                                {0, nullptr}};
  static PyType_Spec spec = {name, sizeof(GradModeObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  return Object::steal(PyType_FromSpec(&spec));
}

}  // namespace

void bind_grad_mode(nb::module_& m) {
  nb::setattr(m, "_GradModeOff", nb::borrow(make_type<false>("backlit._C._GradModeOff").get()));
  nb::setattr(m, "_GradModeOn", nb::borrow(make_type<true>("backlit._C._GradModeOn").get()));
}

}  // namespace backlit
