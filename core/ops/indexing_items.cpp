// x[index] and x[index] = value: from Python's index objects to views and index tensors.
#include <climits>

#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/indexing.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {

PyObject* get_item(const Tensor& x, PyObject* index);
void set_item(const Tensor& x, PyObject* index, PyObject* value);

namespace {

bool is_bool_like(Dtype d) { return d == Dtype::Bool || d == Dtype::UInt8; }

[[noreturn]] void fail_index_type(PyObject* o) {
  const char* name = Py_TYPE(o)->tp_name;
  fail(ErrorKind::Index,
       "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
       "indices "
       "(got ",
       name, ")");
}

Tensor tensor_from_sequence(PyObject* o) {
  Tensor t = tensor_from_data(o, std::nullopt);
  return t.is_floating() ? to_dtype(detach(t), Dtype::Int64) : t;
}

// The basic part of an index as one Pick, and the index tensors that are left.
class Reader {
 public:
  explicit Reader(const Tensor& x) : x_(x), pick_(pick_all(x)) {}

  void read(PyObject* index) {
    if (!PyTuple_Check(index) && !as_tuple(index)) {
      single_ = true;
      read_items(&index, 1);
      return;
    }
    const Object items =
        PyTuple_Check(index) ? Object::borrow(index) : Object::steal(PySequence_Tuple(index));
    if (!items) throw PythonErrorSet();
    read_items(&PyTuple_GET_ITEM(items.get(), 0), PyTuple_GET_SIZE(items.get()));
  }
  bool basic() const { return groups_.empty(); }
  const char* name() const { return name_; }
  const Pick& pick() const { return pick_; }
  std::span<const IndexGroup> groups() const { return groups_; }
  // x after the basic part; x itself when that did nothing.
  Tensor view() const { return name_ ? make_pick(name_, x_, pick_) : x_; }

 private:
  // A list that holds more than numbers is read as a tuple.
  static bool as_tuple(PyObject* o) {
    if (!PyList_Check(o) &&
        (!PySequence_Check(o) || is_tensor(o) || PyUnicode_Check(o) || PyObject_CheckBuffer(o)))
      return false;
    const Py_ssize_t n = PySequence_Size(o);
    if (n < 0) PyErr_Clear();
    if (n < 0 || n >= 32) return false;
    for (Py_ssize_t i = 0; i < n; ++i) {
      const Object item = Object::steal(PySequence_GetItem(o, i));
      if (!item) {
        PyErr_Clear();
        return false;
      }
      if (is_tensor(item.get()) || PySequence_Check(item.get()) || PySlice_Check(item.get()) ||
          item.get() == Py_None || item.get() == Py_Ellipsis) {
        if (PyErr_WarnEx(PyExc_UserWarning,
                         "Using a non-tuple sequence for multidimensional indexing is deprecated "
                         "and will be "
                         "changed in pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch "
                         "2.9 this will "
                         "be interpreted as tensor index, x[torch.tensor(seq)], which will result "
                         "either in an "
                         "error or a different result",
                         1) < 0)
          throw PythonErrorSet();
        return true;
      }
    }
    return false;
  }

  void read_items(PyObject* const* items, Py_ssize_t n) {
    int used = 0;
    for (Py_ssize_t i = 0; i < n; ++i) {
      PyObject* o = items[i];
      if (o == Py_None || o == Py_Ellipsis || PyBool_Check(o)) continue;
      int span = 1;
      if (is_tensor(o)) {
        const auto* t = reinterpret_cast<TensorObject*>(o);
        if (is_bool_like(t->dtype)) span = t->layout->ndim;
      }
      used += span;
    }
    if (n == 1 && x_.dim() == 0 && PyLong_Check(items[0]) && !PyBool_Check(items[0]))
      fail(ErrorKind::Index,
           "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` "
           "in C++ to "
           "convert a 0-dim tensor to a number");
    if (n == 1 && x_.dim() == 0 && PySlice_Check(items[0]))
      fail(ErrorKind::Index, "slice() cannot be applied to a 0-dim tensor.");
    BACKLIT_CHECK(used <= x_.dim(), Index, "too many indices for tensor of dimension ", x_.dim());
    hidden_ = x_.dim() - used;
    for (; item_ < n; ++item_) read_item(items[item_]);
  }

