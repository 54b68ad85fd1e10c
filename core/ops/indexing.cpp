// Gathering and putting by offsets. An index becomes one int64 offset per index position, so that
// one loop serves every mix of index tensors, masks and kept dimensions.
#include "ops/indexing.h"

#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "graph/inplace.h"
#include "ops/arithmetic.h"
#include "ops/tile_run.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

constexpr std::int64_t kChunk = 1 << 14;  // elements

bool is_mask(const Tensor& t) { return t.dtype() == Dtype::Bool || t.dtype() == Dtype::UInt8; }

template <class F> void with_integers(const Tensor& t, F&& f) {
  if (t.dtype() == Dtype::Int64) return f(t.data<std::int64_t>());
  f(t.data<std::int32_t>());
}

// --- offsets ---

// Adds to out[i] what index tensor t (contiguous) contributes for a dimension of n elements.
void add_offsets(const Tensor& t, std::int64_t n, std::int64_t stride, int number,
                 std::int64_t* out) {
  with_integers(t, [&](const auto* index) {
    const std::int64_t count = t.numel();
    for (std::int64_t i = 0; i < count; ++i) {
      const auto k = static_cast<std::int64_t>(index[i]);
      BACKLIT_CHECK(k >= -n && k < n, Index, "index ", k, " is out of bounds for dimension ",
                    number, " with size ", n);
      out[i] = (k < 0 ? k + n : k) * stride;
    }
  });
}

// Offsets of the true elements of a contiguous mask over dimensions with these strides.
void mask_offsets(const Tensor& mask, Span strides, std::int64_t* out) {
  const Layout& l = mask.layout();
  const auto* m = mask.data<std::uint8_t>();
  const std::int64_t inner = l.ndim ? l.size(l.ndim - 1) : 1;
  const std::int64_t step = l.ndim ? strides.back() : 0;
  std::int64_t index[kMaxDims] = {}, base = 0;
  for (std::int64_t row = 0; row < l.numel; row += inner) {
    for (std::int64_t i = 0; i < inner; ++i)
      if (m[row + i]) *out++ = base + i * step;
    for (int d = l.ndim - 2; d >= 0; --d) {
      const auto s = strides[static_cast<std::size_t>(d)];
      base += s;
      if (++index[d] < l.size(d)) break;
      base -= s * l.size(d);
      index[d] = 0;
    }
  }
}

std::int64_t count_true(const Tensor& mask) {
  const auto* m = mask.data<std::uint8_t>();
  std::int64_t n = 0;
  for (std::int64_t i = 0; i < mask.numel(); ++i) n += m[i] != 0;
  return n;
}

struct Prepared {
  Tensor index;  // contiguous
  Dims sizes;    // its shape in the broadcast: of a mask, the number of true elements
};

void check_group(const Tensor& x, const IndexGroup& g) {
  const Tensor& t = g.index;
  BACKLIT_CHECK(is_mask(t) || t.dtype() == Dtype::Int64 || t.dtype() == Dtype::Int32, Index,
                "tensors used as indices must be long, int, byte or bool tensors");
  BACKLIT_CHECK(g.dim + g.span <= x.dim(), Index, "too many indices for tensor of dimension ",
                x.dim());
  if (!is_mask(t)) return;
  for (int k = 0; k < g.span; ++k)
    BACKLIT_CHECK(t.layout().size(k) == x.layout().size(g.dim + k), Index, "The shape of the mask ",
                  to_string(t.sizes()), " at index ", k,
                  " does not match the shape of the indexed tensor ", to_string(x.sizes()),
                  " at index ", g.dim + k);
}

