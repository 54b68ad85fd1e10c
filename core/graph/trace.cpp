// What nodes keep inside backlit.trace(), beyond what backward needs.
#include "graph/node.h"

namespace backlit {
namespace {

NodeValues& values_of(Node& node) {
  NodeMeta& meta = meta_of(node);
  if (!meta.values) meta.values = std::make_unique<NodeValues>();
  return *meta.values;
}

}  // namespace

void keep_inputs(Node& node, std::span<const Tensor> inputs) {
  NodeValues& values = values_of(node);
  for (const Tensor& t : inputs) values.inputs.push_back({t, t.defined() ? t.version() : 0});
}

void keep_output(Node& node, const Tensor& y, std::uint32_t nr) {
  NodeValues& values = values_of(node);
  values.outputs.resize(static_cast<std::size_t>(node.n_outputs));
  NodeValues::Value& v = values.outputs[nr];
  // an alias without history: y itself would own the node that owns y
  if (!v.tensor.defined()) v = {y.alias(), y.version()};
}

}  // namespace backlit
