#include "ops/views.h"

#include <algorithm>

#include "ops/arithmetic.h"
#include "ops/reductions.h"

namespace backlit::ops {

Tensor expand(const Tensor& x, Span sizes) {
  const int lead = static_cast<int>(sizes.size()) - x.dim();
  BACKLIT_CHECK(
      lead >= 0, Runtime, "expand(torch.", info(x.dtype()).tensor_type, "{", to_string(x.sizes()),
      "}, size=", to_string(sizes), "): the number of sizes provided (", sizes.size(),
      ") must be greater or equal to the number of dimensions in the tensor (", x.dim(), ")");
  Dims out(sizes), strides;
  strides.n = out.n;
  for (int d = out.n - 1; d >= 0; --d) {  // the last dimension that does not fit is told
    const int k = d - lead;
    if (k < 0) {
      BACKLIT_CHECK(out[d] >= 0, Runtime, "The expanded size of the tensor (", out[d],
                    ") isn't allowed in a leading, non-existing dimension ", d);
      continue;  // below, when the strides behind are known
    }
    if (out[d] == -1) out[d] = x.layout().size(k);
    if (x.layout().size(k) == out[d]) {
      strides[d] = x.layout().stride(k);
    } else {
      BACKLIT_CHECK(x.layout().size(k) == 1, Runtime, "The expanded size of the tensor (", out[d],
                    ") must match the existing size (", x.layout().size(k),
                    ") at non-singleton dimension ", d, ".  Target sizes: ", to_string(sizes),
                    ".  Tensor sizes: ", to_string(x.sizes()));
      strides[d] = 0;
    }
  }
  // a new dimension of size 1 has the stride of a contiguous one, as in PyTorch
  for (int d = lead - 1; d >= 0; --d)
    strides[d] = out[d] == 1 && d + 1 < out.n ? out[d + 1] * strides[d + 1] : 0;
  return make_view(
      "ExpandBackward0", x, strided_layout(out, strides), 0,
      ForBatches{[from = x.layout_ref()](Vjp& v) { v.set(0, sum_to(v, v.g(), from->sizes())); }});
}

Dims infer_sizes(Span sizes, std::int64_t numel) {
  Dims out(sizes);
  int inferred = -1;
  std::int64_t known = 1;
  for (int i = 0; i < out.n; ++i) {
    if (out[i] == -1) {
      BACKLIT_CHECK(inferred < 0, Runtime, "only one dimension can be inferred");
      inferred = i;
    } else {
      BACKLIT_CHECK(out[i] >= 0, Runtime, "invalid shape dimension ", out[i], " at index ", i,
                    " of shape ", to_string(sizes));
      known *= out[i];
    }
  }
  const bool fits = known == numel || (inferred >= 0 && known > 0 && numel % known == 0);
  BACKLIT_CHECK(fits, Runtime, "shape '", to_string(sizes), "' is invalid for input of size ",
                numel);
  if (inferred >= 0) {
    BACKLIT_CHECK(known != 0, Runtime, "cannot reshape tensor of 0 elements into shape ",
                  to_string(sizes),
                  " because the unspecified dimension size -1 can be any value and is ambiguous");
    out[inferred] = numel / known;
  }
  return out;
}

std::optional<Dims> view_strides(const Layout& x, Span sizes) {
  if (x.numel == 0) return contiguous_strides(sizes);
  if (x.contiguous) return contiguous_strides(sizes);
  // walk both shapes from the inside: a block of old dimensions that are contiguous among
  // themselves may be cut anew
  Dims strides;
  strides.n = static_cast<int>(sizes.size());
  int view_d = strides.n - 1;
  std::int64_t base = x.ndim ? x.stride(x.ndim - 1) : 1, old_numel = 1, new_numel = 1;
  for (int d = x.ndim - 1; d >= 0; --d) {
    old_numel *= x.size(d);
    const bool block_ends = d == 0 || (x.size(d - 1) != 1 && x.stride(d - 1) != old_numel * base);
    if (!block_ends) continue;
    while (view_d >= 0 && (new_numel < old_numel || sizes[static_cast<std::size_t>(view_d)] == 1)) {
      strides[view_d] = new_numel * base;
      new_numel *= sizes[static_cast<std::size_t>(view_d)];
      --view_d;
    }
    if (new_numel != old_numel) return std::nullopt;
    if (d > 0) {
      base = x.stride(d - 1);
      old_numel = new_numel = 1;
    }
  }
  if (view_d != -1) return std::nullopt;
  return strides;
}

namespace {

Tensor view_with(const char* name, const Tensor& x, const Dims& sizes, const Dims& strides) {
  return make_view(name, x, strided_layout(sizes, strides), 0,
                   ForBatches{[from = x.layout_ref()](Vjp& v) {
                     v.set(0, reshape(v.g(), v.sizes(from->sizes())));
                   }});
}

}  // namespace

Tensor view(const Tensor& x, Span sizes) {
  const Dims out = infer_sizes(sizes, x.numel());
  const auto strides = view_strides(x.layout(), out);
  BACKLIT_CHECK(strides, Runtime,
                "view size is not compatible with input tensor's size and stride (at least one "
                "dimension spans across two contiguous subspaces). Use .reshape(...) instead.");
  return view_with("ViewBackward0", x, out, *strides);
}

Tensor reshape(const Tensor& x, Span sizes) {
  const Dims out = infer_sizes(sizes, x.numel());
  if (const auto strides = view_strides(x.layout(), out))
    return view_with("ViewBackward0", x, out, *strides);
  const Tensor flat = clone_contiguous(x);
  return view_with("UnsafeViewBackward0", flat, out, contiguous_strides(out));
}

Tensor permute(const Tensor& x, Span order) {
  BACKLIT_CHECK(static_cast<int>(order.size()) == x.dim(), Runtime,
                "permute(sparse_coo): number of dimensions in the tensor input does not match the "
                "length of the desired ordering of dimensions i.e. input.dim() = ",
                x.dim(), " is not equal to len(dims) = ", order.size());
  Dims sizes, strides, inverse;
  inverse.n = x.dim();
  bool seen[kMaxDims] = {};
  for (int i = 0; i < x.dim(); ++i) {
    const int d = wrap_dim(order[static_cast<std::size_t>(i)], x.dim());
    BACKLIT_CHECK(!seen[d], Runtime, "permute(): duplicate dims are not allowed.");
    seen[d] = true;
    sizes.push_back(x.layout().size(d));
    strides.push_back(x.layout().stride(d));
    inverse[d] = i;
  }
  return make_view("PermuteBackward0", x, strided_layout(sizes, strides), 0,
                   ForBatches{[inverse](Vjp& v) {
                     Dims order;
                     if (v.lead()) order.push_back(0);
                     for (const std::int64_t d : inverse) order.push_back(d + v.lead());
                     v.set(0, permute(v.g(), order));
                   }});
}

Tensor transpose(const Tensor& x, std::int64_t a, std::int64_t b, const char* name) {
  const int i = wrap_dim(a, x.dim()), j = wrap_dim(b, x.dim());
  Dims sizes(x.sizes()), strides(x.strides());
  if (x.dim() > 0) {
    std::swap(sizes[i], sizes[j]);
    std::swap(strides[i], strides[j]);
  }
  return make_view(name, x, strided_layout(sizes, strides), 0, ForBatches{[i, j](Vjp& v) {
                     v.set(0, transpose(v.g(), i + v.lead(), j + v.lead()));
                   }});
}

namespace {

// The gradient of a view that leaves elements out: zeros of the full shape with g written into the
// view; `view` and `offset` as in a contiguous tensor of that shape.
Tensor embed(const Tensor& g, const LayoutRef& full, const LayoutRef& view, std::int64_t offset);

struct PickRule {
  LayoutRef full, view;
  std::int64_t offset;
  void operator()(Vjp& v) const { v.set(0, embed(v.g(), full, view, offset)); }
};

Tensor embed(const Tensor& g, const LayoutRef& full, const LayoutRef& view, std::int64_t offset) {
  Tensor out = Tensor::zeros(full->sizes(), g.dtype());
  copy_in_place(out.alias(view, offset), g);
  return record("EmbedBackward0", out, {g}, {}, [view, offset](Vjp& v) {
    const Tensor h = contiguous(v.g());
    const LayoutRef full = contiguous_layout(h.sizes());
    v.set(0, make_view("AsStridedBackward0", h, view, offset, PickRule{full, view, offset}));
  });
}

}  // namespace

Tensor make_pick(const char* name, const Tensor& x, const Pick& p) {
  LayoutRef layout = strided_layout(p.sizes, p.strides);
  if (!modes.grad || !x.requires_grad()) {
    Tensor y = x.alias(std::move(layout), p.offset);
    if (x.is_differentiable()) set_view(y, x);
    return y;
  }
  if (x.is_contiguous())
    return make_view(name, x, layout, p.offset,
                     PickRule{contiguous_layout(x.sizes()), layout, p.offset});
  return make_view(name, x, std::move(layout), p.offset,
                   PickRule{contiguous_layout(x.sizes()), strided_layout(p.sizes, p.dense_strides),
                            p.dense_offset});
}

Pick pick_all(const Tensor& x) {
  Pick p;
  p.sizes = Dims(x.sizes());
  p.strides = Dims(x.strides());
  p.dense_strides = x.is_contiguous() ? p.strides : contiguous_strides(x.sizes());
  return p;
}

Tensor select(const Tensor& x, std::int64_t dim, std::int64_t index) {
  BACKLIT_CHECK(x.dim() > 0, Index, "select() cannot be applied to a 0-dim tensor.");
  const int d = wrap_dim(dim, x.dim());
  const std::int64_t n = x.layout().size(d);
  BACKLIT_CHECK(index >= -n && index < n, Index, "select(): index ", index,
                " out of range for tensor of size ", to_string(x.sizes()), " at dimension ", d);
  Pick p = pick_all(x);
  p.select(d, index < 0 ? index + n : index);
  return make_pick("SelectBackward0", x, p);
}

Tensor slice(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t end,
             std::int64_t step) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "slice() cannot be applied to a 0-dim tensor.");
  BACKLIT_CHECK(step > 0, Value, "step must be greater than zero");
  const int d = wrap_dim(dim, x.dim());
  const std::int64_t n = x.layout().size(d);
  if (start < 0) start += n;
  if (end < 0) end += n;
  start = std::clamp<std::int64_t>(start, 0, n);
  end = std::clamp<std::int64_t>(end, start, n);
  Pick p = pick_all(x);
  p.slice(d, start, (end - start + step - 1) / step, step);
  return make_pick("SliceBackward0", x, p);
}

Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length) {
  BACKLIT_CHECK(x.dim() > 0, Runtime, "narrow() cannot be applied to a 0-dim tensor.");
  BACKLIT_CHECK(length >= 0, Runtime, "narrow(): length must be non-negative.");
  const std::int64_t n = x.size(dim);
  BACKLIT_CHECK(start >= -n && start <= n, Index,
                "start out of range (expected to be in range of [", -n, ", ", n, "], but got ",
                start, ")");
  if (start < 0) start += n;
  BACKLIT_CHECK(start + length <= n, Runtime, "start (", start, ") + length (", length,
                ") exceeds dimension size (", n, ").");
  return slice(x, dim, start, start + length, 1);
}

