// The operators of Tensor: type slots, without a generic call layer in between.
#include "bind/carriers.h"
#include "bind/tensor_slots.h"
#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "formulas/logic.h"
#include "formulas/power.h"
#include "formulas/rounding.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"

namespace backlit {
namespace {

bool operand(PyObject* o) {
  return is_tensor(o) || PyFloat_Check(o) || PyLong_Check(o) || is_plain_number(o);
}
Operand operand_of(PyObject* o) {
  if (is_tensor(o)) return Operand(&object(o));
  return Operand(scalar_from_object(o));
}

template <Tensor (*F)(const Operand&, const Operand&)> PyObject* binary(PyObject* a, PyObject* b) {
  if (!operand(a) || !operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] { return to_python(F(operand_of(a), operand_of(b))); });
}
template <class Formula> PyObject* binary_formula(PyObject* a, PyObject* b) {
  if (!operand(a) || !operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] {
    const Operand in[] = {operand_of(a), operand_of(b)};
    return to_python(elementwise(RecordOf<Formula>::op, in));
  });
}
template <class Formula> PyObject* in_place_formula(PyObject* a, PyObject* b) {
  if (!operand(b)) {
    if (is_carrier(b)) return call_carrier_method("_refuse_in_place", a, b);
    Py_RETURN_NOTIMPLEMENTED;
  }
  return guarded([&] {
    const Operand in[] = {operand_of(a), operand_of(b)};
    return to_python(elementwise_in_place(RecordOf<Formula>::op, in));
  });
}
template <class Formula> PyObject* unary_formula(PyObject* a) {
  return guarded([&] { return to_python(apply<Formula>(handle(a))); });
}

// 1 - x and 1 / x keep PyTorch's names in the graph: RsubBackward1, and MulBackward0 of a
// reciprocal.
Tensor subtract(const Operand& a, const Operand& b) {
  if (a.t || a.s.kind == Scalar::Kind::Complex) return ops::sub(a, b);
  ops::refuse_bools(a, b);
  const double params[] = {a.s.d, 1, 1, 1};
  const Operand in[] = {b};
  if (a.s.kind == Scalar::Kind::Float && !is_differentiable(b.t->dtype)) {
    const Tensor x = ops::to_dtype(Tensor::borrow(b.t), default_dtype());
    const Operand converted[] = {x};
    return elementwise(RecordOf<formulas::RsubScalar>::op, converted, params);
  }
  return elementwise(RecordOf<formulas::RsubScalar>::op, in, params);
}
Tensor divide(const Operand& a, const Operand& b) {
  if (a.t) return ops::div(a, b);
  const Operand in[] = {b};
  return ops::mul(elementwise(RecordOf<formulas::Reciprocal>::op, in), a);
}

PyObject* power(PyObject* a, PyObject* b, PyObject* modulo) {
  if (modulo != Py_None || !operand(a) || !operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] { return to_python(ops::pow(operand_of(a), operand_of(b))); });
}
PyObject* in_place_power(PyObject* a, PyObject* b, PyObject*) {
  return PyObject_CallMethod(a, "pow_", "O", b);
}
PyObject* matmul(PyObject* a, PyObject* b) {
  if (!is_tensor(a) || !is_tensor(b)) Py_RETURN_NOTIMPLEMENTED;
  static PyObject* name = PyUnicode_InternFromString("matmul");
  return PyObject_CallMethodOneArg(a, name, b);
}
PyObject* positive(PyObject* a) {
  if (object(a).dtype == Dtype::Bool) {
    PyErr_SetString(PyExc_RuntimeError, formulas::Positive::bool_error);
    return nullptr;
  }
  Py_INCREF(a);
  return a;
}
PyObject* invert(PyObject* a) {
  if (is_differentiable(object(a).dtype)) {
    PyErr_SetString(PyExc_TypeError,
                    "~ (operator.invert) is only implemented on integer and Boolean-type tensors");
    return nullptr;
  }
  return unary_formula<formulas::BitwiseNot>(a);
}

