// Reading starts at call_operation: bind the arguments of the first overload that fits, call it.
#include "bind/operation.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "bind/carriers.h"
#include "formulas/formula.h"
#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/products.h"
#include "ops/view_copies.h"

namespace backlit {

PyTypeObject* operation_type = nullptr;

namespace {

constexpr std::size_t kMaxParameters = 20;

struct Operation {
  PyObject_HEAD vectorcallfunc vectorcall;
  std::vector<const Overload*>* overloads;
  PyObject* name;
  PyObject* dict;
};

using Type = Parameter::Type;

bool is_int(PyObject* o) {
  if (PyLong_Check(o)) return !PyBool_Check(o);
  if (is_tensor(o)) {
    auto* t = reinterpret_cast<TensorObject*>(o);
    return t->layout->numel == 1 && is_integral(t->dtype);
  }
  return PyIndex_Check(o) && !PyBool_Check(o) && !is_carrier(o);
}

bool is_int_list(PyObject* o) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  for (Py_ssize_t i = 0; i < n; ++i)
    if (!is_int(PySequence_Fast_GET_ITEM(o, i))) return false;
  return true;
}

// Tensors whose shape is not known yet: those of lazy modules. Null until Python makes one.
PyTypeObject* shapeless_type = nullptr;

bool is_shapeless(PyObject* o) { return shapeless_type && PyObject_TypeCheck(o, shapeless_type); }
bool is_shaped(PyObject* o) { return is_tensor(o) && !is_shapeless(o); }

bool accepts(const Parameter& p, PyObject* o) {
  if (o == Py_None && p.optional) return true;
  switch (p.type) {
    case Type::Tensor: return is_shaped(o) || (p.number && is_plain_number(o));
    case Type::TensorList: {
      if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
      const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
      for (Py_ssize_t i = 0; i < n; ++i)
        if (!is_shaped(PySequence_Fast_GET_ITEM(o, i))) return false;
      return true;
    }
    case Type::Scalar:
      return is_plain_number(o) ||
             (is_tensor(o) && reinterpret_cast<TensorObject*>(o)->layout->ndim == 0 &&
              !reinterpret_cast<TensorObject*>(o)->requires_grad &&
              !reinterpret_cast<TensorObject*>(o)->grad_fn);
    case Type::Int: return is_int(o);
    case Type::IntList: return is_int_list(o) || ((p.single || p.variadic) && is_int(o));
    case Type::Float:
      return is_plain_number(o) ||
             (is_tensor(o) && reinterpret_cast<TensorObject*>(o)->layout->numel == 1);
    case Type::Bool:
      return PyBool_Check(o) || (Py_TYPE(o)->tp_name && std::strstr(Py_TYPE(o)->tp_name, "bool"));
    case Type::Str: return PyUnicode_Check(o);
    case Type::Dtype: return as_dtype(o).has_value();
    case Type::Generator: return PyObject_TypeCheck(o, generator_type);
    case Type::Any: return !holds_carrier(o);
  }
  return false;
}

// NumPy's names for parameters.
bool is_alias(const std::string& parameter, const char* given) {
  const auto is = [&](const char* a) { return std::strcmp(given, a) == 0; };
  if (parameter == "dim" || parameter == "dims")
    return is("axis") || is("axes") || is("dim") || is("dims");
  if (parameter == "keepdim") return is("keepdims");
  if (parameter == "input") return is("self") || is("x") || is("a") || is("x1") || is("tensor");
  if (parameter == "other") return is("x2");
  return false;
}

// " (position 1)" of an argument given by position; a row that is only a method leaves out self.
std::string said_position(const Overload& row, std::size_t i, std::size_t given) {
  if (i >= given) return "";
  return concat(" (position ", i + (row.options.function ? 1 : 0), ")");
}

// ", not str", or what is wrong with one element of a list.
std::string said_type(const Parameter& p, PyObject* o) {
  const bool list = PyTuple_Check(o) || PyList_Check(o);
  for (Py_ssize_t i = 0; p.type == Type::IntList && list && i < PySequence_Fast_GET_SIZE(o); ++i)
    if (PyObject* item = PySequence_Fast_GET_ITEM(o, i); !is_int(item))
      return concat(", but found element of type ", Py_TYPE(item)->tp_name, " at pos ", i);
  return concat(", not ", Py_TYPE(o)->tp_name);
}

struct Bound {
  PyObject* slots[kMaxParameters];
  Object gathered;  // positional arguments of a variadic parameter
};

// Why an overload does not fit, built only for the message.
struct Mismatch {
  std::string name;  // of the operation, as messages show it
  std::string text;
};

// "linalg_norm": what PyTorch calls the operation in its messages.
std::string called(const Operation& op) {
  const std::string home = op.overloads->front()->options.home;
  return concat(home == "linalg" || home == "special" ? home + "_" : "", PyUnicode_AsUTF8(op.name));
}

// The first element that keeps a sequence from being one of tensors.
std::string wrong_element(PyObject* list, std::size_t position) {
  if (!PyTuple_Check(list) && !PyList_Check(list)) return "";
  for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(list); ++k) {
    PyObject* item = PySequence_Fast_GET_ITEM(list, k);
    if (!is_tensor(item))
      return concat("expected Tensor as element ", k, " in argument ", position, ", but got ",
                    Py_TYPE(item)->tp_name);
  }
  return "";
}