Tensor unsqueeze(const Tensor& x, std::int64_t dim) {
  const int d = wrap_dim(dim, x.dim() + 1);
  Dims sizes(x.sizes()), strides(x.strides());
  strides.insert(d, d < x.dim() ? sizes[d] * strides[d] : 1);
  sizes.insert(d, 1);
  return make_view("UnsqueezeBackward0", x, strided_layout(sizes, strides), 0,
                   ForBatches{[d](Vjp& v) { v.set(0, squeeze(v.g(), Dims{d + v.lead()})); }});
}

namespace {

Tensor squeeze_where(const char* name, const Tensor& x, const bool* drop) {
  Dims sizes, strides;
  for (int d = 0; d < x.dim(); ++d) {
    if (x.layout().size(d) == 1 && drop[d]) continue;
    sizes.push_back(x.layout().size(d));
    strides.push_back(x.layout().stride(d));
  }
  return make_view(name, x, strided_layout(sizes, strides), 0,
                   ForBatches{[from = x.layout_ref()](Vjp& v) {
                     v.set(0, reshape(v.g(), v.sizes(from->sizes())));
                   }});
}

}  // namespace

Tensor squeeze(const Tensor& x) {
  bool drop[kMaxDims];
  std::ranges::fill(drop, true);
  return squeeze_where("SqueezeBackward0", x, drop);
}