  void read_item(PyObject* o) {
    if (PyLong_Check(o) && !PyBool_Check(o)) return read_int(o);
    if (PySlice_Check(o)) return read_slice(o);
    if (o == Py_Ellipsis) {
      // a second one stands for nothing, as in PyTorch
      dim_ += hidden_;
      hidden_ = 0;
      return;
    }
    if (o == Py_None) {
      pick_.unsqueeze(dim_++);
      name_ = "UnsqueezeBackward0";
      return;
    }
    if (PyBool_Check(o)) return read_bool(o == Py_True);
    if (is_tensor(o)) return read_tensor(Tensor::borrow(reinterpret_cast<TensorObject*>(o)));
    if (PySequence_Check(o) || PyObject_CheckBuffer(o)) {
      if (!PyIndex_Check(o) && PyObject_Size(o) < 0) {  // one of NumPy's floats or bools
        PyErr_Clear();
        fail_index_type(o);
      }
      if (!PyIndex_Check(o) || PyList_Check(o) || PyTuple_Check(o) || PySequence_Check(o))
        return read_tensor(tensor_from_sequence(o));
    }
    if (PyIndex_Check(o)) return read_int(o);
    fail_index_type(o);
  }

  void read_int(PyObject* o) {
    int overflow = 0;
    std::int64_t i;
    if (PyLong_Check(o)) {
      i = PyLong_AsLongLongAndOverflow(o, &overflow);
      BACKLIT_CHECK(!overflow, Value, "Overflow when unpacking long long");
    } else {
      i = int_from_object(o);
    }
    select_at(i);
  }

  void select_at(std::int64_t i) {
    BACKLIT_CHECK(dim_ < pick_.sizes.n, Index, "too many indices for tensor of dimension ",
                  x_.dim());
    const std::int64_t n = pick_.sizes[dim_];
    BACKLIT_CHECK(i >= -n && i < n, Index, "index ", i, " is out of bounds for dimension ", item_,
                  " with size ", n);
    pick_.select(dim_, i < 0 ? i + n : i);
    name_ = "SelectBackward0";
  }

  void read_slice(PyObject* o) {
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(o, &start, &stop, &step) < 0) throw PythonErrorSet();
    BACKLIT_CHECK(step > 0, Value, "step must be greater than zero");
    const std::int64_t n = pick_.sizes[dim_];
    const bool whole = start == 0 && stop >= n && step == 1;
    const Py_ssize_t length = PySlice_AdjustIndices(n, &start, &stop, step);
    if (single_ || !whole) {
      pick_.slice(dim_, length ? start : std::min<std::int64_t>(start, n), length, step);
      name_ = "SliceBackward0";
    }
    ++dim_;
  }

  void read_bool(bool on) {
    pick_.unsqueeze(dim_);
    name_ = "UnsqueezeBackward0";
    Tensor t = Tensor::zeros(Dims{on ? 1 : 0}, Dtype::Int64);
    groups_.push_back({std::move(t), dim_++, 1});
  }

  void read_tensor(Tensor t) {
    if (t.dim() == 0 && !t.is_floating()) {
      if (is_bool_like(t.dtype())) return read_bool(t.item_int() != 0);
      return select_at(t.item_int());
    }
    const bool mask = is_bool_like(t.dtype());
    const int span = mask ? t.dim() : 1;
    groups_.push_back({std::move(t), dim_, span});
    dim_ += span;
  }

  const Tensor& x_;
  Pick pick_;
  const char* name_ = nullptr;  // of the last step, as PyTorch would record it
  std::vector<IndexGroup> groups_;
  int dim_ = 0;          // in the result of the basic part
  Py_ssize_t item_ = 0;  // being read; PyTorch's errors count items, not dimensions
  int hidden_ = 0;       // dimensions that an ellipsis stands for
  bool single_ = false;
};

// --- assignment ---

