// The module backlit._C._optim: one step of an optimizer over all parameters of a group. Its
// functions are named after the rules (kernels/optim.h) and take
//   params   list of tensors; one without a gradient is left alone
//   states   tuple of lists of tensors, one list per state of the rule, None for an absent one;
//            a None in a list is a state that the first step makes, and is replaced
//   numbers  tuple of lists of 0-d tensors
//   group    the dict with the hyperparameters
// A complex tensor is worked on as the real numbers in its memory.
#include "kernels/optim.h"

#include <algorithm>
#include <array>

#include "base/threads.h"
#include "bind/bind.h"
#include "bind/optim_group.h"
#include "graph/modes.h"
#include "kernels/optim_rules.h"
#include "ops/arithmetic.h"
#include "ops/complex.h"
#include "ops/recorded.h"

namespace nb = nanobind;

namespace backlit {

// The first momentum buffer is the gradient's value alone, as in PyTorch.
Recorded detached(const Recorded& x) { return Recorded(x.tensor().alias()); }

namespace {

constexpr std::int64_t kChunk = 1 << 14;

void read_basics(OptimBasics& o, const Group& g) {
  o.lr = g.number<"lr">();
  o.weight_decay = g.number<"weight_decay">();
  o.maximize = g.truth<"maximize">();
}
void read_betas(AdamRule& o, const Group& g) {
  read_basics(o, g);
  o.beta1 = g.number<"betas">(0);
  o.beta2 = g.number<"betas">(1);
  o.eps = g.number<"eps">();
}
void read(AdamRule& o, const Group& g) {
  read_betas(o, g);
  o.decoupled = g.truth<"decoupled_weight_decay">();
}
void read(NadamRule& o, const Group& g) {
  read(static_cast<AdamRule&>(o), g);
  o.momentum_decay = g.number<"momentum_decay">();
}
void read(AdamaxRule& o, const Group& g) { read_betas(o, g); }
void read(SgdRule& o, const Group& g) {
  read_basics(o, g);
  o.momentum = g.number<"momentum">();
  o.dampening = g.number<"dampening">();
  o.nesterov = g.truth<"nesterov">();
}
void read(RmspropRule& o, const Group& g) {
  read_basics(o, g);
  o.alpha = g.number<"alpha">();
  o.eps = g.number<"eps">();
  o.momentum = g.number<"momentum">();
}
void read(AdagradRule& o, const Group& g) {
  read_basics(o, g);
  o.lr_decay = g.number<"lr_decay">();
  o.eps = g.number<"eps">();
}
void read(AdadeltaRule& o, const Group& g) {
  read_basics(o, g);
  o.rho = g.number<"rho">();
  o.eps = g.number<"eps">();
}
void read(AsgdRule& o, const Group& g) {
  read_basics(o, g);
  o.lambd = g.number<"lambd">();
  o.alpha = g.number<"alpha">();
  o.t0 = g.number<"t0">();
}
void read(RpropRule& o, const Group& g) {
  o.maximize = g.truth<"maximize">();
  o.eta_minus = g.number<"etas">(0);
  o.eta_plus = g.number<"etas">(1);
  o.step_min = g.number<"step_sizes">(0);
  o.step_max = g.number<"step_sizes">(1);
}

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

// A parameter whose elements leave gaps is updated as a dense copy and written back.
Tensor dense(const Tensor& param) {
  return param.layout().dense ? param : ops::clone_contiguous(param.alias());
}

// A complex tensor as the real numbers that it is made of, and back.
Tensor parts(const Tensor& t) { return is_complex(t.dtype()) ? ops::view_as_real(t) : t; }
Tensor whole(const Tensor& t, const Tensor& param) {
  return is_complex(param.dtype()) ? ops::view_as_complex(t) : t;
}

// One step over the parameters of a group.
template <class Rule> class Step {
 public:
  Step(PyObject* params, PyObject* states, PyObject* numbers, PyObject* group)
      : params_(params), numbers_(numbers), group_(group) {
    const bool fits = PyList_Check(params) && PyTuple_Check(states) && PyTuple_Check(numbers) &&
                      PyTuple_GET_SIZE(states) == Rule::states &&
                      PyTuple_GET_SIZE(numbers) == Rule::numbers;
    BACKLIT_CHECK(fits, Type, "optimizer step: expected a list of parameters, a tuple of ",
                  Rule::states, " states and a tuple of ", Rule::numbers, " numbers");
    for (int k = 0; k < Rule::states; ++k) {
      states_[k] = PyTuple_GET_ITEM(states, k);
      if (states_[k] != Py_None) has_ |= 1u << k;
    }
    BACKLIT_CHECK((has_ | Rule::optional) == (1u << Rule::states) - 1, Type,
                  "optimizer step: a state is missing");
    differentiable_ = group_.truth<"differentiable">();
    const GradMode mode(differentiable_);
    read(rule_, group_);
  }

  void run() {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(params_); ++i) {
      const Tensor param = Tensor::borrow(entry(params_, i));
      if (!param->meta || !param->meta->grad) continue;
      count(i);
      const Dtype number = real_of(param.dtype());
      if ((number == Dtype::Float32 || number == Dtype::Float64) && !differentiable_)
        update(param, i);
      else
        record(param, i);
    }
  }

