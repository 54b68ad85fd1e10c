// A loop over any operands becomes: dimensions ordered by stride and merged where possible, then
// tiles that fit in L1. An operand that is flat in that order is used in place; any other is
// gathered into a tile buffer, converted on the way. The tile function sees contiguous arrays only.
#include "ops/tile_run.h"

#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "kernels/transposed_copy.h"

namespace backlit {
namespace {

constexpr std::int64_t kTileBytes = 4096;
constexpr std::int64_t kChunk = 1 << 14;  // elements per parallel piece; fixed, see threads.h
constexpr int kMaxInputs = 5;

struct Walk {
  int ndim = 0;
  std::int64_t sizes[kMaxDims];  // innermost first
  std::int64_t numel = 1;
};

struct Side {
  char* data;
  std::int64_t strides[kMaxDims];  // bytes, innermost first
  std::size_t element;
  bool flat, constant;
};

// Lines of up to this many elements are copied column by column.
constexpr std::int64_t kShortLine = 16, kShortLines = 2048;  // elements of all of them

// Copies lines of `inner` elements between p, with these steps, and a flat buffer.
template <class T, bool kGather>
void move_short_lines(char* p, std::int64_t inner, std::int64_t step, std::int64_t lines,
                      std::int64_t line_step, T* buffer) {
  for (std::int64_t i = 0; i < inner; ++i, p += step)
    for (std::int64_t j = 0; j < lines; ++j) {
      T* element = reinterpret_cast<T*>(p + j * line_step);
      if constexpr (kGather)
        buffer[j * inner + i] = *element;
      else
        *element = buffer[j * inner + i];
    }
}

// Fills lines of kInner elements with one element each; a constant number becomes shuffles.
template <class T, std::int64_t kInner>
void repeat_each(const T* x, std::int64_t lines, T* buffer) {
#pragma GCC ivdep
  for (std::int64_t j = 0; j < lines; ++j)
    for (std::int64_t i = 0; i < kInner; ++i) buffer[j * kInner + i] = x[j];
}
template <class T>
void repeat_elements(const char* p, std::int64_t inner, std::int64_t lines, std::int64_t line_step,
                     T* buffer) {
  if (line_step == static_cast<std::int64_t>(sizeof(T))) {
    const T* x = reinterpret_cast<const T*>(p);
    if (inner == 2) return repeat_each<T, 2>(x, lines, buffer);
    if (inner == 3) return repeat_each<T, 3>(x, lines, buffer);
    if (inner == 4) return repeat_each<T, 4>(x, lines, buffer);
  }
  for (std::int64_t j = 0; j < lines; ++j, p += line_step) {
    const T x = *reinterpret_cast<const T*>(p);
    for (std::int64_t i = 0; i < inner; ++i) buffer[j * inner + i] = x;
  }
}

// Copies elements [begin, begin + n) of the walk between a strided side and a flat buffer.
template <class T, bool kGather>
void move_elements(const Walk& w, const Side& s, std::int64_t begin, std::int64_t n, T* buffer) {
  std::int64_t index[kMaxDims], rest = begin;
  char* p = s.data;
  for (int d = 0; d < w.ndim; ++d) {
    index[d] = rest % w.sizes[d];
    rest /= w.sizes[d];
    p += index[d] * s.strides[d];
  }
  const std::int64_t inner = w.ndim ? w.sizes[0] : 1, step = w.ndim ? s.strides[0] : 0;
  std::int64_t done = 0;
  const bool repeats = kGather && step == 0;
  const bool by_lines = w.ndim > 1 && (inner <= kShortLine || repeats);
  while (true) {
    std::int64_t run = std::min(n - done, inner - (w.ndim ? index[0] : 0));
    if (by_lines && run == inner) {
      std::int64_t lines = std::min((n - done) / inner, w.sizes[1] - index[1]);
      if (repeats) {
        repeat_elements(p, inner, lines, s.strides[1], buffer + done);
      } else {
        lines = std::min(lines, kShortLines / inner);
        move_short_lines<T, kGather>(p, inner, step, lines, s.strides[1], buffer + done);
      }
      run = lines * inner;
      p += (lines - 1) * s.strides[1];
      index[1] += lines - 1;
    } else if (step == static_cast<std::int64_t>(sizeof(T))) {
      if constexpr (kGather)
        std::memcpy(buffer + done, p, static_cast<std::size_t>(run) * sizeof(T));
      else
        std::memcpy(p, buffer + done, static_cast<std::size_t>(run) * sizeof(T));
    } else if (kGather && step == -static_cast<std::int64_t>(sizeof(T))) {
      const T* last = reinterpret_cast<const T*>(p);
#pragma GCC ivdep
      for (std::int64_t i = 0; i < run; ++i) buffer[done + i] = last[-i];
    } else if (repeats) {
      std::fill_n(buffer + done, run, *reinterpret_cast<T*>(p));
    } else {
      for (std::int64_t i = 0; i < run; ++i) {
        T* element = reinterpret_cast<T*>(p + i * step);
        if constexpr (kGather)
          buffer[done + i] = *element;
        else
          *element = buffer[done + i];
      }
    }
    done += run;
    if (done == n) return;
    p -= index[0] * step;
    index[0] = 0;
    for (int d = 1; d < w.ndim; ++d) {
      p += s.strides[d];
      if (++index[d] < w.sizes[d]) break;
      p -= s.strides[d] * w.sizes[d];
      index[d] = 0;
    }
  }
}

template <bool kGather>
void move(const Walk& w, const Side& s, std::int64_t begin, std::int64_t n, void* buffer) {
  visit_size(s.element, [&](auto zero) {
    using T = decltype(zero);
    move_elements<T, kGather>(w, s, begin, n, static_cast<T*>(buffer));
  });
}

// Fills `sides` (the output last) and the merged walk.
Walk make_walk(std::span<const TileInput> in, const TileOutput& out, Side* sides) {
  const Layout& shape = *out.layout;
  const int n_sides = static_cast<int>(in.size()) + 1;
  const auto stride_of = [](const Layout* l, int ndim, int d) -> std::int64_t {
    if (!l) return 0;
    const int k = d - (ndim - l->ndim);
    return k < 0 || l->size(k) == 1 ? 0 : l->stride(k);
  };
  // innermost first, by the output's strides
  int order[kMaxDims], n = 0;
  for (int d = shape.ndim - 1; d >= 0; --d)
    if (shape.size(d) != 1) order[n++] = d;
  std::stable_sort(order, order + n,
                   [&](int a, int b) { return shape.stride(a) < shape.stride(b); });
  Walk w;
  for (int s = 0; s < n_sides; ++s) {
    const bool is_out = s == n_sides - 1;
    sides[s].data = is_out ? out.data : const_cast<char*>(in[static_cast<std::size_t>(s)].data);
    sides[s].element = size_of(is_out ? out.dtype : in[static_cast<std::size_t>(s)].dtype);
  }
  for (int i = 0; i < n; ++i) {
    const int d = order[i];
    std::int64_t strides[kMaxInputs + 1];
    bool merges = w.ndim > 0;
    for (int s = 0; s < n_sides; ++s) {
      const Layout* l = s == n_sides - 1 ? out.layout : in[static_cast<std::size_t>(s)].layout;
      strides[s] = stride_of(l, shape.ndim, d) * static_cast<std::int64_t>(sides[s].element);
      if (w.ndim > 0)
        merges = merges && strides[s] == sides[s].strides[w.ndim - 1] * w.sizes[w.ndim - 1];
    }
    if (merges) {
      w.sizes[w.ndim - 1] *= shape.size(d);
    } else {
      for (int s = 0; s < n_sides; ++s) sides[s].strides[w.ndim] = strides[s];
      w.sizes[w.ndim++] = shape.size(d);
    }
    w.numel *= shape.size(d);
  }
  for (int s = 0; s < n_sides; ++s) {
    Side& side = sides[s];
    side.flat =
        w.ndim == 0 || (w.ndim == 1 && side.strides[0] == static_cast<std::int64_t>(side.element));
    side.constant = true;
    for (int d = 0; d < w.ndim; ++d) side.constant = side.constant && side.strides[d] == 0;
    if (side.constant && w.numel > 1) side.flat = false;
  }
  return w;
}

class Runner {
 public:
  Runner(TileFunction f, std::span<const TileInput> in, const TileOutput& out, Dtype compute,
         Dtype produces, const double* params)
      : f_(f),
        in_(in),
        out_(out),
        compute_(compute),
        produces_(produces),
        params_(params),
        n_in_(in.size()),
        walk_(make_walk(in, out, sides_)) {
    tile_ = kTileBytes / static_cast<std::int64_t>(size_of(compute));
    direct_ = sides_[n_in_].flat && out.dtype == produces;
    for (std::size_t i = 0; i < n_in_; ++i)
      direct_ = direct_ && sides_[i].flat && in[i].dtype == compute;
  }

