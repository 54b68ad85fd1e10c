// Backward from Python, custom functions, and the switches of recording.
#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <vector>

#include "bind/bind.h"
#include "bind/carriers.h"
#include "graph/engine.h"
#include "graph/saved_hooks.h"
#include "graph/tracking.h"
#include "ops/arithmetic.h"

namespace nb = nanobind;

namespace backlit {

namespace {

// --- running backward ---

Tensor ones_like(const Tensor& t) {
  Tensor g =
      Tensor::empty(t.layout().dense ? t.layout_ref() : contiguous_layout(t.sizes()), t.dtype());
  ops::fill_in_place(g, Scalar(1));
  return g;
}

// The gradient that enters at root number i.
Tensor incoming(const Tensor& root, PyObject* given, std::size_t i) {
  if (!given || given == Py_None) {
    BACKLIT_CHECK(root.numel() == 1, Runtime,
                  "grad can be implicitly created only for scalar outputs. Got a tensor of shape ",
                  to_string(root.sizes()),
                  "; reduce it with .sum() or .mean(), or pass gradient=.");
    BACKLIT_CHECK(root.is_floating(), Runtime,
                  "grad can be implicitly created only for real scalar outputs but got torch.",
                  info(root.dtype()).name);
    return ones_like(root);
  }
  BACKLIT_CHECK(is_tensor(given), Type, "gradients can be either Tensors or None, but got ",
                Py_TYPE(given)->tp_name);
  Tensor g = Tensor::borrow(reinterpret_cast<TensorObject*>(given));
  const auto size = [](Span s) { return concat("torch.Size(", to_string(s), ")"); };
  BACKLIT_CHECK(g.layout().same_sizes(root.layout()), Runtime, "Mismatch in shape: grad_output[", i,
                "] has a shape of ", size(g.sizes()), " and output[", i, "] has a shape of ",
                size(root.sizes()), ".");
  return ops::to_dtype(g, root.dtype());
}

struct FunctionContext {
  PyObject_HEAD Node* node;  // owned when nobody else does, else it owns its context
  bool owns_node;
};
PyTypeObject* function_type = nullptr;

}  // namespace

Node* node_from(PyObject* o) {
  if (PyObject_TypeCheck(o, function_type)) return reinterpret_cast<FunctionContext*>(o)->node;
  return PyObject_TypeCheck(o, node_type) ? reinterpret_cast<Node*>(o) : nullptr;
}

namespace {

// A new reference to a node or to the node behind a context, which then belongs to the graph again.
Ref<Node> shared_node(PyObject* o);

// A tensor, or graph.GradientEdge(node, output_nr). The edge owns a reference.
Edge edge_from(PyObject* o) {
  if (is_tensor(o)) return gradient_edge(Tensor::borrow(reinterpret_cast<TensorObject*>(o)));
  BACKLIT_CHECK(PyTuple_Check(o) && PyTuple_GET_SIZE(o) >= 2, Type,
                "expected a tensor or a GradientEdge, but got ", Py_TYPE(o)->tp_name);
  Ref<Node> node = shared_node(PyTuple_GET_ITEM(o, 0));
  BACKLIT_CHECK(node, Type, "expected a graph node, but got ",
                Py_TYPE(PyTuple_GET_ITEM(o, 0))->tp_name);
  return {node.release(),
          static_cast<std::uint32_t>(PyLong_AsUnsignedLong(PyTuple_GET_ITEM(o, 1)))};
}

struct Edges {
  std::vector<Edge> list;
  ~Edges() {
    for (Edge& e : list) Py_XDECREF(e.node);
  }
};

Object engine_run(nb::tuple roots, nb::tuple grads, nb::object inputs, bool retain_graph,
                  bool create_graph, bool allow_unreachable, bool accumulate, bool hooks) {
  Edges from, to;
  std::vector<Tensor> incoming_grads;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    PyObject* root = roots[i].ptr();
    Edge e = edge_from(root);
    BACKLIT_CHECK(e.node, Runtime, "element ", i,
                  " of tensors does not require grad and does not have a grad_fn");
    from.list.push_back(e);
    if (is_tensor(root)) {
      incoming_grads.push_back(
          incoming(Tensor::borrow(reinterpret_cast<TensorObject*>(root)), grads[i].ptr(), i));
    } else {
      BACKLIT_CHECK(is_tensor(grads[i].ptr()), Runtime,
                    "a GradientEdge needs an explicit gradient");
      incoming_grads.push_back(Tensor::borrow(reinterpret_cast<TensorObject*>(grads[i].ptr())));
    }
  }
  std::vector<Object> wanted;
  if (!inputs.is_none())
    for (nb::handle h : inputs) {
      Edge e = edge_from(h.ptr());
      BACKLIT_CHECK(e.node, Runtime, "One of the differentiated Tensors does not require grad");
      to.list.push_back(e);
      wanted.push_back(Object::borrow(h.ptr()));
    }
  std::vector<Tensor> found = run_backward(from.list, incoming_grads, to.list,
                                           {.retain_graph = retain_graph,
                                            .create_graph = create_graph,
                                            .accumulate = accumulate,
                                            .hooks = hooks});
  if (inputs.is_none()) return Object::borrow(Py_None);
  if (accumulate) {
    for (std::size_t i = 0; i < found.size(); ++i)
      if (found[i].defined() && is_tensor(wanted[i].get()) && !accumulated_leaf(to.list[i].node))
        accumulate_grad(Tensor::borrow(reinterpret_cast<TensorObject*>(wanted[i].get())), found[i]);
    return Object::borrow(Py_None);
  }
  for (std::size_t i = 0; i < found.size(); ++i)
    BACKLIT_CHECK(allow_unreachable || found[i].defined(), Runtime,
                  "The differentiated Tensor at index ", i,
                  " appears to not have been used in the graph. Set allow_unused=True if this is "
                  "the desired behavior.");
  return Object::steal(to_python(std::move(found)));
}

Object engine_run_many(nb::tuple roots, nb::tuple grads, nb::tuple inputs, std::int64_t n,
                       bool retain_graph, bool create_graph) {
  Edges from, to;
  std::vector<Tensor> batches;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const auto root = nb::cast<Tensor>(roots[i]);
    from.list.push_back(gradient_edge(root));
    BACKLIT_CHECK(from.list.back().node, Runtime, "element ", i,
                  " of tensors does not require grad and does not have a grad_fn");
    batches.push_back(ops::to_dtype(nb::cast<Tensor>(grads[i]), root.dtype()));
  }
  for (nb::handle h : inputs) {
    to.list.push_back(edge_from(h.ptr()));
    BACKLIT_CHECK(to.list.back().node, Runtime,
                  "One of the differentiated Tensors does not require grad");
  }
  return Object::steal(to_python(run_backward(from.list, batches, to.list,
                                              {.retain_graph = retain_graph,
                                               .create_graph = create_graph,
                                               .accumulate = false,
                                               .batch = n})));
}