 private:
  // Reads the numbers of a parameter, lets the rule move them on, and writes them.
  void count(Py_ssize_t i) {
    OptimNumbers n;
    std::array<TensorObject*, kOptimNumbers> kept{};
    for (int k = 0; k < Rule::numbers; ++k) {
      TensorObject* t = kept[k] = entry(PyTuple_GET_ITEM(numbers_, k), i);
      BACKLIT_CHECK(t && t->layout->numel == 1 && is_floating(t->dtype), Type,
                    "optimizer step: a number of a parameter's state is no floating point tensor "
                    "with one element");
      n.value[k] = read_double(t->data, t->dtype);
      n.wide[k] = t->dtype == Dtype::Float64;
    }
    rule_.advance(n);
    for (int k = 0; k < Rule::numbers; ++k) {
      write_double(kept[k]->data, kept[k]->dtype, n.value[k]);
      ++kept[k]->storage->version;
    }
  }

  // Updates memory in one pass.
  void update(const Tensor& param, Py_ssize_t i) {
    const Tensor target = dense(param), grad = aligned(param->meta->grad, target);
    std::array<Tensor, kOptimStates> state;
    std::array<TensorObject*, kOptimStates> original{};
    first_step(false);
    for (int k = 0; k < Rule::states; ++k) {
      if (!(has_ >> k & 1)) continue;
      original[k] = entry(states_[k], i);
      if (!original[k]) first_step(true);
      state[k] = original[k] ? aligned(original[k], target)
                             : Tensor::empty(target.layout_ref(), target.dtype());
    }
    const OptimKernels<Rule>& kernels = optim_table();
    if (real_of(target.dtype()) == Dtype::Float32)
      in_chunks(kernels.f32, target, grad, state);
    else
      in_chunks(kernels.f64, target, grad, state);
    for (int k = 0; k < Rule::states; ++k) {
      write_back(original[k], state[k]);
      if (state[k].defined() && !original[k]) keep(k, i, state[k]);
    }
    write_back(param.get(), target);
  }

  template <class T>
  void in_chunks(OptimKernel<Rule, T> kernel, const Tensor& target, const Tensor& grad,
                 const std::array<Tensor, kOptimStates>& state) const {
    const std::int64_t count = target.numel() * (is_complex(target.dtype()) ? 2 : 1);
    GilRelease release(count >= kGilReleaseElements);
    parallel_for(count, kChunk, [&](std::int64_t begin, std::int64_t end) {
      T* states[kOptimStates] = {};
      for (int k = 0; k < Rule::states; ++k)
        if (state[k].defined()) states[k] = state[k].template data<T>() + begin;
      kernel(rule_, has_, target.data<T>() + begin, grad.data<T>() + begin, states, end - begin);
    });
  }

  // Updates by operations: recorded when the step is differentiable, and for other dtypes.
  void record(const Tensor& param, Py_ssize_t i) {
    const GradMode mode(differentiable_);
    recorded_dtype = real_of(param.dtype());
    const Recorded grad(parts(Tensor::borrow(param->meta->grad)));
    Recorded w(parts(param)), state[kOptimStates];
    first_step(false);
    for (int k = 0; k < Rule::states; ++k) {
      if (!(has_ >> k & 1)) continue;
      TensorObject* kept = entry(states_[k], i);
      if (!kept) first_step(true);
      // a copy: what the rule saves of it must survive the change below
      state[k] = kept ? Recorded(ops::clone(parts(Tensor::borrow(kept)))) : detached(grad);
    }
    with_states<(1u << Rule::states) - 1>(w, grad, state);
    for (int k = 0; k < Rule::states; ++k) {
      if (!(has_ >> k & 1)) continue;
      if (TensorObject* kept = entry(states_[k], i))
        ops::copy_(Tensor::borrow(kept), whole(state[k].tensor(), param));
      else
        keep(k, i, ops::clone(whole(state[k].tensor(), param)));
    }
    ops::copy_(param, whole(w.tensor(), param));
  }

  template <unsigned kHas> void with_states(Recorded& w, const Recorded& grad, Recorded* state) {
    if (has_ == kHas) return optim::update<kHas>(rule_, w, grad, state);
    constexpr unsigned left = kHas & Rule::optional;
    if constexpr (left != 0)
      with_states<(kHas & ~Rule::optional) | ((left - 1) & Rule::optional)>(w, grad, state);
  }

  void first_step(bool yes) {
    if constexpr (requires { rule_.first; }) rule_.first = yes;
  }
  void keep(int k, Py_ssize_t i, Tensor made) {
    PyList_SetItem(states_[k], i, to_python(std::move(made)));
  }

  PyObject* params_;
  PyObject* numbers_;
  Group group_;
  Rule rule_{};
  PyObject* states_[kOptimStates] = {};
  unsigned has_ = 0;
  bool differentiable_ = false;
};

template <class Rule> PyObject* step(PyObject*, PyObject* const* a, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    BACKLIT_CHECK(count == 4, Type, Rule::name, "() takes 4 positional arguments but ", count,
                  " were given");
    Step<Rule>(a[0], a[1], a[2], a[3]).run();
    Py_RETURN_NONE;
  });
}

template <class... Rules> PyMethodDef* functions_of(const OptimRules<Rules...>*) {
  static PyMethodDef functions[] = {
      {Rules::name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&step<Rules>)),
       METH_FASTCALL,
       "(params, states, numbers, group): one step over the parameters of a group"}...,
      {"adafactor", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&adafactor_step)),
       METH_FASTCALL, "(param, step, row, column, group): one step of a parameter"},
      {nullptr, nullptr, 0, nullptr}};
  return functions;
}

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "backlit._C._optim",
                          nullptr,
                          -1,
                          functions_of(static_cast<const OptimTable*>(nullptr)),
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
