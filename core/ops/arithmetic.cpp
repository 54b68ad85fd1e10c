#include "ops/arithmetic.h"

#include <algorithm>
#include <cstring>

#include "formulas/arithmetic.h"
#include "formulas/comparison.h"
#include "graph/inplace.h"
#include "ops/elementwise_node.h"
#include "ops/recorded.h"
#include "ops/reductions.h"
#include "ops/reductions_plan.h"
#include "ops/tile_run.h"
#include "ops/views.h"

namespace backlit::ops {

void refuse_bools(const Operand& a, const Operand& b) {
  const auto is_bool = [](const Operand& o) {
    return o.t ? o.t->dtype == Dtype::Bool : o.s.kind == Scalar::Kind::Bool;
  };
  if (!is_bool(a) && !is_bool(b)) return;
  fail(ErrorKind::Runtime,
       is_bool(a) && is_bool(b) ? formulas::Sub::bool_error : formulas::Rsub::bool_error);
}

Tensor add(const Operand& a, const Operand& b) {
  const Operand in[] = {a, b};
  return elementwise(RecordOf<formulas::Add>::op, in);
}
Tensor sub(const Operand& a, const Operand& b) {
  if ((a.t && a.t->dtype == Dtype::Bool) || (b.t && b.t->dtype == Dtype::Bool)) refuse_bools(a, b);
  const Operand in[] = {a, b};
  return elementwise(RecordOf<formulas::Sub>::op, in);
}
Tensor mul(const Operand& a, const Operand& b) {
  const Operand in[] = {a, b};
  return elementwise(RecordOf<formulas::Mul>::op, in);
}
Tensor div(const Operand& a, const Operand& b) {
  const Operand in[] = {a, b};
  return elementwise(RecordOf<formulas::Div>::op, in);
}
Tensor neg(const Tensor& x) { return apply<formulas::Neg>(x); }

Tensor where(const Tensor& condition, const Operand& a, const Operand& b) {
  const Operand in[] = {condition, a, b};
  return elementwise(RecordOf<formulas::Where>::op, in);
}

void add_in_place(const Tensor& x, const Tensor& y) {
  const Dtype compute = computing(x.dtype());
  const auto d = static_cast<std::size_t>(compute);
  constexpr double one[] = {1};
  if (x->layout == y->layout && x.dtype() == y.dtype() && x.layout().dense &&
      x.numel() <= 1 << 14 && x.dtype() == compute) {
    const void* in[] = {x.raw(), y.raw()};
    RecordOf<formulas::Add>::op.forward[d](in, x.raw(), x.numel(), one);
    return;
  }
  const TileInput in[] = {{x.raw(), x.dtype(), &x.layout()}, {y.raw(), y.dtype(), &y.layout()}};
  run_tiles(RecordOf<formulas::Add>::op.forward[d], in, {x.raw(), x.dtype(), &x.layout()}, compute,
            compute, one);
}

void copy_in_place(const Tensor& x, const Tensor& from) {
  copy_tiles({from.raw(), from.dtype(), &from.layout()}, {x.raw(), x.dtype(), &x.layout()});
}

void fill_in_place(const Tensor& x, const Scalar& value) {
  Complex<double> number;
  value.write(&number, x.dtype());
  if (x.numel() == 1) {
    std::memcpy(x.raw(), &number, size_of(x.dtype()));
    return;
  }
  copy_tiles({reinterpret_cast<const char*>(&number), x.dtype(), nullptr},
             {x.raw(), x.dtype(), &x.layout()});
}

namespace {

Tensor copy_with_layout(const Tensor& x, LayoutRef layout, Dtype dtype) {
  Tensor y = Tensor::empty(std::move(layout), dtype);
  if (dtype == x.dtype() && y->layout == x->layout && x.layout().dense) {
    const auto bytes = static_cast<std::size_t>(x.numel()) * size_of(dtype);
    if (bytes && bytes <= 1 << 16) {
      std::memcpy(y.raw(), x.raw(), bytes);
      return y;
    }
  }
  copy_in_place(y, x);
  return y;
}

// Of a copy: dense strides are kept, others become PyTorch's for that order of dimensions.
LayoutRef preserved(const Tensor& x) {
  if (x.layout().dense) return x.layout_ref();
  const Layout* l[] = {&x.layout()};
  return result_layout(x.sizes(), l);
}

Tensor record_copy(const char* name, const Tensor& x, Tensor y) {
  return record(name, std::move(y), {x}, {},
                ForBatches{[dtype = x.dtype()](Vjp& v) { v.set(0, to_dtype(v.g(), dtype)); }});
}

}  // namespace

Tensor clone(const Tensor& x) {
  return record_copy("CloneBackward0", x, copy_with_layout(x, preserved(x), x.dtype()));
}

Tensor clone_contiguous(const Tensor& x) {
  return record_copy("CloneBackward0", x,
                     copy_with_layout(x, contiguous_layout(x.sizes()), x.dtype()));
}

Tensor clone_like(const Tensor& g, const Tensor& like) {
  LayoutRef layout = like.layout().dense && g.layout().same_sizes(like.layout())
                         ? like.layout_ref()
                         : contiguous_layout(g.sizes());
  Tensor y = Tensor::empty(std::move(layout), like.dtype());
  copy_in_place(y, g);
  return y;
}

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : clone_contiguous(x); }

Tensor as_tensor(const Scalar& number) {
  const Operand in[] = {number};
  const Dtype dtype = result_type(in);
  Tensor x = Tensor::empty(Dims{}, dtype);
  fill_in_place(x, number);
  return x;
}

