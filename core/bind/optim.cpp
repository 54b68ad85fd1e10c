// The module backlit._C._optim: optimizer steps over all parameters of a group at once. The lists
// are those of backlit.optim; a None gradient leaves its parameter alone.
#include "kernels/optim.h"

#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "bind/bind.h"
#include "ops/arithmetic.h"

namespace nb = nanobind;

namespace backlit {
namespace {

constexpr std::int64_t kChunk = 1 << 14;

// The i-th entry of a list of tensors, null for None.
TensorObject* entry(PyObject* list, Py_ssize_t i) {
  BACKLIT_CHECK(PyList_Check(list) && i < PyList_GET_SIZE(list), Type,
                "optimizer step: expected lists of equal length");
  PyObject* o = PyList_GET_ITEM(list, i);
  if (o == Py_None) return nullptr;
  BACKLIT_CHECK(is_tensor(o), Type, "optimizer step: expected a Tensor, but got ",
                Py_TYPE(o)->tp_name);
  return reinterpret_cast<TensorObject*>(o);
}

// `t` as memory in the order of the parameter's: itself where it is so already, else a copy.
Tensor aligned(TensorObject* t, const Tensor& param) {
  Tensor x = Tensor::borrow(t);
  BACKLIT_CHECK(x.layout().same_sizes(param.layout()), Runtime, "The size of tensor a (",
                to_string(param.sizes()), ") must match the size of tensor b (",
                to_string(x.sizes()), ") in an optimizer step");
  if (x.dtype() == param.dtype() &&
      (x->layout == param->layout || std::ranges::equal(x.strides(), param.strides())))
    return x;
  return ops::clone_like(x, param);
}

// Runs update(T{}, first element, count) over a parameter in pieces of fixed size.
template <class F> void for_elements(const Tensor& param, F&& update) {
  const auto run = [&](auto zero) {
    GilRelease release(param.numel() >= kGilReleaseElements);
    parallel_for(param.numel(), kChunk,
                 [&](std::int64_t begin, std::int64_t end) { update(zero, begin, end - begin); });
  };
  if (param.dtype() == Dtype::Float32)
    run(float{});
  else if (param.dtype() == Dtype::Float64)
    run(double{});
  else
    fail(ErrorKind::NotImplemented, "optimizer step: parameters of torch.",
         info(param.dtype()).name);
}

const OptimKernels<float>& kernels_for(float) { return optim_table().f32; }
const OptimKernels<double>& kernels_for(double) { return optim_table().f64; }

template <class T> T* at(const Tensor& t, std::int64_t i) {
  return t.defined() ? t.data<T>() + i : nullptr;
}

// A parameter whose elements leave gaps is updated as a dense copy and written back.
Tensor dense(const Tensor& param) {
  return param.layout().dense ? param : ops::clone_contiguous(param.alias());
}

double number(PyObject* o) { return scalar_from_object(o).d; }
bool truth(PyObject* o) { return PyObject_IsTrue(o) == 1; }

void expect(Py_ssize_t given, Py_ssize_t wanted, const char* name) {
  BACKLIT_CHECK(given == wanted, Type, name, "() takes ", wanted, " positional arguments but ",
                given, " were given");
}

// State tensors may be copies of what the caller passed: written back where they are.
void write_back(TensorObject* original, const Tensor& used) {
  if (original && original != used.get()) ops::copy_in_place(Tensor::borrow(original), used);
  if (original) ++original->storage->version;
}

void sgd_one(const Tensor& param, const Tensor& grad, PyObject* buffers, Py_ssize_t i,
             SgdStep step) {
  Tensor target = dense(param), buffer;
  TensorObject* original = nullptr;
  const Tensor g = aligned(grad.get(), target);
  if (buffers != Py_None) {
    original = entry(buffers, i);
    step.first = original == nullptr;
    buffer =
        original ? aligned(original, target) : Tensor::empty(target.layout_ref(), target.dtype());
  }
  for_elements(target, [&](auto zero, std::int64_t begin, std::int64_t n) {
    using T = decltype(zero);
    kernels_for(zero).sgd(at<T>(target, begin), at<T>(g, begin), at<T>(buffer, begin), n, step);
  });
  write_back(original, buffer);
  write_back(param.get(), target);
  if (step.first && buffer.defined()) PyList_SetItem(buffers, i, to_python(std::move(buffer)));
}

PyObject* sgd_step(PyObject*, PyObject* const* a, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    expect(count, 9, "sgd_step");
    const SgdStep step{number(a[3]), number(a[4]), number(a[5]), number(a[6]),
                       truth(a[7]),  truth(a[8]),  false};
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(a[0]); ++i)
      if (TensorObject* g = entry(a[1], i))
        sgd_one(Tensor::borrow(entry(a[0], i)), Tensor::borrow(g), a[2], i, step);
    Py_RETURN_NONE;
  });
}