template <class... Parts> bool refuse(Mismatch& why, const Parts&... parts) {
  why.text = concat(why.name, parts...);
  return false;
}

bool bind(const Overload& row, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Bound& b,
          Mismatch* why) {
  const auto& parameters = row.parameters;
  const std::size_t n = parameters.size();
  const bool elementwise = row.elementwise != nullptr;
  const std::size_t unnamed = row.options.function ? 0 : 1;  // a method's tensor is not counted
  std::fill_n(b.slots, n, nullptr);
  auto given = static_cast<std::size_t>(nargs);
  for (std::size_t i = 0; i < row.positional && i < given; ++i) {
    const Parameter& p = parameters[i];
    if (p.variadic && (p.type == Type::TensorList ? is_tensor(args[i]) : is_int(args[i]))) {
      PyObject* tuple = PyTuple_New(nargs - static_cast<Py_ssize_t>(i));
      for (std::size_t k = i; k < given; ++k) {
        Py_INCREF(args[k]);
        PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(k - i), args[k]);
      }
      b.gathered = Object::steal(tuple);
      b.slots[i] = tuple;
      given = i + 1;
      break;
    }
    b.slots[i] = args[i];
  }
  if (given > row.positional)
    return why && refuse(*why, "() takes ", row.positional, " positional argument",
                         row.positional == 1 ? "" : "s", " but ", given,
                         given == 1 ? " was" : " were", " given");
  if (kwnames) {
    const Py_ssize_t count = PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t k = 0; k < count; ++k) {
      const char* key = PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, k));
      std::size_t at = n;
      for (std::size_t i = 0; i < n; ++i)
        if (parameters[i].name == key) at = i;
      for (std::size_t i = 0; i < n && at == n; ++i)
        if (is_alias(parameters[i].name, key)) at = i;
      if (at == n) return why && refuse(*why, "() got an unexpected keyword argument '", key, "'");
      if (b.slots[at])
        return why && refuse(*why, "() got multiple values for argument '", key, "'");
      b.slots[at] = args[nargs + k];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Parameter& p = parameters[i];
    if (!b.slots[i]) {
      if (!p.fallback)
        return why && refuse(*why, "() missing 1 required positional arguments: \"", p.name, "\"");
      b.slots[i] = p.fallback;
    } else if (!accepts(p, b.slots[i])) {
      if (!why) return false;
      const std::string element =
          p.type == Type::TensorList ? wrong_element(b.slots[i], i - unnamed) : "";
      if (!element.empty()) {
        why->text = element;
        return false;
      }
      return refuse(*why, "(): argument '", p.name, "'", said_position(row, i, given), " must be ",
                    type_name(p.type), said_type(p, b.slots[i]));
    }
  }
  if (elementwise) {
    bool any = false;
    for (int i = 0; i < row.elementwise->arity; ++i) any = any || is_tensor(b.slots[i]);
    if (!any)
      return why && refuse(*why, "(): argument 'input' (position 1) must be Tensor, not ",
                           Py_TYPE(b.slots[0])->tp_name);
  }
  return true;
}