int as_bool(PyObject* self) {
  const TensorObject& t = object(self);
  if (t.layout->numel != 1) {
    PyErr_SetString(PyExc_RuntimeError,
                    t.layout->numel == 0
                        ? "Boolean value of Tensor with no values is ambiguous"
                        : "Boolean value of Tensor with more than one value is ambiguous");
    return -1;
  }
  return !(read_complex(t.data, t.dtype) == Complex<double>());
}
PyObject* only_element(PyObject* self) {
  if (object(self).layout->numel == 1) return tensor_item(self, nullptr);
  PyErr_SetString(PyExc_ValueError, "only one element tensors can be converted to Python scalars");
  return nullptr;
}
// A number without an imaginary part, as float() and int() take it; null with an error set.
PyObject* real_element(PyObject* self) {
  const TensorObject& t = object(self);
  if (!is_complex(t.dtype) || t.layout->numel != 1) return only_element(self);
  const Complex<double> z = read_complex(t.data, t.dtype);
  if (z.im == 0) return PyFloat_FromDouble(z.re);
  PyErr_SetString(PyExc_RuntimeError, "value cannot be converted to type double without overflow");
  return nullptr;
}
PyObject* as_float(PyObject* self) {
  PyObject* number = real_element(self);
  if (!number) return nullptr;
  PyObject* result = PyNumber_Float(number);
  Py_DECREF(number);
  return result;
}
PyObject* as_int(PyObject* self) {
  PyObject* number = real_element(self);
  if (!number) return nullptr;
  PyObject* result = PyNumber_Long(number);
  Py_DECREF(number);
  return result;
}
PyObject* as_index(PyObject* self) {
  const TensorObject& t = object(self);
  if (t.layout->numel != 1 || is_differentiable(t.dtype)) {
    PyErr_SetString(PyExc_TypeError,
                    "only integer tensors of a single element can be converted to an index");
    return nullptr;
  }
  return PyLong_FromLongLong(read_int(t.data, t.dtype));
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
  if (!operand(b)) {
    if ((op != Py_EQ && op != Py_NE) || !is_numpy_array(b)) Py_RETURN_NOTIMPLEMENTED;
    const Object other =
        Object::steal(guarded([&] { return to_python(tensor_over_buffer(b, b)); }));
    return other ? compare(a, other.get(), op) : nullptr;
  }
  switch (op) {
    case Py_EQ: return binary_formula<formulas::Eq>(a, b);
    case Py_NE: return binary_formula<formulas::Ne>(a, b);
    case Py_LT: return binary_formula<formulas::Lt>(a, b);
    case Py_LE: return binary_formula<formulas::Le>(a, b);
    case Py_GT: return binary_formula<formulas::Gt>(a, b);
    default: return binary_formula<formulas::Ge>(a, b);
  }
}

PyType_Slot slots[] = {
    {Py_tp_richcompare, slot(compare)},
    {Py_nb_add, slot(binary<ops::add>)},
    {Py_nb_subtract, slot(binary<subtract>)},
    {Py_nb_multiply, slot(binary<ops::mul>)},
    {Py_nb_true_divide, slot(binary<divide>)},
    {Py_nb_floor_divide, slot(binary_formula<formulas::FloorDivide>)},
    {Py_nb_remainder, slot(binary_formula<formulas::Remainder>)},
    {Py_nb_power, slot(power)},
    {Py_nb_matrix_multiply, slot(matmul)},
    {Py_nb_negative, slot(unary_formula<formulas::Neg>)},
    {Py_nb_positive, slot(positive)},
    {Py_nb_absolute, slot(unary_formula<formulas::Abs>)},
    {Py_nb_invert, slot(invert)},
    {Py_nb_and, slot(binary_formula<formulas::BitwiseAnd>)},
    {Py_nb_or, slot(binary_formula<formulas::BitwiseOr>)},
    {Py_nb_xor, slot(binary_formula<formulas::BitwiseXor>)},
    {Py_nb_lshift, slot(binary_formula<formulas::BitwiseLeftShift>)},
    {Py_nb_rshift, slot(binary_formula<formulas::BitwiseRightShift>)},
    {Py_nb_inplace_add, slot(in_place_formula<formulas::Add>)},
    {Py_nb_inplace_subtract, slot(in_place_formula<formulas::Sub>)},
    {Py_nb_inplace_multiply, slot(in_place_formula<formulas::Mul>)},
    {Py_nb_inplace_true_divide, slot(in_place_formula<formulas::Div>)},
    {Py_nb_inplace_floor_divide, slot(in_place_formula<formulas::FloorDivide>)},
    {Py_nb_inplace_remainder, slot(in_place_formula<formulas::Remainder>)},
    {Py_nb_inplace_power, slot(in_place_power)},
    {Py_nb_inplace_and, slot(in_place_formula<formulas::BitwiseAnd>)},
    {Py_nb_inplace_or, slot(in_place_formula<formulas::BitwiseOr>)},
    {Py_nb_inplace_xor, slot(in_place_formula<formulas::BitwiseXor>)},
    {Py_nb_inplace_lshift, slot(in_place_formula<formulas::BitwiseLeftShift>)},
    {Py_nb_inplace_rshift, slot(in_place_formula<formulas::BitwiseRightShift>)},
    {Py_nb_bool, slot(as_bool)},
    {Py_nb_float, slot(as_float)},
    {Py_nb_int, slot(as_int)},
    {Py_nb_index, slot(as_index)},
};

}  // namespace

std::span<const PyType_Slot> tensor_operators() { return slots; }

}  // namespace backlit