Tensor to_dtype(const Tensor& x, Dtype dtype) {
  if (x.dtype() == dtype) return x;
  Tensor y = copy_with_layout(x, preserved(x), dtype);
  if (!is_differentiable(dtype)) return y;
  return record_copy("ToCopyBackward0", x, std::move(y));
}

Tensor copy_(const Tensor& x, const Tensor& from) {
  BACKLIT_CHECK(std::ranges::equal(Span(broadcast_sizes(x.sizes(), from.sizes())), x.sizes()),
                Runtime, "output with shape ", to_string(x.sizes()),
                " doesn't match the broadcast shape ",
                to_string(broadcast_sizes(x.sizes(), from.sizes())));
  const bool overlap = x->storage->data == from->storage->data && x.get() != from.get();
  const Tensor source = overlap ? clone(detach(from)) : from;
  return record_in_place(
      "CopyBackwards", x, {x, from}, {}, [&] { copy_in_place(x, source); },
      [sizes = Dims(from.sizes()), dtype = from.dtype()](Vjp& v) {
        if (v.needs(0)) v.set(0, Tensor::zeros(v.g().sizes(), v.g().dtype()));
        if (v.needs(1)) v.set(1, to_dtype(sum_to(v.g(), sizes), dtype));
      });
}

Shared shared_memory(const TensorObject& a, const TensorObject& b) {
  if (&a == &b) return Shared::Everything;
  if (a.storage->data != b.storage->data || !a.layout->dense || !b.layout->dense)
    return Shared::Nothing;
  const auto end = [](const TensorObject& t) {
    return t.data + t.layout->numel * static_cast<std::int64_t>(size_of(t.dtype));
  };
  if (a.data >= end(b) || b.data >= end(a)) return Shared::Nothing;
  return a.data == b.data && same_geometry(a.layout, b.layout) ? Shared::Everything : Shared::Part;
}

void fail_overlap() {
  fail(ErrorKind::Runtime,
       "unsupported operation: some elements of the input tensor and the written-to tensor "
       "refer to a single memory location. Please clone() the tensor before performing the "
       "operation.");
}

Tensor into_out(const char* name, Tensor result, const Tensor& out) {
  if (!out.defined()) return result;
  BACKLIT_CHECK(
      !result.requires_grad() && !(modes.grad && out.requires_grad()), Runtime, name,
      "(): functions with out=... arguments don't support automatic differentiation, but one "
      "of the arguments requires grad. Use it under no_grad(), or without out=.");
  check_can_cast(result.dtype(), out.dtype());
  check_inplace(out, false);
  if (!out.layout().same_sizes(result.layout())) {
    if (out.numel() &&
        PyErr_WarnFormat(
            PyExc_UserWarning, 1,
            "An output with one or more elements was resized since it had shape %s, which "
            "does not match the required output shape %s. Pass an empty tensor, or one of "
            "the result's shape.",
            to_string(out.sizes()).c_str(), to_string(result.sizes()).c_str()) < 0)
      throw PythonErrorSet();
    Tensor fresh = Tensor::empty(result.sizes(), out.dtype());
    std::swap(out->storage, fresh->storage);
    std::swap(out->data, fresh->data);
    std::swap(out->layout, fresh->layout);
  }
  copy_in_place(out, result);
  bump_version(out);
  return out;
}

Tensor times_local(const Tensor& g, const Recorded& local, bool masks) {
  Tensor product =
      local.is_number() ? mul(g, Scalar(local.number())) : mul(g, conj(local.tensor()));
  if (!masks) return product;
  if (local.is_number()) return local.number() == 0 ? Tensor::zeros(g.sizes(), g.dtype()) : product;
  const Operand test[] = {local.tensor(), Scalar(0.0)};
  Tensor stopped = elementwise(RecordOf<formulas::Eq>::op, test);
  return where(stopped, Scalar(0.0), product);
}

Tensor sum_to(const Tensor& g, Span sizes) {
  if (std::ranges::equal(g.sizes(), sizes)) return g;
  const int lead = g.dim() - static_cast<int>(sizes.size());
  Dims dims;
  for (int d = 0; d < g.dim(); ++d)
    if (d < lead || (sizes[static_cast<std::size_t>(d - lead)] == 1 && g.layout().size(d) != 1))
      dims.push_back(d);
  Tensor s = dims.empty() ? g : sum(g, dims, true);
  return lead > 0 ? view(s, sizes) : s;
}

Tensor sum_to(const Vjp& v, const Tensor& g, Span sizes) {
  if (!v.lead()) return sum_to(g, sizes);
  const Dims target = v.sizes(sizes);
  Dims padded{target[0]};
  for (int gap = g.dim() - target.n; gap > 0; --gap) padded.push_back(1);
  for (const std::int64_t size : sizes) padded.push_back(size);
  return reshape(sum_to(g, padded), target);
}

Tensor expand_to(const Vjp& v, const Tensor& g, Span sizes) {
  const Dims target = v.sizes(sizes);
  if (!v.lead() || g.dim() == target.n) return expand(g, target);
  Dims padded(g.sizes());
  while (padded.n < target.n) padded.insert(1, 1);
  return expand(reshape(g, padded), target);
}

bool all_nonzero(const Tensor& x) {
  const bool real = !x.is_complex() && !is_sixteen_bit(x.dtype());
  const Tensor counted = real ? x : apply<formulas::Ne>(detach(x), Scalar(0));
  return reduce_all(Reduction::All, counted).item() != 0;
}

}  // namespace backlit::ops
