// The Python type Tensor: life cycle, attributes and operators. Methods that are operations come
// from the registry; the rest of the interface is Python (src/backlit/_tensor.py).
#include <cstddef>
#include <cstring>

#include "bind/bind.h"
#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/logic.h"
#include "formulas/power.h"
#include "formulas/rounding.h"
#include "graph/tracking.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/views.h"

namespace backlit {
namespace {

constexpr int kMaxFree = 4096;
TensorObject* free_tensors = nullptr;  // linked through `data`
int free_count = 0;

Tensor handle(PyObject* o) { return Tensor::borrow(reinterpret_cast<TensorObject*>(o)); }
TensorObject& object(PyObject* o) { return *reinterpret_cast<TensorObject*>(o); }

void clear_fields(TensorObject* t) {
  t->weakrefs = nullptr;
  t->dict = nullptr;
  t->storage = nullptr;
  t->data = nullptr;
  t->layout = nullptr;
  t->grad_fn = nullptr;
  t->meta = nullptr;
  t->output_nr = 0;
  t->dtype = Dtype::Float32;
  t->requires_grad = false;
  t->inference = false;
  t->tracked = false;
  t->entangled = false;
}

// --- life cycle ---

int clear(PyObject* self) {
  TensorObject& t = object(self);
  Py_CLEAR(t.dict);
  if (AutogradMeta* m = t.meta) {
    Py_CLEAR(m->grad);
    Py_CLEAR(m->base);
    Py_CLEAR(m->hooks);
    Py_CLEAR(m->post_accumulate);
    Py_CLEAR(m->name);
  }
  Py_CLEAR(t.grad_fn);
  return 0;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  TensorObject& t = object(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(t.dict);
  Py_VISIT(t.grad_fn);
  if (const AutogradMeta* m = t.meta) {
    Py_VISIT(m->grad);
    Py_VISIT(m->base);
    Py_VISIT(m->hooks);
    Py_VISIT(m->post_accumulate);
    Py_VISIT(m->name);
  }
  return 0;
}

void dealloc(PyObject* self) {
  TensorObject* t = &object(self);
  PyTypeObject* type = Py_TYPE(self);
  if (t->tracked) PyObject_GC_UnTrack(self);
  if (t->weakrefs) PyObject_ClearWeakRefs(self);
  clear(self);
  delete t->meta;
  t->meta = nullptr;
  if (t->layout) LayoutRef drop(t->layout);
  if (t->storage) release(t->storage);
#ifndef BACKLIT_SANITIZE
  if (type == tensor_type && free_count < kMaxFree) {
    t->data = reinterpret_cast<char*>(free_tensors);
    free_tensors = t;
    ++free_count;
    Py_DECREF(type);
    return;
  }
#endif
  if (type == tensor_type)
    PyObject_GC_Del(self);
  else
    type->tp_free(self);
  Py_DECREF(type);
}

int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
  const int result = PyObject_GenericSetAttr(self, name, value);
  if (object(self).dict && value) {  // it may hold anything
    entangle(handle(self));
    if (is_tensor(value)) entangle(handle(value));
  }
  return result;
}

// --- attributes ---

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
  return PyBool_FromLong(object(self).grad_fn || object(self).requires_grad);
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
    BACKLIT_CHECK(!on || is_floating(t.dtype), Runtime,
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
                  "assigned grad expected to be a Tensor or None but got grad of type",
                  Py_TYPE(value)->tp_name);
    const TensorObject& g = object(value);
    BACKLIT_CHECK(value != self, Runtime, "can't assign Variable as its own grad");
    BACKLIT_CHECK(g.dtype == t.dtype, Runtime,
                  "assigned grad has data of a different type. Got torch.", info(g.dtype).name,
                  " for a tensor of torch.", info(t.dtype).name, ".");
    BACKLIT_CHECK(g.layout->same_sizes(*t.layout), Runtime,
                  "assigned grad has data of a different size. Got ", to_string(g.layout->sizes()),
                  " for a tensor of ", to_string(t.layout->sizes()), ".");
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
        !t.requires_grad || is_floating(from.dtype), Runtime,
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
    return to_python(x.dim() == 0 ? ops::alias(x) : ops::transpose(x, -2, -1));
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
    return to_python(x.dim() == 0 ? ops::alias(x) : ops::transpose(x, 0, 1));
  });
}
PyObject* get_version(PyObject* self, void*) {
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

PyGetSetDef getset[] = {
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

// --- methods without arguments that must be fast ---

PyObject* item(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    const TensorObject& t = object(self);
    BACKLIT_CHECK(t.layout->numel == 1, Runtime, "a Tensor with ", t.layout->numel,
                  " elements cannot be converted to Scalar");
    if (t.dtype == Dtype::Float32) return PyFloat_FromDouble(*reinterpret_cast<float*>(t.data));
    if (t.dtype == Dtype::Float64) return PyFloat_FromDouble(*reinterpret_cast<double*>(t.data));
    if (t.dtype == Dtype::Bool) return PyBool_FromLong(*t.data != 0);
    return PyLong_FromLongLong(read_int(t.data, t.dtype));
  });
}
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