void fail_binding(const Operation& op, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const auto& front = op.overloads->front()->parameters;
  const bool numbers = std::ranges::any_of(front, [](const Parameter& p) { return p.number; });
  if (op.overloads->size() == 1 && !numbers) {
    Bound b;
    Mismatch why{called(op), ""};
    bind(*op.overloads->front(), args, nargs, kwnames, b, &why);
    PyErr_SetString(PyExc_TypeError, why.text.c_str());
    return;
  }
  std::string text = concat(called(op), "() received an invalid combination of arguments - got (");
  const Py_ssize_t total = nargs + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
  const Py_ssize_t first = op.overloads->front()->options.function ? 0 : 1;
  for (Py_ssize_t i = first; i < total; ++i) {
    if (i > first) text += ", ";
    if (i >= nargs) text += concat(PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, i - nargs)), "=");
    text += Py_TYPE(args[i])->tp_name;
  }
  text += "), but expected one of:\n";
  for (const Overload* row : *op.overloads) {
    Bound b;
    Mismatch why{called(op), ""};
    bind(*row, args, nargs, kwnames, b, &why);
    text += concat(" * ", row->signature, "\n      didn't match because: ", why.text, "\n");
  }
  PyErr_SetString(PyExc_TypeError, text.c_str());
}

bool holds_shapeless(PyObject* o) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) return is_shapeless(o);
  PyObject** items = PySequence_Fast_ITEMS(o);
  return std::any_of(items, items + PySequence_Fast_GET_SIZE(o), is_shapeless);
}

void check_shaped(const Operation& op, PyObject* const* args, Py_ssize_t count) {
  BACKLIT_CHECK(std::none_of(args, args + count, holds_shapeless), Value,
                "Attempted to use an uninitialized parameter in ", PyUnicode_AsUTF8(op.name),
                ". This error happens when you are using a `LazyModule` or explicitly manipulating "
                "`torch.nn.parameter.UninitializedParameter` objects. When using LazyModules Call "
                "`forward` with a dummy batch to initialize the parameters before calling torch "
                "functions");
}

PyObject* call_operation(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const auto& op = *reinterpret_cast<Operation*>(self);
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  return guarded([&]() -> PyObject* {
    Bound b;
    for (const Overload* row : *op.overloads)
      if (bind(*row, args, nargs, kwnames, b, nullptr)) {
        if (row->options.draws && batching_draws) [[unlikely]]
          return call_carrier(self, args, nargs, kwnames);
        return call_row(*row, b.slots);
      }
    if (PyErr_Occurred()) return nullptr;
    const Py_ssize_t all = nargs + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    if (holds_carrier(args, all)) return call_carrier(self, args, nargs, kwnames);
    check_shaped(op, args, all);
    fail_binding(op, args, nargs, kwnames);
    return nullptr;
  });
}

Operand operand_of(PyObject* o) { return FromPython<Operand>::get(o); }