Dims index_shape(std::span<const Prepared> prepared) {
  Dims out = prepared[0].sizes;
  bool fits = true;
  for (std::size_t i = 1; i < prepared.size() && fits; ++i) {
    const Dims& s = prepared[i].sizes;
    for (int k = 1; k <= std::min(s.n, out.n); ++k)
      fits = fits && (s[s.n - k] == out[out.n - k] || s[s.n - k] == 1 || out[out.n - k] == 1);
    if (fits) out = broadcast_sizes(out, s);
  }
  if (!fits) {
    std::string text;
    for (const Prepared& p : prepared) text += (text.empty() ? "" : ", ") + to_string(p.sizes);
    fail(ErrorKind::Index,
         "shape mismatch: indexing tensors could not be broadcast together with shapes ", text);
  }
  return out;
}

// Adds part, of shape `sizes`, to total, of the broadcast shape.
void add_broadcast(const std::int64_t* part, Span sizes, const Tensor& total) {
  const Tensor source = Tensor::empty(sizes, Dtype::Int64);
  std::copy_n(part, source.numel(), source.data<std::int64_t>());
  const Tensor wide = Tensor::empty(total.sizes(), Dtype::Int64);
  copy_in_place(wide, source);
  const auto* w = wide.data<std::int64_t>();
  auto* t = total.data<std::int64_t>();
  for (std::int64_t i = 0; i < total.numel(); ++i) t[i] += w[i];
}

Tensor offsets_for(std::span<const IndexGroup> groups, std::span<const Prepared> prepared,
                   Span sizes, Span strides, const Dims& shape) {
  Tensor total = Tensor::empty(shape, Dtype::Int64);
  const bool single = groups.size() == 1;
  if (!single) fill_in_place(total, Scalar(0));
  int number = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto d = static_cast<std::size_t>(groups[i].dim);
    const Tensor own = single ? total : Tensor::empty(prepared[i].sizes, Dtype::Int64);
    auto* out = own.data<std::int64_t>();
    if (is_mask(prepared[i].index)) {
      mask_offsets(prepared[i].index, strides.subspan(d, static_cast<std::size_t>(groups[i].span)),
                   out);
    } else {
      BACKLIT_CHECK(sizes[d] > 0 || own.numel() == 0, Index,
                    "index is out of bounds for dimension with size 0");
      add_offsets(prepared[i].index, sizes[d], strides[d], number, out);
    }
    number += groups[i].span;
    if (!single) add_broadcast(out, prepared[i].sizes, total);
  }
  return total;
}

// --- the loops ---

struct Axis {
  std::int64_t size, stride;
};
// Dimensions with sizes and strides, merged where they step evenly.
struct Block {
  Axis axes[kMaxDims];
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

struct Shape {
  Block lead, trail;
  const std::int64_t* offsets;
  std::int64_t count;
};

Shape make_shape(const Dims& kept, Span strides, int lead, const Tensor& offsets) {
  Shape s;
  for (int d = 0; d < kept.n; ++d)
    (d < lead ? s.lead : s.trail).add(kept[d], strides[static_cast<std::size_t>(d)]);
  s.offsets = offsets.data<std::int64_t>();
  s.count = offsets.numel();
  return s;
}

template <class T> void gather_typed(const Shape& s, const T* x, T* y) {
  const std::int64_t width = s.trail.numel, rows = s.lead.numel * s.count;
  if (rows == 0 || width == 0) return;
  GilRelease release(rows * width >= kGilReleaseElements);
  const bool flat = s.trail.flat();
  parallel_for(
      rows, std::max<std::int64_t>(kChunk / width, 1), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end;) {
          const std::int64_t from = r % s.count, n = std::min(end - r, s.count - from);
          const T* base = x + s.lead.offset_of(r / s.count);
          T* out = y + r * width;
          const std::int64_t* offset = s.offsets + from;
          if (width == 1) {
            for (std::int64_t i = 0; i < n; ++i) out[i] = base[offset[i]];
          } else if (flat) {
            for (std::int64_t i = 0; i < n; ++i)
              std::memcpy(out + i * width, base + offset[i],
                          static_cast<std::size_t>(width) * sizeof(T));
          } else {
            for (std::int64_t i = 0; i < n; ++i) {
              T* target = out + i * width;
              s.trail.runs(0, width, [&](std::int64_t at, std::int64_t count, std::int64_t stride) {
                const T* p = base + offset[i] + at;
                for (std::int64_t k = 0; k < count; ++k) *target++ = p[k * stride];
              });
            }
          }
          r += n;
        }
      });
}

