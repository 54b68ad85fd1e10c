// The parts of backward that call Python: hooks, saved-tensor hooks, anomaly reports.
#include <cmath>

#include "graph/engine.h"
#include "graph/saved_hooks.h"
#include "graph/tracking.h"
#include "ops/arithmetic.h"

namespace backlit {

thread_local SavedHooks saved_hooks;

namespace {

// The values of a dict of hooks, copied: a hook may remove itself while it runs.
Object hook_list(PyObject* hooks) {
  if (!hooks || hooks == Py_None) return {};
  Object values = Object::steal(PyMapping_Values(hooks));
  if (!values) throw PythonErrorSet();
  return values;
}

Tensor checked_gradient(const Object& result, const char* what) {
  if (!PyObject_TypeCheck(result.get(), tensor_type))
    fail(ErrorKind::Type, "expected Variable, but ", what, " returned ",
         Py_TYPE(result.get())->tp_name);
  return Tensor::borrow(reinterpret_cast<TensorObject*>(result.get()));
}

PyObject* none_or(const Tensor& t) {
  PyObject* o = t.defined() ? t.object() : Py_None;
  Py_INCREF(o);
  return o;
}

Object tuple_of(std::span<const Tensor> tensors) {
  Object tuple = Object::steal(PyTuple_New(static_cast<Py_ssize_t>(tensors.size())));
  if (!tuple) throw PythonErrorSet();
  for (std::size_t i = 0; i < tensors.size(); ++i)
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), none_or(tensors[i]));
  return tuple;
}

void replace_from(const Object& result, std::span<Tensor> gradients, const char* what) {
  if (result.get() == Py_None) return;
  Object tuple =
      PyTuple_Check(result.get()) ? result : Object::steal(PyTuple_Pack(1, result.get()));
  if (static_cast<std::size_t>(PyTuple_GET_SIZE(tuple.get())) != gradients.size())
    fail(ErrorKind::Runtime, what, " has returned an incorrect number of values, got ",
         PyTuple_GET_SIZE(tuple.get()), ", but expected ", gradients.size());
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    PyObject* o = PyTuple_GET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i));
    gradients[i] = o == Py_None ? Tensor() : checked_gradient(Object::borrow(o), what);
  }
}

// Objects of backlit.autograd that the engine calls.
Object python_function(const char* module, const char* name) {
  const Object m = Object::steal(PyImport_ImportModule(module));
  if (!m) throw PythonErrorSet();
  Object f = Object::steal(PyObject_GetAttrString(m.get(), name));
  if (!f) throw PythonErrorSet();
  return f;
}

thread_local std::vector<std::pair<Object, Object>>* hook_stack = nullptr;

}  // namespace

void call_tensor_hooks(PyObject* hooks, Tensor& grad) {
  const Object list = hook_list(hooks);
  if (!list) return;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list.get()); ++i) {
    const Object result =
        Object::steal(PyObject_CallOneArg(PyList_GET_ITEM(list.get(), i), grad.object()));
    if (!result) throw PythonErrorSet();
    if (result.get() == Py_None) continue;
    Tensor replaced = checked_gradient(result, "hook");
    if (!replaced.layout().same_sizes(grad.layout()))
      fail(ErrorKind::Runtime, "hook '", "' has changed the size of value: from ",
           to_string(grad.sizes()), " to ", to_string(replaced.sizes()));
    grad = std::move(replaced);
  }
}

void call_pre_hooks(Node& node, std::span<Tensor> grads) {
  const Object list = hook_list(node.meta->pre_hooks.get());
  for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list.get()); ++i) {
    const Object args = tuple_of(grads);
    const Object result =
        Object::steal(PyObject_CallOneArg(PyList_GET_ITEM(list.get(), i), args.get()));
    if (!result) throw PythonErrorSet();
    replace_from(result, grads, "hook");
  }
}

void call_post_hooks(Node& node, std::span<Tensor> outputs, std::span<const Tensor> grads) {
  const Object list = hook_list(node.meta->post_hooks.get());
  for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list.get()); ++i) {
    const Object out = tuple_of(outputs), in = tuple_of(grads);
    const Object result = Object::steal(
        PyObject_CallFunctionObjArgs(PyList_GET_ITEM(list.get(), i), out.get(), in.get(), nullptr));
    if (!result) throw PythonErrorSet();
    replace_from(result, outputs, "hook");
  }
}

void call_post_accumulate_hooks(const Tensor& leaf) {
  const Object list = hook_list(leaf->meta->post_accumulate);
  for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list.get()); ++i) {
    const Object result =
        Object::steal(PyObject_CallOneArg(PyList_GET_ITEM(list.get(), i), leaf.object()));
    if (!result) throw PythonErrorSet();
    if (result.get() != Py_None)
      fail(ErrorKind::Runtime, "Tensor post accumulate grad hooks should return None.");
  }
}

