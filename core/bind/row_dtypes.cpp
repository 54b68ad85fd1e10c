// One door for the dtypes that few functions know. A row that takes real numbers gets 16-bit
// tensors as float32, and what it gives is rounded back: so every reduction, product and loss
// accumulates in float32, as in PyTorch, and no kernel is instantiated for 16 bits. Conversions are
// recorded, so gradients pass, in the input's dtype. Complex tensors and numbers are refused unless
// the row says that it takes them.
#include <algorithm>

#include "bind/operation.h"
#include "graph/node.h"
#include "ops/arithmetic.h"
#include "registry/registry.h"

namespace backlit {
namespace {

using Type = Parameter::Type;

TensorObject& object(PyObject* o) { return *reinterpret_cast<TensorObject*>(o); }

// What a call's arguments hold.
struct Survey {
  std::optional<Dtype> sixteen;  // the dtype of 16-bit arguments
  std::optional<Dtype> wide;     // of other floating ones
  std::optional<Dtype> complex;
  std::optional<Dtype> asked;  // by a parameter of type dtype

  void add(Dtype d) {
    if (is_sixteen_bit(d))
      sixteen = sixteen ? promote_types(*sixteen, d) : d;
    else if (is_complex(d))
      complex = d;
    else if (is_floating(d))
      wide = d;
  }
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

// A result (a tensor, a tuple or list of them, or none of these) with its float32 tensors rounded.
// It is new: nobody else sees the tuple that changes.
Object rounded(Object result, Dtype d) {
  if (PyTuple_Check(result.get()) || PyList_Check(result.get())) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(result.get()); ++i) {
      PyObject** item = &PySequence_Fast_ITEMS(result.get())[i];
      Object next = converted(*item, Dtype::Float32, d);
      Py_SETREF(*item, next.release());
    }
    return result;
  }
  return converted(result.get(), Dtype::Float32, d);
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

PyObject* call_in_float32(const Overload& row, PyObject* const* arguments, const Survey& s) {
  const auto n = row.parameters.size();
  const Dtype back = s.asked.value_or(s.sixteen.value_or(Dtype::Float32));
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
  const auto other = s.complex ? s.complex : s.wide;
  BACKLIT_CHECK(!s.sixteen || !other, Runtime, row.name,
                "(): expected all tensors to have the same dtype, but got ",
                info(*s.sixteen).scalar_name, " and ",
                info(other.value_or(Dtype::Bool)).scalar_name, ". Convert one with .to(dtype).");
  return call_in_float32(row, arguments, s);
}

}  // namespace backlit