void gather_loop(const Shape& s, const Tensor& x, const Tensor& y) {
  switch (size_of(x.dtype())) {
    case 1: return gather_typed(s, x.data<std::uint8_t>(), y.data<std::uint8_t>());
    case 2: return gather_typed(s, x.data<std::uint16_t>(), y.data<std::uint16_t>());
    case 4: return gather_typed(s, x.data<std::uint32_t>(), y.data<std::uint32_t>());
    default: return gather_typed(s, x.data<std::uint64_t>(), y.data<std::uint64_t>());
  }
}

// Writes (or adds) values, contiguous or one element, at the chosen places. Pieces differ in the
// kept dimensions only: an element gets its values in the order of the index at any number of
// threads.
template <class T, bool kAdd> void put_typed(const Shape& s, T* x, const T* values, bool single) {
  const std::int64_t width = s.trail.numel;
  if (s.lead.numel * s.count == 0 || width == 0) return;
  GilRelease release(s.lead.numel * s.count * width >= kGilReleaseElements);
  const std::int64_t piece =
      std::clamp<std::int64_t>(kChunk / s.count, 64, std::max<std::int64_t>(width, 64));
  const std::int64_t pieces = (width + piece - 1) / piece;
  const std::int64_t work = std::min(piece, width) * s.count;
  parallel_for(s.lead.numel * pieces, std::max<std::int64_t>(kChunk / work, 1),
               [&](std::int64_t b, std::int64_t e) {
                 for (std::int64_t j = b; j < e; ++j) {
                   const std::int64_t l = j / pieces, begin = j % pieces * piece,
                                      end = std::min(begin + piece, width);
                   T* base = x + s.lead.offset_of(l);
                   const T* from = single ? values : values + l * s.count * width;
                   for (std::int64_t i = 0; i < s.count; ++i) {
                     const T* v = single ? values : from + i * width + begin;
                     s.trail.runs(begin, end,
                                  [&](std::int64_t at, std::int64_t count, std::int64_t stride) {
                                    T* p = base + s.offsets[i] + at;
                                    const std::int64_t step = single ? 0 : 1;
                                    for (std::int64_t k = 0; k < count; ++k) {
                                      if constexpr (kAdd)
                                        p[k * stride] = static_cast<T>(p[k * stride] + v[k * step]);
                                      else
                                        p[k * stride] = v[k * step];
                                    }
                                    v += count * step;
                                  });
                   }
                 }
               });
}

void put_loop(const Shape& s, const Tensor& x, const Tensor& values, bool accumulate) {
  const Tensor v = values.numel() == 1 ? values : contiguous(detach(values));
  visit(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (accumulate)
      put_typed<T, true>(s, x.data<T>(), v.data<T>(), v.numel() == 1);
    else
      put_typed<T, false>(s, x.data<T>(), v.data<T>(), v.numel() == 1);
  });
}

// --- putting the pieces together ---

struct Plan {
  std::vector<Prepared> prepared;
  Dims shape, kept, strides,
      dense_strides;  // strides of the kept dimensions in x, and in a contiguous x
  int lead = 0;
};

