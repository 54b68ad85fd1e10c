// Attributes of Tensor, and the methods that must be fast. Methods that are operations come from
// the registry; the rest of the interface is Python (src/backlit/_tensor.py).
#include "bind/tensor_slots.h"
#include "graph/tracking.h"
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/products.h"
#include "ops/views.h"

namespace backlit {
namespace {

PyObject* get_shape(PyObject* self, void*) { return size_object(object(self).layout->sizes()); }
PyObject* get_dtype(PyObject* self, void*) { return to_python(object(self).dtype); }
PyObject* get_device(PyObject*, void*) {
  PyObject* d = device_object();
  Py_INCREF(d);
  return d;
}
PyObject* get_ndim(PyObject* self, void*) { return PyLong_FromLong(object(self).layout->ndim); }
PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }
PyObject* get_is_leaf(PyObject* self, void*) {
  return guarded([&] { return PyBool_FromLong(grad_fn_of(handle(self)) == nullptr); });
}
PyObject* get_requires_grad(PyObject* self, void*) {
  return PyBool_FromLong(handle(self).requires_grad());
}
int set_requires_grad(PyObject* self, PyObject* value, void*) {
  return guarded([&]() -> PyObject* {
    const int on = value ? PyObject_IsTrue(value) : -1;
    BACKLIT_CHECK(value && (PyBool_Check(value)), Runtime, "requires_grad must be a bool");
    TensorObject& t = object(self);
    BACKLIT_CHECK(!(t.grad_fn && !on), Runtime,
                  "you can only change requires_grad flags of leaf variables. If you want to "
                  "use a computed variable in a subgraph that doesn't require differentiation "
                  "use var_no_grad = var.detach().");
    BACKLIT_CHECK(!on || is_differentiable(t.dtype), Runtime,
                  "only Tensors of floating point dtype can require gradients. Got dtype torch.",
                  info(t.dtype).name, "; convert it with .float() first.");
    BACKLIT_CHECK(!(on && t.inference && !modes.inference), Runtime,
                  "Setting requires_grad=True on inference tensor outside InferenceMode is not "
                  "allowed.");
    if (!t.grad_fn) t.requires_grad = on == 1;
    Py_INCREF(Py_None);
    return Py_None;
  })
             ? (Py_DECREF(Py_None), 0)
             : -1;
}
PyObject* get_grad_fn(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    Node* node = grad_fn_of(handle(self));
    if (!node) Py_RETURN_NONE;
    return node_object(node);
  });
}
PyObject* get_grad(PyObject* self, void*) {
  const TensorObject& t = object(self);
  if (!t.meta || !t.meta->grad) {
    if (t.grad_fn && !(t.meta && t.meta->retains_grad)) {
      if (PyErr_WarnEx(
              PyExc_UserWarning,
              "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
              ".grad attribute won't be populated during autograd.backward(). If you indeed want "
              "the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the "
              "non-leaf Tensor.",
              1) < 0)
        return nullptr;
    }
    Py_RETURN_NONE;
  }
  Py_INCREF(t.meta->grad);
  return reinterpret_cast<PyObject*>(t.meta->grad);
}
int set_grad(PyObject* self, PyObject* value, void*) {
  PyObject* done = guarded([&]() -> PyObject* {
    TensorObject& t = object(self);
    if (!value || value == Py_None) {
      if (t.meta) Py_CLEAR(t.meta->grad);
      return Py_None;
    }
    BACKLIT_CHECK(is_tensor(value), Type,
                  "assigned grad expected to be a Tensor or None but got grad of type ",
                  Py_TYPE(value)->tp_name);
    const TensorObject& g = object(value);
    BACKLIT_CHECK(value != self, Runtime, "can't assign Variable as its own grad");
    BACKLIT_CHECK(g.dtype == t.dtype, Runtime, "attempting to assign a gradient with dtype '",
                  info(g.dtype).c_name, "' to a tensor with grad_dtype '",
                  info(t.dtype).scalar_name, "'. Convert one of them first.");
    BACKLIT_CHECK(g.layout->same_sizes(*t.layout), Runtime,
                  "attempting to assign a gradient of size '", to_string(g.layout->sizes()),
                  "' to a tensor of size '", to_string(t.layout->sizes()),
                  "'. Give it the size of the tensor.");
    AutogradMeta& meta = meta_of(t);
    Py_INCREF(value);
    Py_XDECREF(meta.grad);
    meta.grad = &object(value);
    if (g.grad_fn || g.entangled) entangle(handle(self));
    return Py_None;
  });
  return done ? 0 : -1;
}
PyObject* get_data(PyObject* self, void*) {
  return guarded([&] {
    const TensorObject& t = object(self);
    Tensor y =
        Tensor::over(share_storage(t.storage, 0), t.data, LayoutRef::borrow(t.layout), t.dtype);
    y->inference = t.inference;
    return to_python(std::move(y));
  });
}
int set_data(PyObject* self, PyObject* value, void*) {
  PyObject* done = guarded([&]() -> PyObject* {
    BACKLIT_CHECK(value && is_tensor(value), Type, "Variable data has to be a tensor, but got ",
                  value ? Py_TYPE(value)->tp_name : "nothing");
    TensorObject& t = object(self);
    const TensorObject& from = object(value);
    BACKLIT_CHECK(
        !t.requires_grad || is_differentiable(from.dtype), Runtime,
        "data set to a tensor that requires gradients must be floating point or complex dtype");
    // the tensor keeps its own version counter: tensors saved before do not notice
    Storage* fresh = share_storage(from.storage, t.storage->version);
    Storage* old = std::exchange(t.storage, fresh);
    LayoutRef old_layout(std::exchange(t.layout, LayoutRef::borrow(from.layout).release()));
    t.data = from.data;
    t.dtype = from.dtype;
    release(old);
    return Py_None;
  });
  return done ? 0 : -1;
}
void warn_deprecated(const char* text) {
  if (PyErr_WarnEx(PyExc_UserWarning, text, 1) < 0) throw PythonErrorSet();
}
PyObject* get_transposed(PyObject* self, void*) {
  return guarded([&] {
    const Tensor x = handle(self);
    if (x.dim() != 2 && x.dim() != 0)
      warn_deprecated(
          "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
          "deprecated and it will throw an error in a future release. Consider `x.mT` to transpose "
          "batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the "
          "dimensions of a tensor.");
    Dims order;
    for (int d = x.dim() - 1; d >= 0; --d) order.push_back(d);
    return to_python(ops::permute(x, order));
  });
}
// mT and mH: the last two dimensions swapped.
template <char kLetter> PyObject* get_matrix_transposed(PyObject* self, void*) {
  return guarded([&] {
    const Tensor x = handle(self);
    BACKLIT_CHECK(x.dim() != 1, Runtime, "tensor.m", kLetter,
                  " is only supported on matrices or batches of matrices. Got ", x.dim(),
                  "-D tensor.");
    if (x.dim() == 0)
      warn_deprecated(kLetter == 'T' ? "Tensor.mT is deprecated on 0-D tensors. This function is "
                                       "the identity in these cases."
                                     : "Tensor.mH is deprecated on 0-D tensors. Consider using "
                                       "x.conj().");
    const Tensor y = x.dim() == 0 ? ops::alias(x) : ops::transpose(x, -2, -1);
    return to_python(kLetter == 'H' ? ops::conj(y) : y);
  });
}
PyObject* get_hermitian(PyObject* self, void*) {
  return guarded([&] {
    const Tensor x = handle(self);
    BACKLIT_CHECK(x.dim() == 2 || x.dim() == 0, Runtime,
                  "tensor.H is only supported on matrices (2-D tensors). Got ", x.dim(),
                  "-D tensor.",
                  x.dim() > 2 ? " For batches of matrices, consider using tensor.mH" : "");
    if (x.dim() == 0)
      warn_deprecated("Tensor.H is deprecated on 0-D tensors. Consider using x.conj().");
    return to_python(ops::conj(x.dim() == 0 ? ops::alias(x) : ops::transpose(x, 0, 1)));
  });
}
// x.real and x.imag: views, to which values can be assigned.
template <Tensor (*F)(const Tensor&)> PyObject* get_part(PyObject* self, void*) {
  return guarded([&] { return to_python(F(handle(self))); });
}
template <Tensor (*F)(const Tensor&)> int set_part(PyObject* self, PyObject* value, void*) {
  PyObject* done = guarded([&]() -> PyObject* {
    BACKLIT_CHECK(value, Attribute, "the parts of a tensor cannot be deleted");
    const Tensor part = F(handle(self));
    ops::copy_(part, is_tensor(value) ? handle(value) : ops::as_tensor(scalar_from_object(value)));
    return Py_None;
  });
  return done ? 0 : -1;
}
PyObject* get_version(PyObject* self, void*) {
  if (object(self).inference) {
    PyErr_SetString(PyExc_RuntimeError, "Inference tensors do not track version counter.");
    return nullptr;
  }
  return PyLong_FromUnsignedLong(object(self).storage->version);
}
PyObject* get_base(PyObject* self, void*) {
  const TensorObject& t = object(self);
  PyObject* base = t.meta && t.meta->base ? reinterpret_cast<PyObject*>(t.meta->base) : Py_None;
  Py_INCREF(base);
  return base;
}
PyObject* get_output_nr(PyObject* self, void*) {
  return PyLong_FromUnsignedLong(object(self).output_nr);
}
PyObject* get_itemsize(PyObject* self, void*) {
  return PyLong_FromSize_t(size_of(object(self).dtype));
}
PyObject* get_nbytes(PyObject* self, void*) {
  return PyLong_FromLongLong(object(self).layout->numel *
                             static_cast<std::int64_t>(size_of(object(self).dtype)));
}
PyObject* get_retains_grad(PyObject* self, void*) {
  const TensorObject& t = object(self);
  return PyBool_FromLong(t.grad_fn && t.meta && t.meta->retains_grad);
}
PyObject* get_name(PyObject* self, void*) {
  const TensorObject& t = object(self);
  PyObject* name = t.meta && t.meta->name ? t.meta->name : Py_None;
  Py_INCREF(name);
  return name;
}
int set_name(PyObject* self, PyObject* value, void*) {
  AutogradMeta& meta = meta_of(object(self));
  Py_XINCREF(value);
  Py_XDECREF(meta.name);
  meta.name = value;
  return 0;
}
template <PyObject* AutogradMeta::* Field> PyObject* get_hooks(PyObject* self, void*) {
  const TensorObject& t = object(self);
  PyObject* hooks = t.meta && t.meta->*Field ? t.meta->*Field : Py_None;
  Py_INCREF(hooks);
  return hooks;
}
// Assigning a dict of hooks; for a computed tensor its node learns of it.
int set_backward_hooks(PyObject* self, PyObject* value, void*) {
  PyObject* done = guarded([&]() -> PyObject* {
    const Tensor t = handle(self);
    AutogradMeta& meta = meta_of(*t.get());
    Py_XINCREF(value);
    Py_XDECREF(meta.hooks);
    meta.hooks = value;
    entangle(t);
    if (Node* node = grad_fn_of(t))
      meta_of(*node).tensor_hooks.push_back({t->output_nr, Object::borrow(value), Object()});
    return Py_None;
  });
  return done ? 0 : -1;
}
int set_post_accumulate(PyObject* self, PyObject* value, void*) {
  AutogradMeta& meta = meta_of(object(self));
  Py_XINCREF(value);
  Py_XDECREF(meta.post_accumulate);
  meta.post_accumulate = value;
  entangle(handle(self));
  return 0;
}

