// The Python type Tensor: life cycle, indexing, and the type itself. Attributes and short methods
// are in tensor_attributes.cpp, operators in tensor_operators.cpp; methods that are operations come
// from the registry; the rest of the interface is Python (src/backlit/_tensor.py).
#include <cstddef>
#include <vector>

#include "bind/carriers.h"
#include "bind/tensor_slots.h"
#include "graph/tracking.h"

namespace backlit {
namespace {

constexpr int kMaxFree = 1 << 18;      // 30 MB: those of a large graph, for the next one
TensorObject* free_tensors = nullptr;  // linked through `data`
int free_count = 0;

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
  t->inference = modes.inference;
  t->tracked = false;
  t->entangled = false;
}

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

Py_ssize_t length(PyObject* self) {
  const Layout& l = *object(self).layout;
  if (l.ndim == 0) {
    PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
    return -1;
  }
  return static_cast<Py_ssize_t>(l.size(0));
}
PyObject* subscript(PyObject* self, PyObject* index) {
  if (holds_carrier(index)) [[unlikely]]
    return call_carrier_method("_get_item", self, index);
  return guarded([&] { return ops::get_item(handle(self), index); });
}
int assign_subscript(PyObject* self, PyObject* index, PyObject* value) {
  if (!value) {
    PyErr_SetString(PyExc_TypeError, "Tensor does not support deleting items");
    return -1;
  }
  if (holds_carrier(index) || holds_carrier(value)) [[unlikely]] {
    PyObject* result = call_carrier_method("_set_item", self, index, value);
    Py_XDECREF(result);
    return result ? 0 : -1;
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

PyType_Slot slots[] = {
    {Py_tp_new, slot(tensor_new)},
    {Py_tp_dealloc, slot(dealloc)},
    {Py_tp_traverse, slot(traverse)},
    {Py_tp_clear, slot(clear)},
    {Py_tp_setattro, slot(set_attribute)},
    {Py_tp_getset, tensor_attributes},
    {Py_tp_methods, tensor_methods},
    {Py_tp_members, members},
    {Py_tp_repr, slot(repr)},
    {Py_tp_hash, slot(hash)},
    {Py_tp_iter, slot(tensor_iter)},
    {Py_sq_contains, slot(tensor_contains)},
    {Py_bf_getbuffer, slot(tensor_get_buffer)},
    {Py_bf_releasebuffer, slot(tensor_release_buffer)},
    {Py_mp_length, slot(length)},
    {Py_mp_subscript, slot(subscript)},
    {Py_mp_ass_subscript, slot(assign_subscript)},
    {Py_tp_doc,
     const_cast<char*>("A strided array of numbers, with its place in the recorded graph.")},
};

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
  BACKLIT_CHECK(!requires_grad || from.is_differentiable(), Runtime,
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
  std::vector<PyType_Slot> all(std::begin(slots), std::end(slots));
  const auto operators = tensor_operators();
  all.insert(all.end(), operators.begin(), operators.end());
  all.push_back({0, nullptr});
  PyType_Spec spec = {"backlit.Tensor", sizeof(TensorObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, all.data()};
  tensor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!tensor_type) throw PythonErrorSet();
  // messages of Python's own say 'Tensor' then, as with PyTorch, and not 'backlit.Tensor'
  const Object name = Object::steal(PyUnicode_FromString("Tensor"));
  if (PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), "__name__", name.get()) < 0)
    throw PythonErrorSet();
}

}  // namespace backlit
