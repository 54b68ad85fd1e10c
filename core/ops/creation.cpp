// Creation of tensors from numbers and from Python data.
#include <cstring>

#include "ops/arithmetic.h"
#include "registry/registry.h"

namespace backlit {
namespace ops {
namespace {

// Sizes and the highest category found in nested sequences.
struct Survey {
  Dims sizes;
  int category = -1;  // Scalar::Kind

  void look(PyObject* o, int depth) {
    if (PyTuple_Check(o) || PyList_Check(o)) {
      const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
      if (depth == sizes.n) {
        BACKLIT_CHECK(category < 0, Value, "expected sequence of length ", n, " at dim ", depth);
        sizes.push_back(n);
      }
      BACKLIT_CHECK(sizes[depth] == n, Value, "expected sequence of length ", sizes[depth], " at dim ", depth,
                    " (got ", n, ")");
      for (Py_ssize_t i = 0; i < n; ++i) look(PySequence_Fast_GET_ITEM(o, i), depth + 1);
      return;
    }
    BACKLIT_CHECK(depth == sizes.n, Value, "expected sequence of length ", depth < sizes.n ? sizes[depth] : 0, " at dim ", depth);
    category = std::max(category, static_cast<int>(scalar_from_object(o).kind));
  }
};

void fill(PyObject* o, char*& p, Dtype d) {
  if (PyTuple_Check(o) || PyList_Check(o)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) fill(PySequence_Fast_GET_ITEM(o, i), p, d);
    return;
  }
  scalar_from_object(o).write(p, d);
  p += size_of(d);
}

}  // namespace
}  // namespace ops

Tensor tensor_from_data(PyObject* data, std::optional<Dtype> dtype) {
  if (is_tensor(data)) {
    const Tensor t = Tensor::borrow(reinterpret_cast<TensorObject*>(data));
    Tensor y = Tensor::empty(t.sizes(), dtype.value_or(t.dtype()));
    ops::copy_in_place(y, t);
    return y;
  }
  ops::Survey s;
  s.look(data, 0);
  const Dtype found = s.category == 0 ? Dtype::Bool : s.category == 1 ? Dtype::Int64 : default_dtype();
  Tensor y = Tensor::empty(s.sizes, dtype.value_or(found));
  char* p = y.raw();
  ops::fill(data, p, y.dtype());
  return y;
}

namespace ops {
namespace {

Tensor tensor_op(Any data, std::optional<Dtype> dtype, bool requires_grad) {
  Tensor y = tensor_from_data(data.object, dtype);
  y->requires_grad = requires_grad;
  return y;
}
const Register tensor_row("tensor(any data, *, dtype? dtype=None, bool requires_grad=False) -> Tensor", tensor_op,
                          {.meaning = "A tensor with a copy of the data."});

}  // namespace
}  // namespace ops
}  // namespace backlit
