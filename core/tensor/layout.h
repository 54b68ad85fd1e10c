// Layout: the sizes and strides of a tensor, immutable and shared.
//
// Tensors of one shape share one Layout (the common contiguous ones are interned), so that "same
// shape, both contiguous" is one pointer comparison and a result costs one reference.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

#include "base/error.h"

namespace backlit {

inline constexpr int kMaxDims = 8;

// A small vector of dimensions, for arguments and intermediate results.
struct Dims {
  std::int64_t v[kMaxDims];
  int n = 0;

  Dims() = default;
  Dims(std::initializer_list<std::int64_t> d) { assign(d.begin(), d.size()); }
  Dims(std::span<const std::int64_t> d) { assign(d.data(), d.size()); }
  std::int64_t& operator[](int i) { return v[i]; }
  std::int64_t operator[](int i) const { return v[i]; }
  const std::int64_t* begin() const { return v; }
  const std::int64_t* end() const { return v + n; }
  int size() const { return n; }
  bool empty() const { return n == 0; }
  void push_back(std::int64_t x) {
    BACKLIT_CHECK(n < kMaxDims, Runtime, "backlit supports tensors of at most ", kMaxDims,
                  " dimensions.");
    v[n++] = x;
  }
  void erase(int i) {
    for (int j = i; j + 1 < n; ++j) v[j] = v[j + 1];
    --n;
  }
  void insert(int i, std::int64_t x) {
    push_back(x);
    for (int j = n - 1; j > i; --j) v[j] = v[j - 1];
    v[i] = x;
  }
  operator std::span<const std::int64_t>() const { return {v, static_cast<std::size_t>(n)}; }
  bool operator==(const Dims& o) const {
    if (n != o.n) return false;
    for (int i = 0; i < n; ++i)
      if (v[i] != o.v[i]) return false;
    return true;
  }

 private:
  void assign(const std::int64_t* d, std::size_t count) {
    BACKLIT_CHECK(count <= kMaxDims, Runtime, "backlit supports tensors of at most ", kMaxDims,
                  " dimensions, got ", count, ".");
    n = static_cast<int>(count);
    for (int i = 0; i < n; ++i) v[i] = d[i];
  }
};

using Span = std::span<const std::int64_t>;

struct Layout {
  std::int64_t refs;
  std::int64_t numel;
  int ndim;
  bool contiguous;        // row-major without gaps
  bool dense;             // some permutation of the dimensions is contiguous
  std::int64_t values[];  // sizes, then strides (in elements)

  Span sizes() const { return {values, static_cast<std::size_t>(ndim)}; }
  Span strides() const { return {values + ndim, static_cast<std::size_t>(ndim)}; }
  std::int64_t size(int i) const { return values[i]; }
  std::int64_t stride(int i) const { return values[ndim + i]; }
  bool same_sizes(const Layout& o) const {
    if (this == &o) return true;
    if (ndim != o.ndim) return false;
    for (int i = 0; i < ndim; ++i)
      if (values[i] != o.values[i]) return false;
    return true;
  }
};

void destroy_layout(Layout* layout) noexcept;

// Owns a reference to a Layout.
class LayoutRef {
 public:
  LayoutRef() = default;
  explicit LayoutRef(Layout* owned) : p_(owned) {}
  LayoutRef(const LayoutRef& o) : p_(o.p_) {
    if (p_) ++p_->refs;
  }
  LayoutRef(LayoutRef&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  ~LayoutRef() {
    if (p_ && --p_->refs == 0) destroy_layout(p_);
  }
  LayoutRef& operator=(LayoutRef o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  static LayoutRef borrow(Layout* p) {
    ++p->refs;
    return LayoutRef(p);
  }
  Layout* get() const { return p_; }
  Layout* release() { return std::exchange(p_, nullptr); }
  const Layout* operator->() const { return p_; }
  const Layout& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  Layout* p_ = nullptr;
};

LayoutRef contiguous_layout(Span sizes);
LayoutRef strided_layout(Span sizes, Span strides);

Dims contiguous_strides(Span sizes);
std::int64_t product(Span sizes);

// PyTorch's spelling of sizes: "[2, 3]".
std::string to_string(Span sizes);

// Broadcasts two or more shapes; throws with PyTorch's message where they do not fit.
Dims broadcast_sizes(Span a, Span b);

// A dimension index in [-ndim, ndim) as one in [0, ndim); a 0-d tensor counts as 1-d here.
int wrap_dim(std::int64_t dim, int ndim);

}  // namespace backlit