  void run() const {
    if (walk_.numel == 0) return;
    GilRelease release(walk_.numel >= kGilReleaseElements);
    parallel_for(walk_.numel, kChunk,
                 [&](std::int64_t begin, std::int64_t end) { chunk(begin, end); });
  }

 private:
  void chunk(std::int64_t begin, std::int64_t end) const {
    const void* ptr[kMaxInputs];
    const auto at = [&](std::size_t side, std::int64_t i) {
      return sides_[side].data + i * static_cast<std::int64_t>(sides_[side].element);
    };
    if (direct_) {
      for (std::size_t i = 0; i < n_in_; ++i) ptr[i] = at(i, begin);
      f_(ptr, at(n_in_, begin), end - begin, params_);
      return;
    }
    alignas(64) char buffers[kMaxInputs + 1][kTileBytes];
    alignas(
        64) char raw[kTileBytes * 16];  // gathered, before conversion (from a wider type at most)
    const auto& convert = convert_table().convert;
    const auto to = static_cast<std::size_t>(compute_);
    for (std::size_t i = 0; i < n_in_; ++i)
      if (sides_[i].constant) fill(i, buffers[i], std::min(tile_, end - begin));
    for (std::int64_t b = begin; b < end; b += tile_) {
      const std::int64_t n = std::min(tile_, end - b);
      for (std::size_t i = 0; i < n_in_; ++i) {
        const auto from = static_cast<std::size_t>(in_[i].dtype);
        if (sides_[i].constant) {
          ptr[i] = buffers[i];
        } else if (from == to) {
          ptr[i] = sides_[i].flat ? at(i, b)
                                  : (move<true>(walk_, sides_[i], b, n, buffers[i]), buffers[i]);
        } else {
          const void* source = at(i, b);
          if (!sides_[i].flat) {
            move<true>(walk_, sides_[i], b, n, raw);
            source = raw;
          }
          convert[from][to](source, buffers[i], n);
          ptr[i] = buffers[i];
        }
      }
      store(b, n, ptr, buffers[n_in_], raw);
    }
  }

