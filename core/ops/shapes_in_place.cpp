// Changes of a tensor's own sizes, strides and memory: t_, squeeze_, ..., resize_, set_.
#include <algorithm>
#include <cstring>

#include "graph/inplace.h"
#include "graph/tracking.h"
#include "ops/arithmetic.h"
#include "ops/products.h"
#include "ops/views.h"
#include "registry/registry.h"

namespace backlit::ops {
namespace {

// x becomes what `look(x)` shows. The elements stay, so the history grows by the view alone, also
// where x is a view itself.
template <class Look> Tensor become(const char* name, const Tensor& x, Look look) {
  check_inplace(x);
  {
    const Tensor y = look(x);
    std::swap(x->layout, y->layout);
    std::swap(x->data, y->data);
    bump_version(x);
    if (y->grad_fn) {
      const Ref<Node> node = Ref<Node>::borrow(y->grad_fn);
      node->name = name;
      replace_history(x, node.get());
      entangle(x);
    }
  }
  if (x->meta && x->meta->base) x->meta->view_version = x.version();
  return x;
}

Tensor transpose_in_place(const Tensor& x, std::int64_t a, std::int64_t b) {
  return become("TransposeBackward1", x, [&](const Tensor& t) { return transpose(t, a, b); });
}
Tensor t_in_place(const Tensor& x) {
  BACKLIT_CHECK(x.dim() <= 2, Runtime, "t_() expects a tensor with <= 2 dimensions, but self is ",
                x.dim(), "D");
  return become("TBackward1", x,
                [](const Tensor& t) { return transpose(t, 0, t.dim() < 2 ? 0 : 1); });
}
Tensor squeeze_in_place(const Tensor& x) {
  return become("SqueezeBackward3", x, [](const Tensor& t) { return squeeze(t); });
}
Tensor squeeze_one_in_place(const Tensor& x, std::int64_t dim) {
  return become("SqueezeBackward4", x, [&](const Tensor& t) { return squeeze(t, Dims{dim}); });
}
Tensor squeeze_some_in_place(const Tensor& x, const Dims& dims) {
  return become("SqueezeBackward5", x, [&](const Tensor& t) { return squeeze(t, dims, true); });
}
Tensor unsqueeze_in_place(const Tensor& x, std::int64_t dim) {
  return become("UnsqueezeBackward1", x, [&](const Tensor& t) { return unsqueeze(t, dim); });
}
Tensor as_strided_in_place(const Tensor& x, const Dims& size, const Dims& stride,
                           std::optional<std::int64_t> offset) {
  return become("AsStridedBackward1", x, [&](const Tensor& t) {
    return as_strided(t, size, stride, offset.value_or(t.offset()));
  });
}

// --- other memory ---

void take_memory(const Tensor& x, Storage* owned, char* data, LayoutRef layout) {
  Storage* former = std::exchange(x->storage, owned);
  LayoutRef former_layout(std::exchange(x->layout, layout.release()));
  x->data = data;
  release(former);
}

Tensor resize(const Tensor& x, Span sizes) {
  BACKLIT_CHECK(!x.requires_grad(), Runtime, "cannot resize variables that require grad");
  BACKLIT_CHECK(!x->storage->read_only, Runtime,
                "backlit: this tensor shares read-only memory and cannot be resized.");
  for (auto n : sizes)
    BACKLIT_CHECK(n >= 0, Runtime, "Trying to create tensor with negative dimension ", n, ": ",
                  to_string(sizes));
  LayoutRef layout = contiguous_layout(sizes);
  Storage* s = x->storage;
  const std::size_t start = static_cast<std::size_t>(x.raw() - s->data);
  const std::size_t need = start + static_cast<std::size_t>(layout->numel) * size_of(x.dtype());
  if (x.layout().same_sizes(*layout)) return x;
  if (need <= s->bytes) {
    LayoutRef former(std::exchange(x->layout, layout.release()));
  } else {
    // other tensors hold addresses into this memory, so it cannot move under them
    BACKLIT_CHECK(
        s->refs == 1 && (s->kind == Storage::Kind::Inline || s->kind == Storage::Kind::Owned),
        NotImplemented,
        "resize_: the memory is shared with another tensor or object and cannot grow. "
        "clone() the tensor first.");
    Storage* grown = new_storage(need);
    std::memcpy(grown->data, s->data, s->bytes);
    std::memset(grown->data + s->bytes, 0, need - s->bytes);
    grown->version = s->version;
    take_memory(x, grown, grown->data + start, std::move(layout));
  }
  bump_version(x);
  return x;
}
Tensor resize_op(const Tensor& x, const Dims& size) { return resize(x, size); }
Tensor resize_as(const Tensor& x, const Tensor& other) { return resize(x, other.sizes()); }

// x looks at source's memory from now on, with a version counter of its own.
Tensor set_as(const Tensor& x, const Tensor& source, const LayoutRef& layout, std::int64_t offset) {
  check_inplace(x);
  BACKLIT_CHECK(x.dtype() == source.dtype(), Runtime, "Could not set tensor of type ",
                info(source.dtype()).c_name, " to a tensor of type ", info(x.dtype()).c_name);
  BACKLIT_CHECK(!should_record({x, source}), NotImplemented,
                "set_: not recorded by backlit; a tensor here requires grad. "
                "Call it under torch.no_grad(), or on .data.");
  const Tensor look = as_strided(detach(source), layout->sizes(), layout->strides(), offset);
  take_memory(x, share_storage(look->storage, x.version() + 1), look.raw(), layout);
  return x;
}
Tensor set_empty(const Tensor& x) {
  return set_as(x, Tensor::empty(Dims{0}, x.dtype()), contiguous_layout(Dims{0}), 0);
}
Tensor set_tensor(const Tensor& x, const Tensor& source) {
  return set_as(x, source, source.layout_ref(), source.offset());
}
Tensor set_strided(const Tensor& x, const Tensor& source, std::int64_t offset, const Dims& size,
                   const Dims& stride) {
  return set_as(x, source, stride.empty() ? contiguous_layout(size) : strided_layout(size, stride),
                offset);
}
// A storage: anything with `_as_elements(dtype)`, its memory as a 1-D tensor.
Tensor set_storage(const Tensor& x, Any storage, std::int64_t offset, std::optional<Dims> size,
                   const Dims& stride) {
  const Object elements = Object::steal(
      PyObject_CallMethod(storage.object, "_as_elements", "O", dtype_object(x.dtype())));
  if (!elements) throw PythonErrorSet();
  const Tensor source = FromPython<Tensor>::get(elements.get());
  return size ? set_strided(x, source, offset, *size, stride) : set_tensor(x, source);
}

// --- rows ---

RowOptions in_place_of(const char* meaning, const char* gradient = "as without the underscore") {
  return {.meaning = meaning, .gradient = gradient, .function = false};
}
const RegisterAny t_row("t_(Tensor input) -> Tensor", t_in_place,
                        in_place_of("Becomes its transpose."));
const RegisterAny transpose_row("transpose_(Tensor input, int dim0, int dim1) -> Tensor",
                                transpose_in_place, in_place_of("Swaps two of its dimensions."));
const RegisterAny swapdims_row("swapdims_(Tensor input, int dim0, int dim1) -> Tensor",
                               transpose_in_place, in_place_of("Swaps two of its dimensions."));
const RegisterAny swapaxes_row("swapaxes_(Tensor input, int axis0, int axis1) -> Tensor",
                               transpose_in_place, in_place_of("Swaps two of its dimensions."));
const RegisterAny squeeze_row("squeeze_(Tensor input) -> Tensor", squeeze_in_place,
                              in_place_of("Drops its dimensions of size 1."));
const RegisterAny squeeze_one_row("squeeze_(Tensor input, int dim) -> Tensor", squeeze_one_in_place,
                                  in_place_of("Drops its dimensions of size 1."));
const RegisterAny squeeze_some_row("squeeze_(Tensor input, int[] dim) -> Tensor",
                                   squeeze_some_in_place,
                                   in_place_of("Drops its dimensions of size 1."));
const RegisterAny unsqueeze_row("unsqueeze_(Tensor input, int dim) -> Tensor", unsqueeze_in_place,
                                in_place_of("Gets a dimension of size 1 at dim."));
const RegisterAny as_strided_row(
    "as_strided_(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
    as_strided_in_place,
    {.meaning = "Looks at its storage through these sizes and strides.",
     .gradient = "as as_strided"});
const RegisterAny resize_row("resize_(Tensor input, int* size) -> Tensor", resize_op,
                             in_place_of("Gets these sizes; new elements are 0.", ""));
const RegisterAny resize_as_row(
    "resize_as_(Tensor input, Tensor the_template) -> Tensor", resize_as,
    {.meaning = "Gets the sizes of another tensor; new elements are 0."});
const RegisterAny set_empty_row("set_(Tensor input) -> Tensor", set_empty,
                                in_place_of("Looks at other memory.", ""));
const RegisterAny set_tensor_row("set_(Tensor input, Tensor source) -> Tensor", set_tensor,
                                 in_place_of("Looks at the memory of source.", ""));
const RegisterAny set_strided_row(
    "set_(Tensor input, Tensor source, int storage_offset, int[] size, int[] stride=[]) -> Tensor",
    set_strided, in_place_of("Looks at the memory of source.", ""));
const RegisterAny set_storage_row(
    "set_(Tensor input, any source, int storage_offset=0, int[]? size=None, int[] stride=[]) -> "
    "Tensor",
    set_storage, in_place_of("Looks at the memory of source.", ""));

}  // namespace
}  // namespace backlit::ops