Tensor squeeze(const Tensor& x, Span dims, bool list) {
  bool drop[kMaxDims] = {};
  for (auto k : dims) {
    const int d = wrap_dim(k, x.dim());
    BACKLIT_CHECK(!drop[d], Runtime, "dim ", d, " appears multiple times in the list of dims");
    drop[d] = true;
  }
  return squeeze_where(list ? "SqueezeBackward2" : "SqueezeBackward1", x, drop);
}

Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  const int a = wrap_dim(dim1, x.dim()), b = wrap_dim(dim2, x.dim());
  BACKLIT_CHECK(a != b, Runtime, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  Pick p = pick_all(x);
  const std::int64_t rows = p.sizes[a], columns = p.sizes[b];
  const std::int64_t length =
      std::max<std::int64_t>(offset >= 0 ? std::min(rows, columns - offset)
                                         : std::min(rows + std::max(offset, -rows - 1), columns),
                             0);
  const auto step = [&](const Dims& s) { return s[a] + s[b]; };
  const std::int64_t moved = offset >= 0 ? p.strides[b] * offset : -p.strides[a] * offset;
  const std::int64_t dense =
      offset >= 0 ? p.dense_strides[b] * offset : -p.dense_strides[a] * offset;
  if (length > 0) {
    p.offset = moved;
    p.dense_offset = dense;
  }
  const std::int64_t stride = step(p.strides), dense_stride = step(p.dense_strides);
  for (int d : {std::max(a, b), std::min(a, b)}) {
    p.sizes.erase(d);
    p.strides.erase(d);
    p.dense_strides.erase(d);
  }
  p.sizes.push_back(length);
  p.strides.push_back(stride);
  p.dense_strides.push_back(dense_stride);
  return make_pick("DiagonalBackward0", x, p);
}

