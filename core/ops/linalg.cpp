#include "ops/linalg.h"

#include <cstring>

#include "ops/arithmetic.h"
#include "ops/views.h"

namespace backlit::ops {

void check_matrix(const char* name, const Tensor& a, const char* letter) {
  BACKLIT_CHECK(a.dim() >= 2, Runtime, name, ": The input tensor ", letter,
                " must have at least 2 dimensions. Got shape ", to_string(a.sizes()));
  BACKLIT_CHECK(a.is_differentiable(), Runtime, name,
                ": Expected a floating point or complex tensor as input. Got ",
                info(a.dtype()).scalar_name);
}

void check_square(const char* name, const Tensor& a) {
  check_matrix(name, a);
  BACKLIT_CHECK(a.size(-1) == a.size(-2), Runtime, name,
                ": A must be batches of square matrices, but they are ", a.size(-2), " by ",
                a.size(-1), " matrices");
}

PyObject* linalg_error_type() {
  static PyObject* const type = PyErr_NewExceptionWithDoc(
      "backlit.linalg.LinAlgError", "A matrix for which the operation is not defined.",
      PyExc_RuntimeError, nullptr);
  return type;
}

void check_info(const char* name, const Tensor& info, std::string (*text)(int info)) {
  const auto* codes = info.data<std::int32_t>();
  for (std::int64_t i = 0; i < info.numel(); ++i) {
    if (codes[i] == 0) continue;
    const std::string batch = info.dim() ? concat(": (Batch element ", i, ")") : "";
    PyErr_SetString(linalg_error_type(), concat(name, batch, ": ", text(codes[i])).c_str());
    throw PythonErrorSet();
  }
}

Dims batch_of(const Tensor& a) {
  return Dims(a.sizes().first(static_cast<std::size_t>(a.dim() - 2)));
}

Dims with_matrix(Span batch, std::int64_t m, std::int64_t n) {
  Dims sizes(batch);
  sizes.push_back(m);
  sizes.push_back(n);
  return sizes;
}

namespace {

Tensor swapped(const Tensor& t) {
  Dims sizes(t.sizes()), strides(t.strides());
  const int n = sizes.size();
  std::swap(sizes[n - 1], sizes[n - 2]);
  std::swap(strides[n - 1], strides[n - 2]);
  return t.alias(strided_layout(sizes, strides));
}

}  // namespace

Tensor columns_of(const Tensor& a) { return swapped(clone_contiguous(swapped(detach(a)))); }

Tensor empty_columns(Span batch, std::int64_t m, std::int64_t n, Dtype dtype) {
  return swapped(Tensor::empty(with_matrix(batch, n, m), dtype));
}

Tensor identity(std::int64_t n, Dtype dtype) {
  Tensor y = Tensor::zeros(Dims{n, n}, dtype);
  visit_stored(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < n; ++i) y.data<T>()[i * (n + 1)] = convert_number<T>(1.0F);
  });
  return y;
}

Tensor mT(const Tensor& x) { return transpose(x, -2, -1); }
Tensor mH(const Tensor& x) { return conj(mT(x)); }

Tensor mirrored(const Tensor& m) {
  const Tensor half = mul(add(tril(m), tril(m, -1)), Scalar(0.5));
  return add(half, mH(half));
}

}  // namespace backlit::ops
