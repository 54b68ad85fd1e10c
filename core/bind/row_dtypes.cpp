// One door for the dtypes that few functions know. A row that takes real numbers gets 16-bit
// tensors as float32, and what it gives is rounded back: so every reduction, product and loss
// accumulates in float32, as in PyTorch, and no kernel is instantiated for 16 bits. Conversions are
// recorded, so gradients pass, in the input's dtype. Complex tensors and numbers are refused unless
// the row says that it takes them. What 16-bit tensors do beside other floating ones, the row says.
#include <algorithm>

#include "bind/operation.h"
#include "graph/node.h"
#include "ops/arithmetic.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit {
namespace {

using Type = Parameter::Type;

TensorObject& object(PyObject* o) { return *reinterpret_cast<TensorObject*>(o); }

// What a call's arguments hold.
struct Survey {
  std::optional<Dtype> sixteen;  // the dtype of 16-bit arguments
  bool both = false;             // whether there are two such dtypes
  std::optional<Dtype> wide;     // of other floating ones
  std::optional<Dtype> complex;
  std::optional<Dtype> asked;  // by a parameter of type dtype

  void add(Dtype d) {
    if (is_sixteen_bit(d)) {
      both = both || (sixteen && *sixteen != d);
      sixteen = d;
    } else if (is_complex(d))
      complex = d;
    else if (is_floating(d))
      wide = d;
  }
  bool mixed() const { return sixteen && (both || wide || complex); }
};

Survey survey(const Overload& row, PyObject* const* arguments) {
  Survey s;
  for (std::size_t i = 0; i < row.parameters.size(); ++i) {
    PyObject* o = arguments[i];
    switch (row.parameters[i].type) {
      case Type::Tensor:
      case Type::Scalar:
      case Type::Float:
        if (is_tensor(o))
          s.add(object(o).dtype);
        else if (PyComplex_Check(o))
          s.complex = complex_of(default_dtype());
        break;
      case Type::TensorList:
        if (o != Py_None)
          for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(o); ++k)
            s.add(object(PySequence_Fast_GET_ITEM(o, k)).dtype);
        break;
      case Type::Dtype:
        if (o != Py_None) s.asked = dtype_from_object(o);
        break;
      default: break;
    }
  }
  return s;
}

[[noreturn]] void fail_complex(const Overload& row, Dtype d) {
  fail(ErrorKind::NotImplemented, "\"", row.name, "\" not implemented for '", info(d).scalar_name,
       "'");
}

Object converted(PyObject* o, Dtype from, Dtype to) {
  if (!is_tensor(o) ||
      (is_sixteen_bit(from) ? !is_sixteen_bit(object(o).dtype) : object(o).dtype != from))
    return Object::borrow(o);
  return Object::steal(to_python(ops::to_dtype(FromPython<Tensor>::get(o), to)));
}

Object widened(PyObject* o) { return converted(o, Dtype::Float16, Dtype::Float32); }

// What a function makes may be a leaf (`randn(3, requires_grad=True)`); rounded, it still is one.
Object rounded_leaf(PyObject* o, Dtype d) {
  const Tensor y = ops::to_dtype(ops::detach(FromPython<Tensor>::get(o)), d);
  y->requires_grad = true;
  return Object::steal(to_python(y));
}

Object rounded_tensor(PyObject* o, Dtype d) {
  const bool leaf = is_tensor(o) && object(o).requires_grad && !object(o).grad_fn;
  return leaf && object(o).dtype == Dtype::Float32 ? rounded_leaf(o, d)
                                                   : converted(o, Dtype::Float32, d);
}

// A result (a tensor, a tuple or list of them, or none of these) with its float32 tensors rounded.
// It is new: nobody else sees the tuple that changes.
Object rounded(Object result, Dtype d) {
  if (PyTuple_Check(result.get()) || PyList_Check(result.get())) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(result.get()); ++i) {
      PyObject** item = &PySequence_Fast_ITEMS(result.get())[i];
      Object next = rounded_tensor(*item, d);
      Py_SETREF(*item, next.release());
    }
    return result;
  }
  return rounded_tensor(result.get(), d);
}

bool works_in_place(const Overload& row) {
  return row.name.back() == '_' && !row.parameters.empty() && row.parameters[0].name == "input";
}

// The results written into out=, which is taken off the call.
Object into_out(const Overload& row, const Object& result, PyObject* out) {
  std::vector<Tensor> values;
  if (is_tensor(result.get()))
    values.push_back(FromPython<Tensor>::get(result.get()));
  else
    values = FromPython<std::vector<Tensor>>::get(result.get());
  write_out(row.name.c_str(), values, out);
  return Object::borrow(out);
}

