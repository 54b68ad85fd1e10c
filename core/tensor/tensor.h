// Tensor: a strided view of a storage, and its place in the recorded graph.
//
// TensorObject is the Python object itself; Tensor is the owning handle that C++ code passes
// around. Start reading at TensorObject, then `Tensor::empty` and `Tensor::view`.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "base/memory.h"
#include "base/object.h"
#include "tensor/layout.h"
#include "tensor/storage.h"

namespace backlit {

struct Node;
struct TensorObject;

// How a view came about, as far as in-place changes must know.
enum class ViewKind : std::uint8_t {
  Plain,
  NoGrad,     // made with recording off: whether a change through it counts is anybody's guess
  Inference,  // made in inference mode: the same
  Function,   // made inside a custom function, whose backward it must not bypass
  Parts,      // of parts of complex numbers, or of numbers made of them: elements are others
  Several,    // one of the outputs of one node, which cannot be changed one by one
};

// What only some tensors have; allocated on first use.
struct AutogradMeta {
  TensorObject* grad = nullptr;    // owned
  Node* accumulator = nullptr;     // weak: the AccumulateGrad node of a leaf owns its leaf
  TensorObject* base = nullptr;    // owned: the tensor that a differentiable view looks at
  std::uint32_t view_version = 0;  // base version at which a view's grad_fn was right
  bool retains_grad = false;
  ViewKind view_kind = ViewKind::Plain;
  PyObject* hooks = nullptr;            // owned: OrderedDict of hooks on this tensor's gradient
  PyObject* post_accumulate = nullptr;  // owned: OrderedDict, leaves only
  PyObject* name = nullptr;             // owned: str

  static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) { pool_release(p, bytes); }
};

struct TensorObject {
  PyObject_HEAD PyObject* weakrefs;
  PyObject* dict;
  Storage* storage;
  char* data;  // the first element
  Layout* layout;
  Node* grad_fn;  // owned; null for leaves
  AutogradMeta* meta;
  std::uint32_t output_nr;  // which output of grad_fn
  Dtype dtype;
  bool requires_grad;  // set by the user on a leaf
  bool inference;      // created under inference_mode
  bool tracked;        // known to the garbage collector
  bool entangled;      // Python may have closed a cycle through it (graph/tracking.h)
};

extern PyTypeObject* tensor_type;  // set when the module is initialised

TensorObject* new_tensor_object();
AutogradMeta& meta_of(TensorObject& t);
// A view requires a gradient when its base does, whenever the base came to.
inline bool base_requires_grad(const TensorObject& t) {
  return t.meta && t.meta->base && (t.meta->base->grad_fn || t.meta->base->requires_grad);
}

class Tensor : public Ref<TensorObject> {
 public:
  Tensor() = default;
  Tensor(Ref<TensorObject> r) : Ref(std::move(r)) {}
  static Tensor steal(TensorObject* p) { return Ref::steal(p); }
  static Tensor borrow(TensorObject* p) { return Ref::borrow(p); }

  // New memory, contents undefined.
  static Tensor empty(Span sizes, Dtype dtype) { return empty(contiguous_layout(sizes), dtype); }
  static Tensor empty(LayoutRef layout, Dtype dtype);
  static Tensor zeros(Span sizes, Dtype dtype);
  static Tensor full(Span sizes, double value, Dtype dtype);
  static Tensor scalar(double value, Dtype dtype) { return full({}, value, dtype); }
  static Tensor over(Storage* owned, char* data, LayoutRef layout, Dtype dtype);

  bool defined() const { return p_ != nullptr; }
  Dtype dtype() const { return p_->dtype; }
  const Layout& layout() const { return *p_->layout; }
  LayoutRef layout_ref() const { return LayoutRef::borrow(p_->layout); }
  Span sizes() const { return p_->layout->sizes(); }
  Span strides() const { return p_->layout->strides(); }
  int dim() const { return p_->layout->ndim; }
  std::int64_t size(std::int64_t d) const { return p_->layout->size(wrap_dim(d, dim())); }
  std::int64_t stride(std::int64_t d) const { return p_->layout->stride(wrap_dim(d, dim())); }
  std::int64_t numel() const { return p_->layout->numel; }
  bool is_contiguous() const { return p_->layout->contiguous; }
  bool is_floating() const { return backlit::is_floating(p_->dtype); }
  bool is_complex() const { return backlit::is_complex(p_->dtype); }
  bool is_differentiable() const { return backlit::is_differentiable(p_->dtype); }
  bool requires_grad() const { return p_->grad_fn || p_->requires_grad || base_requires_grad(*p_); }
  bool is_leaf() const { return p_->grad_fn == nullptr; }
  char* raw() const { return p_->data; }
  template <class T> T* data() const { return reinterpret_cast<T*>(p_->data); }
  std::int64_t offset() const {
    return (p_->data - p_->storage->data) / static_cast<std::int64_t>(size_of(p_->dtype));
  }
  std::uint32_t version() const { return p_->storage->version; }

  // The same memory under other sizes and strides; `offset` in elements from this tensor's first.
  // Shares the version counter; no graph is recorded (ops::view_of does that).
  Tensor alias(LayoutRef layout, std::int64_t offset = 0) const;
  Tensor alias() const { return alias(layout_ref()); }

  // The one element as a number.
  double item() const;
  std::int64_t item_int() const;
};

double read_double(const void* p, Dtype d);  // the real part of a complex number
Complex<double> read_complex(const void* p, Dtype d);
std::int64_t read_int(const void* p, Dtype d);
void write_double(void* p, Dtype d, double value);

}  // namespace backlit
