// What a graph node tells Python about itself: its operation, formula and local derivatives, its
// shapes and values, where it was made. The attributes are those of nodes and of custom functions'
// contexts; src/backlit/autograd/graph.py documents them.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "bind/bind.h"
#include "formulas/formula.h"
#include "formulas/symbol.h"
#include "graph/engine.h"
#include "graph/trace.h"
#include "ops/elementwise_node.h"
#include "registry/node_rows.h"

namespace backlit {
namespace {

Node& node_of(PyObject* self) {
  Node* node = node_from(self);
  if (!node) fail(ErrorKind::Runtime, "the graph of this context was freed");
  return *node;
}

PyObject* text_or_none(const char* text) {
  if (!text || !text[0]) Py_RETURN_NONE;
  return PyUnicode_FromString(text);
}
PyObject* shape_or_none(const Layout* layout) {
  if (!layout) Py_RETURN_NONE;
  return size_object(layout->sizes());
}

// A getter of an attribute, from what it computes of the node.
template <PyObject* (*F)(Node&)> PyObject* getter(PyObject* self, void*) {
  return guarded([&] { return F(node_of(self)); });
}

template <class F> PyObject* tuple_of(int n, F item) {
  Object tuple = Object::steal(PyTuple_New(n));
  if (!tuple) throw PythonErrorSet();
  for (int i = 0; i < n; ++i) {
    PyObject* o = item(i);
    if (!o) throw PythonErrorSet();
    PyTuple_SET_ITEM(tuple.get(), i, o);
  }
  return tuple.release();
}

// --- operation and formula ---

// The forms of pow and others with a number are formulas of their own, which have no public name.
PyObject* operation(Node& node) {
  const auto* p = elementwise_payload(node);
  if (p && std::strcmp(p->op->home, "internal") != 0) return PyUnicode_FromString(p->op->name);
  const Overload* row = row_of_node(node.name);
  return text_or_none(row ? row->name.c_str() : nullptr);
}
PyObject* formula(Node& node) {
  if (const auto* p = elementwise_payload(node)) return text_or_none(p->op->formula);
  const Overload* row = row_of_node(node.name);
  return text_or_none(row ? row->options.formula : nullptr);
}
PyObject* gradient_formula(Node& node) {
  const Overload* row = elementwise_payload(node) ? nullptr : row_of_node(node.name);
  return text_or_none(row ? row->options.gradient : nullptr);
}

PyObject* local_formulas(Node& node) {
  const auto* p = elementwise_payload(node);
  return tuple_of(node.n_edges, [&](int i) -> PyObject* {
    if (!p || !p->is_tensor[i] || !has_local(*p->op, i)) Py_RETURN_NONE;
    const Symbol s = local_symbol(*p, i);
    return Py_BuildValue("(ss)", render(s).c_str(), render(s, {.latex = true}).c_str());
  });
}

PyObject* constants(Node& node) {
  Object found = Object::steal(PyDict_New());
  const auto* p = elementwise_payload(node);
  if (!found || !p) return found.release();
  const auto put = [&](const std::string& name, double value) {
    const Object number = Object::steal(PyFloat_FromDouble(value));
    if (!number || PyDict_SetItemString(found.get(), name.c_str(), number.get()) < 0)
      throw PythonErrorSet();
  };
  for (int i = 0; i < p->op->arity; ++i)
    if (!p->is_tensor[i]) put(input_name(*p->op, i), p->number[i]);
  const std::vector<std::string> names = parameter_names(*p->op);
  for (int i = 0; i < p->op->params && i < static_cast<int>(names.size()); ++i)
    put(names[static_cast<std::size_t>(i)], p->params[i]);
  return found.release();
}

// --- shapes and values ---

PyObject* output_shapes(Node& node) {
  if (const Tensor* leaf = accumulated_leaf(&node))
    return tuple_of(1, [&](int) { return size_object((*leaf).sizes()); });
  return tuple_of(node.n_outputs, [&](int i) { return shape_or_none(node.outputs()[i]); });
}

// What went into input i, where the graph still has it as it was; else undefined.
Tensor input_value(Node& node, int i) {
  if (node.meta && node.meta->values && !node.meta->values->inputs.empty()) {
    const NodeValues::Value& v = node.meta->values->inputs[static_cast<std::size_t>(i)];
    return v.tensor.defined() && v.tensor.version() == v.version ? v.tensor : Tensor();
  }
  const Edge& edge = node.edges()[i];
  for (int k = 0; k < node.n_saved; ++k) {
    const Saved& s = node.saved()[k];
    const bool is_input =
        s.input == i || (s.input >= 0 && edge.node && node.edges()[s.input].node == edge.node &&
                         node.edges()[s.input].output_nr == edge.output_nr);
    if (!is_input || s.kind == Saved::Kind::None) continue;
    if (s.kind == Saved::Kind::Packed) return unpack(node, k);
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(s.object));
    return t.version() == s.version ? t : Tensor();
  }
  if (!edge.node) return {};
  if (const Tensor* leaf = accumulated_leaf(edge.node))
    return (*leaf).version() == edge.version ? *leaf : Tensor();
  return saved_result(*edge.node, edge.output_nr);
}

const Layout* input_layout(Node& node, int i) {
  const Edge& edge = node.edges()[i];
  if (edge.node) {
    if (const Tensor* leaf = accumulated_leaf(edge.node)) return &(*leaf).layout();
    return edge.node->outputs()[edge.output_nr];
  }
  const Tensor t = input_value(node, i);
  return t.defined() ? &t.layout() : nullptr;
}

PyObject* input_shapes(Node& node) {
  return tuple_of(node.n_edges, [&](int i) { return shape_or_none(input_layout(node, i)); });
}
PyObject* given_inputs(Node& node) {
  return tuple_of(node.n_edges, [&](int i) {
    const Edge& edge = node.edges()[i];
    return PyBool_FromLong(edge.node || edge.version != kAbsentInput);
  });
}
PyObject* inputs(Node& node) {
  return tuple_of(node.n_edges, [&](int i) { return to_python(input_value(node, i)); });
}
PyObject* outputs(Node& node) {
  return tuple_of(node.n_outputs, [&](int i) -> PyObject* {
    return to_python(saved_result(node, static_cast<std::uint32_t>(i)));
  });
}

PyObject* location(Node& node) {
  if (!node.code) Py_RETURN_NONE;
  return Py_BuildValue("(Oi)", reinterpret_cast<PyObject*>(node.code), node.lasti);
}
template <int Item> PyObject* module_item(Node& node) {
  PyObject* module = node.meta && node.meta->values ? node.meta->values->module.get() : nullptr;
  PyObject* item = module ? PyTuple_GetItem(module, Item) : Py_None;
  Py_XINCREF(item);
  return item;
}

// --- local derivatives ---

// How a formula is to be read: whose names, which numbers, in text or LaTeX.
struct Reading {
  Names names;
  Values values;
  bool latex = false;
  int digits = 6;

