// A reduction is cut into tiles: `width` results side by side, each over a piece of the elements.
// Tiles that belong to the same results form parts; parts run in parallel and are combined in a
// tree. All bounds follow from the sizes, so the bits do not depend on the number of threads.
#include "ops/reductions_plan.h"

#include <algorithm>
#include <memory>

#include "base/threads.h"

namespace backlit::ops {
namespace {

using i64 = std::int64_t;
constexpr i64 kMaxWidth = 512;  // results per tile

// Dimensions from the outside to the inside, size-1 ones left out, neighbours merged.
struct Loop {
  int n = 0;
  i64 size[kMaxDims], stride[kMaxDims];

  void push(i64 s, i64 st) {
    if (n > 0 && stride[n - 1] == s * st) {
      size[n - 1] *= s;
      stride[n - 1] = st;
    } else {
      size[n] = s;
      stride[n++] = st;
    }
  }
  i64 count(int dims) const {
    i64 c = 1;
    for (int d = 0; d < dims; ++d) c *= size[d];
    return c;
  }
  // Offset of the i-th position of the first `dims` dimensions.
  i64 offset(i64 i, int dims) const {
    i64 at = 0;
    for (int d = dims - 1; d >= 0; --d) {
      at += i % size[d] * stride[d];
      i /= size[d];
    }
    return at;
  }
};

struct Plan {
  const ReduceKernel& kernel;
  Loop kept, reduced;
  i64 columns, step;             // the innermost kept dimension
  i64 n, stride;                 // the innermost reduced dimension
  i64 width, piece;              // of a tile: results, elements per result
  i64 blocks = 1, groups = 1;    // tiles side by side; with the outer kept dimensions
  i64 pieces = 1, segments = 1;  // pieces per row; tiles per group
  i64 per_part = 1, parts = 1;   // tiles per part; parts per group

  Plan(const ReduceKernel& k, const Layout& x, const bool* reduce) : kernel(k) {
    int order[kMaxDims], reduced_dims = 0;
    for (int d = 0; d < x.ndim; ++d) {
      if (x.size(d) == 1) continue;
      if (reduce[d])
        order[reduced_dims++] = d;
      else
        kept.push(x.size(d), x.stride(d));
    }
    if (reduced_dims > 1)  // it allocates
      std::stable_sort(order, order + reduced_dims,
                       [&](int a, int b) { return x.stride(a) > x.stride(b); });
    for (int i = 0; i < reduced_dims; ++i) reduced.push(x.size(order[i]), x.stride(order[i]));
    columns = kept.n ? kept.size[kept.n - 1] : 1;
    step = kept.n ? kept.stride[kept.n - 1] : 1;
    n = reduced.n ? reduced.size[reduced.n - 1] : 1;
    stride = reduced.n ? reduced.stride[reduced.n - 1] : 1;
    if (kept.n <= 1 && reduced.n <= 1 && columns <= kMaxWidth && n <= kReduceChunk / columns) {
      width = columns;  // what the divisions below come to, for a small tensor
      piece = n;
      return;
    }
    const bool by_columns = step == 1 && stride != 1;
    width = std::min(columns, by_columns ? std::clamp<i64>(kReduceChunk / n, 128, kMaxWidth)
                                         : std::clamp<i64>(kReduceChunk / n, 1, kMaxWidth));
    piece = std::min(n, std::max<i64>(1, kReduceChunk / (by_columns ? width : 1)));
    blocks = (columns + width - 1) / width;
    groups = blocks * kept.count(std::max(kept.n - 1, 0));
    pieces = (n + piece - 1) / piece;
    segments = pieces * reduced.count(std::max(reduced.n - 1, 0));
    per_part = std::max<i64>(1, kReduceChunk / (piece * width));
    parts = (segments + per_part - 1) / per_part;
  }

  i64 group_width(i64 group) const { return std::min(width, columns - group % blocks * width); }
  i64 first_result(i64 group) const { return group / blocks * columns + group % blocks * width; }