void adam_one(PyObject* const* a, Py_ssize_t i, TensorObject* g, AdamStep step) {
  const Tensor param = Tensor::borrow(entry(a[0], i)), target = dense(param);
  TensorObject* count = entry(a[5], i);
  const double k = read_double(count->data, count->dtype) + 1;
  write_double(count->data, count->dtype, k);
  ++count->storage->version;
  step.bias1 = 1 - std::pow(step.beta1, k);
  step.bias2 = 1 - std::pow(step.beta2, k);
  TensorObject* originals[] = {entry(a[2], i), entry(a[3], i),
                               a[4] == Py_None ? nullptr : entry(a[4], i)};
  Tensor state[3];
  for (int s = 0; s < 3; ++s)
    if (originals[s]) state[s] = aligned(originals[s], target);
  const Tensor grad = aligned(g, target);
  for_elements(target, [&](auto zero, std::int64_t begin, std::int64_t n) {
    using T = decltype(zero);
    kernels_for(zero).adam(at<T>(target, begin), at<T>(grad, begin), at<T>(state[0], begin),
                           at<T>(state[1], begin), at<T>(state[2], begin), n, step);
  });
  for (int s = 0; s < 3; ++s) write_back(originals[s], state[s]);
  write_back(param.get(), target);
}

PyObject* adam_step(PyObject*, PyObject* const* a, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    expect(count, 14, "adam_step");
    const AdamStep step{number(a[6]), number(a[7]), number(a[8]), number(a[9]), number(a[10]), 0, 0,
                        truth(a[11]), truth(a[13])};
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(a[0]); ++i)
      if (TensorObject* g = entry(a[1], i)) adam_one(a, i, g, step);
    Py_RETURN_NONE;
  });
}

template <PyObject* (*F)(PyObject*, PyObject* const*, Py_ssize_t)> PyCFunction fast() {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(F));
}
PyMethodDef functions[] = {{"sgd_step", fast<sgd_step>(), METH_FASTCALL,
                            "sgd_step(params, grads, momentum_buffers, lr, momentum, dampening, "
                            "weight_decay, nesterov, maximize)"},
                           {"adam_step", fast<adam_step>(), METH_FASTCALL,
                            "adam_step(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, "
                            "steps, lr, beta1, beta2, eps, "
                            "weight_decay, decoupled, amsgrad, maximize)"},
                           {nullptr, nullptr, 0, nullptr}};
PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "backlit._C._optim",
                          nullptr,
                          -1,
                          functions,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

void bind_optim(nb::module_& m) {
  nb::object module = nb::steal(PyModule_Create(&definition));
  if (!module.is_valid()) throw PythonErrorSet();
  nb::setattr(m, "_optim", module);
  if (PyDict_SetItemString(PyImport_GetModuleDict(), "backlit._C._optim", module.ptr()) < 0)
    throw PythonErrorSet();
}

}  // namespace backlit