  std::string operator()(const Symbol& s) const {
    return render(s, {.latex = latex, .digits = digits, .values = &values, .names = &names});
  }
};

template <class F> void each_item(PyObject* mapping, F f) {
  if (!mapping || mapping == Py_None) return;
  const Object items = Object::steal(PyMapping_Items(mapping));
  if (!items) throw PythonErrorSet();
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* pair = PyList_GET_ITEM(items.get(), i);
    f(FromPython<std::string>::get(PyTuple_GET_ITEM(pair, 0)), PyTuple_GET_ITEM(pair, 1));
  }
}

// (names=None, values=None, latex=False, digits=6), behind an index where `index` is given.
Reading reading_from(PyObject* args, PyObject* kwargs, int* index) {
  Reading r;
  PyObject *names = nullptr, *values = nullptr;
  int latex = 0;
  static const char* const keys[] = {"i", "names", "values", "latex", "digits", nullptr};
  char** list = const_cast<char**>(index ? keys : keys + 1);
  const int ok = index ? PyArg_ParseTupleAndKeywords(args, kwargs, "i|OOpi:_local_text", list,
                                                     index, &names, &values, &latex, &r.digits)
                       : PyArg_ParseTupleAndKeywords(args, kwargs, "|OOpi:_value_text", list,
                                                     &names, &values, &latex, &r.digits);
  if (!ok) throw PythonErrorSet();
  r.latex = latex != 0;
  each_item(names, [&](const std::string& key, PyObject* name) {
    r.names[key] = FromPython<std::string>::get(name);
  });
  each_item(values, [&](const std::string& key, PyObject* value) {
    r.values[key] = FromPython<double>::get(value);
  });
  return r;
}

