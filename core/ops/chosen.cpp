#include "ops/chosen.h"

#include <algorithm>
#include <string>

#include "base/threads.h"
#include "ops/arithmetic.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kTask = 1 << 15;  // elements of one chunk of planes

i64 elements(Span sizes, int dims) { return product(sizes.last(static_cast<std::size_t>(dims))); }

// f(plane of x, plane of y, places, how many) over planes, `inner` elements of work each.
template <class F> void for_planes(i64 planes, i64 inner, F&& f) {
  const GilRelease release(planes * inner >= kGilReleaseElements);
  parallel_for(planes, kTask / std::max<i64>(inner, 1) + 1, [&](i64 begin, i64 end) {
    for (i64 p = begin; p < end; ++p) f(p);
  });
}

}  // namespace

Tensor chosen(const Tensor& x, const Tensor& at, int dims, const char* name) {
  Tensor y = Tensor::empty(at.sizes(), x.dtype());
  y->inference = modes.inference;
  const i64 n = elements(x.sizes(), dims), m = elements(at.sizes(), dims);
  const Tensor from = contiguous(detach(x)), places = contiguous(at);
  if (y.numel() > 0)
    visit_size(size_of(x.dtype()), [&](auto zero) {
      using T = decltype(zero);
      for_planes(y.numel() / m, m, [&](i64 p) {
        const i64* k = places.data<i64>() + p * m;
        const T* in = from.data<T>() + p * n;
        T* out = y.data<T>() + p * m;
        for (i64 j = 0; j < m; ++j) out[j] = in[k[j]];
      });
    });
  return record(name, std::move(y), {x}, {at}, [sizes = Dims(x.sizes()), dims, name](Vjp& v) {
    v.set(0, put_back(v.g(), v.saved(0), sizes, dims, name));
  });
}

namespace {

template <bool kAdd> Tensor put(const Tensor& x, const Tensor& at, Span sizes, int dims) {
  Tensor y = Tensor::empty(sizes, x.dtype());
  y->inference = modes.inference;
  const i64 n = elements(sizes, dims), m = elements(at.sizes(), dims);
  const Tensor from = contiguous(detach(x)), places = contiguous(at);
  if (y.numel() > 0)
    visit(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for_planes(y.numel() / n, n + m, [&](i64 p) {
        const i64* k = places.data<i64>() + p * m;
        const T* in = from.data<T>() + p * m;
        T* out = y.data<T>() + p * n;
        std::fill_n(out, n, T{});
        for (i64 j = 0; j < m; ++j) out[k[j]] = kAdd ? static_cast<T>(out[k[j]] + in[j]) : in[j];
      });
    });
  return y;
}

// "4x6"
std::string volume(Span sizes) {
  std::string text;
  for (const i64 n : sizes) text += concat(text.empty() ? "" : "x", n);
  return text;
}

}  // namespace

Tensor put_back(const Tensor& g, const Tensor& at, Span sizes, int dims, const char* name) {
  return record(name, put<true>(g, at, sizes, dims), {g}, {at},
                [dims, name](Vjp& v) { v.set(0, chosen(v.g(), v.saved(0), dims, name)); });
}

Tensor placed(const Tensor& x, const Tensor& at, Span sizes, int dims, const char* name) {
  const Tensor places = contiguous(at);
  const i64 n = elements(sizes, dims);
  const i64* k = places.data<i64>();
  for (i64 j = places.numel(); j-- > 0;)
    BACKLIT_CHECK(k[j] >= 0 && k[j] < n, Runtime, "Found an invalid max index: ", k[j],
                  " (output volumes are of size ",
                  volume(sizes.last(static_cast<std::size_t>(dims))), ")");
  return record(name, put<false>(x, places, sizes, dims), {x}, {at},
                [dims, name](Vjp& v) { v.set(0, chosen(v.g(), v.saved(0), dims, name)); });
}

}  // namespace backlit::ops