template <bool kInPlace>
PyObject* call_elementwise(const Overload& self, PyObject* const* arguments) {
  const ElementwiseOp& op = *self.elementwise;
  const Operand in[kMaxArity] = {operand_of(arguments[0]),
                                 op.arity > 1 ? operand_of(arguments[1]) : Operand(Scalar(0.0)),
                                 op.arity > 2 ? operand_of(arguments[2]) : Operand(Scalar(0.0))};
  double params[kMaxParams] = {1, 1, 1, 1};
  for (int k = 0; k < op.params; ++k) params[k] = FromPython<double>::get(arguments[op.arity + k]);
  const std::span<const Operand> inputs(in, static_cast<std::size_t>(op.arity));
  if constexpr (kInPlace) return to_python(elementwise_in_place(op, inputs, params));
  const auto out = FromPython<Tensor>::get(arguments[op.arity + op.params]);
  if (out.defined()) check_no_partial_overlap(out, inputs);
  return to_python(ops::into_out(op.name, elementwise(op, inputs, params), out));
}

// The rows of a formula: name(...), and name_(...) where it may work in place.
std::vector<std::unique_ptr<Overload>> rows_of(const ElementwiseOp& op) {
  std::vector<std::unique_ptr<Overload>> rows;
  auto row = parse_signature(op.signature);
  if (static_cast<int>(row->parameters.size()) != op.arity + op.params) return rows;
  const RowOptions options{.meaning = op.meaning,
                           .formula = op.formula,
                           .home = op.home,
                           .aliases = op.aliases,
                           .method = op.method};
  if (op.inplace) {
    auto in_place = parse_signature(op.signature);
    in_place->name += "_";
    in_place->elementwise = &op;
    in_place->call = &call_elementwise<true>;
    in_place->options = options;
    in_place->options.function = op.inplace_function;
    rows.push_back(std::move(in_place));
  }
  Parameter out;
  out.name = "out";
  out.type = Type::Tensor;
  out.optional = true;
  out.keyword_only = true;
  Py_INCREF(Py_None);
  out.fallback = Py_None;
  row->parameters.push_back(out);
  row->elementwise = &op;
  row->call = &call_elementwise<false>;
  row->options = options;
  rows.push_back(std::move(row));
  return rows;
}

std::vector<std::string> words(const char* text) {
  std::vector<std::string> out;
  std::string word;
  for (const char* c = text;; ++c) {
    if (*c == ' ' || *c == 0) {
      if (!word.empty()) out.push_back(word);
      word.clear();
      if (!*c) return out;
    } else {
      word += *c;
    }
  }
}

Object new_operation(const std::string& name) {
  auto* op = PyObject_New(Operation, operation_type);
  if (!op) throw PythonErrorSet();
  op->vectorcall = &call_operation;
  op->overloads = new std::vector<const Overload*>;
  op->name = PyUnicode_InternFromString(name.c_str());
  op->dict = nullptr;
  return Object::steal(reinterpret_cast<PyObject*>(op));
}

// home -> name -> callable; homes and methods are filled together so that names share one callable.
class Builder {
 public:
  void add(const Overload* row, bool in_place_name) {
    const std::string home = row->options.home;
    Object op = find(home, row->name);
    reinterpret_cast<Operation*>(op.get())->overloads->push_back(row);
    place(*row, home, row->name, op);
    for (const std::string& alias : words(row->options.aliases)) {
      const auto dot = alias.find('.');
      const std::string where = dot == std::string::npos ? home : alias.substr(0, dot);
      std::string name = dot == std::string::npos ? alias : alias.substr(dot + 1);
      if (in_place_name && dot == std::string::npos) name += "_";
      if (in_place_name && dot != std::string::npos) continue;
      if (dot != std::string::npos)
        set(homes_[where], name, op);
      else
        place(*row, where, name, op);
    }
  }
  PyObject* finish() {
    Object result = Object::steal(PyDict_New());
    for (auto& [home, dict] : homes_) PyDict_SetItemString(result.get(), home.c_str(), dict.get());
    return result.release();
  }