void check_input(const Node& node, int i) {
  BACKLIT_CHECK(i >= 0 && i < node.n_edges, Index, node.name, " has ", node.n_edges,
                " inputs, and none of number ", i, ".");
}

PyObject* local_text(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    Node& node = node_of(self);
    int i = 0;
    const Reading read = reading_from(args, kwargs, &i);
    check_input(node, i);
    const auto* p = elementwise_payload(node);
    if (!p || !p->is_tensor[i] || !has_local(*p->op, i)) Py_RETURN_NONE;
    return to_python(read(local_symbol(*p, i)));
  });
}

PyObject* value_text(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    Node& node = node_of(self);
    const Reading read = reading_from(args, kwargs, nullptr);
    const auto* p = elementwise_payload(node);
    if (!p) Py_RETURN_NONE;
    return to_python(read(value_symbol(*p)));
  });
}

PyObject* local(PyObject* self, PyObject* index) {
  return guarded([&]() -> PyObject* {
    Node& node = node_of(self);
    const int i = static_cast<int>(int_from_object(index));
    check_input(node, i);
    const auto* p = elementwise_payload(node);
    const Rereading after_release;
    return to_python(p ? local_derivative(node, *p, i) : Tensor());
  });
}

PyObject* recomputed(PyObject* self, PyObject* args) {
  return guarded([&]() -> PyObject* {
    Node& node = node_of(self);
    const auto* p = elementwise_payload(node);
    if (!p) Py_RETURN_NONE;
    std::vector<Tensor> given = FromPython<std::vector<Tensor>>::get(args);
    BACKLIT_CHECK(static_cast<int>(given.size()) == node.n_edges, Type, "expected ", node.n_edges,
                  " arguments, got ", given.size(), " instead");
    for (int i = 0; i < node.n_edges; ++i)
      BACKLIT_CHECK(given[static_cast<std::size_t>(i)].defined() || !p->is_tensor[i], Type,
                    "argument ", i, " is not a tensor");
    return to_python(recompute(*p, given));
  });
}

