// Gathering and putting by offsets. An index becomes one int64 offset per index position, so that
// one loop serves every mix of index tensors, masks and kept dimensions.
#include "ops/indexing.h"

#include <algorithm>

#include "graph/inplace.h"
#include "kernels/along.h"
#include "kernels/pick.h"
#include "ops/arithmetic.h"
#include "ops/tile_run.h"
#include "ops/views.h"

namespace backlit::ops {
namespace {

bool is_mask(const Tensor& t) { return t.dtype() == Dtype::Bool || t.dtype() == Dtype::UInt8; }

// --- offsets ---

struct Prepared {
  Tensor index;     // contiguous
  Dims sizes;       // its shape in the broadcast: of a mask, the number of true elements
  TrueCount found;  // of a mask
};

void check_groups(const Tensor& x, std::span<const IndexGroup> groups) {
  for (const IndexGroup& g : groups)
    BACKLIT_CHECK(
        is_mask(g.index) || g.index.dtype() == Dtype::Int64 || g.index.dtype() == Dtype::Int32,
        Index, "tensors used as indices must be long, int, byte or bool tensors");
  for (const IndexGroup& g : groups) {
    BACKLIT_CHECK(g.dim + g.span <= x.dim(), Index, "too many indices for tensor of dimension ",
                  x.dim());
    for (int k = 0; is_mask(g.index) && k < g.span; ++k)
      BACKLIT_CHECK(g.index.layout().size(k) == x.layout().size(g.dim + k), Index,
                    "The shape of the mask ", to_string(g.index.sizes()), " at index ", k,
                    " does not match the shape of the indexed tensor ", to_string(x.sizes()),
                    " at index ", g.dim + k);
  }
}

Dims index_shape(std::span<const IndexGroup> groups, std::span<const Prepared> prepared) {
  Dims out = prepared[0].sizes;
  bool fits = true;
  for (std::size_t i = 1; i < prepared.size() && fits; ++i) {
    const Dims& s = prepared[i].sizes;
    for (int k = 1; k <= std::min(s.n, out.n); ++k)
      fits = fits && (s[s.n - k] == out[out.n - k] || s[s.n - k] == 1 || out[out.n - k] == 1);
    if (fits) out = broadcast_sizes(out, s);
  }
  if (!fits) {
    // a mask counts as one index per dimension
    std::string text;
    for (std::size_t i = 0; i < prepared.size(); ++i)
      for (int k = 0; k < groups[i].span; ++k)
        text += (text.empty() ? "" : ", ") + to_string(prepared[i].sizes);
    fail(ErrorKind::Index,
         "shape mismatch: indexing tensors could not be broadcast together with shapes ", text);
  }
  return out;
}

// How a tensor of `sizes`, contiguous, lies over the positions of the broadcast shape.
Block broadcast_block(const Dims& sizes, const Dims& shape) {
  Block b;
  const Dims strides = contiguous_strides(sizes);
  const int lead = shape.n - sizes.n;
  for (int d = 0; d < shape.n; ++d)
    b.add(shape[d], d < lead || sizes[d - lead] == 1 ? 0 : strides[d - lead]);
  return b;
}

[[noreturn]] void fail_range(const Tensor& index, std::int64_t n, int number) {
  for (std::int64_t i = 0; i < index.numel(); ++i) {
    const std::int64_t k = read_int(
        index.raw() + i * static_cast<std::int64_t>(size_of(index.dtype())), index.dtype());
    BACKLIT_CHECK(k >= -n && k < n, Index, "index ", k, " is out of bounds for dimension ", number,
                  " with size ", n);
  }
  fail(ErrorKind::Index, "an index changed while it was read");
}

void mask_offsets(const Prepared& p, Span sizes, Span strides, std::int64_t* out) {
  Block at;
  for (std::size_t d = 0; d < sizes.size(); ++d) at.add(sizes[d], strides[d]);
  const GilRelease release(at.numel >= kGilReleaseElements);
  true_offsets(p.index.data<std::uint8_t>(), at, p.found, out);
}

// The offsets of a choice of elements of a tensor with these sizes and strides. Where nothing is
// chosen in the end, indices may be out of range.
Tensor offsets_for(std::span<const IndexGroup> groups, std::span<const Prepared> prepared,
                   Span sizes, Span strides, const Dims& shape, bool none) {
  const Tensor total = Tensor::empty(shape, Dtype::Int64);
  auto* out = total.data<std::int64_t>();
  int number = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Prepared& p = prepared[i];
    const auto d = static_cast<std::size_t>(groups[i].dim);
    const auto span = static_cast<std::size_t>(groups[i].span);
    if (groups.size() == 1 && is_mask(p.index)) {
      mask_offsets(p, sizes.subspan(d, span), strides.subspan(d, span), out);
      return total;
    }
    const Block at = broadcast_block(p.sizes, shape);
    bool good = true;
    if (is_mask(p.index)) {
      const Tensor own = Tensor::empty(p.sizes, Dtype::Int64);
      mask_offsets(p, sizes.subspan(d, span), strides.subspan(d, span), own.data<std::int64_t>());
      index_offsets(at, own.data<std::int64_t>(), INT64_MAX, 1, i > 0, out);
    } else {
      const GilRelease release(at.numel >= kGilReleaseElements);
      good =
          p.index.dtype() == Dtype::Int64
              ? index_offsets(at, p.index.data<std::int64_t>(), sizes[d], strides[d], i > 0, out)
              : index_offsets(at, p.index.data<std::int32_t>(), sizes[d], strides[d], i > 0, out);
    }
    if (!good && !none) fail_range(p.index, sizes[d], number);
    number += groups[i].span;
  }
  return total;
}

// --- the loops ---

// `sizes` and `strides` of the tensor picked from.
Picks make_picks(const Dims& kept, Span kept_strides, int lead, const Tensor& offsets, Span sizes,
                 Span strides) {
  Picks p;
  for (int d = 0; d < kept.n; ++d)
    (d < lead ? p.lead : p.trail).add(kept[d], kept_strides[static_cast<std::size_t>(d)]);
  p.offsets = offsets.data<std::int64_t>();
  p.count = offsets.numel();
  p.extent = 1;
  for (std::size_t d = 0; d < sizes.size(); ++d) p.extent += (sizes[d] - 1) * strides[d];
  return p;
}
Picks make_picks(const IndexMap& map) {
  return make_picks(map.kept, map.strides, map.lead, map.offsets, map.full->sizes(),
                    map.full->strides());
}

void gather_loop(const Picks& p, const Tensor& x, const Tensor& y) {
  const GilRelease release(p.numel() >= kGilReleaseElements);
  pick(p, x.raw(), y.raw(), size_of(x.dtype()));
}

void put_loop(const Picks& p, const Tensor& x, const Tensor& values, bool accumulate) {
  if (accumulate && is_sixteen_bit(x.dtype())) {  // float32 in the same places, rounded at the end
    const Tensor wide = Tensor::empty(x.layout_ref(), Dtype::Float32);
    copy_in_place(wide, x);
    put_loop(p, wide, to_dtype(detach(values), Dtype::Float32), true);
    return copy_in_place(x, wide);
  }
  const Tensor v = values.numel() == 1 ? values : contiguous(detach(values));
  const GilRelease release(p.numel() >= kGilReleaseElements);
  put(p, x.raw(), v.raw(), v.numel() == 1, x.dtype(), accumulate);
}

// --- putting the pieces together ---

struct Plan {
  std::vector<Prepared> prepared;
  Dims shape, kept, strides,
      dense_strides;  // strides of the kept dimensions in x, and in a contiguous x
  int lead = 0;