PyMethodDef methods[] = {
    {"item", item, METH_NOARGS, "The one element as a Python number."},
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

// --- operators ---

bool operand(PyObject* o) {
  return is_tensor(o) || PyFloat_Check(o) || PyLong_Check(o) || is_plain_number(o);
}
Operand operand_of(PyObject* o) {
  if (is_tensor(o)) return Operand(&object(o));
  return Operand(scalar_from_object(o));
}

template <Tensor (*F)(const Operand&, const Operand&)> PyObject* binary(PyObject* a, PyObject* b) {
  if (!operand(a) || !operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] { return to_python(F(operand_of(a), operand_of(b))); });
}
template <class Formula> PyObject* binary_formula(PyObject* a, PyObject* b) {
  if (!operand(a) || !operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] {
    const Operand in[] = {operand_of(a), operand_of(b)};
    return to_python(elementwise(RecordOf<Formula>::op, in));
  });
}
template <class Formula> PyObject* in_place_formula(PyObject* a, PyObject* b) {
  if (!operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] {
    const Operand in[] = {operand_of(a), operand_of(b)};
    return to_python(elementwise_in_place(RecordOf<Formula>::op, in));
  });
}
template <class Formula> PyObject* unary_formula(PyObject* a) {
  return guarded([&] { return to_python(apply<Formula>(handle(a))); });
}

// 1 - x and 1 / x keep PyTorch's names in the graph: RsubBackward1, and MulBackward0 of a
// reciprocal.
Tensor subtract(const Operand& a, const Operand& b) {
  if (a.t) return ops::sub(a, b);
  ops::refuse_bools(a, b);
  const double params[] = {a.s.d, 1, 1, 1};
  const Operand in[] = {b};
  if (a.s.kind == Scalar::Kind::Float && !is_floating(b.t->dtype)) {
    const Tensor x = ops::to_dtype(Tensor::borrow(b.t), default_dtype());
    const Operand converted[] = {x};
    return elementwise(RecordOf<formulas::RsubScalar>::op, converted, params);
  }
  return elementwise(RecordOf<formulas::RsubScalar>::op, in, params);
}
Tensor divide(const Operand& a, const Operand& b) {
  if (a.t) return ops::div(a, b);
  const Operand in[] = {b};
  return ops::mul(elementwise(RecordOf<formulas::Reciprocal>::op, in), a);
}

PyObject* power(PyObject* a, PyObject* b, PyObject* modulo) {
  if (modulo != Py_None || !operand(a) || !operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] { return to_python(ops::pow(operand_of(a), operand_of(b))); });
}
PyObject* in_place_power(PyObject* a, PyObject* b, PyObject*) {
  return PyObject_CallMethod(a, "pow_", "O", b);
}
PyObject* matmul(PyObject* a, PyObject* b) {
  if (!is_tensor(a) || !is_tensor(b)) Py_RETURN_NOTIMPLEMENTED;
  static PyObject* name = PyUnicode_InternFromString("matmul");
  return PyObject_CallMethodOneArg(a, name, b);
}
PyObject* positive(PyObject* a) {
  if (object(a).dtype == Dtype::Bool) {
    PyErr_SetString(PyExc_RuntimeError, formulas::Positive::bool_error);
    return nullptr;
  }
  Py_INCREF(a);
  return a;
}
PyObject* invert(PyObject* a) {
  if (is_floating(object(a).dtype)) {
    PyErr_SetString(PyExc_TypeError,
                    "~ (operator.invert) is only implemented on integer and Boolean-type tensors");
    return nullptr;
  }
  return unary_formula<formulas::BitwiseNot>(a);
}