namespace {

// The bytes of the last dimension cut into elements of another size.
Tensor view_as_other_size(const Tensor& x, Dtype dtype) {
  const auto from = static_cast<std::int64_t>(size_of(x.dtype()));
  const auto to = static_cast<std::int64_t>(size_of(dtype));
  const std::string what = concat(" to view ", info(x.dtype()).scalar_name, " as ",
                                  info(dtype).scalar_name, " (different element sizes)");
  BACKLIT_CHECK(x.dim() > 0, Runtime, "self.dim() cannot be 0", what);
  Dims sizes(x.sizes()), strides(x.strides());
  const int last = x.dim() - 1;
  BACKLIT_CHECK(strides[last] == 1, Runtime, "self.stride(-1) must be 1", what, ", but got ",
                strides[last]);
  const auto divide = [&](std::int64_t n, const char* name) {
    BACKLIT_CHECK(n % (to / from) == 0, Runtime, "self.", name, " must be divisible by ", to / from,
                  what, ", but got ", n);
    return n / (to / from);
  };
  if (to > from) {
    sizes[last] = divide(sizes[last], "size(-1)");
    divide(x.offset(), "storage_offset()");
    for (int d = 0; d < last; ++d)
      strides[d] = divide(strides[d], concat("stride(", d, ")").c_str());
  } else {
    sizes[last] *= from / to;
    for (int d = 0; d < last; ++d) strides[d] *= from / to;
  }
  Tensor y = x.alias(strided_layout(sizes, strides));
  y->dtype = dtype;
  return y;
}

}  // namespace

Tensor view_as_dtype(const Tensor& x, Dtype dtype) {
  if (x.dtype() == dtype) return alias(x);
  if (size_of(dtype) != size_of(x.dtype())) return view_as_other_size(x, dtype);
  Tensor y = x.alias();
  y->dtype = dtype;
  return y;
}

Tensor alias(const Tensor& x) {
  return make_view("AliasBackward0", x, x.layout_ref(), 0,
                   ForBatches{[](Vjp& v) { v.set(0, v.g()); }});
}

Tensor detach(const Tensor& x) { return x.alias(); }