// --- custom functions ---

struct FunctionPayload {
  PyObject* context;  // null after it was freed
  bool owns_context;
  std::vector<std::pair<LayoutRef, Dtype>> inputs;  // null layout: not a tensor
};

// Inside of a trace a second run finds what the first would have freed.
void fail_if_saved(const Object& context) {
  const Object saved = Object::steal(PyObject_GetAttrString(context.get(), "_saved"));
  if (!saved) throw PythonErrorSet();
  if (PyObject_IsTrue(saved.get()) == 1) fail_released();
}

void function_vjp(Vjp& v) {
  const auto& p = v.payload<FunctionPayload>();
  Node& node = v.node();
  const Object context = Object::borrow(p.context);
  if (node.released && !modes.rereading) fail_if_saved(context);
  Object grads = Object::steal(PyTuple_New(node.n_outputs));
  for (int i = 0; i < node.n_outputs; ++i) {
    PyObject* g = v.g(i).defined() ? v.g(i).object() : Py_None;
    Py_INCREF(g);
    PyTuple_SET_ITEM(grads.get(), i, g);
  }
  const Object result =
      Object::steal(PyObject_CallMethod(context.get(), "_backward", "(O)", grads.get()));
  if (!result) throw PythonErrorSet();
  for (int i = 0; i < v.inputs(); ++i) {
    PyObject* o = PyTuple_GET_ITEM(result.get(), i);
    if (o == Py_None || !v.needs(i)) continue;
    Tensor g = Tensor::borrow(reinterpret_cast<TensorObject*>(o));
    const auto& [layout, dtype] = p.inputs[static_cast<std::size_t>(i)];
    if (!g.layout().same_sizes(*layout)) {
      bool fits = true;
      try {
        fits = std::ranges::equal(Span(broadcast_sizes(g.sizes(), layout->sizes())), g.sizes());
      } catch (const Error&) { fits = false; }
      BACKLIT_CHECK(fits, Runtime, "Function ", node.name,
                    " returned an invalid gradient at index ", i, " - got ", to_string(g.sizes()),
                    " but expected shape compatible with ", to_string(layout->sizes()));
      g = ops::sum_to(g, layout->sizes());
    }
    v.set(i, ops::to_dtype(g, dtype));
  }
}
void function_destroy(void* payload) noexcept {
  auto* p = static_cast<FunctionPayload*>(payload);
  if (p->context) reinterpret_cast<FunctionContext*>(p->context)->node = nullptr;
  if (p->owns_context) Py_DECREF(p->context);
  p->~FunctionPayload();
}
int function_traverse(void* payload, visitproc visit, void* arg) {
  const auto* p = static_cast<FunctionPayload*>(payload);
  if (p->owns_context) Py_VISIT(p->context);
  return 0;
}
void function_release(void* payload) {
  const Object context = Object::borrow(static_cast<FunctionPayload*>(payload)->context);
  if (!context) return;
  const Object done = Object::steal(PyObject_CallMethod(context.get(), "_release", nullptr));
  if (!done) throw PythonErrorSet();
}
// The graph has let go of the node, but Python still holds its context as y.grad_fn: from here on
// the context owns the node. Either owns the other, never both: no cycle keeps the graph.
bool function_survives(Node& node) {
  auto* p = static_cast<FunctionPayload*>(node.payload());
  if (!p->owns_context || Py_REFCNT(p->context) == 1) return false;
  p->owns_context = false;
  reinterpret_cast<FunctionContext*>(p->context)->owns_node = true;
  Py_DECREF(p->context);
  return true;
}
constexpr NodeKind kFunction{&function_vjp, &function_destroy, &function_traverse,
                             &function_release, &function_survives};

