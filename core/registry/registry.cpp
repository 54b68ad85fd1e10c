#include "registry/registry.h"

#include <algorithm>
#include <cctype>
#include <new>
#include <stdexcept>

namespace backlit {

std::vector<std::unique_ptr<Overload>>& registry_rows() {
  static auto* rows = new std::vector<std::unique_ptr<Overload>>;
  return *rows;
}

namespace {

std::string trim(std::string s) {
  while (!s.empty() && s.front() == ' ') s.erase(s.begin());
  while (!s.empty() && s.back() == ' ') s.pop_back();
  return s;
}

// Splits at commas outside of quotes and brackets.
std::vector<std::string> split(const std::string& s) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  bool quoted = false;
  for (const char c : s) {
    if (c == '\'' || c == '"') quoted = !quoted;
    if (!quoted && (c == '[' || c == '(')) ++depth;
    if (!quoted && (c == ']' || c == ')')) --depth;
    if (c == ',' && depth == 0 && !quoted) {
      parts.push_back(trim(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!trim(part).empty()) parts.push_back(trim(part));
  return parts;
}

void parse_type(std::string type, Parameter& p) {
  using Type = Parameter::Type;
  if (type.back() == '?') {
    p.optional = true;
    type.pop_back();
  }
  if (type == "Tensor")
    p.type = Type::Tensor;
  else if (type == "Tensor|Number") {
    p.type = Type::Tensor;
    p.number = true;
  } else if (type == "Tensor[]" || type == "Tensor*") {
    p.type = Type::TensorList;
    p.variadic = type == "Tensor*";
  } else if (type == "Scalar")
    p.type = Type::Scalar;
  else if (type == "int")
    p.type = Type::Int;
  else if (type == "float")
    p.type = Type::Float;
  else if (type == "bool")
    p.type = Type::Bool;
  else if (type == "str")
    p.type = Type::Str;
  else if (type == "dtype")
    p.type = Type::Dtype;
  else if (type == "Generator")
    p.type = Type::Generator;
  else if (type == "any")
    p.type = Type::Any;
  else if (type == "int[]" || type == "int[1]" || type == "int*") {
    p.type = Type::IntList;
    p.single = type == "int[1]";
    p.variadic = type == "int*";
  } else {
    throw std::logic_error("signature: unknown type " + type);
  }
}

// The module is not initialised yet while rows are registered, but the interpreter is running.
PyObject* parse_default(const std::string& text) {
  PyObject* o = nullptr;
  if (text == "None")
    o = Py_None;
  else if (text == "True")
    o = Py_True;
  else if (text == "False")
    o = Py_False;
  if (o) {
    Py_INCREF(o);
    return o;
  }
  if (text[0] == '\'' || text[0] == '"')
    return PyUnicode_FromStringAndSize(text.data() + 1, static_cast<Py_ssize_t>(text.size()) - 2);
  if (text == "[]" || text == "()") return PyTuple_New(0);
  if (text == "inf") return PyFloat_FromDouble(HUGE_VAL);
  if (text == "-inf") return PyFloat_FromDouble(-HUGE_VAL);
  if (text.find_first_of(".e") != std::string::npos) return PyFloat_FromDouble(std::stod(text));
  return PyLong_FromString(text.c_str(), nullptr, 10);
}

}  // namespace

std::unique_ptr<Overload> parse_signature(const char* signature) {
  auto row = std::make_unique<Overload>();
  row->signature = signature;
  const std::string s = signature;
  const auto open = s.find('(');
  const auto arrow = s.find("->");
  const auto close = s.rfind(')', arrow == std::string::npos ? std::string::npos : arrow);
  if (open == std::string::npos || close == std::string::npos)
    throw std::logic_error("signature: " + s);
  row->name = s.substr(0, open);
  bool keyword_only = false;
  for (const std::string& part : split(s.substr(open + 1, close - open - 1))) {
    if (part == "*") {
      keyword_only = true;
      continue;
    }
    Parameter p;
    const auto equals = part.find('=');
    const std::string declaration = trim(part.substr(0, equals));
    const auto space = declaration.rfind(' ');
    if (space == std::string::npos) throw std::logic_error("signature: " + s);
    p.name = declaration.substr(space + 1);
    p.keyword_only = keyword_only;
    parse_type(trim(declaration.substr(0, space)), p);
    if (equals != std::string::npos) {
      p.fallback = parse_default(trim(part.substr(equals + 1)));
      if (!p.fallback) throw std::logic_error("signature: bad default in " + s);
      if (p.fallback == Py_None) p.optional = true;
    }
    if (!keyword_only) ++row->positional;
    row->parameters.push_back(std::move(p));
  }
  return row;
}

bool serves_out(const Overload& row, std::size_t n) {
  if (row.parameters.size() == n) return false;
  if (row.parameters.size() != n + 1 || row.parameters.back().name != "out") refuse_signature(row);
  return true;
}

PyObject* argument_for_out(const Overload& row, std::size_t i, PyObject* given, PyObject* out) {
  const bool open = row.parameters[i].type == Parameter::Type::Dtype && given == Py_None;
  if (!open || !is_tensor(out)) return given;
  return dtype_object(reinterpret_cast<TensorObject*>(out)->dtype);
}

bool may_draw(const Overload& row) {
  return std::ranges::any_of(row.parameters, [](const Parameter& p) {
    return p.type == Parameter::Type::Generator || p.name == "dropout" || p.name == "dropout_p";
  });
}

void refuse_signature(const Overload& row) {
  throw std::logic_error("signature and function disagree: " + row.signature);
}

void set_python_error() noexcept {
  try {
    throw;
  } catch (const PythonErrorSet&) {
  } catch (const Error& e) {
    PyObject* type = PyExc_RuntimeError;
    switch (e.kind()) {
      case ErrorKind::Runtime: break;
      case ErrorKind::Type: type = PyExc_TypeError; break;
      case ErrorKind::Value: type = PyExc_ValueError; break;
      case ErrorKind::Index: type = PyExc_IndexError; break;
      case ErrorKind::NotImplemented: type = PyExc_NotImplementedError; break;
      case ErrorKind::Memory: type = PyExc_MemoryError; break;
      case ErrorKind::Attribute: type = PyExc_AttributeError; break;
      case ErrorKind::Overflow: type = PyExc_OverflowError; break;
    }
    PyErr_SetString(type, e.what());
  } catch (const std::bad_alloc&) { PyErr_NoMemory(); } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
}

}  // namespace backlit
