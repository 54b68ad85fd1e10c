// The Python type of graph nodes. Each operation's nodes get a type of their own when Python first
// looks at one, so that type(t.grad_fn).__name__ is "PowBackward0".
#include <cstddef>
#include <map>
#include <string>

#include "bind/bind.h"
#include "graph/engine.h"
#include "graph/location.h"
#include "graph/trace.h"

namespace nb = nanobind;

namespace backlit {

void dealloc_node(PyObject* self);
int traverse_node(PyObject* self, visitproc visit, void* arg);
int clear_node(PyObject* self);
PyObject* function_context(Node* node);

namespace {

Node& node_of(PyObject* self) { return *reinterpret_cast<Node*>(self); }

PyObject* repr(PyObject* self) {
  return PyUnicode_FromFormat("<%s object at %p>", node_of(self).name, static_cast<void*>(self));
}
PyObject* name(PyObject* self, PyObject*) { return PyUnicode_FromString(node_of(self).name); }
PyObject* get_next_functions(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    Node& n = node_of(self);
    PyObject* tuple = PyTuple_New(n.n_edges);
    for (int i = 0; i < n.n_edges; ++i) {
      const Edge& e = n.edges()[i];
      PyObject* next = e.node ? node_object(e.node) : (Py_INCREF(Py_None), Py_None);
      PyTuple_SET_ITEM(tuple, i, Py_BuildValue("(NI)", next, e.output_nr));
    }
    return tuple;
  });
}
PyObject* get_metadata(PyObject* self, void*) {
  NodeMeta& meta = meta_of(node_of(self));
  if (!meta.metadata) meta.metadata = Object::steal(PyDict_New());
  Py_INCREF(meta.metadata.get());
  return meta.metadata.get();
}
PyObject* get_sequence(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(node_of(self).sequence);
}
PyObject* sequence_nr(PyObject* self, PyObject*) { return get_sequence(self, nullptr); }
PyObject* get_variable(PyObject* self, void*) {
  const Tensor* leaf = accumulated_leaf(&node_of(self));
  if (!leaf) {
    PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute 'variable'",
                 node_of(self).name);
    return nullptr;
  }
  return to_python(*leaf);
}
PyObject* get_saved_tensors(PyObject* self, void*) {
  return guarded([&] {
    Node& n = node_of(self);
    std::vector<Tensor> out;
    for (int i = 0; i < n.n_saved; ++i) out.push_back(unpack(n, i));
    return to_python(std::move(out));
  });
}
template <Object NodeMeta::* Field> PyObject* get_hooks(PyObject* self, void*) {
  Node& n = node_of(self);
  PyObject* hooks = n.meta && n.meta->*Field ? (n.meta->*Field).get() : Py_None;
  Py_INCREF(hooks);
  return hooks;
}
template <Object NodeMeta::* Field> int set_hooks(PyObject* self, PyObject* value, void*) {
  meta_of(node_of(self)).*Field = Object::borrow(value);
  return 0;
}
PyObject* size_of_node(PyObject* self, PyObject*) {
  const Node& n = node_of(self);
  return PyLong_FromSize_t(sizeof(Node) + n.size_class * std::size_t{32});
}

PyMethodDef methods[] = {
    {"name", name, METH_NOARGS, "The name of the operation that made this node."},
    {"_sequence_nr", sequence_nr, METH_NOARGS, nullptr},
    {"__sizeof__", size_of_node, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef getset[] = {
    {"next_functions", get_next_functions, nullptr,
     "((node or None, output number), ...) of the inputs.", nullptr},
    {"metadata", get_metadata, nullptr, "A dict for the user's notes.", nullptr},
    {"variable", get_variable, nullptr, "The leaf of an AccumulateGrad node.", nullptr},
    {"_saved_tensors", get_saved_tensors, nullptr, "The tensors kept for backward.", nullptr},
    {"_sequence", get_sequence, nullptr, nullptr, nullptr},
    {"_pre_hooks", get_hooks<&NodeMeta::pre_hooks>, set_hooks<&NodeMeta::pre_hooks>, nullptr,
     nullptr},
    {"_post_hooks", get_hooks<&NodeMeta::post_hooks>, set_hooks<&NodeMeta::post_hooks>, nullptr,
     nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMemberDef members[] = {
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(Node, weakrefs), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc_node)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse_node)},
                       {Py_tp_clear, reinterpret_cast<void*>(clear_node)},
                       {Py_tp_repr, reinterpret_cast<void*>(repr)},
                       {Py_tp_call, reinterpret_cast<void*>(call_node)},
                       {Py_tp_methods, methods},
                       {Py_tp_getset, getset},
                       {Py_tp_members, members},
                       {0, nullptr}};
PyType_Spec spec = {"backlit.autograd.graph.Node", sizeof(Node), 32,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
                        Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

// A type per operation, made on first sight.
PyTypeObject* type_named(const char* name) {
  static std::map<std::string, PyTypeObject*> types;
  PyTypeObject*& type = types[name];
  if (!type) {
    PyType_Slot derived_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc_node)},
                                   {Py_tp_traverse, reinterpret_cast<void*>(traverse_node)},
                                   {Py_tp_clear, reinterpret_cast<void*>(clear_node)},
                                   {0, nullptr}};
    static std::map<std::string, std::string> names;
    std::string& full = names[name];
    full = concat("backlit.autograd.graph.", name);
    PyType_Spec derived = {
        full.c_str(), sizeof(Node), 32,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, derived_slots};
    const Object bases = Object::steal(PyTuple_Pack(1, node_type));
    type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&derived, bases.get()));
    if (!type) throw PythonErrorSet();
  }
  return type;
}

}  // namespace

PyObject* node_object(Node* node) {
  if (PyObject* context = function_context(node)) {
    Py_INCREF(context);
    return context;
  }
  auto* o = reinterpret_cast<PyObject*>(node);
  if (Py_TYPE(o) == node_type) {
    PyTypeObject* type = type_named(node->name);
    Py_INCREF(type);
    Py_SET_TYPE(o, type);
    Py_DECREF(node_type);
  }
  Py_INCREF(o);
  return o;
}

void init_node_type() {
  node_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!node_type) throw PythonErrorSet();
  add_node_details(node_type);
}

void bind_nodes(nb::module_& m) {
  nb::setattr(m, "Node", nb::borrow(reinterpret_cast<PyObject*>(node_type)));
  m.def("_set_record_locations", [](bool on) { return std::exchange(recording_locations, on); });
  m.def("_is_recording_locations", [] { return recording_locations; });
  m.def("_set_package_folder", [](nb::str folder) { set_package_folder(folder.ptr()); });
  m.def("_set_tracing", [](bool on) { return std::exchange(modes.tracing, on); });
  m.def("_is_tracing", [] { return modes.tracing; });
  m.def(
      "_set_traced_module", [](nb::object module) { set_traced_module(module.ptr()); },
      nb::arg("module").none());
  m.def("_set_rereading", [](bool on) { return std::exchange(modes.rereading, on); });
}

}  // namespace backlit