namespace {

// Gradient of as_strided(x): for each element of x the sum over the places of the view that show
// it. Worked out on flat storages, so that overlapping and partial views are right.
struct AsStridedRule {
  LayoutRef from, view;
  std::int64_t offset;  // of the view's first element from x's first

  void operator()(Vjp& v) const {
    Tensor g = v.g();
    v.set(0, scatter(g, from, view, offset));
  }
  // x-shaped result whose memory order is x's own.
  static Tensor scatter(const Tensor& g, const LayoutRef& from, const LayoutRef& view,
                        std::int64_t offset);
};

std::int64_t extent(const Layout& l) {
  if (l.numel == 0) return 0;
  std::int64_t n = 1;
  for (int d = 0; d < l.ndim; ++d) n += (l.size(d) - 1) * l.stride(d);
  return n;
}

// Do no two indices show one element? (May say no where the answer is yes.)
bool never_overlaps(const Layout& l) {
  if (l.dense) return true;
  int order[kMaxDims], n = 0;
  for (int d = 0; d < l.ndim; ++d) {
    if (l.size(d) == 1) continue;
    int at = n++;
    for (; at > 0 && l.stride(order[at - 1]) > l.stride(d); --at) order[at] = order[at - 1];
    order[at] = d;
  }
  std::int64_t covered = 0;  // the furthest element of the dimensions so far
  for (int i = 0; i < n; ++i) {
    if (l.stride(order[i]) <= covered) return false;
    covered += (l.size(order[i]) - 1) * l.stride(order[i]);
  }
  return true;
}

void add_strided(const Tensor& flat, const Tensor& g, const Layout& view, std::int64_t offset) {
  const Tensor dense = contiguous(detach(g));
  const auto add_up = [&](auto zero) {
    using T = decltype(zero);
    const T* source = dense.data<T>();
    T* target = flat.data<T>() + offset;
    std::int64_t index[kMaxDims] = {};
    for (std::int64_t i = 0; i < view.numel; ++i) {
      std::int64_t at = 0;
      for (int d = 0; d < view.ndim; ++d) at += index[d] * view.stride(d);
      target[at] = static_cast<T>(target[at] + source[i]);
      for (int d = view.ndim - 1; d >= 0; --d) {
        if (++index[d] < view.size(d)) break;
        index[d] = 0;
      }
    }
  };
  g.is_complex() ? visit_complex(g.dtype(), add_up) : visit(g.dtype(), add_up);
}

Tensor AsStridedRule::scatter(const Tensor& g, const LayoutRef& from, const LayoutRef& view,
                              std::int64_t offset) {
  if (is_sixteen_bit(g.dtype()))
    return to_dtype(scatter(to_dtype(g, Dtype::Float32), from, view, offset), g.dtype());
  const std::int64_t low = std::min<std::int64_t>(offset, 0);
  const std::int64_t high = std::max(extent(*from), offset + extent(*view));
  Tensor flat = Tensor::zeros(Dims{high - low}, g.dtype());
  if (never_overlaps(*view))
    copy_in_place(flat.alias(view, offset - low), g);
  else
    add_strided(flat, g, *view, offset - low);
  const bool whole = from->dense && low == 0 && high == from->numel;
  Tensor out = whole ? flat.alias(from) : clone_contiguous(flat.alias(from, -low));
  return record("AsStridedScatterBackward0", out, {g}, {}, [from, view, offset](Vjp& v) {
    v.set(0, pick_strided(v.g(), from, view, offset));
  });
}

}  // namespace

bool lies_within(const Tensor& base, const Tensor& view) {
  const auto step = static_cast<std::int64_t>(size_of(base.dtype()));
  return view.numel() == 0 ||
         (view.raw() >= base.raw() &&
          view.raw() + extent(view.layout()) * step <= base.raw() + extent(base.layout()) * step);
}