void check_fits(const Scalar& s, Dtype d) {
  if (!is_integral(d)) return;
  visit(d, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      constexpr auto low = std::numeric_limits<T>::min();
      constexpr auto high = std::numeric_limits<T>::max();
      // uint8 takes negative numbers down to -255, which wrap
      const std::int64_t least =
          std::is_unsigned_v<T> ? -static_cast<std::int64_t>(high) : static_cast<std::int64_t>(low);
      const bool fits = s.kind == Scalar::Kind::Float
                            ? s.d >= static_cast<double>(least) && s.d <= static_cast<double>(high)
                            : s.i >= least && s.i <= static_cast<std::int64_t>(high);
      BACKLIT_CHECK(fits, Runtime, "value cannot be converted to type ",
                    d == Dtype::Int64   ? "int64_t"
                    : d == Dtype::Int32 ? "int"
                                        : info(d).name,
                    d == Dtype::Int64 || d == Dtype::Int32 ? "" : "_t", " without overflow");
    }
  });
}

void fill_view(const Tensor& view, const Scalar& value) {
  record_in_place(
      "FillBackward0", view, {view}, {}, [&] { fill_in_place(view, value); },
      [](Vjp& v) { v.set(0, Tensor::zeros(v.g().sizes(), v.g().dtype())); });
}

// PyTorch drops leading dimensions of size 1 of an assigned tensor.
Tensor without_leading_ones(const Tensor& value, int ndim) {
  if (value.dim() <= ndim) return value;
  Dims sizes;
  for (auto n : value.sizes())
    if (sizes.n || n != 1) sizes.push_back(n);
  return sizes.n == value.dim() ? value : backlit::ops::view(contiguous(value), sizes);
}

void check_expandable(const Tensor& value, const Tensor& target) {
  if (!value.layout().same_sizes(target.layout())) expand(detach(value), target.sizes());
}

bool assignable(PyObject* v) { return is_tensor(v) || is_number(v) || PyComplex_Check(v); }

}  // namespace

PyObject* get_item(const Tensor& x, PyObject* index) {
  Reader r(x);
  r.read(index);
  if (!r.basic()) return to_python(ops::index(r.view(), r.groups()));
  return to_python(r.name() ? r.view() : alias(x));
}

void set_item(const Tensor& x, PyObject* index, PyObject* value) {
  if (!assignable(value))
    fail(ErrorKind::Type, "can't assign a ", Py_TYPE(value)->tp_name, " to a torch.",
         info(x.dtype()).tensor_type);
  Reader r(x);
  r.read(index);
  const bool tensor = is_tensor(value);
  const Tensor v = tensor ? Tensor::borrow(reinterpret_cast<TensorObject*>(value)) : Tensor();
  if (r.basic()) {
    const bool recorded = modes.grad && (x.requires_grad() || (tensor && v.requires_grad()));
    Tensor target =
        recorded ? (r.name() ? r.view() : alias(x))
                 : x.alias(strided_layout(r.pick().sizes, r.pick().strides), r.pick().offset);
    if (!tensor) {
      const Scalar s = scalar_from_object(value);
      check_fits(s, x.dtype());
      fill_view(target, s);
      return;
    }
    const Tensor source = without_leading_ones(v, target.dim());
    check_expandable(source, target);
    copy_(target, source);
    return;
  }
  const Tensor target = r.view();
  Tensor source = v;
  if (!tensor) {
    const Scalar s = scalar_from_object(value);
    check_fits(s, x.dtype());
    source = Tensor::empty(Dims{}, x.dtype());
    fill_in_place(source, s);
  } else if (v.numel() == 1 && r.groups().size() == 1 &&
             is_bool_like(r.groups()[0].index.dtype())) {
    source = to_dtype(v, x.dtype());
  }
  int kept = target.dim(), shape = 0;
  for (const IndexGroup& g : r.groups()) {
    kept -= g.span;
    shape = std::max(shape, is_bool_like(g.index.dtype()) ? 1 : g.index.dim());
  }
  const int ndim = kept + shape;
  index_put_(target, r.groups(), without_leading_ones(source, ndim), false);
}

}  // namespace backlit::ops