 private:
  Object find(const std::string& home, const std::string& name) {
    auto& op = operations_[home + "." + name];
    if (!op) op = new_operation(name);
    return op;
  }
  void set(Object& dict, const std::string& name, const Object& op) {
    if (!dict) dict = Object::steal(PyDict_New());
    if (PyDict_SetItemString(dict.get(), name.c_str(), op.get()) < 0) throw PythonErrorSet();
  }
  void place(const Overload& row, const std::string& home, const std::string& name,
             const Object& op) {
    if (row.options.function) set(homes_[home], name, op);
    const bool takes_self = !row.parameters.empty() && row.parameters[0].name == "input" &&
                            (row.parameters[0].type == Type::Tensor);
    if (row.options.method && takes_self && (home == "torch" || home == "_C"))
      if (PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), name.c_str(), op.get()) <
          0)
        throw PythonErrorSet();
  }
  std::map<std::string, Object> operations_;
  std::map<std::string, Object> homes_;
};

// --- the type ---

void dealloc(PyObject* self) {
  auto* op = reinterpret_cast<Operation*>(self);
  delete op->overloads;
  Py_XDECREF(op->name);
  Py_XDECREF(op->dict);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

PyObject* repr(PyObject* self) {
  return PyUnicode_FromFormat("<built-in method %U of backlit>",
                              reinterpret_cast<Operation*>(self)->name);
}

PyObject* descr_get(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) {
    Py_INCREF(self);
    return self;
  }
  return PyMethod_New(self, instance);
}

PyObject* get_name(PyObject* self, void*) {
  PyObject* name = reinterpret_cast<Operation*>(self)->name;
  Py_INCREF(name);
  return name;
}

PyObject* get_module(PyObject*, void*) { return PyUnicode_FromString("backlit"); }

PyObject* get_rows(PyObject* self, void*) {
  PyObject* list = PyList_New(0);
  for (const Overload* row : *reinterpret_cast<Operation*>(self)->overloads) {
    const Object facts = row_facts(*row);
    if (!facts || PyList_Append(list, facts.get()) < 0) return nullptr;
  }
  return list;
}

PyObject* get_doc(PyObject* self, void*) {
  const auto& rows = *reinterpret_cast<Operation*>(self)->overloads;
  std::string doc;
  for (const Overload* row : rows) doc += row->signature + "\n";
  const RowOptions& o = rows.front()->options;
  if (o.meaning[0]) doc += concat("\n", o.meaning, "\n");
  if (o.formula[0]) doc += concat("\nFormula: ", o.formula, "\n");
  if (o.gradient[0]) doc += concat("Derivative: ", o.gradient, "\n");
  if (o.example[0]) doc += concat("\nExample: ", o.example, "\n");
  return to_python(doc);
}

PyGetSetDef getset[] = {{"__name__", get_name, nullptr, nullptr, nullptr},
                        {"__qualname__", get_name, nullptr, nullptr, nullptr},
                        {"__module__", get_module, nullptr, nullptr, nullptr},
                        {"__doc__", get_doc, nullptr, nullptr, nullptr},
                        {"__rows__", get_rows, nullptr, nullptr, nullptr},
                        {nullptr, nullptr, nullptr, nullptr, nullptr}};

// _bind(args, kwargs): which of __rows__ fits, and the value of each of its parameters.
PyObject* bind_only(PyObject* self, PyObject* const* given, Py_ssize_t) {
  const auto& op = *reinterpret_cast<Operation*>(self);
  return guarded([&]() -> PyObject* {
    const Py_ssize_t nargs = PyTuple_GET_SIZE(given[0]);
    std::vector<PyObject*> args(&PyTuple_GET_ITEM(given[0], 0), &PyTuple_GET_ITEM(given[0], nargs));
    const Object names = Object::steal(PyTuple_New(PyDict_GET_SIZE(given[1])));
    PyObject *key, *value;
    for (Py_ssize_t at = 0, i = 0; PyDict_Next(given[1], &at, &key, &value); ++i) {
      Py_INCREF(key);
      PyTuple_SET_ITEM(names.get(), i, key);
      args.push_back(value);
    }
    Bound b;
    for (std::size_t r = 0; r < op.overloads->size(); ++r) {
      const Overload& row = *(*op.overloads)[r];
      if (!bind(row, args.data(), nargs, names.get(), b, nullptr)) continue;
      const Object slots = Object::steal(PyDict_New());
      for (std::size_t i = 0; i < row.parameters.size(); ++i)
        if (PyDict_SetItemString(slots.get(), row.parameters[i].name.c_str(), b.slots[i]) < 0)
          return nullptr;
      return Py_BuildValue("nO", static_cast<Py_ssize_t>(r), slots.get());
    }
    if (!PyErr_Occurred()) fail_binding(op, args.data(), nargs, names.get());
    return nullptr;
  });
}