template <class F> PyCFunction method(F f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

PyGetSetDef attributes[] = {
    {"_operation", getter<operation>, nullptr, "Name of the operation in the registry, or None.",
     nullptr},
    {"_formula", getter<formula>, nullptr, "What it computes: 'y = aᵇ', 'C = A·B'; or None.",
     nullptr},
    {"_gradient_formula", getter<gradient_formula>, nullptr,
     "A structured operation's vector-Jacobian product in matrix notation, or None.", nullptr},
    {"_local_formulas", getter<local_formulas>, nullptr,
     "Per input (text, LaTeX) of an elementwise operation's local derivative, or None.", nullptr},
    {"_constants", getter<constants>, nullptr,
     "The numbers among the operands of an elementwise operation, and its parameters, by name.",
     nullptr},
    {"_input_shapes", getter<input_shapes>, nullptr, "Per input its shape, None where unknown.",
     nullptr},
    {"_output_shapes", getter<output_shapes>, nullptr,
     "Per output its shape, None for one without history.", nullptr},
    {"_given", getter<given_inputs>, nullptr,
     "Per input whether it is a tensor: not a number, nor left out as a bias may be.", nullptr},
    {"_inputs", getter<inputs>, nullptr,
     "Per input the tensor that went in, None where the graph does not have it any more.", nullptr},
    {"_outputs", getter<outputs>, nullptr,
     "Per output the tensor that came out, without its history; None where it was not kept.",
     nullptr},
    {"_location", getter<location>, nullptr,
     "(code object, frame.f_lasti) of the instruction that made the node, or None.", nullptr},
    {"_module", getter<module_item<1>>, nullptr,
     "Inside a trace: path of the nn.Module that ran ('layers.0'), from the outermost; or None.",
     nullptr},
    {"_module_root", getter<module_item<0>>, nullptr,
     "Inside a trace: class name of the outermost nn.Module that ran ('Net'), or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef methods[] = {
    {"_local_text", method(local_text), METH_VARARGS | METH_KEYWORDS,
     "_local_text(i, names=None, values=None, latex=False, digits=6): the local derivative with "
     "respect to input i, in the names given for x or a, b, c and y, or with numbers for them."},
    {"_value_text", method(value_text), METH_VARARGS | METH_KEYWORDS,
     "_value_text(names=None, values=None, latex=False, digits=6): the value likewise."},
    {"_local", local, METH_O,
     "_local(i): ∂y/∂x_i of an elementwise operation, in the shape of y; None where there is "
     "none."},
    {"_recompute", recomputed, METH_VARARGS,
     "_recompute(*inputs): the value of an elementwise operation for these inputs (None for one "
     "that is a number), not recorded; None for a structured one."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

// The result number nr as the node keeps it, without its history; undefined where it does not, or
// where it was changed in place since.
Tensor saved_result(Node& node, std::uint32_t nr) {
  if (node.meta && node.meta->values && nr < node.meta->values->outputs.size()) {
    const NodeValues::Value& v = node.meta->values->outputs[nr];
    if (v.tensor.defined()) return v.tensor.version() == v.version ? v.tensor : Tensor();
  }
  for (int k = 0; k < node.n_saved; ++k) {
    const Saved& s = node.saved()[k];
    if (s.kind != Saved::Kind::Output || s.output_nr != nr) continue;
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(s.object));
    return t.version() == s.version ? t : Tensor();
  }
  return {};
}

void add_node_details(PyTypeObject* type) {
  auto* object = reinterpret_cast<PyObject*>(type);
  const auto set = [&](const char* name, PyObject* descriptor) {
    const Object d = Object::steal(descriptor);
    if (!d || PyObject_SetAttrString(object, name, d.get()) < 0) throw PythonErrorSet();
  };
  for (PyGetSetDef* def = attributes; def->name; ++def)
    set(def->name, PyDescr_NewGetSet(type, def));
  for (PyMethodDef* def = methods; def->ml_name; ++def)
    set(def->ml_name, PyDescr_NewMethod(type, def));
}

// node(*grads): one application of its rule; nothing is freed, no hook runs.
PyObject* call_node(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    Node& node = node_of(self);
    const Ref<Node> alive = Ref<Node>::borrow(&node);
    BACKLIT_CHECK(!kwargs || PyDict_GET_SIZE(kwargs) == 0, Type,
                  "keyword arguments are not supported");
    const auto n = static_cast<int>(PyTuple_GET_SIZE(args));
    BACKLIT_CHECK(n == node.n_outputs, Type, "expected ", node.n_outputs, " arguments, got ", n,
                  " instead");
    std::vector<Tensor> in(static_cast<std::size_t>(n)),
        out(static_cast<std::size_t>(node.n_edges));
    for (int i = 0; i < n; ++i) {
      PyObject* o = PyTuple_GET_ITEM(args, i);
      if (o == Py_None) continue;
      BACKLIT_CHECK(is_tensor(o), Type, "argument ", i, " is not a Variable");
      Tensor& g = in[static_cast<std::size_t>(i)] =
          Tensor::borrow(reinterpret_cast<TensorObject*>(o));
      const Layout* shape = node.outputs()[i];
      BACKLIT_CHECK(!shape || shape->same_sizes(g.layout()), Runtime, node.name,
                    ": gradient of shape ", to_string(g.sizes()), " for output ", i, " of shape ",
                    to_string(shape->sizes()), ". Pass one of the output's shape.");
    }
    if (std::ranges::any_of(in, [](const Tensor& t) { return t.defined(); })) {
      const auto needs = std::make_unique<bool[]>(out.size() + 1);
      for (int i = 0; i < node.n_edges; ++i) needs[i] = node.edges()[i].node != nullptr;
      const Rereading after_release;
      Vjp vjp(node, in.data(), out.data(), needs.get());
      node.kind->vjp(vjp);
    }
    if (node.n_edges == 1) return to_python(std::move(out[0]));
    return to_python(std::move(out));
  });
}

}  // namespace backlit