Ref<Node> shared_node(PyObject* o) {
  Node* node = node_from(o);
  if (!node || !PyObject_TypeCheck(o, function_type)) return Ref<Node>::borrow(node);
  auto& context = *reinterpret_cast<FunctionContext*>(o);
  if (!context.owns_node) return Ref<Node>::borrow(node);
  auto* p = static_cast<FunctionPayload*>(node->payload());
  context.owns_node = false;
  p->owns_context = true;
  Py_INCREF(p->context);
  return Ref<Node>::steal(node);
}

const char* interned_name(const char* name) {
  static auto* names = new std::vector<std::unique_ptr<std::string>>;
  for (const auto& n : *names)
    if (*n == name) return n->c_str();
  names->push_back(std::make_unique<std::string>(name));
  return names->back()->c_str();
}

void keep_function_inputs(Node& node, nb::tuple inputs) {
  std::vector<Tensor> tensors;
  for (nb::handle h : inputs) tensors.push_back(FromPython<Tensor>::get(h.ptr()));
  keep_inputs(node, tensors);
}

// A dirty output is an input that was changed in place; with it, its base gets the history.
void rebase_dirty(const Tensor& t, Node* node, int input, std::uint32_t nr) {
  check_inplace(t, true);
  BACKLIT_CHECK(!(t->meta && t->meta->base) || node->n_outputs == 1, Runtime,
                "If your Function modifies inplace an input that is a view of another Tensor, your "
                "Function cannot return more than one Tensor. clone() the input first, or split "
                "the Function into two.");
  rebase_history(t, node, nr, input);
}

// Which of the inputs the tensor is; -1, with PyTorch's warning, for one that is none of them.
int dirty_input(const Tensor& t, nb::tuple inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].ptr() == t.object()) return static_cast<int>(i);
  if (PyErr_WarnEx(PyExc_UserWarning,
                   "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors "
                   "that have been mutated should be passed to ctx.mark_dirty().",
                   1))
    throw PythonErrorSet();
  return -1;
}

