#include "tensor/layout.h"

#include <algorithm>

#include "base/memory.h"

namespace backlit {
namespace {

std::size_t layout_bytes(int ndim) {
  return sizeof(Layout) + 2 * sizeof(std::int64_t) * static_cast<std::size_t>(ndim);
}

Layout* new_layout(int ndim) {
  auto* l = static_cast<Layout*>(pool_allocate(layout_bytes(ndim)));
  l->refs = 1;
  l->ndim = ndim;
  return l;
}

// Recently used contiguous layouts by hash of their sizes; an entry holds a reference.
constexpr std::size_t kInterned = 256;
Layout* interned[kInterned];

std::size_t hash_sizes(Span sizes) {
  std::uint64_t h = sizes.size();
  for (auto s : sizes) h = (h ^ static_cast<std::uint64_t>(s)) * 0x9E3779B97F4A7C15ull;
  return (h >> 32) % kInterned;
}

bool is_dense(Span sizes, Span strides) {
  int order[kMaxDims];
  int n = 0;
  for (int i = 0; i < static_cast<int>(sizes.size()); ++i)
    if (sizes[static_cast<std::size_t>(i)] != 1) order[n++] = i;
  std::sort(order, order + n, [&](int a, int b) {
    return strides[static_cast<std::size_t>(a)] < strides[static_cast<std::size_t>(b)];
  });
  std::int64_t expected = 1;
  for (int i = 0; i < n; ++i) {
    auto d = static_cast<std::size_t>(order[i]);
    if (strides[d] != expected) return false;
    expected *= sizes[d];
  }
  return true;
}

}  // namespace

void destroy_layout(Layout* layout) noexcept { pool_release(layout, layout_bytes(layout->ndim)); }

std::int64_t product(Span sizes) {
  std::int64_t n = 1;
  for (auto s : sizes) {
    BACKLIT_CHECK(!__builtin_mul_overflow(n, s, &n), Runtime,
                  "Storage size calculation overflowed with sizes=", to_string(sizes));
  }
  return n;
}

Dims contiguous_strides(Span sizes) {
  Dims strides;
  strides.n = static_cast<int>(sizes.size());
  std::int64_t next = 1;
  for (int i = strides.n - 1; i >= 0; --i) {
    strides[i] = next;
    next *= std::max<std::int64_t>(sizes[static_cast<std::size_t>(i)], 1);
  }
  return strides;
}

LayoutRef contiguous_layout(Span sizes) {
  const auto slot = hash_sizes(sizes);
  if (Layout* l = interned[slot]; l && std::ranges::equal(l->sizes(), sizes))
    return LayoutRef::borrow(l);
  for (auto s : sizes)
    BACKLIT_CHECK(s >= 0, Runtime, "Trying to create tensor with negative dimension ", s, ": ",
                  to_string(sizes));
  BACKLIT_CHECK(sizes.size() <= kMaxDims, Runtime, "backlit supports tensors of at most ", kMaxDims,
                " dimensions, got ", sizes.size(), ".");
  const auto numel = product(sizes);
  Layout* l = new_layout(static_cast<int>(sizes.size()));
  l->numel = numel;
  l->contiguous = l->dense = true;
  std::ranges::copy(sizes, l->values);
  std::ranges::copy(contiguous_strides(sizes), l->values + l->ndim);
  if (interned[slot]) LayoutRef drop(interned[slot]);
  interned[slot] = l;
  return LayoutRef::borrow(l);
}

LayoutRef strided_layout(Span sizes, Span strides) {
  bool contiguous = true;
  std::int64_t expected = 1;
  for (std::size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] != 1) {
      contiguous = contiguous && strides[i] == expected;
      expected *= sizes[i];
    }
  }
  const auto numel = product(sizes);
  contiguous = contiguous || numel == 0;
  if (contiguous && std::ranges::equal(strides, contiguous_strides(sizes)))
    return contiguous_layout(sizes);
  Layout* l = new_layout(static_cast<int>(sizes.size()));
  l->numel = numel;
  l->contiguous = contiguous;
  l->dense = contiguous || is_dense(sizes, strides);
  std::ranges::copy(sizes, l->values);
  std::ranges::copy(strides, l->values + l->ndim);
  return LayoutRef(l);
}

std::string to_string(Span sizes) {
  std::string s = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (i) s += ", ";
    s += std::to_string(sizes[i]);
  }
  return s + "]";
}

Dims broadcast_sizes(Span a, Span b) {
  Dims out;
  out.n = static_cast<int>(std::max(a.size(), b.size()));
  for (int i = 1; i <= out.n; ++i) {
    const auto at = [&](Span s) {
      return static_cast<std::size_t>(i) <= s.size() ? s[s.size() - static_cast<std::size_t>(i)]
                                                     : 1;
    };
    const auto sa = at(a), sb = at(b);
    BACKLIT_CHECK(sa == sb || sa == 1 || sb == 1, Runtime, "The size of tensor a (", sa,
                  ") must match the size of tensor b (", sb, ") at non-singleton dimension ",
                  out.n - i, ". Got shapes ", to_string(a), " and ", to_string(b),
                  "; sizes are compared from the right, and each pair must be equal or 1.");
    out[out.n - i] = sa == 1 ? sb : sa;
  }
  return out;
}

int wrap_dim(std::int64_t dim, int ndim) {
  const int n = std::max(ndim, 1);
  BACKLIT_CHECK(dim >= -n && dim < n, Index, "Dimension out of range (expected to be in range of [",
                -n, ", ", n - 1, "], but got ", dim, ")");
  return static_cast<int>(dim < 0 ? dim + n : dim);
}

}  // namespace backlit