PyObject* get_dict(PyObject* self, void* context) {
  entangle(handle(self));  // its dict may hold anything
  return PyObject_GenericGetDict(self, context);
}

}  // namespace

PyGetSetDef tensor_attributes[] = {
    {"__dict__", get_dict, PyObject_GenericSetDict, nullptr, nullptr},
    {"shape", get_shape, nullptr, nullptr, nullptr},
    {"dtype", get_dtype, nullptr, nullptr, nullptr},
    {"device", get_device, nullptr, nullptr, nullptr},
    {"ndim", get_ndim, nullptr, nullptr, nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad, nullptr, nullptr},
    {"is_leaf", get_is_leaf, nullptr, nullptr, nullptr},
    {"grad_fn", get_grad_fn, nullptr, nullptr, nullptr},
    {"grad", get_grad, set_grad, nullptr, nullptr},
    {"data", get_data, set_data, nullptr, nullptr},
    {"T", get_transposed, nullptr, nullptr, nullptr},
    {"H", get_hermitian, nullptr, nullptr, nullptr},
    {"mT", get_matrix_transposed<'T'>, nullptr, nullptr, nullptr},
    {"mH", get_matrix_transposed<'H'>, nullptr, nullptr, nullptr},
    {"real", get_part<ops::real>, set_part<ops::real>, nullptr, nullptr},
    {"imag", get_part<ops::imag>, set_part<ops::imag>, nullptr, nullptr},
    {"_version", get_version, nullptr, nullptr, nullptr},
    {"_base", get_base, nullptr, nullptr, nullptr},
    {"output_nr", get_output_nr, nullptr, nullptr, nullptr},
    {"itemsize", get_itemsize, nullptr, nullptr, nullptr},
    {"nbytes", get_nbytes, nullptr, nullptr, nullptr},
    {"retains_grad", get_retains_grad, nullptr, nullptr, nullptr},
    {"name", get_name, set_name, nullptr, nullptr},
    {"is_cuda", get_false, nullptr, nullptr, nullptr},
    {"is_sparse", get_false, nullptr, nullptr, nullptr},
    {"is_quantized", get_false, nullptr, nullptr, nullptr},
    {"is_meta", get_false, nullptr, nullptr, nullptr},
    {"is_nested", get_false, nullptr, nullptr, nullptr},
    {"_backward_hooks", get_hooks<&AutogradMeta::hooks>, set_backward_hooks, nullptr, nullptr},
    {"_post_accumulate_grad_hooks", get_hooks<&AutogradMeta::post_accumulate>, set_post_accumulate,
     nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyObject* tensor_item(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    const TensorObject& t = object(self);
    BACKLIT_CHECK(t.layout->numel == 1, Runtime, "a Tensor with ", t.layout->numel,
                  " elements cannot be converted to Scalar");
    if (t.dtype == Dtype::Float32) return PyFloat_FromDouble(*reinterpret_cast<float*>(t.data));
    if (t.dtype == Dtype::Float64) return PyFloat_FromDouble(*reinterpret_cast<double*>(t.data));
    return number_at(t.data, t.dtype);
  });
}
namespace {

PyObject* detach(PyObject* self, PyObject*) {
  return guarded([&] { return to_python(ops::detach(handle(self))); });
}
PyObject* requires_grad_(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames) {
  PyObject* value = nargs > 0                                     ? args[0]
                    : (kwnames && PyTuple_GET_SIZE(kwnames) == 1) ? args[0]
                                                                  : Py_True;
  if (set_requires_grad(self, value, nullptr) < 0) return nullptr;
  Py_INCREF(self);
  return self;
}
PyObject* dim(PyObject* self, PyObject*) { return PyLong_FromLong(object(self).layout->ndim); }
PyObject* numel(PyObject* self, PyObject*) {
  return PyLong_FromLongLong(object(self).layout->numel);
}
PyObject* data_ptr(PyObject* self, PyObject*) { return PyLong_FromVoidPtr(object(self).data); }
PyObject* storage_offset(PyObject* self, PyObject*) {
  return PyLong_FromLongLong(handle(self).offset());
}
PyObject* element_size(PyObject* self, PyObject*) {
  return PyLong_FromSize_t(size_of(object(self).dtype));
}
PyObject* is_floating_point(PyObject* self, PyObject*) {
  return PyBool_FromLong(is_floating(object(self).dtype));
}
PyObject* is_inference(PyObject* self, PyObject*) {
  return PyBool_FromLong(object(self).inference);
}
PyObject* retain_grad(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    const Tensor t = handle(self);
    BACKLIT_CHECK(t.requires_grad(), Runtime,
                  "can't retain_grad on Tensor that has requires_grad=False");
    if (Node* node = grad_fn_of(t); node && !(t->meta && t->meta->retains_grad)) {
      meta_of(*t.get()).retains_grad = true;
      Object weak = Object::steal(PyWeakref_NewRef(self, nullptr));
      if (!weak) return nullptr;
      meta_of(*node).tensor_hooks.push_back({t->output_nr, Object(), weak});
    }
    Py_RETURN_NONE;
  });
}
// _make_subclass(cls, data, requires_grad=False): the same memory as an object of a subclass.
PyObject* make_subclass(PyObject*, PyObject* args) {
  PyObject *cls, *data;
  int requires_grad = 0;
  if (!PyArg_ParseTuple(args, "OO|p", &cls, &data, &requires_grad)) return nullptr;
  return guarded([&]() -> PyObject* {
    BACKLIT_CHECK(
        PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type),
        Type, "cls must be a type (got ", Py_TYPE(cls)->tp_name, ")");
    BACKLIT_CHECK(is_tensor(data), Type, "_make_subclass(): argument 'data' must be Tensor, not ",
                  Py_TYPE(data)->tp_name);
    return subclass_object(reinterpret_cast<PyTypeObject*>(cls), handle(data), requires_grad != 0);
  });
}