void attach_outputs(Node* node, nb::tuple inputs, nb::tuple outputs, nb::tuple dirty) {
  int differentiable = 0;
  for (nb::handle o : outputs) differentiable += !o.is_none();
  for (int i = 0; i < node->n_outputs; ++i) {
    PyObject* o = outputs[static_cast<std::size_t>(i)].ptr();
    if (o == Py_None) continue;
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(o));
    const int changed =
        nb::cast<bool>(dirty[static_cast<std::size_t>(i)]) ? dirty_input(t, inputs) : -1;
    if (changed >= 0) {
      rebase_dirty(t, node, changed, static_cast<std::uint32_t>(i));
      continue;
    }
    replace_history(t, node, static_cast<std::uint32_t>(i));
    if (t->meta && t->meta->base)
      t->meta->view_kind = differentiable > 1 ? ViewKind::Several : ViewKind::Function;
  }
}

Object record_function(nb::object context, const char* name, nb::tuple inputs, nb::tuple outputs,
                       nb::tuple dirty) {
  const auto n_in = static_cast<int>(inputs.size()), n_out = static_cast<int>(outputs.size());
  Node* node = new_node(kFunction, interned_name(name), n_in, 0, n_out, sizeof(FunctionPayload));
  auto owner = Ref<Node>::steal(node);
  auto* p = new (node->payload()) FunctionPayload{context.ptr(), true, {}};
  Py_INCREF(p->context);
  reinterpret_cast<FunctionContext*>(p->context)->node = node;
  track(*node);  // the context may hold any Python object
  for (int i = 0; i < n_in; ++i) {
    PyObject* o = inputs[static_cast<std::size_t>(i)].ptr();
    if (o == Py_None) {
      p->inputs.emplace_back(LayoutRef(), Dtype::Float32);
      continue;
    }
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(o));
    p->inputs.emplace_back(t.layout_ref(), t.dtype());
    node->edges()[i] = gradient_edge(t);
  }
  if (modes.tracing) keep_function_inputs(*node, inputs);
  attach_outputs(node, inputs, outputs, dirty);
  return Object::borrow(outputs.ptr());
}

PyObject* context_attribute(PyObject* self, void* name) {
  Node* node = reinterpret_cast<FunctionContext*>(self)->node;
  if (!node) return PyTuple_New(0);
  return PyObject_GetAttrString(reinterpret_cast<PyObject*>(node), static_cast<const char*>(name));
}
int set_context_attribute(PyObject* self, PyObject* value, void* name) {
  Node* node = reinterpret_cast<FunctionContext*>(self)->node;
  if (!node) {
    PyErr_SetString(PyExc_RuntimeError, "the graph of this context was freed");
    return -1;
  }
  return PyObject_SetAttrString(reinterpret_cast<PyObject*>(node), static_cast<const char*>(name),
                                value);
}
PyObject* context_name(PyObject* self, PyObject*) {
  return PyUnicode_FromString(Py_TYPE(self)->tp_name);
}

#define BACKLIT_DELEGATE(name) {name, context_attribute, nullptr, nullptr, const_cast<char*>(name)}
#define BACKLIT_DELEGATE_SET(name) \
  {name, context_attribute, set_context_attribute, nullptr, const_cast<char*>(name)}
PyGetSetDef context_getset[] = {
    BACKLIT_DELEGATE("next_functions"),  BACKLIT_DELEGATE("metadata"),
    BACKLIT_DELEGATE("_sequence"),       BACKLIT_DELEGATE_SET("_pre_hooks"),
    BACKLIT_DELEGATE_SET("_post_hooks"), {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef context_methods[] = {{"name", context_name, METH_NOARGS, nullptr},
                                 {nullptr, nullptr, 0, nullptr}};
int traverse_context(PyObject* self, visitproc visit, void* arg) {
  const auto& context = *reinterpret_cast<FunctionContext*>(self);
  Py_VISIT(Py_TYPE(self));
  if (context.owns_node) Py_VISIT(context.node);
  return 0;
}
int clear_context(PyObject* self) {
  auto& context = *reinterpret_cast<FunctionContext*>(self);
  if (!std::exchange(context.owns_node, false)) return 0;
  Node* node = std::exchange(context.node, nullptr);
  static_cast<FunctionPayload*>(node->payload())->context = nullptr;
  Py_DECREF(node);
  return 0;
}
void dealloc_context(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear_context(self);
  type->tp_free(self);
  Py_DECREF(type);
}
PyType_Slot context_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc_context)},
                               {Py_tp_traverse, reinterpret_cast<void*>(traverse_context)},
                               {Py_tp_clear, reinterpret_cast<void*>(clear_context)},
                               {Py_tp_getset, context_getset},
                               {Py_tp_methods, context_methods},
                               {Py_tp_call, reinterpret_cast<void*>(call_node)},
                               {0, nullptr}};