Plan make_plan(const Tensor& x, std::span<const IndexGroup> groups) {
  Plan p;
  bool indexed[kMaxDims] = {};
  for (const IndexGroup& g : groups) check_group(x, g);
  for (const IndexGroup& g : groups) {
    const Tensor t = contiguous(detach(g.index));
    p.prepared.push_back({t, is_mask(t) ? Dims{count_true(t)} : Dims(t.sizes())});
    for (int k = 0; k < g.span; ++k) indexed[g.dim + k] = true;
  }
  p.shape = index_shape(p.prepared);
  // one block of indexed dimensions: the result has the index dimensions in its place, else in
  // front
  const int first = groups.front().dim;
  int last = first;
  bool adjacent = true;
  for (int d = first; d < x.dim(); ++d)
    if (indexed[d]) {
      adjacent = adjacent && d <= last + 1;
      last = d;
    }
  const Dims dense = contiguous_strides(x.sizes());
  for (int d = 0; d < x.dim(); ++d) {
    if (indexed[d]) continue;
    if (adjacent && d < first) ++p.lead;
    p.kept.push_back(x.layout().size(d));
    p.strides.push_back(x.layout().stride(d));
    p.dense_strides.push_back(dense[d]);
  }
  return p;
}

Dims sizes_of(const Dims& kept, int lead, Span index) {
  Dims out;
  for (int d = 0; d < lead; ++d) out.push_back(kept[d]);
  for (auto n : index) out.push_back(n);
  for (int d = lead; d < kept.n; ++d) out.push_back(kept[d]);
  return out;
}

IndexMapRef map_of(const Tensor& x, std::span<const IndexGroup> groups, const Plan& p,
                   Tensor offsets) {
  auto map = std::make_shared<IndexMap>();
  map->full = contiguous_layout(x.sizes());
  map->kept = p.kept;
  map->strides = p.dense_strides;
  map->lead = p.lead;
  map->offsets = std::move(offsets);
  if (!map->offsets.defined())
    map->offsets = offsets_for(groups, p.prepared, x.sizes(), map->full->strides(), p.shape);
  return map;
}

// PyTorch lays the result out in the order of x's dimensions, then of the indices'.
LayoutRef index_layout(const Tensor& x, std::span<const IndexGroup> groups, const Plan& p,
                       const Dims& sizes) {
  bool plain = x.is_contiguous();
  for (const IndexGroup& g : groups) plain = plain && g.index.is_contiguous();
  if (plain) return contiguous_layout(sizes);
  std::vector<LayoutRef> layouts;
  const auto spread = [&](const Dims& of_index) {
    Dims strides;
    for (int d = 0; d < p.lead; ++d) strides.push_back(0);
    for (int d = 0; d < p.shape.n - of_index.n; ++d) strides.push_back(0);
    for (auto s : of_index) strides.push_back(s);
    while (strides.n < sizes.n) strides.push_back(0);
    return strides;
  };
  Dims own = spread(Dims());
  for (int d = 0; d < p.kept.n; ++d) own[d < p.lead ? d : d + p.shape.n] = p.strides[d];
  layouts.push_back(strided_layout(sizes, own));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Tensor& t = groups[i].index;
    Dims strides = is_mask(t) ? Dims{1} : Dims(t.strides());
    const Dims& s = p.prepared[i].sizes;
    for (int d = 0; d < s.n; ++d)
      if (s[d] == 1) strides[d] = 0;
    layouts.push_back(strided_layout(sizes, spread(strides)));
  }
  std::vector<const Layout*> pointers;
  for (const LayoutRef& l : layouts) pointers.push_back(l.get());
  return result_layout(sizes, pointers);
}

}  // namespace

Dims IndexMap::result_sizes() const { return sizes_of(kept, lead, offsets.sizes()); }

IndexMapRef make_index_map(const Tensor& x, std::span<const IndexGroup> groups) {
  return map_of(x, groups, make_plan(x, groups), Tensor());
}

Tensor index(const Tensor& x, std::span<const IndexGroup> groups, const char* name) {
  const Plan p = make_plan(x, groups);
  Tensor offsets = offsets_for(groups, p.prepared, x.sizes(), x.strides(), p.shape);
  const Dims sizes = sizes_of(p.kept, p.lead, p.shape);
  Tensor y = Tensor::empty(sizes, x.dtype());
  gather_loop(make_shape(p.kept, p.strides, p.lead, offsets), x, y);
  LayoutRef layout = index_layout(x, groups, p, sizes);
  if (layout.get() != y->layout) {
    Tensor ordered = Tensor::empty(std::move(layout), x.dtype());
    copy_in_place(ordered, y);
    y = ordered;
  }
  y->inference = modes.inference;
  if (!should_record({x})) return y;
  const IndexMapRef map = map_of(x, groups, p, x.is_contiguous() ? offsets : Tensor());
  return record(name, y, {x}, {}, [map](Vjp& v) { v.set(0, put_at(v.g(), map)); });
}