template <PyObject* (*F)(PyObject*, PyObject*)> constexpr PyCFunction no_args() { return F; }

}  // namespace

PyMethodDef tensor_methods[] = {
    {"item", tensor_item, METH_NOARGS, "The one element as a Python number."},
    {"detach", detach, METH_NOARGS, "The same memory without history; shares the version counter."},
    {"requires_grad_", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(requires_grad_)),
     METH_FASTCALL | METH_KEYWORDS, "Sets requires_grad in place; returns the tensor."},
    {"backward", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(tensor_backward)),
     METH_FASTCALL | METH_KEYWORDS,
     "backward(gradient=None, retain_graph=None, create_graph=False, inputs=None)\n\n"
     "Adds the gradient of this tensor with respect to each leaf to the leaf's .grad."},
    {"dim", dim, METH_NOARGS, "Number of dimensions."},
    {"ndimension", dim, METH_NOARGS, "Number of dimensions."},
    {"numel", numel, METH_NOARGS, "Number of elements."},
    {"nelement", numel, METH_NOARGS, "Number of elements."},
    {"data_ptr", data_ptr, METH_NOARGS, "Address of the first element."},
    {"storage_offset", storage_offset, METH_NOARGS,
     "Elements before the first one in the storage."},
    {"element_size", element_size, METH_NOARGS, "Bytes of one element."},
    {"is_floating_point", is_floating_point, METH_NOARGS, nullptr},
    {"is_inference", is_inference, METH_NOARGS, nullptr},
    {"retain_grad", retain_grad, METH_NOARGS, "Keeps .grad of a computed tensor during backward."},
    {"_make_subclass", make_subclass, METH_VARARGS | METH_STATIC, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace backlit