PyObject* reduce(PyObject* self, PyObject*) { return get_name(self, nullptr); }
PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"_bind", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(bind_only)), METH_FASTCALL,
     nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyMemberDef members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(Operation, vectorcall), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {Py_tp_repr, reinterpret_cast<void*>(repr)},
                       {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                       {Py_tp_descr_get, reinterpret_cast<void*>(descr_get)},
                       {Py_tp_getset, getset},
                       {Py_tp_methods, methods},
                       {Py_tp_members, members},
                       {0, nullptr}};

PyType_Spec spec = {"backlit._C.Operation", sizeof(Operation), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
                    slots};

}  // namespace

void set_shapeless_type(PyObject* type) {
  Py_INCREF(type);
  Py_XSETREF(shapeless_type, reinterpret_cast<PyTypeObject*>(type));
}

void init_operation_type(PyObject*) {
  operation_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!operation_type) throw PythonErrorSet();
}

void check_out_apart(const Overload& row, PyObject* const* arguments) {
  const std::size_t last = row.parameters.size() - 1;
  const auto tensors = [](PyObject* o) {
    if (is_tensor(o)) return std::vector{FromPython<Tensor>::get(o)};
    const bool several = o != Py_None && !PyLong_Check(o) && PySequence_Check(o);
    return several ? FromPython<std::vector<Tensor>>::get(o) : std::vector<Tensor>{};
  };
  for (const Tensor& out : tensors(arguments[last]))
    for (std::size_t i = 0; i < last; ++i)
      for (const Tensor& input : tensors(arguments[i]))
        if (ops::shared_memory(*input.get(), *out.get()) != ops::Shared::Nothing)
          ops::fail_overlap();
}

void write_out(const char* name, std::span<Tensor> results, PyObject* out) {
  const auto into = is_tensor(out) ? std::vector{FromPython<Tensor>::get(out)}
                                   : FromPython<std::vector<Tensor>>::get(out);
  BACKLIT_CHECK(into.size() == results.size(), Type, "expected tuple of ", results.size(),
                " elements but got ", into.size());
  for (std::size_t i = 0; i < results.size(); ++i)
    BACKLIT_CHECK(results[i].dtype() == into[i].dtype(), Runtime,
                  "Expected out tensor to have dtype ", info(results[i].dtype()).c_name,
                  ", but got ", info(into[i].dtype()).c_name, " instead");
  for (std::size_t i = 0; i < results.size(); ++i)
    results[i] = ops::into_out(name, std::move(results[i]), into[i]);
}

PyObject* build_operations() {
  // a row written by hand under a formula's name is that formula's public form
  auto& rows = registry_rows();
  std::map<std::string, bool> by_hand;
  for (const auto& row : rows) by_hand[concat(row->options.home, ".", row->name)] = true;
  for (const ElementwiseOp* op : elementwise_ops()) {
    if (std::strcmp(op->home, "internal") == 0) continue;
    for (auto& row : rows_of(*op))
      if (!by_hand.count(concat(op->home, ".", row->name))) rows.push_back(std::move(row));
  }
  for (auto& row : ops::view_copies(rows)) rows.push_back(std::move(row));
  Builder builder;
  for (const auto& row : rows)
    builder.add(row.get(), row->name.back() == '_' && row->name.size() > 1);
  return builder.finish();
}

}  // namespace backlit