void retain_grad(PyObject* weak, const Tensor& grad) {
  const Object target = Object::steal(PyObject_CallNoArgs(weak));
  if (!target || target.get() == Py_None) return;
  AutogradMeta& meta = meta_of(*reinterpret_cast<TensorObject*>(target.get()));
  Tensor kept = meta.grad ? ops::add(Tensor::borrow(meta.grad), grad) : ops::clone(grad);
  Py_XDECREF(meta.grad);
  meta.grad = kept.release();
  if (meta.grad->grad_fn) entangle(Tensor::borrow(reinterpret_cast<TensorObject*>(target.get())));
}

void note_creation(Node& node) {
  const Object f = python_function("backlit.autograd.anomaly_mode", "_note_creation");
  const Object result =
      Object::steal(PyObject_CallOneArg(f.get(), reinterpret_cast<PyObject*>(&node)));
  if (!result) throw PythonErrorSet();
}

void check_for_nan(Node& node, std::span<const Tensor> outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& t = outputs[i];
    if (!t.defined() || !t.is_floating()) continue;
    const Tensor flat = ops::contiguous(ops::to_dtype(t.alias(), Dtype::Float64));
    for (std::int64_t k = 0; k < flat.numel(); ++k)
      if (std::isnan(flat.data<double>()[k]))
        fail(ErrorKind::Runtime, "Function '", node.name, "' returned nan values in its ", i,
             "th output.");
  }
}

void report_anomaly(Node& node) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  try {
    const Object f = python_function("backlit.autograd.anomaly_mode", "_report");
    Object::steal(PyObject_CallOneArg(f.get(), reinterpret_cast<PyObject*>(&node)));
  } catch (const PythonErrorSet&) {}
  if (type || !PyErr_Occurred()) PyErr_Restore(type, value, traceback);
}

void push_saved_hooks(PyObject* pack, PyObject* unpack) {
  if (saved_hooks.disabled) fail(ErrorKind::Runtime, saved_hooks.disabled);
  if (!hook_stack) hook_stack = new std::vector<std::pair<Object, Object>>;
  hook_stack->emplace_back(Object::borrow(pack), Object::borrow(unpack));
  ++saved_hooks.depth;
}

void pop_saved_hooks() {
  if (!hook_stack || hook_stack->empty()) return;
  hook_stack->pop_back();
  --saved_hooks.depth;
}

PyObject* pack_saved(const Tensor& t, PyObject* origin) {
  const auto [pack, unpack] = hook_stack->back();
  struct Pause {
    int depth = std::exchange(saved_hooks.depth, 0);
    ~Pause() { saved_hooks.depth = depth; }
  } pause;
  GradMode off(false);
  const Object packed = Object::steal(PyObject_CallOneArg(pack.get(), t.object()));
  if (!packed) throw PythonErrorSet();
  PyObject* triple = PyTuple_Pack(3, unpack.get(), packed.get(), origin);
  if (!triple) throw PythonErrorSet();
  return triple;
}

namespace {

// The unpacked tensor as an output of the node it came from, for gradients of gradients.
Tensor with_origin(const Tensor& t, Node* node, std::uint32_t output_nr) {
  const Edge edge = gradient_edge(t);
  const Ref<Node> keep = Ref<Node>::steal(edge.node);
  if (edge.node == node && edge.output_nr == output_nr) return t;
  Tensor y = t.alias();
  const bool anomaly = std::exchange(modes.anomaly, false);  // the node was noted when it was made
  set_history(y, node, output_nr);
  modes.anomaly = anomaly;
  return y;
}

}  // namespace

Tensor unpack_saved(PyObject* packed, Node* self, std::uint32_t output_nr) {
  const Object triple = Object::borrow(packed);  // the hook may release what is saved
  const Object result =
      Object::steal(PyObject_CallOneArg(PyTuple_GET_ITEM(packed, 0), PyTuple_GET_ITEM(packed, 1)));
  if (!result) throw PythonErrorSet();
  if (!PyObject_TypeCheck(result.get(), tensor_type))
    fail(ErrorKind::Type,
         "Output of saved tensor unpack_hook expected to be a Tensor but got result of type ",
         Py_TYPE(result.get())->tp_name);
  const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(result.get()));
  PyObject* origin = PyTuple_GET_ITEM(packed, 2);
  Node* node = origin == Py_True   ? self
               : origin == Py_None ? nullptr
                                   : reinterpret_cast<Node*>(origin);
  return modes.grad && node ? with_origin(t, node, output_nr) : t;
}

}  // namespace backlit