// linear: the gradient reads the same places back
Tensor pick_strided(const Tensor& x, const LayoutRef& layout, const LayoutRef& view,
                    std::int64_t offset) {
  const std::int64_t low = std::min<std::int64_t>(offset, 0);
  const std::int64_t high = std::max(extent(*layout), offset + extent(*view));
  Tensor flat = low == 0 && high <= extent(*layout) && layout->dense
                    ? Tensor::empty(Dims{high}, x.dtype())
                    : Tensor::zeros(Dims{high - low}, x.dtype());
  copy_in_place(flat.alias(layout, -low), x);
  Tensor part = clone_contiguous(flat.alias(view, offset - low));
  return record("AsStridedBackward0", part, {x}, {}, AsStridedRule{layout, view, offset});
}

Tensor as_strided(const Tensor& x, Span sizes, Span strides, std::int64_t storage_offset) {
  BACKLIT_CHECK(sizes.size() == strides.size(), Runtime, "mismatch in length of strides and shape");
  for (auto s : strides)
    BACKLIT_CHECK(s >= 0, Runtime,
                  "as_strided: Negative strides are not supported at the moment, got strides: ",
                  to_string(strides));
  LayoutRef layout = strided_layout(sizes, strides);
  const auto step = static_cast<std::int64_t>(size_of(x.dtype()));
  const std::int64_t need = (storage_offset + extent(*layout)) * step;
  BACKLIT_CHECK(storage_offset >= 0 &&
                    (layout->numel == 0 || need <= static_cast<std::int64_t>(x->storage->bytes)),
                Runtime, "setStorage: sizes ", to_string(sizes), ", strides ", to_string(strides),
                ", storage offset ", storage_offset, ", and itemsize ", step,
                " requiring a storage size of ", need, " are out of bounds for storage of size ",
                x->storage->bytes);
  const std::int64_t offset = storage_offset - x.offset();
  return make_view("AsStridedBackward0", x, layout, offset,
                   AsStridedRule{x.layout_ref(), layout, offset});
}

Tensor unfold(const Tensor& x, std::int64_t dim, std::int64_t size, std::int64_t step) {
  const int d = wrap_dim(dim, x.dim());
  const std::int64_t n = x.dim() ? x.layout().size(d) : 1;
  BACKLIT_CHECK(size >= 0, Runtime, "size is ", size, " but must be >= 0");
  BACKLIT_CHECK(size <= n, Runtime, "maximum size for tensor at dimension ", d, " is ", n,
                " but size is ", size);
  BACKLIT_CHECK(step > 0, Runtime, "step is ", step, " but must be > 0");
  Dims sizes(x.sizes()), strides(x.strides());
  Dims dense = contiguous_strides(x.sizes());
  for (Dims* s : {&strides, &dense}) {
    s->push_back(x.dim() ? (*s)[d] : 1);
    if (x.dim()) (*s)[d] *= step;
  }
  if (x.dim()) sizes[d] = (n - size) / step + 1;
  sizes.push_back(size);
  return make_view("UnfoldBackward0", x, strided_layout(sizes, strides), 0,
                   AsStridedRule{contiguous_layout(x.sizes()), strided_layout(sizes, dense), 0});
}

Ref<Node> as_strided_node(const Tensor& base, LayoutRef view, std::int64_t offset) {
  return as_strided_node(gradient_edge(base), base.layout_ref(), std::move(view), offset);
}

Ref<Node> as_strided_node(Edge base, LayoutRef layout, LayoutRef view, std::int64_t offset) {
  const Tensor none[1];
  Ref<Node> node = make_node("AsStridedBackward0", none, {}, 1, 0,
                             AsStridedRule{std::move(layout), std::move(view), offset});
  node->edges()[0] = base;
  track_if_inputs_are(*node);
  return node;
}

Tensor slice_scatter_strided(const Tensor& base, const Tensor& inner, const LayoutRef& layout,
                             const LayoutRef& view, std::int64_t offset) {
  Tensor out = Tensor::empty(layout, base.dtype());
  copy_in_place(out, base);
  Tensor window = out.alias(view, offset);
  if (inner.defined())
    copy_in_place(window, inner);
  else
    fill_in_place(window, Scalar(0));
  return record("SliceScatterBackward0", out, {base, inner}, {}, [view, offset, layout](Vjp& v) {
    if (v.needs(0)) v.set(0, slice_scatter_strided(v.g(), Tensor(), layout, view, offset));
    if (v.needs(1)) v.set(1, pick_strided(v.g(), layout, view, offset));
  });
}

}  // namespace backlit::ops
