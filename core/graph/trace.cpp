#include "graph/trace.h"

#include "ops/arithmetic.h"
#include "ops/views.h"

namespace backlit {
namespace {

thread_local PyObject* running_module = nullptr;  // owned: a tuple

NodeValues& values_of(Node& node) {
  NodeMeta& meta = meta_of(node);
  if (!meta.values) {
    meta.values = std::make_unique<NodeValues>();
    meta.values->module = Object::borrow(running_module);
  }
  return *meta.values;
}

}  // namespace

void set_traced_module(PyObject* module) {
  const Object former = Object::steal(running_module);
  running_module = module == Py_None ? nullptr : Object::borrow(module).release();
}

void keep_inputs(Node& node, std::span<const Tensor> inputs) {
  NodeValues& values = values_of(node);
  for (const Tensor& t : inputs) values.inputs.push_back({t, t.defined() ? t.version() : 0});
}

void keep_former(Node& node, const Tensor& x) {
  const Tensor copy = ops::clone(ops::detach(x));
  values_of(node).inputs[0] = {copy, copy.version()};
}

void keep_output(Node& node, const Tensor& y, std::uint32_t nr) {
  NodeValues& values = values_of(node);
  values.outputs.resize(static_cast<std::size_t>(node.n_outputs));
  NodeValues::Value& v = values.outputs[nr];
  // an alias without history: y itself would own the node that owns y
  if (!v.tensor.defined()) v = {y.alias(), y.version()};
}

}  // namespace backlit
