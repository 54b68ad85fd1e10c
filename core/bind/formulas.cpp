// The formulas of elementwise operations as Python sees them: text and LaTeX of the value and of
// the local derivatives, read from their one definition.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bind/bind.h"
#include "formulas/formula.h"
#include "formulas/symbol.h"
#include "ops/elementwise_node.h"

namespace nb = nanobind;

namespace backlit {
namespace {

nb::object readings(const Symbol& s) {
  return nb::make_tuple(render(s), render(s, {.latex = true}));
}

nb::dict formula(const ElementwiseOp& op) {
  const std::vector<std::string> names = parameter_names(op);
  std::vector<Symbol> inputs, params;
  nb::list variables, domain, locals;
  for (int i = 0; i < op.arity; ++i) {
    inputs.push_back(Symbol::variable(input_name(op, i)));
    variables.append(input_name(op, i));
    domain.append(nb::make_tuple(op.domain[i][0], op.domain[i][1]));
  }
  for (int i = 0; i < op.params; ++i)
    params.push_back(Symbol::variable(names[static_cast<std::size_t>(i)]));
  for (int i = 0; i < op.arity; ++i) {
    if (!has_local(op, i)) {
      locals.append(nb::none());
      continue;
    }
    locals.append(
        readings(op.local_symbol[i](inputs.data(), Symbol::variable("y"), params.data())));
  }
  nb::dict found;
  found["name"] = op.name;
  found["home"] = op.home;
  found["formula"] = op.formula;
  found["variables"] = variables;
  found["parameters"] = nb::cast(names);
  found["domain"] = domain;
  found["value"] = readings(op.value_symbol(inputs.data(), params.data()));
  found["locals"] = locals;
  return found;
}

}  // namespace

std::vector<std::string> parameter_names(const ElementwiseOp& op) {
  std::vector<std::string> names;
  const auto row = parse_signature(op.signature);
  for (const Parameter& p : row->parameters)
    if (p.type != Parameter::Type::Tensor) names.push_back(p.name);
  return names;
}

void bind_formulas(nb::module_& m) {
  m.def(
      "_formulas",
      [] {
        nb::list all;
        for (const ElementwiseOp* op : elementwise_ops()) all.append(formula(*op));
        return all;
      },
      "All elementwise formulas: name, variables, parameters, and (text, LaTeX) of the value and "
      "of "
      "each local derivative (None: there is none).");
}

}  // namespace backlit
