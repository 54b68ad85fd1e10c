// _optim.adafactor(param, step, row, column, group): one step of a parameter that has a gradient.
// Its means of g² are `row` (..., n, 1) and `column` (..., 1, k); for a vector `row` is None, and
// `column` has its shape.
#include <algorithm>
#include <cmath>
#include <limits>

#include "bind/optim_group.h"
#include "kernels/adafactor.h"

namespace backlit {
namespace {

double epsilon(Dtype d) {
  switch (d) {
    case Dtype::Float16: return 0x1p-10;
    case Dtype::BFloat16: return 0x1p-7;
    case Dtype::Float32: return std::numeric_limits<float>::epsilon();
    default: return std::numeric_limits<double>::epsilon();
  }
}

AdafactorStep read(const Group& g, Dtype dtype, double count) {
  const double lr = g.number<"lr">();
  return {.weight = std::pow(count, g.number<"beta2_decay">()),
          .floor = g.number_or_none<"eps">(0).value_or(epsilon(dtype)),
          .scale = std::min(lr, 1 / std::sqrt(count)) * (g.truth<"maximize">() ? -1 : 1),
          .least = g.number<"eps">(1),
          .most = g.number<"d">(),
          .decay = 1 - lr * g.number<"weight_decay">()};
}

Tensor tensor_of(PyObject* o) {
  BACKLIT_CHECK(is_tensor(o), Type, "adafactor: expected a Tensor, but got ", Py_TYPE(o)->tp_name);
  return Tensor::borrow(reinterpret_cast<TensorObject*>(o));
}

double count_step(const Tensor& step) {
  const double count = read_double(step.raw(), step.dtype()) + 1;
  write_double(step.raw(), step.dtype(), count);
  ++step->storage->version;
  return count;
}

template <class T>
void update(const AdafactorStep& step, const Tensor& w, const Tensor& g, const Tensor& row,
            const Tensor& column) {
  AdafactorMemory<T> m{1, 1, w.numel(), w.data<T>(), nullptr, column.data<T>(), g.data<T>()};
  if (row.defined()) {
    m.row = row.data<T>();
    m.n = w.size(-2);
    m.k = w.size(-1);
    m.matrices = w.numel() / std::max<std::int64_t>(m.n * m.k, 1);
  }
  const GilRelease release(w.numel() >= kGilReleaseElements);
  adafactor(step, m);
}

}  // namespace

PyObject* adafactor_step(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    BACKLIT_CHECK(count == 5, Type, "adafactor() takes 5 positional arguments but ", count,
                  " were given");
    const Tensor param = tensor_of(args[0]);
    BACKLIT_CHECK(is_floating(param.dtype()), Runtime,
                  "Adafactor does not support complex parameters");
    const AdafactorStep step = read(Group(args[4]), param.dtype(), count_step(tensor_of(args[1])));
    // 16-bit numbers are computed in float32
    const Dtype dtype = computing(param.dtype());
    const auto dense = [dtype](TensorObject* t) {
      return ops::contiguous(ops::to_dtype(Tensor::borrow(t), dtype));
    };
    TensorObject* const kept[] = {param.get(),
                                  args[2] == Py_None ? nullptr : tensor_of(args[2]).get(),
                                  tensor_of(args[3]).get()};
    const Tensor w = dense(kept[0]), row = kept[1] ? dense(kept[1]) : Tensor(),
                 column = dense(kept[2]), g = dense(param->meta->grad);
    if (dtype == Dtype::Float32)
      update<float>(step, w, g, row, column);
    else
      update<double>(step, w, g, row, column);
    const Tensor* used[] = {&w, &row, &column};
    for (int i = 0; i < 3; ++i)
      if (kept[i]) write_back(kept[i], *used[i]);
    Py_RETURN_NONE;
  });
}

}  // namespace backlit