  void store(std::int64_t b, std::int64_t n, const void* const* ptr, char* buffer,
             char* raw) const {
    const Side& side = sides_[n_in_];
    char* target = side.data + b * static_cast<std::int64_t>(side.element);
    const bool same = out_.dtype == produces_;
    if (same && side.flat) {
      f_(ptr, target, n, params_);
      return;
    }
    f_(ptr, buffer, n, params_);
    const void* source = buffer;
    if (!same) {
      void* converted = side.flat ? static_cast<void*>(target) : raw;
      convert_table().convert[static_cast<std::size_t>(produces_)]
                             [static_cast<std::size_t>(out_.dtype)](buffer, converted, n);
      source = raw;
    }
    if (!side.flat) move<false>(walk_, side, b, n, const_cast<void*>(source));
  }

  void fill(std::size_t i, char* buffer, std::int64_t n) const {
    convert_table().convert[static_cast<std::size_t>(in_[i].dtype)]
                           [static_cast<std::size_t>(compute_)](sides_[i].data, buffer, 1);
    visit_size(size_of(compute_), [&](auto zero) {
      using T = decltype(zero);
      std::fill_n(reinterpret_cast<T*>(buffer) + 1, n - 1, *reinterpret_cast<T*>(buffer));
    });
  }

  TileFunction f_;
  std::span<const TileInput> in_;
  const TileOutput& out_;
  Dtype compute_, produces_;
  const double* params_;
  std::size_t n_in_;
  Side sides_[kMaxInputs + 1];
  Walk walk_;
  std::int64_t tile_;
  bool direct_;
};

template <std::size_t kSize>
void copy_tile(const void* const* in, void* out, std::int64_t n, const double*) {
  std::memcpy(out, in[0], static_cast<std::size_t>(n) * kSize);
}

// The dimension in which the input is contiguous while the output steps far, if the innermost one
// is the other way round and the two make a matrix worth copying in blocks; else 0.
int transposed_dim(const Walk& w, const Side& in, const Side& out) {
  constexpr std::int64_t kLeast = 8;  // rows and columns
  const auto element = static_cast<std::int64_t>(in.element);
  if (w.ndim < 2 || out.strides[0] != element || in.strides[0] <= element || w.sizes[0] < kLeast)
    return 0;
  for (int d = 1; d < w.ndim; ++d)
    if (in.strides[d] == element && w.sizes[d] >= kLeast) return d;
  return 0;
}

void copy_matrices(const Walk& w, const Side& in, const Side& out, int d) {
  const TransposedCopy t{w.sizes[d], w.sizes[0], in.strides[0], out.strides[d], in.element};
  const std::int64_t line =
      64 / static_cast<std::int64_t>(in.element);  // rows of one task, at least
  const std::int64_t tasks = (t.rows + line - 1) / line;
  const std::int64_t matrices = w.numel / (t.rows * t.columns);
  parallel_for(matrices * tasks, std::max<std::int64_t>(kChunk / (line * t.columns), 1),
               [&](std::int64_t begin, std::int64_t end) {
                 for (; begin < end; ++begin) {
                   std::int64_t rest = begin / tasks, from = 0, to = 0;
                   for (int k = 1; k < w.ndim; ++k) {
                     if (k == d) continue;
                     from += rest % w.sizes[k] * in.strides[k];
                     to += rest % w.sizes[k] * out.strides[k];
                     rest /= w.sizes[k];
                   }
                   const std::int64_t row = begin % tasks * line;
                   copy_transposed(t, in.data + from, out.data + to, row,
                                   std::min(row + line, t.rows));
                 }
               });
}

}  // namespace

void run_tiles(TileFunction f, std::span<const TileInput> in, const TileOutput& out, Dtype compute,
               Dtype produces, const double* params) {
  Runner(f, in, out, compute, produces, params).run();
}

void copy_tiles(const TileInput& in, const TileOutput& out) {
  if (in.dtype != out.dtype) {  // the tiles are converted on the way
    const TileFunction f = visit_size(
        size_of(out.dtype), [](auto zero) -> TileFunction { return &copy_tile<sizeof zero>; });
    return run_tiles(f, {&in, 1}, out, out.dtype, out.dtype, nullptr);
  }
  Side sides[2];
  const Walk w = make_walk({&in, 1}, out, sides);
  if (w.numel == 0) return;
  const GilRelease release(w.numel >= kGilReleaseElements);
  if (const int d = transposed_dim(w, sides[0], sides[1]))
    return copy_matrices(w, sides[0], sides[1], d);
  const auto step = static_cast<std::int64_t>(sides[0].element);
  parallel_for(w.numel, kChunk, [&](std::int64_t begin, std::int64_t end) {
    if (sides[1].flat) {
      move<true>(w, sides[0], begin, end - begin, sides[1].data + begin * step);
    } else if (sides[0].flat) {
      move<false>(w, sides[1], begin, end - begin, sides[0].data + begin * step);
    } else {
      alignas(64) char buffer[kTileBytes];
      const std::int64_t tile = kTileBytes / step;
      for (std::int64_t b = begin; b < end; b += tile) {
        const std::int64_t n = std::min(tile, end - b);
        move<true>(w, sides[0], b, n, buffer);
        move<false>(w, sides[1], b, n, buffer);
      }
    }
  });
}

LayoutRef result_layout(Span sizes, std::span<const Layout* const> inputs) {
  const int ndim = static_cast<int>(sizes.size());
  bool plain = true;
  for (const Layout* l : inputs) plain = plain && (l->contiguous || l->ndim < 2);
  if (plain) return contiguous_layout(sizes);
  // stable insertion sort of the dimensions: compare by the first operand that can tell
  int order[kMaxDims];
  for (int i = 0; i < ndim; ++i) order[i] = ndim - 1 - i;
  const auto compare = [&](int a, int b) {  // > 0: a belongs outside of b
    for (const Layout* l : inputs) {
      const int ka = a - (ndim - l->ndim), kb = b - (ndim - l->ndim);
      const std::int64_t sa = ka < 0 || l->size(ka) == 1 ? 0 : l->stride(ka);
      const std::int64_t sb = kb < 0 || l->size(kb) == 1 ? 0 : l->stride(kb);
      if (sa == 0 || sb == 0) continue;
      if (sa != sb) return sa < sb ? -1 : 1;
      const auto za = sizes[static_cast<std::size_t>(a)], zb = sizes[static_cast<std::size_t>(b)];
      if (za > zb) return 1;
    }
    return 0;
  };
  for (int i = 1; i < ndim; ++i) {
    int at = i;
    for (int j = i - 1; j >= 0; --j) {
      const int c = compare(order[j], order[at]);
      if (c > 0) {
        std::swap(order[j], order[at]);
        at = j;
      } else if (c < 0) {
        break;
      }
    }
  }
  Dims strides;
  strides.n = ndim;
  std::int64_t next = 1;
  for (int i = 0; i < ndim; ++i) {
    strides[order[i]] = next;
    next *= std::max<std::int64_t>(sizes[static_cast<std::size_t>(order[i])], 1);
  }
  return strided_layout(sizes, strides);
}

}  // namespace backlit
