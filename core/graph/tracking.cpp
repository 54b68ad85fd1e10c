#include "graph/tracking.h"

#include <vector>

namespace backlit {
namespace {

bool is_tensor(PyObject* o) { return PyObject_TypeCheck(o, tensor_type); }
bool is_node(PyObject* o) { return PyObject_TypeCheck(o, node_type); }

// Pushes what is not known yet with all that it was computed from. A tensor may be known while the
// node it came from is not wholly so.
int push_unknown(PyObject* o, void* stack) {
  auto& unknown = *static_cast<std::vector<PyObject*>*>(stack);
  Node* node = is_node(o) ? reinterpret_cast<Node*>(o) : nullptr;
  if (is_tensor(o)) {
    auto* t = reinterpret_cast<TensorObject*>(o);
    if (!t->tracked) unknown.push_back(o);
    node = t->tracked ? t->grad_fn : nullptr;
  }
  if (node && node->tracking != Node::Tracking::Whole)
    unknown.push_back(reinterpret_cast<PyObject*>(node));
  return 0;
}

}  // namespace

void track(TensorObject& t) {
  if (t.tracked) return;
  t.tracked = true;
  PyObject_GC_Track(reinterpret_cast<PyObject*>(&t));
}

void track(Node& node) {
  if (node.tracking != Node::Tracking::No) return;
  node.tracking = Node::Tracking::Itself;
  PyObject_GC_Track(reinterpret_cast<PyObject*>(&node));
}

void entangle(const Tensor& t) {
  t->entangled = true;
  track(*t.get());
  if (t->meta && t->meta->accumulator) track(*t->meta->accumulator);
  std::vector<PyObject*> stack;
  const auto visit = [&](PyObject* o) { Py_TYPE(o)->tp_traverse(o, &push_unknown, &stack); };
  visit(t.object());
  while (!stack.empty()) {
    PyObject* o = stack.back();
    stack.pop_back();
    if (is_tensor(o)) {
      track(*reinterpret_cast<TensorObject*>(o));
    } else {
      auto& node = *reinterpret_cast<Node*>(o);
      track(node);
      node.tracking = Node::Tracking::Whole;
    }
    visit(o);
  }
}

void track_if_inputs_are(Node& node) {
  bool known = false;
  for (int i = 0; i < node.n_edges && !known; ++i) {
    const Node* next = node.edges()[i].node;
    known = next && next->tracking != Node::Tracking::No;
  }
  for (int i = 0; i < node.n_saved && !known; ++i) {
    const Saved& s = node.saved()[i];
    known = s.kind == Saved::Kind::Packed ||
            (s.object && reinterpret_cast<TensorObject*>(s.object)->entangled);
  }
  if (known) track(node);
}

}  // namespace backlit