int as_bool(PyObject* self) {
  const TensorObject& t = object(self);
  if (t.layout->numel != 1) {
    PyErr_SetString(PyExc_RuntimeError,
                    t.layout->numel == 0
                        ? "Boolean value of Tensor with no values is ambiguous"
                        : "Boolean value of Tensor with more than one value is ambiguous");
    return -1;
  }
  return read_double(t.data, t.dtype) != 0;
}
PyObject* only_element(PyObject* self) {
  if (object(self).layout->numel == 1) return item(self, nullptr);
  PyErr_SetString(PyExc_ValueError, "only one element tensors can be converted to Python scalars");
  return nullptr;
}
PyObject* as_float(PyObject* self) {
  PyObject* number = only_element(self);
  if (!number) return nullptr;
  PyObject* result = PyNumber_Float(number);
  Py_DECREF(number);
  return result;
}
PyObject* as_int(PyObject* self) {
  PyObject* number = only_element(self);
  if (!number) return nullptr;
  PyObject* result = PyNumber_Long(number);
  Py_DECREF(number);
  return result;
}
PyObject* as_index(PyObject* self) {
  const TensorObject& t = object(self);
  if (t.layout->numel != 1 || is_floating(t.dtype)) {
    PyErr_SetString(PyExc_TypeError,
                    "only integer tensors of a single element can be converted to an index");
    return nullptr;
  }
  return PyLong_FromLongLong(read_int(t.data, t.dtype));
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
  if (!operand(b)) {
    if ((op != Py_EQ && op != Py_NE) || !is_numpy_array(b)) Py_RETURN_NOTIMPLEMENTED;
    const Object other =
        Object::steal(guarded([&] { return to_python(tensor_over_buffer(b, b)); }));
    return other ? compare(a, other.get(), op) : nullptr;
  }
  switch (op) {
    case Py_EQ: return binary_formula<formulas::Eq>(a, b);
    case Py_NE: return binary_formula<formulas::Ne>(a, b);
    case Py_LT: return binary_formula<formulas::Lt>(a, b);
    case Py_LE: return binary_formula<formulas::Le>(a, b);
    case Py_GT: return binary_formula<formulas::Gt>(a, b);
    default: return binary_formula<formulas::Ge>(a, b);
  }
}

Py_ssize_t length(PyObject* self) {
  const Layout& l = *object(self).layout;
  if (l.ndim == 0) {
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
    return -1;
  }
  return static_cast<Py_ssize_t>(l.size(0));
}
PyObject* subscript(PyObject* self, PyObject* index) {
  return guarded([&] { return ops::get_item(handle(self), index); });
}
int assign_subscript(PyObject* self, PyObject* index, PyObject* value) {
  if (!value) {
    PyErr_SetString(PyExc_TypeError, "Tensor does not support deleting items");
    return -1;
  }
  PyObject* done = guarded([&]() -> PyObject* {
    ops::set_item(handle(self), index, value);
    return Py_None;
  });
  return done ? 0 : -1;
}
Py_hash_t hash(PyObject* self) {
  return static_cast<Py_hash_t>(reinterpret_cast<std::uintptr_t>(self) >> 4);
}

PyObject* call_python(const char* module, const char* function, PyObject* self) {
  const Object m = Object::steal(PyImport_ImportModule(module));
  if (!m) return nullptr;
  return PyObject_CallMethod(m.get(), function, "O", self);
}
PyObject* repr(PyObject* self) { return call_python("backlit._tensor_str", "tensor_repr", self); }