PyType_Spec context_spec = {"backlit._C._FunctionBase", sizeof(FunctionContext), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                            context_slots};

// A tensor kept by a custom function, with the checks of the core's own saved tensors.
class SavedTensor {
 public:
  SavedTensor(const Tensor& t, bool is_output) {
    if (is_output)
      save_output(saved_, t, t->output_nr);
    else
      save_input(saved_, t);
  }
  ~SavedTensor() { Py_XDECREF(saved_.object); }
  SavedTensor(const SavedTensor&) = delete;
  Tensor unpack(nb::object context) {
    // the checks live with nodes: lend this one to a node-shaped frame
    if (saved_.kind == Saved::Kind::Packed)
      return unpack_saved(saved_.object, shared_node(context.ptr()).get(), saved_.output_nr);
    Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(saved_.object));
    BACKLIT_CHECK(
        t.version() == saved_.version, Runtime,
        "one of the variables needed for gradient computation has been modified by an inplace "
        "operation: [backlit.",
        info(t.dtype()).tensor_type, " ", to_string(t.sizes()), "] is at version ", t.version(),
        "; expected version ", saved_.version, " instead. Hint: it was saved by ",
        Py_TYPE(context.ptr())->tp_name,
        "; clone() it before the in-place change, or use the out-of-place form.");
    const Ref<Node> node = shared_node(context.ptr());
    if (saved_.kind == Saved::Kind::Output && modes.grad && node) {
      Tensor y = t.alias();
      set_history(y, node.get(), saved_.output_nr);
      return y;
    }
    return t;
  }

 private:
  Saved saved_{};
};

}  // namespace

PyObject* tensor_backward(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                          PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(self));
    constexpr const char* names[] = {"gradient", "retain_graph", "create_graph", "inputs"};
    PyObject* values[4] = {Py_None, Py_None, Py_False, Py_None};
    BACKLIT_CHECK(nargs <= 4, Type, "backward() takes from 1 to 5 positional arguments but ",
                  nargs + 1, " were given");
    for (Py_ssize_t i = 0; i < nargs; ++i) values[i] = args[i];
    for (Py_ssize_t k = 0; kwnames && k < PyTuple_GET_SIZE(kwnames); ++k) {
      const char* key = PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, k));
      bool known = false;
      for (int i = 0; i < 4; ++i)
        if (std::strcmp(key, names[i]) == 0) {
          values[i] = args[nargs + k];
          known = true;
        }
      BACKLIT_CHECK(known, Type, "backward() got an unexpected keyword argument '", key, "'");
    }
    const bool create = PyObject_IsTrue(values[2]) == 1;
    const bool retain = values[1] == Py_None ? create : PyObject_IsTrue(values[1]) == 1;
    if (values[3] != Py_None) {
      Object inputs = is_tensor(values[3]) ? Object::steal(PyTuple_Pack(1, values[3]))
                                           : Object::steal(PySequence_Tuple(values[3]));
      if (!inputs) return nullptr;
      BACKLIT_CHECK(PyTuple_GET_SIZE(inputs.get()) > 0, Runtime,
                    "`inputs` argument to `backward()` cannot be empty.");
      const Object roots = Object::steal(PyTuple_Pack(1, self)),
                   grads = Object::steal(PyTuple_Pack(1, values[0]));
      return engine_run(nb::borrow<nb::tuple>(roots.get()), nb::borrow<nb::tuple>(grads.get()),
                        nb::borrow(inputs.get()), retain, create, true, true, true)
          .release();
    }
    Edges root;
    root.list.push_back(gradient_edge(t));
    BACKLIT_CHECK(root.list[0].node, Runtime,
                  "element 0 of tensors does not require grad and does not have a grad_fn");
    const Tensor g = incoming(t, values[0], 0);
    run_backward(root.list, {&g, 1}, {},
                 {.retain_graph = retain, .create_graph = create, .accumulate = true});
    Py_RETURN_NONE;
  });
}

