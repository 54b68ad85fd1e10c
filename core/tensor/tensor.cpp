#include "tensor/tensor.h"

#include <algorithm>
#include <cstring>

#include "base/memory.h"

namespace backlit {

PyTypeObject* tensor_type = nullptr;

Tensor Tensor::over(Storage* owned, char* data, LayoutRef layout, Dtype dtype) {
  TensorObject* t = new_tensor_object();
  t->storage = owned;
  t->data = data;
  t->layout = layout.release();
  t->dtype = dtype;
  return steal(t);
}

Tensor Tensor::empty(LayoutRef layout, Dtype dtype) {
  std::int64_t bytes, elements = layout->numel;
  if (!layout->dense && elements > 0) {
    elements = 1;
    for (int d = 0; d < layout->ndim; ++d) elements += (layout->size(d) - 1) * layout->stride(d);
  }
  BACKLIT_CHECK(
      !__builtin_mul_overflow(elements, static_cast<std::int64_t>(size_of(dtype)), &bytes), Runtime,
      "Storage size calculation overflowed with sizes=", to_string(layout->sizes()));
  Storage* s = new_storage(static_cast<std::size_t>(bytes));
  return over(s, s->data, std::move(layout), dtype);
}

Tensor Tensor::zeros(Span sizes, Dtype dtype) {
  Tensor t = empty(sizes, dtype);
  const auto bytes = static_cast<std::size_t>(t.numel()) * size_of(dtype);
  if (bytes) std::memset(t.raw(), 0, bytes);
  return t;
}

Tensor Tensor::full(Span sizes, double value, Dtype dtype) {
  Tensor t = empty(sizes, dtype);
  visit_stored(dtype, [&](auto zero) {
    using T = decltype(zero);
    T v;
    write_double(&v, dtype, value);
    std::fill_n(t.data<T>(), t.numel(), v);
  });
  return t;
}

Tensor Tensor::alias(LayoutRef layout, std::int64_t offset) const {
  retain(p_->storage);
  Tensor t = over(p_->storage, p_->data + offset * static_cast<std::int64_t>(size_of(p_->dtype)),
                  std::move(layout), p_->dtype);
  t->inference = p_->inference;
  return t;
}

namespace {
template <class To> To read_as(const void* p, Dtype d) {
  return visit_stored(d, [&](auto v) {
    std::memcpy(&v, p, sizeof v);
    return convert_number<To>(v);
  });
}
}  // namespace

double read_double(const void* p, Dtype d) { return read_as<double>(p, d); }
std::int64_t read_int(const void* p, Dtype d) { return read_as<std::int64_t>(p, d); }
Complex<double> read_complex(const void* p, Dtype d) { return read_as<Complex<double>>(p, d); }

void write_double(void* p, Dtype d, double value) {
  visit_stored(d, [&](auto zero) {
    using T = decltype(zero);
    T v;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      // through int64: an out-of-range double to a small integer is undefined in C++
      v = static_cast<T>(static_cast<std::int64_t>(value));
    } else {
      v = convert_number<T>(value);
    }
    std::memcpy(p, &v, sizeof v);
  });
}

double Tensor::item() const {
  BACKLIT_CHECK(numel() == 1, Runtime, "a Tensor with ", numel(),
                " elements cannot be converted to Scalar");
  return read_double(raw(), dtype());
}

std::int64_t Tensor::item_int() const {
  BACKLIT_CHECK(numel() == 1, Runtime, "a Tensor with ", numel(),
                " elements cannot be converted to Scalar");
  return read_int(raw(), dtype());
}

}  // namespace backlit