  bool none() const { return product(kept) == 0; }
  Tensor offsets(std::span<const IndexGroup> groups, Span sizes, Span all_strides) const {
    return offsets_for(groups, prepared, sizes, all_strides, shape, none());
  }
  Picks picks(const Tensor& x, const Tensor& at) const {
    return make_picks(kept, strides, lead, at, x.sizes(), x.strides());
  }
};

Plan make_plan(const Tensor& x, std::span<const IndexGroup> groups) {
  Plan p;
  bool indexed[kMaxDims] = {};
  check_groups(x, groups);
  for (const IndexGroup& g : groups) {
    const Tensor t = contiguous(detach(g.index));
    if (is_mask(t)) {
      TrueCount found = count_true(t.data<std::uint8_t>(), t.numel());
      const Dims sizes{found.total};
      p.prepared.push_back({t, sizes, std::move(found)});
    } else {
      p.prepared.push_back({t, Dims(t.sizes()), {}});
    }
    for (int k = 0; k < g.span; ++k) indexed[g.dim + k] = true;
  }
  p.shape = index_shape(groups, p.prepared);
  for (const IndexGroup& g : groups)
    BACKLIT_CHECK(x.layout().size(g.dim) > 0 || is_mask(g.index) || g.index.numel() == 0, Index,
                  "index is out of bounds for dimension with size 0");
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
  if (!map->offsets.defined()) map->offsets = p.offsets(groups, x.sizes(), map->full->strides());
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

namespace {

// Without a recording nobody asks for the offsets: a mask over all of x, or one index tensor, can
// do without.
bool picked_directly(const Tensor& x, std::span<const IndexGroup> groups, const Plan& p,
                     const Tensor& y) {
  const Tensor& index = p.prepared[0].index;
  if (groups.size() > 1 || should_record({x})) return false;
  if (is_mask(index)) {
    if (p.kept.n > 0 || !x.is_contiguous()) return false;
    const GilRelease release(x.numel() >= kGilReleaseElements);
    compress(index.data<std::uint8_t>(), x.numel(), p.prepared[0].found, x.raw(), y.raw(),
             size_of(x.dtype()));
    return true;
  }
  const int d = groups[0].dim;
  if (index.dtype() != Dtype::Int64 || d != x.dim() - 1 || p.none()) return false;
  Dims lines(x.sizes());
  lines[d] = index.numel();
  const Dims steps = contiguous_strides(lines);
  Along a;
  for (int k = 0; k < d; ++k) a.add({x.layout().size(k), x.layout().stride(k), 0, steps[k]});
  a.own = {index.numel(), x.layout().stride(d), 1, 1};
  a.limit = x.layout().size(d);
  a.wraps = true;
  bool good;
  {
    const GilRelease release(y.numel() >= kGilReleaseElements);
    good = gather_along(a, x.raw(), index.data<std::int64_t>(), y.raw(), size_of(x.dtype()));
  }
  if (!good) fail_range(index, a.limit, 0);
  return true;
}

}  // namespace

Tensor index(const Tensor& x, std::span<const IndexGroup> groups, const char* name) {
  const Plan p = make_plan(x, groups);
  const Dims sizes = sizes_of(p.kept, p.lead, p.shape);
  Tensor y = Tensor::empty(sizes, x.dtype());
  Tensor offsets;
  if (!picked_directly(x, groups, p, y)) {
    offsets = p.offsets(groups, x.sizes(), x.strides());
    gather_loop(p.picks(x, offsets), x, y);
  }
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
  gather_loop(make_picks(*map), dense, y);
  return record(name, y, {x}, {}, [map](Vjp& v) { v.set(0, put_at(v.g(), map)); });
}

Tensor put_at(const Tensor& y, const IndexMapRef& map) {
  Tensor x = Tensor::zeros(map->full->sizes(), y.dtype());
  Tensor values = y;
  if (y.numel() == 1 && map->offsets.numel() != 1)
    values = clone_contiguous(expand(detach(y), map->result_sizes()));
  put_loop(make_picks(*map), x, values, true);
  return record("IndexPutBackward0", x, {y}, {}, [map](Vjp& v) { v.set(0, pick_at(v.g(), map)); });
}

Tensor clear_at(const Tensor& x, const IndexMapRef& map) {
  Tensor y = Tensor::empty(map->full->sizes(), x.dtype());
  copy_in_place(y, x);
  put_loop(make_picks(*map), y, Tensor::scalar(0, x.dtype()), false);
  return record("IndexPutBackward0", y, {x}, {}, [map](Vjp& v) { v.set(0, clear_at(v.g(), map)); });
}

Tensor index_put_(const Tensor& x, std::span<const IndexGroup> groups, const Tensor& value,
                  bool accumulate, const char* name) {
  const Plan p = make_plan(x, groups);
  const Dims sizes = sizes_of(p.kept, p.lead, p.shape);
  bool fits = value.dim() <= sizes.n;
  for (int k = 1; k <= std::min(value.dim(), sizes.n); ++k) {
    const auto n = value.layout().size(value.dim() - k);
    fits = fits && (n == 1 || n == sizes[sizes.n - k]);
  }
  BACKLIT_CHECK(fits, Runtime, "shape mismatch: value tensor of shape ", to_string(value.sizes()),
                " cannot be broadcast to indexing result of shape ", to_string(sizes));
  BACKLIT_CHECK(value.dtype() == x.dtype(), Runtime,
                "Index put requires the source and destination dtypes match, got ",
                info(x.dtype()).scalar_name, " for the destination and ",
                info(value.dtype()).scalar_name, " for the source.");
  const Tensor offsets = p.offsets(groups, x.sizes(), x.strides());
  const Tensor source = detach(value);
  const bool overlap = x->storage->data == value->storage->data;
  const bool as_is = value.numel() == 1 || std::ranges::equal(value.sizes(), Span(sizes));
  const Tensor spread = as_is && !overlap ? source : clone_contiguous(expand(source, sizes));
  const bool recorded = x.is_differentiable() && should_record({x, value});
  const IndexMapRef map =
      recorded ? map_of(x, groups, p, x.is_contiguous() ? offsets : Tensor()) : nullptr;
  return record_in_place(
      name, x, {x, value}, {}, [&] { put_loop(p.picks(x, offsets), x, spread, accumulate); },
      [map, accumulate, shape = Dims(value.sizes())](Vjp& v) {
        if (v.needs(0)) v.set(0, accumulate ? v.g() : clear_at(v.g(), map));
        if (v.needs(1)) v.set(1, sum_to(pick_at(v.g(), map), shape));
      });
}

}  // namespace backlit::ops