PyMemberDef members[] = {
    {"__dictoffset__", Py_T_PYSSIZET, offsetof(TensorObject, dict), Py_READONLY, nullptr},
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(TensorObject, weakrefs), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

template <class F> void* slot(F* f) { return reinterpret_cast<void*>(f); }

PyType_Slot slots[] = {
    {Py_tp_new, slot(tensor_new)},
    {Py_tp_dealloc, slot(dealloc)},
    {Py_tp_traverse, slot(traverse)},
    {Py_tp_clear, slot(clear)},
    {Py_tp_setattro, slot(set_attribute)},
    {Py_tp_getset, getset},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_repr, slot(repr)},
    {Py_tp_hash, slot(hash)},
    {Py_tp_richcompare, slot(compare)},
    {Py_tp_iter, slot(tensor_iter)},
    {Py_sq_contains, slot(tensor_contains)},
    {Py_bf_getbuffer, slot(tensor_get_buffer)},
    {Py_bf_releasebuffer, slot(tensor_release_buffer)},
    {Py_mp_length, slot(length)},
    {Py_mp_subscript, slot(subscript)},
    {Py_mp_ass_subscript, slot(assign_subscript)},
    {Py_nb_add, slot(binary<ops::add>)},
    {Py_nb_subtract, slot(binary<subtract>)},
    {Py_nb_multiply, slot(binary<ops::mul>)},
    {Py_nb_true_divide, slot(binary<divide>)},
    {Py_nb_floor_divide, slot(binary_formula<formulas::FloorDivide>)},
    {Py_nb_remainder, slot(binary_formula<formulas::Remainder>)},
    {Py_nb_power, slot(power)},
    {Py_nb_matrix_multiply, slot(matmul)},
    {Py_nb_negative, slot(unary_formula<formulas::Neg>)},
    {Py_nb_positive, slot(positive)},
    {Py_nb_absolute, slot(unary_formula<formulas::Abs>)},
    {Py_nb_invert, slot(invert)},
    {Py_nb_and, slot(binary_formula<formulas::BitwiseAnd>)},
    {Py_nb_or, slot(binary_formula<formulas::BitwiseOr>)},
    {Py_nb_xor, slot(binary_formula<formulas::BitwiseXor>)},
    {Py_nb_lshift, slot(binary_formula<formulas::BitwiseLeftShift>)},
    {Py_nb_rshift, slot(binary_formula<formulas::BitwiseRightShift>)},
    {Py_nb_inplace_add, slot(in_place_formula<formulas::Add>)},
    {Py_nb_inplace_subtract, slot(in_place_formula<formulas::Sub>)},
    {Py_nb_inplace_multiply, slot(in_place_formula<formulas::Mul>)},
    {Py_nb_inplace_true_divide, slot(in_place_formula<formulas::Div>)},
    {Py_nb_inplace_floor_divide, slot(in_place_formula<formulas::FloorDivide>)},
    {Py_nb_inplace_remainder, slot(in_place_formula<formulas::Remainder>)},
    {Py_nb_inplace_power, slot(in_place_power)},
    {Py_nb_inplace_and, slot(in_place_formula<formulas::BitwiseAnd>)},
    {Py_nb_inplace_or, slot(in_place_formula<formulas::BitwiseOr>)},
    {Py_nb_inplace_xor, slot(in_place_formula<formulas::BitwiseXor>)},
    {Py_nb_inplace_lshift, slot(in_place_formula<formulas::BitwiseLeftShift>)},
    {Py_nb_inplace_rshift, slot(in_place_formula<formulas::BitwiseRightShift>)},
    {Py_nb_bool, slot(as_bool)},
    {Py_nb_float, slot(as_float)},
    {Py_nb_int, slot(as_int)},
    {Py_nb_index, slot(as_index)},
    {Py_tp_doc,
     const_cast<char*>("A strided array of numbers, with its place in the recorded graph.")},
    {0, nullptr}};

PyType_Spec spec = {"backlit.Tensor", sizeof(TensorObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

TensorObject* new_tensor_object() {
#ifndef BACKLIT_SANITIZE
  if (free_tensors) [[likely]] {
    TensorObject* t = free_tensors;
    free_tensors = reinterpret_cast<TensorObject*>(t->data);
    --free_count;
    PyObject_Init(reinterpret_cast<PyObject*>(t), tensor_type);
    clear_fields(t);
    return t;
  }
#endif
  auto* t = PyObject_GC_New(TensorObject, tensor_type);
  if (!t) throw PythonErrorSet();
  clear_fields(t);
  return t;
}

PyObject* subclass_object(PyTypeObject* type, const Tensor& from, bool requires_grad) {
  BACKLIT_CHECK(!requires_grad || from.is_floating(), Runtime,
                "Only Tensors of floating point and complex dtype can require gradients");
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) throw PythonErrorSet();
  TensorObject& t = object(self);
  clear_fields(&t);
  t.tracked = true;
  t.storage = share_storage(from->storage, 0);
  t.data = from.raw();
  t.layout = from.layout_ref().release();
  t.dtype = from.dtype();
  t.requires_grad = requires_grad;
  return self;
}

AutogradMeta& meta_of(TensorObject& t) {
  if (!t.meta) { t.meta = new AutogradMeta; }
  return *t.meta;
}

void init_tensor_type() {
  tensor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!tensor_type) throw PythonErrorSet();
  // messages of Python's own say 'Tensor' then, as with PyTorch, and not 'backlit.Tensor'
  const Object name = Object::steal(PyUnicode_FromString("Tensor"));
  if (PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), "__name__", name.get()) < 0)
    throw PythonErrorSet();
}

}  // namespace backlit