// What the function changed in place of its float32 copies (running statistics) is written back.
void write_back(PyObject* original, const Object& copy) {
  if (!copy || !is_tensor(copy.get()) || copy.get() == original) return;
  const Tensor used = FromPython<Tensor>::get(copy.get());
  if (used.version() == 0) return;
  const Tensor x = FromPython<Tensor>::get(original);
  ops::copy_in_place(x, used);
  bump_version(x);
}

// Lets the function refuse what it gets: only it knows the words.
PyObject* refuse_mixed(const Overload& row, PyObject* const* arguments, const Survey& s) {
  try {
    if (!Object::steal(row.call(row, arguments))) return nullptr;
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::NotImplemented) throw;
  }
  const Dtype other = s.both ? (*s.sixteen == Dtype::Float16 ? Dtype::BFloat16 : Dtype::Float16)
                             : s.complex.value_or(s.wide.value_or(Dtype::Float32));
  fail(ErrorKind::Runtime, row.name, "(): expected all tensors to have the same dtype, but got ",
       info(*s.sixteen).scalar_name, " and ", info(other).scalar_name,
       ". Convert one with .to(dtype).");
}

bool may_mix(const Overload& row, PyObject* const* arguments, const Survey& s) {
  switch (row.options.mixed) {
    case Mixed::Promoted: return true;
    case Mixed::AsInput: return !s.both && object(arguments[0]).dtype == *s.sixteen;
    default: return false;
  }
}

PyObject* call_in_float32(const Overload& row, PyObject* const* arguments, const Survey& s) {
  const auto n = row.parameters.size();
  const bool promoted = s.mixed() && row.options.mixed == Mixed::Promoted;
  const Dtype own = promoted ? Dtype::Float32 : s.sixteen.value_or(Dtype::Float32);
  const Dtype back = s.asked.value_or(own);
  std::vector<Object> keep(n);
  std::vector<PyObject*> slots(arguments, arguments + n);
  PyObject* out = Py_None;
  for (std::size_t i = 0; i < n; ++i) {
    const Parameter& p = row.parameters[i];
    if (p.name == "out") {
      out = std::exchange(slots[i], Py_None);
      continue;
    }
    if (p.type == Type::Dtype && s.asked && is_sixteen_bit(*s.asked) && slots[i] != Py_None) {
      slots[i] = dtype_object(Dtype::Float32);
    } else if (p.type == Type::TensorList && slots[i] != Py_None) {
      keep[i] = Object::steal(PySequence_List(slots[i]));
      for (Py_ssize_t k = 0; k < PyList_GET_SIZE(keep[i].get()); ++k)
        PyList_SetItem(keep[i].get(), k, widened(PyList_GET_ITEM(keep[i].get(), k)).release());
      slots[i] = keep[i].get();
    } else {
      keep[i] = widened(slots[i]);
      slots[i] = keep[i].get();
    }
  }
  Object result = Object::steal(row.call(row, slots.data()));
  if (!result) return nullptr;
  for (std::size_t i = works_in_place(row) ? 1 : 0; i < n; ++i) write_back(arguments[i], keep[i]);
  if (works_in_place(row)) {
    const Tensor x = FromPython<Tensor>::get(arguments[0]);
    return to_python(ops::copy_(x, FromPython<Tensor>::get(result.get())));
  }
  // a dtype that was asked for, and is not of 16 bits, is that of the result already
  if (is_sixteen_bit(back)) result = rounded(std::move(result), back);
  if (out != Py_None) result = into_out(row, result, out);
  return result.release();
}

}  // namespace

PyObject* call_row(const Overload& row, PyObject* const* arguments) {
  if (row.options.dtypes == Dtypes::Any || row.elementwise) return row.call(row, arguments);
  const Survey s = survey(row, arguments);
  if (s.complex && row.options.dtypes == Dtypes::Real) [[unlikely]]
    fail_complex(row, *s.complex);
  if (s.asked && is_complex(*s.asked) && row.options.dtypes == Dtypes::Real) [[unlikely]]
    fail_complex(row, *s.asked);
  if (!s.sixteen && !(s.asked && is_sixteen_bit(*s.asked))) [[likely]]
    return row.call(row, arguments);
  if (s.mixed() && !may_mix(row, arguments, s)) [[unlikely]]
    return refuse_mixed(row, arguments, s);
  return call_in_float32(row, arguments, s);
}

}  // namespace backlit