// Whether `roots` were computed from a leaf that is not among `own`.
bool reaches_other_leaves(nb::tuple roots, nb::tuple own) {
  std::vector<Node*> waiting;
  std::unordered_set<Node*> seen;
  const auto visit = [&](Node* node) {
    if (node && seen.insert(node).second) waiting.push_back(node);
  };
  std::vector<Object> held;  // a leaf's node lives as long as someone holds it
  for (nb::handle root : roots) {
    if (!is_tensor(root.ptr())) continue;
    Node* node = gradient_edge(Tensor::borrow(reinterpret_cast<TensorObject*>(root.ptr()))).node;
    held.push_back(Object::steal(reinterpret_cast<PyObject*>(node)));
    visit(node);
  }
  while (!waiting.empty()) {
    Node* node = waiting.back();
    waiting.pop_back();
    if (const Tensor* leaf = accumulated_leaf(node)) {
      const auto same = [&](nb::handle t) {
        return t.ptr() == reinterpret_cast<PyObject*>(leaf->get());
      };
      if (std::none_of(own.begin(), own.end(), same)) return true;
    }
    for (int i = 0; i < node->n_edges; ++i) visit(node->edges()[i].node);
  }
  return false;
}

// What y.grad_fn shows: the context for a custom function, else the node.
PyObject* function_context(Node* node) {
  return node->kind == &kFunction ? static_cast<FunctionPayload*>(node->payload())->context
                                  : nullptr;
}

void bind_autograd(nb::module_& m) {
  function_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&context_spec));
  add_node_details(function_type);
  nb::setattr(m, "_FunctionBase", nb::borrow(reinterpret_cast<PyObject*>(function_type)));
  nb::class_<SavedTensor>(m, "_SavedTensor")
      .def(nb::init<const Tensor&, bool>())
      .def("unpack", &SavedTensor::unpack);
  m.def(
      "_engine_run",
      [](nb::tuple roots, nb::tuple grads, nb::object inputs, bool retain, bool create, bool allow,
         bool accumulate, bool hooks) {
        PyObject* const given[] = {roots.ptr(), grads.ptr(), inputs.ptr()};
        if (holds_carrier(given, 3)) [[unlikely]]
          return nb::object(
              nb::borrow(reinterpret_cast<PyObject*>(carrier_type))
                  .attr("_engine_run")(roots, grads, inputs, retain, create, allow, accumulate));
        return nb::steal(
            engine_run(roots, grads, inputs, retain, create, allow, accumulate, hooks).release());
      },
      nb::arg("roots"), nb::arg("grads"), nb::arg("inputs").none(), nb::arg("retain_graph"),
      nb::arg("create_graph"), nb::arg("allow_unreachable"), nb::arg("accumulate"),
      nb::arg("hooks") = true);
  // n incoming gradients at once, with a dimension in front; so are the results.
  m.def("_engine_run_many", [](nb::tuple roots, nb::tuple grads, nb::tuple inputs, std::int64_t n,
                               bool retain, bool create) {
    return nb::steal(engine_run_many(roots, grads, inputs, n, retain, create).release());
  });
  m.def("_record_function",
        [](nb::object context, const char* name, nb::tuple in, nb::tuple out, nb::tuple dirty) {
          return nb::steal(record_function(context, name, in, out, dirty).release());
        });
  m.def("_reaches_other_leaves", reaches_other_leaves);
  m.def("_set_grad_enabled", [](bool on) { return std::exchange(modes.grad, on); });
  m.def("is_grad_enabled", [] { return modes.grad; });
  m.def("_set_inference_mode", [](bool on) { return std::exchange(modes.inference, on); });
  m.def("is_inference_mode_enabled", [] { return modes.inference; });
  m.def(
      "_set_anomaly_enabled",
      [](bool on, bool check_nan) {
        modes.anomaly = on;
        modes.anomaly_check_nan = check_nan;
      },
      nb::arg("mode"), nb::arg("check_nan") = true);
  m.def("_is_anomaly_enabled", [] { return modes.anomaly; });
  m.def("_is_anomaly_check_nan_enabled", [] { return modes.anomaly_check_nan; });
  m.def("_push_saved_tensors_hooks",
        [](nb::object pack, nb::object unpack) { push_saved_hooks(pack.ptr(), unpack.ptr()); });
  m.def("_pop_saved_tensors_hooks", [] { pop_saved_hooks(); });
  m.def(
      "_set_saved_tensors_hooks_disabled",
      [](nb::object message) {
        const char* former = saved_hooks.disabled;
        saved_hooks.disabled =
            message.is_none() ? nullptr : interned_name(nb::cast<const char*>(message));
        return former ? nb::cast(former) : nb::none();
      },
      nb::arg("message").none());
}

}  // namespace backlit
