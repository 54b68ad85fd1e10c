#include "graph/node.h"

#include <cstring>
#include <utility>

#include "graph/location.h"
#include "graph/saved_hooks.h"
#include "graph/tracking.h"

namespace backlit {

PyTypeObject* node_type = nullptr;
thread_local Modes modes;

namespace {

std::uint64_t next_sequence = 0;

// Freed nodes by size in steps of 32 bytes, and the queue that keeps release off the stack. A large
// graph is kept for the next one: to the allocator, and from there to the system and back, it would
// cost a third of recording it.
constexpr std::size_t kStep = 32, kClasses = 32;
PyObject* free_nodes[kClasses];
std::size_t free_bytes = 0;
constexpr std::size_t kMaxFreeBytes = std::size_t{64} << 20;
constexpr std::size_t bytes_of_class(std::size_t c) { return sizeof(Node) + c * kStep; }

Node* pending = nullptr;  // linked through `task`
bool draining = false;

Node* allocate_node(std::size_t bytes) {
  const std::size_t size_class = (bytes - sizeof(Node) + kStep - 1) / kStep;
#ifndef BACKLIT_SANITIZE
  if (size_class < kClasses && free_nodes[size_class]) {
    auto* node = reinterpret_cast<Node*>(free_nodes[size_class]);
    free_nodes[size_class] = reinterpret_cast<PyObject*>(node->task);
    free_bytes -= bytes_of_class(size_class);
    PyObject_Init(reinterpret_cast<PyObject*>(node), node_type);
    node->size_class = static_cast<std::uint8_t>(size_class);
    return node;
  }
#endif
  auto* var = PyObject_GC_NewVar(PyVarObject, node_type, static_cast<Py_ssize_t>(size_class));
  if (!var) throw PythonErrorSet();
  auto* node = reinterpret_cast<Node*>(var);
  // too large for the freelists: 255 says so
  node->size_class = static_cast<std::uint8_t>(size_class < kClasses ? size_class : 255);
  return node;
}

void clear_saved(Saved& s) {
  s.kind = Saved::Kind::None;
  Py_CLEAR(s.object);
}

void destroy_node(Node* node) {
  for (int i = 0; i < node->n_saved; ++i) clear_saved(node->saved()[i]);
  for (int i = 0; i < node->n_edges; ++i) Py_CLEAR(node->edges()[i].node);
  for (int i = 0; i < node->n_outputs; ++i) LayoutRef(node->outputs()[i]);
  if (node->kind->destroy) node->kind->destroy(node->payload());
  Py_XDECREF(node->code);
  delete node->meta;
  PyTypeObject* type = Py_TYPE(node);
#ifndef BACKLIT_SANITIZE
  if (node->size_class < kClasses && free_bytes < kMaxFreeBytes) {
    node->task = reinterpret_cast<GraphTask*>(free_nodes[node->size_class]);
    free_nodes[node->size_class] = reinterpret_cast<PyObject*>(node);
    free_bytes += bytes_of_class(node->size_class);
    Py_DECREF(type);
    return;
  }
#endif
  PyObject_GC_Del(node);
  Py_DECREF(type);
}

}  // namespace

// tp_dealloc: a node is queued, and freed by the outermost call, so that a chain of a million nodes
// is released without a million stack frames.
void dealloc_node(PyObject* self) {
  auto* node = reinterpret_cast<Node*>(self);
  if (node->kind->survives && node->kind->survives(*node)) {
    Py_SET_REFCNT(self, 1);
    return;
  }
  if (node->tracking != Node::Tracking::No) PyObject_GC_UnTrack(self);
  if (node->weakrefs) PyObject_ClearWeakRefs(self);
  node->task = reinterpret_cast<GraphTask*>(pending);
  pending = node;
  if (draining) return;
  draining = true;
  // destructors of payloads may run Python code, which must not see or lose a current exception
  const bool failing = PyErr_Occurred() != nullptr;
  PyObject *type, *value, *traceback;
  if (failing) PyErr_Fetch(&type, &value, &traceback);
  while (pending) {
    Node* n = pending;
    pending = reinterpret_cast<Node*>(n->task);
    n->task = nullptr;
    destroy_node(n);
  }
  if (failing) PyErr_Restore(type, value, traceback);
  draining = false;
}

int traverse_node(PyObject* self, visitproc visit, void* arg) {
  auto* node = reinterpret_cast<Node*>(self);
  Py_VISIT(Py_TYPE(self));
  for (int i = 0; i < node->n_edges; ++i) Py_VISIT(node->edges()[i].node);
  for (int i = 0; i < node->n_saved; ++i) Py_VISIT(node->saved()[i].object);
  if (node->meta) {
    Py_VISIT(node->meta->pre_hooks.get());
    Py_VISIT(node->meta->post_hooks.get());
    Py_VISIT(node->meta->metadata.get());
    for (auto& h : node->meta->tensor_hooks) {
      Py_VISIT(h.hooks.get());
      Py_VISIT(h.retain.get());
    }
    if (node->meta->values) {
      for (const auto& v : node->meta->values->inputs) Py_VISIT(v.tensor.get());
      for (const auto& v : node->meta->values->outputs) Py_VISIT(v.tensor.get());
    }
  }
  if (node->kind->traverse) return node->kind->traverse(node->payload(), visit, arg);
  return 0;
}

int clear_node(PyObject* self) {
  auto* node = reinterpret_cast<Node*>(self);
  for (int i = 0; i < node->n_saved; ++i) clear_saved(node->saved()[i]);
  node->released = true;
  for (int i = 0; i < node->n_edges; ++i) Py_CLEAR(node->edges()[i].node);
  if (node->kind->release) {
    try {
      node->kind->release(node->payload());
    } catch (const PythonErrorSet&) {
      PyErr_Clear();  // the collector has cleared the function's class first: it drops the rest too
    }
  }
  if (node->meta) *node->meta = NodeMeta{};
  return 0;
}

namespace {

// Zeroes edges, saved tensors and outputs, in steps of the allocation: a call of memset, or a
// vectorised loop, costs more than the few stores of a typical node.
void clear_arrays(Node& node) {
  auto* p = reinterpret_cast<std::byte*>(node.edges());
  const auto* end = static_cast<const std::byte*>(node.payload());
  for (; p < end; p += kStep) std::memset(p, 0, kStep);
}

}  // namespace

Node* new_node(const NodeKind& kind, const char* name, int edges, int saved, int outputs,
               std::size_t payload_bytes) {
  const auto e = static_cast<std::size_t>(edges), s = static_cast<std::size_t>(saved);
  const auto o = static_cast<std::size_t>(outputs);
  Node* node = allocate_node(sizeof(Node) + e * sizeof(Edge) + s * sizeof(Saved) +
                             o * sizeof(Layout*) + payload_bytes);
  node->kind = &kind;
  node->name = name;
  node->meta = nullptr;
  node->weakrefs = nullptr;
  node->sequence = next_sequence++;
  node->task = nullptr;
  node->code = nullptr;
  node->slot = -1;
  node->n_edges = edges;
  node->n_saved = static_cast<std::uint16_t>(saved);
  node->n_outputs = outputs;
  node->released = false;
  node->tracking = Node::Tracking::No;
  clear_arrays(*node);
  if (recording_locations && edges > 0)
    note_location(*node);  // a leaf's own node comes from nowhere
  return node;
}

NodeMeta& meta_of(Node& node) {
  if (!node.meta) node.meta = new NodeMeta;
  track(node);  // hooks and notes may hold any Python object
  return *node.meta;
}

void save_input(Saved& s, const Tensor& t) {
  if (!t.defined()) return;
  BACKLIT_CHECK(!t->inference, Runtime,
                "Inference tensors cannot be saved for backward. Make a clone() of it to use it in "
                "computation tracked by autograd, or use torch.no_grad() instead of "
                "torch.inference_mode().");
  s.input = -1;
  if (saved_hooks_active()) {
    const Edge edge = gradient_edge(t);
    const Ref<Node> origin = Ref<Node>::steal(edge.node);
    s.object = pack_saved(t, origin ? origin.object() : Py_None);
    s.output_nr = edge.output_nr;
    s.kind = Saved::Kind::Packed;
    return;
  }
  s.object = t.object();
  Py_INCREF(s.object);
  s.version = t.version();
  s.kind = Saved::Kind::Tensor;
  s.computed = t->grad_fn != nullptr;
}

void save_output(Saved& s, const Tensor& y, std::uint32_t output_nr) {
  // an alias without history: y itself would own the node that owns y
  Tensor alias = y.alias();
  s.input = -1;
  if (saved_hooks_active()) {
    s.object = pack_saved(alias, Py_True);
    s.output_nr = output_nr;
    s.kind = Saved::Kind::Packed;
    return;
  }
  s.version = y.version();
  s.output_nr = output_nr;
  s.kind = Saved::Kind::Output;
  s.object = reinterpret_cast<PyObject*>(alias.release());
}

// As PyTorch's messages call it: "Select" for SelectBackward0, "Pow1" for PowBackward1.
std::string short_name(const Node& node) {
  const std::string name = node.name;
  const auto at = name.find("Backward");
  if (at == std::string::npos) return name;
  const std::string number = name.substr(at + std::strlen("Backward"));
  if (number.find_first_not_of("0123456789") != std::string::npos) return name;
  return name.substr(0, at) + (number == "0" ? "" : number);
}

void fail_released() {
  fail(ErrorKind::Runtime,
       "Trying to backward through the graph a second time (or directly access saved tensors after "
       "they have already been freed). Saved intermediate values of the graph are freed when you "
       "call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
       "through the graph a second time or if you need to access saved tensors after calling "
       "backward.");
}

void release_saved(Node& node) {
  node.released = node.released || node.n_saved || node.kind->release;
  if (node.meta && node.meta->values) return;
  for (int i = 0; i < node.n_saved; ++i) clear_saved(node.saved()[i]);
  if (node.kind->release) node.kind->release(node.payload());
}

namespace {

[[noreturn]] void fail_changed(const Node& node, const Saved& s, const Tensor& t) {
  const bool output = s.kind == Saved::Kind::Output;
  const bool plain = !t->meta || !t->meta->base || t->meta->view_kind == ViewKind::Plain;
  const Node* from = output ? &node : plain ? grad_fn_of(t) : t->grad_fn;
  const std::uint32_t nr = output ? s.output_nr : t->output_nr;
  fail(ErrorKind::Runtime,
       "one of the variables needed for gradient computation has been modified by an inplace "
       "operation: [backlit.",
       info(t.dtype()).tensor_type, " ", to_string(t.sizes()), "]",
       from ? concat(", which is output ", nr, " of ", short_name(*from), ",") : std::string(),
       " is at version ", t.version(), "; expected version ", s.version,
       " instead. Hint: it was saved by ", node.name,
       "; clone() it before the in-place change, or use the out-of-place form.");
}

void set_origin(const Tensor& y, Node* node, std::uint32_t nr) {
  Py_INCREF(node);
  y->grad_fn = node;
  y->output_nr = nr;
  if (node->tracking != Node::Tracking::No) {
    y->entangled = true;
    track(*y.get());
  }
}

}  // namespace

Tensor unpack(Node& node, int i, Node* origin) {
  Saved& s = node.saved()[i];
  if (node.released && !modes.rereading) [[unlikely]]
    fail_released();
  if (s.kind == Saved::Kind::None) {
    if (node.released && !(node.meta && node.meta->values)) fail_released();
    return {};  // never saved
  }
  if (s.kind == Saved::Kind::Packed)
    return unpack_saved(s.object, origin ? origin : &node, s.output_nr);
  Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(s.object));
  BACKLIT_CHECK(
      !s.computed || t->grad_fn, Runtime,
      "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_(). "
      "This is not supported, please use out-of-place `.detach()` instead");
  if (t.version() != s.version) [[unlikely]]
    fail_changed(node, s, t);
  if (s.kind == Saved::Kind::Output && modes.grad) {
    Tensor y = t.alias();
    set_origin(y, origin ? origin : &node, s.output_nr);
    return y;
  }
  return t;
}

