// Work along one dimension: lines of a tensor, values picked from them, gradients put back.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/object.h"
#include "base/threads.h"
#include "graph/node.h"

namespace backlit::ops {

// A contiguous tensor seen as (outer, n, inner), where n is dimension d; a 0-d tensor is one line
// of 1.
struct Lines {
  std::int64_t outer = 1, n = 1, inner = 1;
  Lines(Span sizes, int d) {
    for (int k = 0; k < static_cast<int>(sizes.size()); ++k)
      (k < d ? outer : k == d ? n : inner) *= sizes[static_cast<std::size_t>(k)];
  }
  std::int64_t count() const { return outer * inner; }
  // Of the first element of a line; elements are `inner` apart.
  std::int64_t start(std::int64_t line) const { return line / inner * inner * n + line % inner; }

  // Runs f(line) for every line, in parallel.
  template <class F> void each(F f) const {
    const GilRelease release(count() * n >= kGilReleaseElements);
    const std::int64_t chunk = n > 0 ? (1 << 15) / n + 1 : 1 << 15;
    parallel_for(count(), chunk, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t line = begin; line < end; ++line) f(line);
    });
  }

  // Runs f(first line, count) for groups of up to `most` lines that lie side by side (where inner
  // is more than 1) or one after the other, in parallel.
  template <class F> void each_group(std::int64_t most, F f) const {
    const std::int64_t run = inner > 1 ? inner : outer, groups = (run + most - 1) / most;
    const GilRelease release(count() * n >= kGilReleaseElements);
    const std::int64_t cost = std::min(most, run) * n;
    const std::int64_t chunk = cost > 0 ? (1 << 15) / cost + 1 : 1 << 15;
    parallel_for(count() == 0 ? 0 : count() / run * groups, chunk,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t group = begin; group < end; ++group) {
                     const std::int64_t within = group % groups * most;
                     f(group / groups * run + within, std::min(most, run - within));
                   }
                 });
  }
};

// y[..., k, ...] = x[..., index[..., k, ...], ...] along d; recorded. The indices are valid.
Tensor take_along(const Tensor& x, int d, const Tensor& index);
// Zeros of `sizes` with g added at index along d: the gradient of take_along; recorded.
Tensor put_along(const Tensor& g, int d, const Tensor& index, Span sizes);

// y = x at `index` along d, one element per line (or several, with keepdim), as the operation
// `name`.
Tensor record_picked(const char* name, Tensor y, const Tensor& x, int d, bool keepdim,
                     const Tensor& index);

// The gradient of an extremum: g shared evenly by the elements that equal y. g and y have the
// reduced dimensions as 1; nan equals nan where `nan_is_equal`.
Tensor share_evenly(const Tensor& g, const Tensor& x, const Tensor& y, Span dims,
                    bool nan_is_equal);
// The same for an extremum of all elements: nothing reaches the other elements, not even inf or
// nan.
Tensor share_with_equal(const Tensor& g, const Tensor& x, const Tensor& y);

}  // namespace backlit::ops