Tensor pick_at(const Tensor& x, const IndexMapRef& map, const char* name) {
  const Tensor dense = contiguous(detach(x));
  Tensor y = Tensor::empty(map->result_sizes(), x.dtype());
  gather_loop(make_shape(map->kept, map->strides, map->lead, map->offsets), dense, y);
  return record(name, y, {x}, {}, [map](Vjp& v) { v.set(0, put_at(v.g(), map)); });
}

Tensor put_at(const Tensor& y, const IndexMapRef& map) {
  Tensor x = Tensor::zeros(map->full->sizes(), y.dtype());
  Tensor values = y;
  if (y.numel() == 1 && map->offsets.numel() != 1)
    values = clone_contiguous(expand(detach(y), map->result_sizes()));
  put_loop(make_shape(map->kept, map->strides, map->lead, map->offsets), x, values, true);
  return record("IndexPutBackward0", x, {y}, {}, [map](Vjp& v) { v.set(0, pick_at(v.g(), map)); });
}

Tensor clear_at(const Tensor& x, const IndexMapRef& map) {
  Tensor y = Tensor::empty(map->full->sizes(), x.dtype());
  copy_in_place(y, x);
  put_loop(make_shape(map->kept, map->strides, map->lead, map->offsets), y,
           Tensor::scalar(0, x.dtype()), false);
  return record("IndexPutBackward0", y, {x}, {}, [map](Vjp& v) { v.set(0, clear_at(v.g(), map)); });
}

Tensor index_put_(const Tensor& x, std::span<const IndexGroup> groups, const Tensor& value,
                  bool accumulate, const char* name) {
  BACKLIT_CHECK(value.dtype() == x.dtype(), Runtime,
                "Index put requires the source and destination dtypes match, got ",
                info(x.dtype()).scalar_name, " for the destination and ",
                info(value.dtype()).scalar_name, " for the source.");
  const Plan p = make_plan(x, groups);
  const Dims sizes = sizes_of(p.kept, p.lead, p.shape);
  bool fits = value.dim() <= sizes.n;
  for (int k = 1; k <= std::min(value.dim(), sizes.n); ++k) {
    const auto n = value.layout().size(value.dim() - k);
    fits = fits && (n == 1 || n == sizes[sizes.n - k]);
  }
  BACKLIT_CHECK(fits, Runtime, "shape mismatch: value tensor of shape ", to_string(value.sizes()),
                " cannot be broadcast to indexing result of shape ", to_string(sizes));
  const Tensor offsets = offsets_for(groups, p.prepared, x.sizes(), x.strides(), p.shape);
  const Tensor source = detach(value);
  const bool overlap = x->storage->data == value->storage->data;
  const Tensor spread =
      value.numel() == 1 && !overlap ? source : clone_contiguous(expand(source, sizes));
  const bool recorded = x.is_floating() && should_record({x, value});
  const IndexMapRef map =
      recorded ? map_of(x, groups, p, x.is_contiguous() ? offsets : Tensor()) : nullptr;
  return record_in_place(
      name, x, {x, value}, {},
      [&] { put_loop(make_shape(p.kept, p.strides, p.lead, offsets), x, spread, accumulate); },
      [map, accumulate, shape = Dims(value.sizes())](Vjp& v) {
        if (v.needs(0)) v.set(0, accumulate ? v.g() : clear_at(v.g(), map));
        if (v.needs(1)) v.set(1, sum_to(pick_at(v.g(), map), shape));
      });
}

}  // namespace backlit::ops