  // The tiles of one part, into acc.
  void run(const char* x, i64 element, i64 group, i64 part, const void* parameters,
           char* acc) const {
    const i64 count = group_width(group);
    const i64 base =
        kept.offset(group / blocks, std::max(kept.n - 1, 0)) + group % blocks * width * step;
    const char* p = parameters ? static_cast<const char*>(parameters) +
                                     first_result(group) * kernel.accumulator_size
                               : nullptr;
    const i64 first = part * per_part, last = std::min(segments, first + per_part);
    // two more levels of partial sums for many short tiles
    alignas(64) char level[2][kMaxWidth * 8];
    for (i64 s = first; s < last; ++s) {
      const i64 at = base + reduced.offset(s / pieces, std::max(reduced.n - 1, 0)) +
                     s % pieces * piece * stride;
      const i64 length = std::min(piece, n - s % pieces * piece);
      const char* from = x + at * element;
      const i64 i = s - first;
      if (i == 0) {
        kernel.tile(from, length, stride, count, step, p, acc);
        if (last - first > 1) kernel.identity(level[1], count);
        continue;
      }
      kernel.tile(from, length, stride, count, step, p, level[0]);
      kernel.combine(level[1], level[0], count);
      if (i % 64 == 63) {
        kernel.combine(acc, level[1], count);
        kernel.identity(level[1], count);
      }
    }
    if (last - first > 1) kernel.combine(acc, level[1], count);
  }
};

void run_plan(const Plan& plan, const Tensor& x, const Tensor& y, const void* parameters) {
  const ReduceKernel& k = plan.kernel;
  const auto element = static_cast<i64>(size_of(x.dtype()));
  const auto result = static_cast<i64>(size_of(y.dtype()));
  const char* in = x.raw();
  char* out = y.raw();
  if (plan.groups == 1 && plan.segments == 1) {
    alignas(64) char acc[kMaxWidth * 8];
    k.tile(in, plan.n, plan.stride, plan.columns, plan.step, parameters, acc);
    return k.store(acc, out, plan.columns);
  }
  const i64 task =
      std::max<i64>(1, plan.width * plan.piece * std::min(plan.per_part, plan.segments));
  const i64 chunk = std::max<i64>(1, 2 * kReduceChunk / task);
  if (plan.parts == 1) {
    const auto body = [&](i64 begin, i64 end) {
      alignas(64) char acc[kMaxWidth * 8];
      for (i64 g = begin; g < end; ++g) {
        plan.run(in, element, g, 0, parameters, acc);
        k.store(acc, out + plan.first_result(g) * result, plan.group_width(g));
      }
    };
    return parallel_for(plan.groups, chunk, body);
  }
  const i64 row = plan.width * k.accumulator_size;
  const auto partial =
      std::make_unique<char[]>(static_cast<std::size_t>(plan.groups * plan.parts * row));
  parallel_for(plan.groups * plan.parts, chunk, [&](i64 begin, i64 end) {
    for (i64 t = begin; t < end; ++t)
      plan.run(in, element, t / plan.parts, t % plan.parts, parameters, partial.get() + t * row);
  });
  for (i64 g = 0; g < plan.groups; ++g) {
    char* acc = partial.get() + g * plan.parts * row;
    const i64 count = plan.group_width(g);
    for (i64 apart = 1; apart < plan.parts; apart *= 2)
      for (i64 i = 0; i + apart < plan.parts; i += 2 * apart)
        k.combine(acc + i * row, acc + (i + apart) * row, count);
    k.store(acc, out + plan.first_result(g) * result, count);
  }
}

}  // namespace

ReducedDims::ReducedDims(const Tensor& x, Span dims) {
  if (dims.empty()) std::fill_n(reduce, kMaxDims, true);
  for (auto k : dims) {
    const int d = wrap_dim(k, x.dim());
    BACKLIT_CHECK(!reduce[d], Runtime, "dim ", d, " appears multiple times in the list of dims");
    reduce[d] = true;
  }
  for (int d = 0; d < x.dim(); ++d) {
    const i64 s = x.layout().size(d);
    kept.push_back(reduce[d] ? 1 : s);
    if (reduce[d])
      count *= s;
    else
      dropped.push_back(s);
  }
}

Tensor reduce(Reduction r, const Tensor& x, const ReducedDims& dims, bool keepdim,
              const void* parameters) {
  const ReduceKernel& k = reduce_kernel(r, x.dtype());
  Tensor y = Tensor::empty(dims.sizes(keepdim), k.result);
  if (y.numel() == 0) return y;
  if (x.numel() == 0) {
    alignas(8) char acc[8];
    k.identity(acc, 1);
    for (i64 i = 0; i < y.numel(); ++i)
      k.store(acc, y.raw() + i * static_cast<i64>(size_of(k.result)), 1);
    return y;
  }
  const Plan plan(k, x.layout(), dims.reduce);
  const GilRelease release(x.numel() >= kGilReleaseElements);
  run_plan(plan, x, y, parameters);
  return y;
}

Tensor reduce_all(Reduction r, const Tensor& x) {
  if (x.layout().dense && x.numel() <= kReduceChunk && x.numel() > 0) {
    const ReduceKernel& k = reduce_kernel(r, x.dtype());
    Tensor y = Tensor::empty(Span(), k.result);
    alignas(8) char acc[8];
    k.tile(x.raw(), x.numel(), 1, 1, 0, nullptr, acc);
    k.store(acc, y.raw(), 1);
    return y;
  }
  return reduce(r, x, ReducedDims(x, {}), false);
}

}  // namespace backlit::ops
