// What a registry row tells Python: one entry of an operation's __rows__.
#include "bind/operation.h"
#include "formulas/formula.h"

namespace backlit {

const char* type_name(Parameter::Type t) {
  using Type = Parameter::Type;
  switch (t) {
    case Type::Tensor: return "Tensor";
    case Type::TensorList: return "tuple of Tensors";
    case Type::Scalar: return "Number";
    case Type::Int: return "int";
    case Type::IntList: return "tuple of ints";
    case Type::Float: return "float";
    case Type::Bool: return "bool";
    case Type::Str: return "str";
    case Type::Dtype: return "torch.dtype";
    case Type::Generator: return "torch.Generator";
    case Type::Any: return "object";
  }
  return "";
}

Object row_facts(const Overload& row) {
  const RowOptions& o = row.options;
  const ElementwiseOp* e = row.elementwise;
  Object item = Object::steal(Py_BuildValue(
      "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:O,s:O}", "name", row.name.c_str(), "signature",
      row.signature.c_str(), "meaning", o.meaning, "formula", o.formula, "gradient", o.gradient,
      "home", o.home, "aliases", o.aliases, "example", o.example, "node", e ? e->node : "",
      "elementwise", e ? Py_True : Py_False, "method", o.method ? Py_True : Py_False));
  if (!item) return item;
  const Object parameters = Object::steal(PyDict_New());
  for (const Parameter& p : row.parameters) {
    const Object type = Object::steal(to_python(std::string(type_name(p.type))));
    PyDict_SetItemString(parameters.get(), p.name.c_str(), type.get());
  }
  PyDict_SetItemString(item.get(), "parameters", parameters.get());
  PyDict_SetItemString(item.get(), "draws", o.draws ? Py_True : Py_False);
  PyDict_SetItemString(item.get(), "view", o.view ? Py_True : Py_False);
  if (e) {
    Object domain = Object::steal(PyList_New(0));
    for (int i = 0; i < e->arity; ++i) {
      Object pair = Object::steal(Py_BuildValue("(dd)", e->domain[i][0], e->domain[i][1]));
      PyList_Append(domain.get(), pair.get());
    }
    PyDict_SetItemString(item.get(), "domain", domain.get());
    Object facts = Object::steal(Py_BuildValue(
        "{s:i,s:i,s:i,s:i,s:I}", "arity", e->arity, "params", e->params, "promote",
        static_cast<int>(e->promote), "rule", static_cast<int>(e->rule), "kinds", e->kinds));
    PyDict_Update(item.get(), facts.get());
  }
  return item;
}

}  // namespace backlit