void set_history(const Tensor& y, Node* node, std::uint32_t nr) {
  set_origin(y, node, nr);
  if (!node->outputs()[nr]) node->outputs()[nr] = y.layout_ref().release();
  if (modes.tracing) [[unlikely]]
    keep_output(*node, y, nr);
  if (modes.anomaly) [[unlikely]]
    note_creation(*node);
}

namespace {

// The entry by which `node` keeps the gradient of y, taken out of it; null if there is none.
Object take_retained(Node& node, const Tensor& y) {
  if (!node.meta) return {};
  auto& hooks = node.meta->tensor_hooks;
  for (auto it = hooks.begin(); it != hooks.end(); ++it) {
    if (!it->retain || PyWeakref_GetObject(it->retain.get()) != y.object()) continue;
    Object found = it->retain;
    hooks.erase(it);
    return found;
  }
  return {};
}

}  // namespace

void replace_history(const Tensor& y, Node* node, std::uint32_t nr) {
  const Ref<Node> former = Ref<Node>::steal(std::exchange(y->grad_fn, nullptr));
  y->requires_grad = false;
  set_history(y, node, nr);
  if (!y->meta) return;
  Py_CLEAR(y->meta->hooks);
  if (!y->meta->retains_grad || !former) return;
  if (Object retained = take_retained(*former, y))
    meta_of(*node).tensor_hooks.push_back({nr, Object(), std::move(retained)});
}

}  // namespace backlit
