// Loops that pick elements of strided memory by offsets, put values there, and find the offsets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/dtype.h"

namespace backlit {

// Dimensions with sizes and strides, merged where they step evenly.
struct Block {
  struct Axis {
    std::int64_t size, stride;
  };
  Axis axes[8];
  int n = 0;
  std::int64_t numel = 1;

  void add(std::int64_t size, std::int64_t stride) {  // from the outside in
    numel *= size;
    if (size == 1) return;
    if (n > 0 && axes[n - 1].stride == size * stride) {
      axes[n - 1].size *= size;
      axes[n - 1].stride = stride;
    } else {
      axes[n++] = {size, stride};
    }
  }
  std::int64_t offset_of(std::int64_t position) const {
    std::int64_t offset = 0;
    for (int d = n - 1; d >= 0; --d) {
      offset += position % axes[d].size * axes[d].stride;
      position /= axes[d].size;
    }
    return offset;
  }
  bool flat() const { return n == 0 || (n == 1 && axes[0].stride == 1); }
  // f(offset, count, stride) for each innermost run in [begin, end).
  template <class F> void runs(std::int64_t begin, std::int64_t end, F&& f) const {
    if (n == 0) return f(std::int64_t{0}, end - begin, std::int64_t{0});
    const std::int64_t inner = axes[n - 1].size, stride = axes[n - 1].stride;
    while (begin < end) {
      const std::int64_t count = std::min(end - begin, inner - begin % inner);
      f(offset_of(begin), count, stride);
      begin += count;
    }
  }
};

// The elements at lead + offsets[i] + trail, in this order.
struct Picks {
  Block lead, trail;
  const std::int64_t* offsets;
  std::int64_t count;
  std::int64_t extent;  // offsets are in [0, extent)

  std::int64_t numel() const { return lead.numel * count * trail.numel; }
};

// y = the picked elements of x, y contiguous.
void pick(const Picks& p, const void* x, void* y, std::size_t element);
// Writes (or adds) values, contiguous or one for all, to the picked elements of x. Of values that
// meet, the last one stays; sums are in the order of the offsets, with any number of threads.
void put(const Picks& p, void* x, const void* values, bool one, Dtype dtype, bool add);

// out[i] = (or +=) stride times index i, negative ones counted from `limit`; `at` says where index
// i lies. False where one is out of range.
template <class Index>
bool index_offsets(const Block& at, const Index* index, std::int64_t limit, std::int64_t stride,
                   bool add, std::int64_t* out);

// The true elements of a mask, counted by pieces so that several threads can write them out.
struct TrueCount {
  std::vector<std::int64_t> before;  // true elements before each piece
  std::int64_t total = 0;
};
TrueCount count_true(const std::uint8_t* mask, std::int64_t n);
// Offsets of the true elements; `at` says where they lie.
void true_offsets(const std::uint8_t* mask, const Block& at, const TrueCount& count,
                  std::int64_t* out);
// The same as one index per dimension of a contiguous mask: out[d * count.total + k] is that of
// true element k in dimension d.
void true_positions(const std::uint8_t* mask, std::span<const std::int64_t> sizes,
                    const TrueCount& count, std::int64_t* out);
// y = the elements of x, contiguous like the mask, where it is true.
void compress(const std::uint8_t* mask, std::int64_t n, const TrueCount& count, const void* x,
              void* y, std::size_t element);

}  // namespace backlit
